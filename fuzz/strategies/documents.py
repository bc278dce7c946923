"""Files that people write: JSON and TOML that is nearly what it should be, and other bytes."""

from __future__ import annotations

import json

from hypothesis import strategies as st

_STRANGE = [None, True, -1, 0, 1 << 63, 1 << 64, 10**400, 1.5, -0.0, 1e400, float("nan"), ""]
_STRANGE += ["\0", "a\n::error::b", "\x1b[31m", "\ud800", "##[error]", "../../etc/passwd", "/"]
_STRANGE += ["x" * 5000, "tape001.tap", "1970-01-01", 0.1 + 0.2]
_STRANGE += [[], {}, [[]], [{}], {"": {}}, ["a"], [1, "a"]]

TEXT = [
    b"",
    b"\xff",
    b"\0",
    b"\xef\xbb\xbf",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"9" * 5000,
    b"-",
    b"\n",
]
TEXT += [b"0x" + b"f" * 5000, b"1979-05-27T07:32:00Z", b"nan", b"Infinity", b"a=", b"[[a]]", b"\r"]


def values():
    """Strategy of values that JSON may hold, and some that it should not."""
    return st.recursive(
        st.sampled_from(_STRANGE) | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    )


@st.composite
def changed(draw, good):
    """Strategy of a value with something in it changed, taken away or added."""
    if not isinstance(good, dict | list) or not good or draw(st.integers(0, 5)) == 0:
        return draw(values())
    kind = dict if isinstance(good, dict) else list
    items = list(good.items()) if kind is dict else list(enumerate(good))
    at = draw(st.integers(0, len(items) - 1))
    key, value = items[at]
    how = draw(st.sampled_from(["change", "change", "change", "drop", "twice"]))
    if how == "drop":
        del items[at]
    elif how == "twice":
        items.append((draw(st.text(max_size=4)), value))
    else:
        items[at] = (key, draw(changed(value)))
    return dict(items) if kind is dict else [value for _, value in items]


@st.composite
def documents(draw, good, written):
    """Strategy of the bytes of a file that is nearly a good one.

    Args:
        draw: Of Hypothesis.
        good: What a good one holds.
        written: Returns the text of such a value.
    """
    value = good
    for _ in range(draw(st.integers(0, 2))):
        value = draw(changed(value))
    data = written(value).encode(errors="surrogatepass")
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        more = draw(st.sampled_from(TEXT) | st.binary(max_size=3))
        data = data[:at] + more + data[at + draw(st.sampled_from([0, 1, len(more), 1 << 20])) :]
    return data


def as_toml(value):
    """Return a value as TOML, or as something like it where that has no such value."""
    if not isinstance(value, dict):
        return _toml(value)
    plain = {key: one for key, one in value.items() if not isinstance(one, dict)}
    lines = [f"{_key(key)} = {_toml(one)}" for key, one in plain.items()]
    for key, one in value.items():
        if isinstance(one, dict):
            lines += [f"[{_key(key)}]", *(f"{_key(k)} = {_toml(v)}" for k, v in one.items())]
    return "\n".join(lines) + "\n"


def _key(key):
    return json.dumps(str(key))


def _toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, int) and abs(value) > 1 << 64:
        return hex(value)
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)

"""Compares two inventories in what a testee claims to report, and gives digests of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from darimage.showing import display

DIFFERENCES_MAX = 10_000
"""Differences that are listed; how many more there are is counted."""

TIMES = ("atime", "mtime", "ctime", "birthtime")
IMAGE, FAULTS = "image", "faults"
"""Members of an inventory that are compared as a whole, if they are claimed."""

_DEEPEST = 16
"""How deep values are compared member by member; what lies deeper is shown as it is."""

_SHOWN = 60
"""Characters of a value that are shown."""


class Part(NamedTuple):
    """The part of an inventory that is compared.

    Attributes:
        inodes: By their first path, each with the members that are compared.
        whole: ``image`` and ``faults``, as far as they are claimed.
        loose: First paths of inodes of which only the members that are expected count.
    """

    inodes: dict[bytes, dict[str, Any]]
    whole: dict[str, Any]
    loose: frozenset[bytes] = frozenset()

    def like(self, expected: Part) -> Part:
        """Return it without what is not expected of inodes that were marked as damaged."""
        inodes = dict(self.inodes)
        for path in expected.loose & inodes.keys():
            wanted = expected.inodes[path].keys()
            inodes[path] = {k: v for k, v in inodes[path].items() if k in wanted}
        return self._replace(inodes=inodes)


NOTHING = Part({}, {})


class AnswerError(ValueError):
    """An answer that is no inventory."""


class View(NamedTuple):
    """What of an inventory is compared.

    Attributes:
        fields: Of each inode, besides its paths and type; ``image`` and ``faults`` of the whole.
        time_resolution: Nanoseconds to which times count.
        below: Only this path and what is below it; empty for all.
    """

    fields: tuple[str, ...]
    time_resolution: int = 1
    below: bytes = b""


def compared(inventory: Any, view: View) -> Part:
    """Return the part of an inventory that is compared.

    Raises:
        AnswerError: It is none.
    """
    inodes = inventory.get("inodes") if isinstance(inventory, Mapping) else None
    if not isinstance(inodes, list):
        raise AnswerError("the inventory has no list `inodes`")
    found: dict[bytes, dict[str, Any]] = {}
    loose = set()
    for at, inode in enumerate(inodes):
        if not isinstance(inode, Mapping) or not isinstance(inode.get("paths"), list):
            raise AnswerError(f"inode {at} of the inventory has no list `paths`")
        paths = sorted(_path(path) for path in inode["paths"])
        kept = [path for path in paths if is_below(path, view.below)]
        if not kept and (paths or view.below):
            continue
        first = kept[0] if kept else f"\0inode {inode.get('inode')}".encode()
        while first in found:
            # Reported twice: the second is another one, with a name that no path can have.
            first += b"\0"
        found[first] = _members(inode, kept, view)
        if inode.get("loose") is True:
            loose.add(first)
    return Part(found, dict(_whole(inventory, view)), frozenset(loose))


def is_below(path: bytes, top: bytes) -> bool:
    """Return whether a path is another one or below it."""
    return not top or path == top or path.startswith(top + b"/")


def _path(value: Any) -> bytes:
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):
        return bytes(value["text"].encode("utf-8", "surrogatepass"))
    if isinstance(value, Mapping) and isinstance(value.get("base64"), str):
        try:
            return base64.b64decode(value["base64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise AnswerError(f"a path is no base64: {error}") from error
    raise AnswerError("a path of the inventory is neither text nor base64")


def _members(inode: Mapping[str, Any], paths: list[bytes], view: View) -> dict[str, Any]:
    kept: dict[str, Any] = {"paths": [path.hex() for path in paths], "type": inode.get("type")}
    for name in view.fields:
        value = inode.get(name)
        if value is not None and name not in (IMAGE, FAULTS):
            kept[name] = _rounded(value, view.time_resolution) if name in TIMES else value
    return kept


def _rounded(value: Any, resolution: int) -> Any:
    if resolution == 1 or not isinstance(value, str):
        return value
    try:
        return str(int(value) // resolution * resolution)
    except ValueError:
        return value


def _whole(inventory: Mapping[str, Any], view: View) -> Iterator[tuple[str, Any]]:
    if view.below:
        return
    if IMAGE in view.fields:
        image = inventory.get(IMAGE)
        known = image if isinstance(image, Mapping) else {}
        yield IMAGE, {key: value for key, value in known.items() if value is not None}
    if FAULTS in view.fields:
        faults = inventory.get(FAULTS)
        yield FAULTS, sorted(set(_names(faults if isinstance(faults, list) else [])))


def _names(faults: Sequence[Any]) -> Iterator[str]:
    """Yield name, severity and requirement of each fault that counts; notes do not."""
    for fault in faults:
        if not isinstance(fault, Mapping):
            yield repr(fault)
        elif fault.get("severity") != "note":
            yield " ".join(str(fault.get(k)) for k in ("name", "severity", "requirement"))


def digest(part: Part) -> str:
    """Return the SHA-256 of what is compared, in a form that is always the same."""
    inodes = [part.inodes[path] for path in sorted(part.inodes)]
    return canonical_sha256({**part.whole, "inodes": inodes})


def canonical_sha256(value: Any) -> str:
    """Return the SHA-256 of a JSON value with sorted keys and without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(expected: Part, got: Part) -> list[str]:
    """Return all that is different, a line each; above ``DIFFERENCES_MAX`` they are counted."""
    found: list[str] = []
    more = 0
    for line in _differences(expected, got):
        if len(found) < DIFFERENCES_MAX:
            found.append(line)
        else:
            more += 1
    return [*found, f"there are {more} more differences"] if more else found


def _differences(expected: Part, got: Part) -> Iterator[str]:
    yield from _between("", expected.whole, got.whole)
    for path in sorted(expected.inodes.keys() | got.inodes.keys()):
        name = display(path) or "."
        if path not in got.inodes:
            yield f"{name}: missing"
        elif path not in expected.inodes:
            yield f"{name}: not expected"
        else:
            wanted, found = _shown_paths(expected.inodes[path]), _shown_paths(got.inodes[path])
            yield from (f"{name}: {line}" for line in _between("", wanted, found))


def _shown_paths(inode: dict[str, Any]) -> dict[str, Any]:
    return {**inode, "paths": [display(bytes.fromhex(path)) for path in inode["paths"]]}


def _between(place: str, expected: Any, got: Any, depth: int = 0) -> Iterator[str]:
    """Yield the differences between two JSON values, the place of each in front."""
    if canonical(expected) == canonical(got):
        return
    if depth < _DEEPEST and isinstance(expected, Mapping) and isinstance(got, Mapping):
        for key in sorted(expected.keys() | got.keys(), key=str):
            inner = f"{place}.{key}" if place else str(key)
            yield from _between(inner, expected.get(key), got.get(key), depth + 1)
    elif depth < _DEEPEST and isinstance(expected, list) and isinstance(got, list):
        yield from _in_lists(place, expected, got, depth + 1)
    else:
        wanted, found = _short(expected, got), _short(got, expected)
        yield f"{place} is {found}, expected {wanted}"


def canonical(value: Any) -> str:
    """Return JSON text that is the same for the same value."""
    return json.dumps(value, sort_keys=True)


def _in_lists(place: str, expected: list[Any], got: list[Any], depth: int) -> Iterator[str]:
    """Yield the differences between lists: by the names of their elements, else by content."""
    ours, theirs = _by_name(expected), _by_name(got)
    if ours is not None and theirs is not None:
        for name in sorted(ours.keys() | theirs.keys()):
            yield from _between(f"{place}[{name}]", ours.get(name), theirs.get(name), depth)
        if ours.keys() == theirs.keys() and list(ours) != list(theirs):
            yield f"{place} are in another order: {_cut(', '.join(theirs))}"
    elif len(expected) == len(got):
        for at, (wanted, found) in enumerate(zip(expected, got, strict=True)):
            yield from _between(f"{place}[{at}]", wanted, found, depth)
    else:
        left = Counter(canonical(one) for one in expected)
        right = Counter(canonical(one) for one in got)
        yield from (f"{place} lacks {_cut(one)}" for one in left - right)
        yield from (f"{place} has {_cut(one)}, which is not expected" for one in right - left)


def _by_name(values: list[Any]) -> dict[str, Any] | None:
    """Return elements of a list by their names; ``None`` if they have none, or one twice."""
    found = {}
    for value in values:
        name = value.get("name") if isinstance(value, Mapping) else None
        if not isinstance(name, Mapping) or len(name) != 1:
            return None
        found[str(next(iter(name.values())))] = value
    return found if len(found) == len(values) else None


def _short(value: Any, other: Any) -> str:
    """Return a value as JSON; of a long one the part where it begins to differ from another."""
    if value is None:
        return "not given"
    text, against = canonical(value), canonical(other)
    if len(text) <= _SHOWN:
        return text
    same = next((k for k, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), None)
    begin = max(0, (min(len(text), len(against)) if same is None else same) - _SHOWN // 3)
    return ("…" if begin else "") + _cut(text[begin:])


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

"""The payload of the NT ACL sections, against the generated codec and a slow twin."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darimage.errors import FormatError
from darimage.schema import dtype, layout
from darimage.sections import nt_acls
from darimage.sections.security.descriptor import MAX_SIZE

ORDERS = ["le", "be"]
acls = st.dictionaries(
    st.integers(2, 2**32 - 1),
    st.tuples(st.binary(max_size=40), st.sampled_from([b"", b"1", b"origin"]) | st.binary()),
    max_size=20,
)
PLACES = {
    "head": dtype("nt_acls/head").itemsize,
    "row": dtype("nt_acls/row").itemsize,
    "span": dtype("nt_acls/span").itemsize,
}


@given(acls)
def test_nt_acls_read_back_and_are_stored_once(found):
    payload = nt_acls.encode(found)
    assert nt_acls.decode(payload) == found
    parsed = layout("nt_acls").parse(payload)
    descriptors = {descriptor for descriptor, _ in found.values()}
    origins = {origin for _, origin in found.values()} - {b""}
    assert parsed.head.descriptors == len(descriptors) == len(parsed.index)
    assert parsed.head.origins == len(origins) == len(parsed.origin_index)
    assert [row.inode for row in parsed.table] == sorted(found)
    spans = [*parsed.index, *parsed.origin_index]
    assert all(span.offset % 8 == 0 for span in spans)
    cut = [parsed.heap[span.offset : span.offset + span.size] for span in spans]
    assert set(cut[: len(descriptors)]) == descriptors
    assert set(cut[len(descriptors) :]) == origins
    assert sum(len(part) + -len(part) % 8 for part in cut) == len(parsed.heap)


@given(acls)
def test_a_row_at_a_time_is_what_the_generated_codec_says(found):
    payload = nt_acls.encode(found)
    decoded, parsed = nt_acls.decode(payload), layout("nt_acls").parse(payload)
    assert list(decoded) == sorted(found)
    assert len(decoded) == len(found)
    for row in parsed.table:
        assert decoded[row.inode] == found[row.inode]
        assert row.inode in decoded
        assert (row.inode + 1 in decoded) == (row.inode + 1 in found)
    assert decoded.get(1) is None
    with pytest.raises(KeyError):
        decoded[1]


@given(acls)
def test_both_byte_orders_say_the_same(found):
    assert nt_acls.decode(swapped(nt_acls.encode(found)), "be") == found


@given(acls)
def test_the_order_of_the_mapping_does_not_matter(found):
    turned = dict(reversed(found.items()))
    assert nt_acls.encode(turned) == nt_acls.encode(found)


@given(acls, st.integers(0, 10**6), st.binary(min_size=1, max_size=8), st.sampled_from(ORDERS))
def test_broken_nt_acls_raise_nothing_but_a_format_error(found, at, patch, order):
    payload = nt_acls.encode(found)
    at %= len(payload)
    patched = payload[:at] + patch + payload[at + len(patch) :]
    for data in (patch, patched, patched[:at]):
        try:
            decoded = nt_acls.decode(data, order)
            assert len(dict(decoded)) == len(decoded)
        except FormatError as error:
            assert error.requirement in {f"DARI-ACL-{n:03}" for n in (1, 2, 5, 7, 13)}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (("head", "rows"), 2**32 - 1, "do not fit"),
        (("head", "descriptors"), 2**32 - 1, "do not fit"),
        (("head", "origins"), 2**32 - 1, "do not fit"),
        (("head", "heap_size"), 2**64 - 1, "do not fit"),
        (("row", "inode"), 9, "do not ascend"),
        (("row", "descriptor"), 2, "no descriptor"),
        (("row", "origin"), 3, "no origin"),
        (("span", "offset"), 2**64 - 1, "leaves the heap"),
        (("span", "size"), 2**64 - 1, "leaves the heap"),
        (("span", "size"), 33, "leaves the heap"),
    ],
)
def test_counts_and_places_that_cannot_be_are_refused(field, value, message):
    payload = bytearray(nt_acls.encode({2: (b"a" * 8, b"b"), 9: (b"c", b"d")}))
    part, name = field
    at = {"head": 0, "row": PLACES["head"], "span": PLACES["head"] + 2 * PLACES["row"]}[part]
    view = np.frombuffer(payload, dtype(f"nt_acls/{part}"), 1, at)
    view[name] = value
    with pytest.raises(FormatError, match=message):
        nt_acls.decode(bytes(payload))


@pytest.mark.parametrize(("offset", "size"), [(0, 8), (0, 1), (7, 1), (4, 8)])
def test_spans_that_share_a_byte_are_refused(offset, size):
    payload = bytearray(nt_acls.encode({2: (b"a" * 8, b""), 3: (b"b" * 8, b"")}))
    second = PLACES["head"] + 2 * PLACES["row"] + PLACES["span"]
    view = np.frombuffer(payload, dtype("nt_acls/span"), 1, second)
    view["offset"], view["size"] = offset, size
    with pytest.raises(FormatError, match="DARI-ACL-013"):
        nt_acls.decode(bytes(payload))


def test_a_span_that_is_too_long_is_refused_when_it_is_asked_for():
    decoded = nt_acls.decode(
        nt_acls.encode(
            {
                2: (b"sound", b"sound"),
                3: (bytes(MAX_SIZE + 1), b""),
                4: (b"sound", bytes(nt_acls.MAX_ORIGIN + 1)),
            }
        )
    )
    assert decoded[2] == (b"sound", b"sound")
    with pytest.raises(FormatError, match="DARI-SDE-009"):
        decoded[3]
    with pytest.raises(FormatError, match="DARI-ACL-008"):
        decoded[4]


def test_a_million_files_with_one_acl_are_cheap():
    shared = (b"d" * 200, b"o" * 8)
    before = time.process_time()
    payload = nt_acls.encode(dict.fromkeys(range(2, 1_000_002), shared))
    decoded = nt_acls.decode(payload)
    assert time.process_time() - before < 10
    assert len(payload) < 17_000_000
    assert decoded[777_777] == shared
    assert (len(decoded), decoded.descriptors, decoded.origins) == (1_000_000, 1, 1)


def swapped(payload):
    """Return a payload in the other byte order, its heap as it is."""
    head = np.frombuffer(payload, dtype("nt_acls/head"), 1)
    rows, spans = int(head["rows"][0]), int(head["descriptors"][0] + head["origins"][0])
    at, parts = 0, []
    for name, count in (("head", 1), ("row", rows), ("span", spans)):
        part = np.frombuffer(payload, dtype(f"nt_acls/{name}"), count, at)
        parts.append(part.astype(dtype(f"nt_acls/{name}", "be")).tobytes())
        at += part.nbytes
    return b"".join((*parts, payload[at:]))


@given(acls, st.data())
def test_a_row_costs_itself_alone(found, data):
    """Shows DARI-ACL-015: rows out of order, twice, and of no descriptor or origin."""
    payload = bytearray(nt_acls.encode(found))
    rows = np.frombuffer(payload, dtype("nt_acls/row"), len(found), PLACES["head"])
    head = np.frombuffer(bytes(payload), dtype("nt_acls/head"), 1)[0]
    changed = rows[data.draw(st.permutations(range(len(found))))].copy()
    for row in changed:
        name, values = data.draw(
            st.sampled_from(
                [
                    ("inode", [row["inode"], int(changed["inode"][0])]),
                    ("descriptor", [row["descriptor"], int(head["descriptors"])]),
                    ("origin", [row["origin"], int(head["origins"]) + 1]),
                ]
            )
        )
        row[name] = data.draw(st.sampled_from(values))
    rows[:] = changed
    descriptors = dict(enumerate(dict.fromkeys(d for d, _ in by_inode(found))))
    origins = list(dict.fromkeys(o for _, o in by_inode(found) if o))
    wanted = {}
    for inode, descriptor, origin in changed[["inode", "descriptor", "origin"]].tolist():
        if descriptor in descriptors and inode not in wanted:
            known = origins[origin - 1] if 0 < origin <= len(origins) else b""
            wanted[inode] = descriptors[descriptor], known
        elif inode not in wanted:
            wanted[inode] = None
    faults = []
    decoded = nt_acls.decode(bytes(payload), "le", faults.append)
    assert dict(decoded) == {inode: acl for inode, acl in wanted.items() if acl}
    assert {fault.kind for fault in faults} <= {"acl-order", "acl-row", "acl-origin"}
    if faults:
        with pytest.raises(FormatError):
            nt_acls.decode(bytes(payload))


def by_inode(found):
    return [found[inode] for inode in sorted(found)]

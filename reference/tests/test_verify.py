"""Verification finds nothing in good images, and each planted fault by its requirement."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import test_verify_attributes
from fuzz.strategies.attributes import attributes
from fuzz.strategies.trees import trees
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images
from support.images import FILE, Plain, encode, headers_of, poke, sample, small_plain

from darimage.errors import FormatError
from darimage.faults import FaultyField
from darimage.image.reader import Image
from darimage.schema import CType
from darimage.sections.fields import fields
from darimage.units import RECORD
from darimage.validate.rules import of_scope
from darimage.validate.rules.rule import Scope
from darimage.validate.verify import verify

SAMPLE = encode(sample())
HEADERS = headers_of(SAMPLE)


def requirements(data):
    """Return the requirements that verification says are broken."""
    return {fault.requirement for fault in verify(data).faults}


@given(trees(extended=attributes()), st.booleans(), st.integers(1, 40))
@settings(deadline=None, max_examples=80)
def test_good_images_have_no_faults(tree, acls, ntrec):
    data = encode(tree, acls=acls, ntrec=ntrec)
    result = verify(data)
    assert result.faults == []
    assert result.good
    assert result.map_equal
    assert result.verdict == "good"
    assert result.headers == len(headers_of(data))
    assert result.records * RECORD == len(data)


def test_plain_dumps_have_no_faults():
    result = verify(small_plain())
    assert result.faults == []
    assert (result.is_dari, result.map_equal, result.verdict) == (False, None, None)
    assert (result.inodes, result.files) == (4, 2)


def test_the_result_as_json():
    known = verify(SAMPLE).as_json()
    assert known["good"]
    assert known["fault_count"] == len(known["faults"]) == 0
    assert known["bytes"] == len(SAMPLE)


def test_what_is_no_image_raises():
    with pytest.raises(FormatError):
        verify(b"no image" * 1000)


# -- one planted fault after another --------------------------------------------------------------


def inode(name):
    with Image.open(SAMPLE) as image:
        number = image.names.lookup(name)
        return [at for at, _, found in HEADERS if found == number]


def first(c_type):
    return next(at for at, found, _ in HEADERS if found == c_type)


def section(number):
    return next(
        at
        for at, c_type, found in HEADERS
        if (c_type, found) == (CType.TS_INODE, 1) and images.peek(SAMPLE, at, 948, "<I") == number
    )


FILE_AT = inode(b"k1025")[0]
LONG = inode(b"all hole")
ROOT = inode(b"")[0]
SUB = inode(b"sub")[0]
TAPE, CLRI, BITS, END = (first(t) for t in (CType.TS_TAPE, 6, 3, CType.TS_END))
MAP, FRONT, TRAILING = section(3), section(2), section(4)
EXT, BODY, RECORDS_CRC = 928, 944, 940


def with_crc(data, record, size):
    """Return an image with the CRC-32C of what follows a header made right."""
    changed = bytearray(data)
    images.reseal(changed, record, records=-(-size // RECORD))
    return bytes(changed)


def in_directory(change):
    """Return the sample with the root's entries changed and its CRC made right."""
    data, at = bytearray(SAMPLE), (ROOT + 1) * RECORD
    size = images.peek(SAMPLE, ROOT, 40, "<Q")
    entries = bytearray(data[at : at + size])
    change(entries)
    data[at : at + size] = entries
    return with_crc(bytes(data), ROOT, size)


def entry_at(entries, name):
    return entries.index(b"%c%s\0" % (len(name), name)) - 7


def renamed(old, new):
    def change(entries):
        at = entry_at(entries, old)
        entries[at + 8 : at + 8 + len(old)] = new

    return in_directory(change)


def in_entry(name, at, form, value):
    return in_directory(
        lambda entries: struct.pack_into(form, entries, entry_at(entries, name) + at, value)
    )


def in_map(inode_number, value):
    data = bytearray(SAMPLE)
    struct.pack_into("<Q", data, (MAP + 1) * RECORD + 8 * inode_number, value)
    size = images.peek(SAMPLE, MAP, 40, "<Q")
    return with_crc(bytes(data), MAP, size)


def raw(at, value):
    data = bytearray(SAMPLE)
    data[at] = value
    return bytes(data)


def in_bitmaps(change):
    data = SAMPLE
    for record in (CLRI, BITS):
        changed = bytearray(data)
        payload = bytearray(changed[(record + 1) * RECORD : (record + 2) * RECORD])
        change(payload)
        changed[(record + 1) * RECORD : (record + 2) * RECORD] = payload
        data = with_crc(bytes(changed), record, RECORD)
    return data


def set_bit(number):
    def change(payload):
        payload[(number - 1) // 8] ^= 1 << (number - 1) % 8

    return change


PLANTED = [
    ("DARI-REC-002", lambda: swap(CLRI, BITS, 2)),
    ("DARI-REC-003", lambda: raw(FILE_AT * RECORD + 24, 0)),
    ("DARI-REC-004", lambda: raw(FILE_AT * RECORD + 28, 1)),
    ("DARI-REC-028", lambda: raw(FILE_AT * RECORD + 700, 1)),
    ("DARI-REC-028", lambda: raw(CLRI * RECORD + 700, 1)),
    ("DARI-REC-028", lambda: raw(ROOT * RECORD + 700, 1)),
    ("DARI-REC-028", lambda: raw(MAP * RECORD + 700, 1)),
    ("DARI-REC-028", lambda: raw(LONG[1] * RECORD + 700, 1)),
    ("DARI-REC-028", lambda: raw(END * RECORD + 700, 1)),
    ("DARI-REC-029", lambda: poke(SAMPLE, FILE_AT, RECORDS_CRC, "<I", 1)),
    ("DARI-REC-029", lambda: poke(SAMPLE, LONG[0], RECORDS_CRC, "<I", 1)),
    ("DARI-REC-029", lambda: poke(SAMPLE, END, RECORDS_CRC, "<I", 1)),
    ("DARI-REC-029", lambda: raw((FILE_AT + 1) * RECORD, 1)),
    ("DARI-REC-029", lambda: raw((inode(b"link")[0] + 1) * RECORD, 1)),
    ("DARI-REC-029", lambda: raw((inode(b"hole")[1] + 1) * RECORD, 1)),
    ("DARI-REC-029", lambda: raw((BITS + 1) * RECORD, 0xFF)),
    ("DARI-REC-029", lambda: raw((SUB + 1) * RECORD + 9, 1)),
    ("DARI-REC-029", lambda: raw((MAP + 1) * RECORD + 900, 1)),
    ("DARI-REC-033", lambda: poke(SAMPLE, FILE_AT, 20, "<I", number_of(b"k1024"))),
    ("DARI-REC-005", lambda: poke(SAMPLE, FILE_AT, 0, "<i", 7)),
    ("DARI-REC-006", lambda: poke(SAMPLE, FILE_AT, 16, "<I", 3)),
    ("DARI-REC-007", lambda: poke(SAMPLE, FILE_AT, 4, "<I", 3)),
    ("DARI-REC-008", lambda: poke(SAMPLE, FILE_AT, 8, "<I", 3)),
    ("DARI-REC-009", lambda: poke(SAMPLE, FILE_AT, 12, "<i", 2)),
    ("DARI-REC-010", lambda: poke(SAMPLE, CLRI, 20, "<I", 2)),
    ("DARI-REC-011", lambda: poke(SAMPLE, END, 160, "<i", 1)),
    ("DARI-REC-011", lambda: poke(SAMPLE, LONG[0], 160, "<i", 513)),
    ("DARI-REC-012", lambda: poke(SAMPLE, FILE_AT, 164 + 100, "<B", 1)),
    ("DARI-REC-012", lambda: poke(SAMPLE, BITS, 164, "<B", 1)),
    ("DARI-REC-013", lambda: poke(SAMPLE, FILE_AT, 888, "<I", 3)),
    ("DARI-REC-014", lambda: poke(SAMPLE, FILE_AT, 896, "<i", 11)),
    ("DARI-REC-015", lambda: poke(SAMPLE, FILE_AT, 904, "<I", 1)),
    ("DARI-REC-017", lambda: poke(SAMPLE, LONG[0], 164 + 9, "<B", 2)),
    ("DARI-REC-019", lambda: poke(SAMPLE, FILE_AT, 676, "<B", 65)),
    ("DARI-EXT-001", lambda: poke(SAMPLE, FILE_AT, EXT, "<B", 0)),
    ("DARI-EXT-003", lambda: poke(SAMPLE, FILE_AT, EXT + 4, "<B", 3)),
    ("DARI-EXT-004", lambda: poke(SAMPLE, FILE_AT, EXT + 5, "<B", 2)),
    ("DARI-EXT-005", lambda: poke(SAMPLE, FILE_AT, EXT + 6, "<H", 8)),
    ("DARI-EXT-008", lambda: poke(SAMPLE, FILE_AT, BODY, "<I", 7)),
    ("DARI-CNV-004", lambda: poke(SAMPLE, FILE_AT, 140, "<I", 4)),
    ("DARI-FIL-016", lambda: poke(SAMPLE, inode(b"fifo")[0], 132, "<I", 4)),
    ("DARI-FIL-017", lambda: poke(SAMPLE, FILE_AT, 32, "<H", 0o644)),
    ("DARI-FIL-019", lambda: poke(SAMPLE, FILE_AT, 165, "<B", 0)),
    ("DARI-FIL-020", lambda: poke(SAMPLE, FILE_AT, EXT + 6, "<H", 4)),
    ("DARI-FIL-020", lambda: poke(SAMPLE, LONG[1], EXT + 6, "<H", 4)),
    ("DARI-SCT-007", lambda: poke(SAMPLE, FRONT, 164, "<B", 0)),
    ("DARI-SCT-008", lambda: poke(SAMPLE, FRONT, 56, "<I", 1)),
    ("DARI-SCT-009", lambda: poke(SAMPLE, FRONT, BODY + 8, "<I", 2)),
    ("DARI-CNV-004", lambda: poke(SAMPLE, MAP, BODY + 12, "<I", 4)),
    ("DARI-CNV-004", lambda: poke(SAMPLE, END, BODY + 72, "<I", 4)),
    ("DARI-CNV-004", lambda: poke(SAMPLE, BITS, BODY + 40, "<I", 4)),
    ("DARI-CNV-004", lambda: poke(SAMPLE, MAP, BODY + 40, "<I", 4)),
    ("DARI-REC-021", lambda: poke(SAMPLE, FILE_AT, 892, "<I", 4)),
    ("DARI-REC-022", lambda: poke(SAMPLE, FILE_AT, 692, "<i", 4)),
    ("DARI-REC-023", lambda: poke(SAMPLE, FILE_AT, 676 + 15, "<B", 4)),
    ("DARI-REC-023", lambda: poke(SAMPLE, FILE_AT, 760 + 40, "<B", 4)),
    ("DARI-VOL-011", lambda: SAMPLE[: -30 * RECORD]),
    ("DARI-VOL-001", lambda: raw(700, 1)),
    ("DARI-VOL-002", lambda: poke(SAMPLE, TAPE, BODY + 48, "<Q", MAP + 1)),
    ("DARI-VOL-002", lambda: poke(SAMPLE, TAPE, BODY + 56, "<Q", 3)),
    ("DARI-VOL-003", lambda: poke(SAMPLE, TAPE, BODY + 6, "<B", 0)),
    ("DARI-VOL-010", lambda: poke(SAMPLE, TAPE, BODY + 16, "<Q", 1000)),
    ("DARI-VOL-007", lambda: poke(SAMPLE, TAPE, BODY + 24, "<Q", len(SAMPLE) // RECORD - 1)),
    ("DARI-VOL-008", lambda: poke(SAMPLE, TAPE, BODY + 56, "<Q", 2**62)),
    ("DARI-VOL-010", lambda: poke(SAMPLE, TAPE, BODY + 72, "<H", 0)),
    ("DARI-BMP-001", lambda: in_bitmaps(set_bit(16))),
    ("DARI-BMP-001", lambda: in_bitmaps(set_bit(17))),
    ("DARI-BMP-005", lambda: in_bitmaps(set_bit(1))),
    ("DARI-BMP-006", lambda: poke(SAMPLE, CLRI, BODY + 8, "<Q", 3)),
    ("DARI-BMP-006", lambda: poke(SAMPLE, CLRI, BODY + 4, "<I", 3)),
    ("DARI-DIR-002", lambda: in_entry(b"none", 0, "<I", 0)),
    ("DARI-DIR-003", lambda: in_directory(lambda e: struct.pack_into("<I", e, 12, 3))),
    ("DARI-DIR-005", lambda: in_entry(b"sub", 4, "<H", 13)),
    ("DARI-DIR-007", lambda: renamed(b"fifo", b"fi/o")),
    ("DARI-DIR-008", lambda: renamed(b"k1024", b"k1023")),
    ("DARI-DIR-009", lambda: renamed(b"fifo", b"zifo")),
    ("DARI-DIR-011", lambda: in_entry(b"none", 0, "<I", 2)),
    ("DARI-DIR-012", lambda: in_entry(b"fifo", 6, "<B", 8)),
    ("DARI-DIR-015", lambda: in_entry(b"fifo", 0, "<I", 99)),
    ("DARI-DIR-016", lambda: in_entry(b"fifo", 0, "<I", 0)),
    ("DARI-BMP-008", lambda: with_crc(raw((CLRI + 1) * RECORD, 0x6E), CLRI, RECORD)),
    ("DARI-FIL-002", lambda: poke(SAMPLE, FILE_AT, 40, "<Q", 3000)),
    ("DARI-FIL-002", lambda: poke(SAMPLE, LONG[0], 160, "<i", 500)),
    ("DARI-FIL-004", lambda: raw((FILE_AT + 3) * RECORD - 1, 9)),
    ("DARI-FIL-005", lambda: poke(SAMPLE, LONG[1], 32, "<H", 0o100600)),
    ("DARI-FIL-005", lambda: poke(SAMPLE, LONG[1], 20, "<I", 3)),
    ("DARI-FIL-006", lambda: poke(SAMPLE, LONG[1], BODY + 8, "<Q", 99)),
    ("DARI-FIL-006", lambda: poke(SAMPLE, FILE_AT, BODY + 8, "<Q", 2)),
    ("DARI-FIL-007", lambda: poke(SAMPLE, LONG[1], BODY + 16, "<Q", 511)),
    ("DARI-FIL-008", lambda: poke(SAMPLE, inode(b"fifo")[0], 40, "<Q", 1)),
    ("DARI-FIL-009", lambda: poke(SAMPLE, FILE_AT, 34, "<h", 2)),
    ("DARI-STR-013", lambda: poke(SAMPLE, FILE_AT, BODY + 4, "<I", 2)),
    ("DARI-FIL-009", lambda: poke(poke(SAMPLE, FILE_AT, 34, "<h", 2), FILE_AT, BODY + 28, "<I", 2)),
    ("DARI-FIL-010", lambda: poke(SAMPLE, FILE_AT, 36, "<H", 2)),
    ("DARI-FIL-011", lambda: poke(SAMPLE, FILE_AT, 56, "<I", 2)),
    ("DARI-FIL-012", lambda: poke(SAMPLE, FILE_AT, 72, "<I", 2)),
    ("DARI-FIL-001", lambda: poke(SAMPLE, FILE_AT, 20, "<I", 200)),
    ("DARI-SCT-001", lambda: poke(SAMPLE, MAP, 32, "<H", 0o100644)),
    ("DARI-SCT-002", lambda: poke(SAMPLE, FRONT, BODY + 4, "<I", 4)),
    ("DARI-SCT-004", lambda: poke(SAMPLE, MAP, BODY + 4, "<I", 2)),
    ("DARI-SCT-005", lambda: poke(SAMPLE, MAP, BODY + 16, "<Q", 2**60)),
    ("DARI-ACL-003", lambda: longer_trailing(17)),
    ("DARI-OFF-001", lambda: poke(SAMPLE, MAP, BODY + 4, "<I", 1)),
    ("DARI-OFF-002", lambda: in_map(16, 0)),
    ("DARI-OFF-002", lambda: in_map(2, RECORD)),
    ("DARI-OFF-006", lambda: in_map(15, 9 * RECORD)),
    ("DARI-END-001", lambda: poke(SAMPLE, END, BODY + 8, "<Q", 3)),
    ("DARI-END-001", lambda: poke(SAMPLE, END + 1, BODY + 8, "<Q", 3)),
    ("DARI-END-003", lambda: in_map(16, 0)),
    ("DARI-END-003", lambda: poke(SAMPLE, END, BODY + 16, "<Q", 1)),
    ("DARI-END-004", lambda: poke(SAMPLE, END, BODY + 32, "<Q", 0)),
    ("DARI-END-005", lambda: poke(SAMPLE, LONG[1], EXT + 6, "<H", 1)),
]


def longer_trailing(size):
    return poke(poke(SAMPLE, TRAILING, 40, "<Q", size), TRAILING, BODY + 16, "<Q", size)


def number_of(name):
    return images.peek(SAMPLE, inode(name)[0], 20, "<I")


def swap(one, other, count):
    data = bytearray(SAMPLE)
    a, b = (
        slice(one * RECORD, (one + count) * RECORD),
        slice(other * RECORD, (other + count) * RECORD),
    )
    data[a], data[b] = data[b], data[a]
    for first_record in (one, other):
        struct.pack_into("<I", data, first_record * RECORD + 16, first_record)
        images.reseal(data, first_record)
    return bytes(data)


@pytest.mark.parametrize(
    ("requirement", "make"), PLANTED, ids=[f"{r}-{k}" for k, (r, _) in enumerate(PLANTED)]
)
def test_a_planted_fault_is_found(requirement, make):
    data = make()
    assert data != SAMPLE
    assert requirement in requirements(data)


# A field is poked, and the one that is named is another that does not agree with it; of a wrong
# checksum nobody knows where it comes from.
ELSEWHERE = {
    ("DARI-REC-028", "c_filesys"),
    ("DARI-VOL-001", "c_filesys"),
    ("DARI-FIL-001", "c_inumber"),
    ("DARI-FIL-002", "c_dinode.di_size"),
    ("DARI-STR-013", "extension.body.base_inode"),
    ("DARI-OFF-001", "extension.body.section"),
    ("DARI-END-003", "extension.body.mismatches"),
    ("DARI-END-005", "extension.flags"),
    ("DARI-XAT-003", "extension.body.attribute_records"),
}


def test_the_field_that_is_named_holds_the_poked_byte():
    """Of all that is planted in one field of a header, the finding says where."""
    checked = set()
    for good, planted in ((SAMPLE, PLANTED), BESIDE):
        for requirement, make in planted:
            data = make()
            place = only_field(good, data)
            if place is None or (requirement, place[2]) in ELSEWHERE:
                continue
            record, at, path = place
            named = [
                fault.field
                for fault in verify(data).faults
                if (fault.record, fault.requirement) == (record, requirement) and fault.field
            ]
            assert any(f.offset <= at < f.offset + f.length for f in named), (requirement, place)
            assert any(path == f.path for f in named), (requirement, place)
            assert all((f.offset, f.offset + f.length) == span(data, f, record) for f in named)
            checked.add(requirement)
    assert len(checked) > 50


BESIDE = (test_verify_attributes.SAMPLE, test_verify_attributes.PLANTED)


def span(data, field, record):
    """Return where a field lies by the header's own account."""
    here = fields(data[record * RECORD :][:RECORD], "le")
    found = [(f.offset, f.offset + len(f.raw)) for f in here if f.path == field.path]
    return found[0] if found else (field.offset, field.offset + field.length)


CHECKS = ("c_checksum", "extension.header_crc32c")


def only_field(good, data):
    """Return record, first byte and path of the only field that differs, the checksum aside."""
    if len(data) != len(good):
        return None
    differs = np.flatnonzero(np.frombuffer(good, np.uint8) != np.frombuffer(data, np.uint8))
    headers, found = {at for at, *_ in headers_of(good)}, set()
    for record in set((differs // RECORD).tolist()):
        if record not in headers:
            return None
        parts = [fields(one[record * RECORD :][:RECORD], "le") for one in (good, data)]
        changed = differs[differs // RECORD == record] % RECORD
        for field in parts[0]:
            at = changed[(changed >= field.offset) & (changed < field.offset + len(field.raw))]
            if at.size and field.path not in CHECKS:
                found.add((record, int(at[0]), field.path))
    return found.pop() if len(found) == 1 else None


def test_a_field_says_what_was_found_and_expected():
    (fault,) = verify(poke(SAMPLE, FILE_AT, 8, "<I", 3)).faults
    assert fault.field == FaultyField("c_ddate", 8, 4, "3", "0")
    faults = verify(poke(SAMPLE, FILE_AT, 32, "<H", 0o644)).faults
    (known,) = [one.as_json() for one in faults if one.requirement == "DARI-FIL-017"]
    assert (known["field"], known["found"]) == ("c_dinode.di_mode", "420 (0o644)")
    assert "expected" not in known
    (fault,) = verify(poke(SAMPLE, FILE_AT, 896, "<i", 11)).faults
    assert fault.text().endswith("first header's [DARI-REC-014]")


def test_every_rule_was_planted_against():
    planted = {requirement for requirement, _ in [*PLANTED, *test_verify_attributes.PLANTED]}
    assert {rule.requirement for rule in of_scope(Scope.HEADERS)} <= planted


def test_a_fault_says_where():
    data = poke(SAMPLE, FILE_AT, 8, "<I", 3)
    (fault,) = verify(data).faults
    number = images.peek(SAMPLE, FILE_AT, 20, "<I")
    assert (fault.record, fault.inode, fault.requirement) == (FILE_AT, number, "DARI-REC-008")


def test_no_fault_ends_it():
    data = poke(poke(SAMPLE, FILE_AT, 8, "<I", 3), LONG[1], 896, "<i", 11)
    data = poke(data, SUB, RECORDS_CRC, "<I", 1)
    assert requirements(data) == {"DARI-REC-008", "DARI-REC-014", "DARI-REC-029"}


def test_faults_of_many_headers_across_batches():
    """Runs are judged alike wherever a batch ends: a file of 600 headers, one of them wrong."""
    size = 600 * 512 * RECORD - 5
    tree = images.Node(images.DIRECTORY, children={b"file": images.Node(FILE, size=size)})
    data = encode(tree)
    records = [at for at, _, number in headers_of(data) if number == 3]
    assert len(records) == 600
    assert verify(data).faults == []
    for k in (1, 127, 128, 500, 599):
        changed = poke(data, records[k], BODY + 16, "<Q", 1)
        assert [(f.record, f.requirement) for f in verify(changed).faults] == [
            (records[k], "DARI-FIL-007")
        ]
        changed = data[: records[k] * RECORD] + data[(records[k] + 1) * RECORD :]
        assert {"DARI-FIL-002", "DARI-FIL-006"} <= requirements(changed)


def test_plain_dumps_with_faults():
    image = Plain()
    image.front([2, 5, 6])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (5, 8, b"file"), (6, 8, b"absent")])
    image.inode(5, FILE, b"x" * 3000)
    data = image.end()
    assert [(f.kind, f.inode) for f in verify(data).faults] == [("missing", 6)]
    cut = verify(data[: len(data) - 13 * RECORD])
    assert {"truncated", "no-end"} & {fault.kind for fault in cut.faults}
    assert "DARI-REC-004" in requirements(raw_of(data, 7, 700))


def raw_of(data, record, at):
    changed = bytearray(data)
    changed[record * RECORD + at] ^= 1
    return bytes(changed)


def test_progress_ends_at_the_size():
    told = []

    class Counting:
        def start(self, what, total, unit="bytes"):
            told.append(total)

        def advance(self, amount):
            told.append(amount)

        def finish(self):
            told.append("end")

    verify(SAMPLE, Counting())
    assert told[-1] == "end"
    assert sum(told[1:-1]) <= told[0] == len(SAMPLE)
    assert np.all(np.array(told[:-1]) >= 0)

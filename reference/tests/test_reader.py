"""Opening images: ours, plain dumps of all dialects, damaged ones, and what is none."""

from __future__ import annotations

import stat
import struct
import tracemalloc

import numpy as np
import pytest
from fuzz.strategies.attributes import attributes
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import dialect, images
from support.images import (
    DIRECTORY,
    FILE,
    Plain,
    contents_of,
    encode,
    headers_of,
    paths_of,
    peek,
    poke,
    sample,
    small_plain,
)

from darimage.errors import FormatError, StorageError
from darimage.image import contents
from darimage.image.reader import Image
from darimage.image.told import KEPT_FAULTS
from darimage.schema import CType, Section
from darimage.sections import header
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.verify import verify
from darimage.volumes.reading import MemoryVolume

C_DATE_EPOCH, _ = header.field_span("extension.body.c_date_epoch", "volume_body")
FEATURE_COMPAT, _ = header.field_span("extension.body.feature_compat", "volume_body")
FEATURE_INCOMPAT, _ = header.field_span("extension.body.feature_incompat", "volume_body")
VERDICT, _ = header.field_span("extension.body.verdict", "end_body")
VOLUME_NUMBERS = [
    header.field_span(f"extension.body.{name}", "volume_body")[0]
    for name in ("records_per_volume", "total_records", "offset_map", "files", "nt_acls_trailing")
]

SAMPLE = encode(sample())
PLAIN = small_plain()


def everything(image):
    """Return inode and contents of every path, the faults of reading them left aside."""
    found = {}
    for path, entry, _ in image.names.walk():
        try:
            inode = image.inode(entry.inode)
            if inode.is_symlink:
                data = contents.read_link(image, inode)
            else:
                data = bytearray(min(inode.size, 1 << 24) if inode.is_file else 0)
                for at, piece in contents.read(image, inode, lambda _: None):
                    if inode.is_file:
                        data[at : at + len(piece)] = piece
        except FormatError:
            continue
        found[path] = (inode, bytes(data))
    return found


@given(trees(extended=attributes()), st.booleans())
@settings(deadline=None, max_examples=60)
def test_what_was_encoded_is_read(tree, sequential):
    with Image.open(encode(tree, acls=not sequential), sequential=sequential) as image:
        assert image.access == ("sequential" if sequential else "direct")
        wanted = paths_of(tree)
        del wanted[b""]
        found = everything(image)
        assert set(found) == set(wanted)
        for path, (inode, data) in found.items():
            node = wanted[path]
            for name in ("mode", "uid", "gid", "atime_ns", "mtime_ns", "ctime_ns", "birthtime_ns"):
                assert getattr(inode, name) == getattr(node, name)
            assert inode.rdev == (node.rdev if inode.is_device else 0)
            if not inode.is_directory:
                assert data == (contents_of(node) if inode.is_file or inode.is_symlink else b"")
                assert inode.nlink == sum(other is node for other in wanted.values())
        assert image.faults == []


def test_map_and_walk_agree():
    with Image.open(SAMPLE) as image, Image.open(SAMPLE, sequential=True) as walked:
        assert image.offsets.inodes.tolist() == walked.offsets.inodes.tolist()
        assert image.offsets.offsets.tolist() == walked.offsets.offsets.tolist()
        numbers = image.offsets.inodes
        assert list(image.inodes(numbers)) == list(walked.inodes(numbers))
        assert list(image.inodes(numbers)) == [image.inode(n) for n in numbers.tolist()]


def test_direct_access_touches_no_data_of_other_files():
    data = {b"%d" % k: Node(FILE, size=100_000, data={0: b"x" * 100_000}) for k in range(50)}
    volume = MemoryVolume(encode(Node(DIRECTORY, children=data)))
    image = Image.open(volume)
    before_files = image.front.files * RECORD
    inode = image.inode(image.names.lookup(b"7"))
    assert [piece for _, piece in contents.read(image, inode, pytest.fail)] == [b"x" * 100_000]
    assert volume.bytes_read < before_files + 100_000 + 20 * RECORD


def test_parts_of_an_image():
    with Image.open(SAMPLE) as image:
        parts = image.parts
        assert [part.kind for part in parts] == [
            "volume",
            "bitmap",
            "bitmap",
            "directories",
            "section",
            "section",
            "files",
            "section",
            "end",
        ]
        ends = [part.record + part.records for part in parts]
        assert [part.record for part in parts] == [0, *ends[:-1]]
        assert ends[-1] * RECORD == len(SAMPLE)
        assert image.exists.numbers() == image.dumped.numbers() == list(range(2, 17))
        kinds = [section.section for section in image.sections]
        assert kinds == [Section.NT_ACLS_FRONT, Section.OFFSET_MAP, Section.NT_ACLS_TRAILING]
        assert image.end.files_written == len(image.offsets)
        assert image.extension.total_records == image.records
        assert image.identity.uuid == image.extension.image_uuid


def test_parts_of_a_plain_dump():
    with Image.open(PLAIN) as image:
        assert not image.is_dari
        assert (image.extension, image.end, image.access) == (None, None, "sequential")
        ends = [part.record + part.records for part in image.parts]
        assert [part.record for part in image.parts] == [0, *ends[:-1]]
        assert image.identity.label == b"test"


def test_dates_beyond_32_bits():
    image = poke(SAMPLE, 0, C_DATE_EPOCH, "<h", 3)
    with Image.open(image) as opened:
        assert opened.identity.date == 3 << 32 | peek(SAMPLE, 0, 4, "<I")


# -- dialects -------------------------------------------------------------------------------------


def same_but_for_places(one, other):
    """Tell whether two images hold the same inodes and contents."""
    first, second = everything(one), everything(other)
    hidden = {"record", "shift", "head_map"}
    names = [name for name in type(one.inode(2)).__slots__ if name not in hidden]
    assert set(first) == set(second)
    for path, (inode, data) in first.items():
        assert data == second[path][1]
        for name in names:
            assert getattr(inode, name) == getattr(second[path][0], name), name


@pytest.fixture(scope="module")
def holey(tmp_path_factory):
    """A plain dump with holes, long files and several directories, and where it lies."""
    image = Plain()
    image.front([2, 3, 5, 6, 7])
    entries = [(5, 8, b"holes"), (6, 8, b"big"), (3, 4, b"sub")]
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), *entries])
    image.directory(3, [(3, 4, b"."), (2, 4, b".."), (7, 6, b"dev")])
    for number, present in ((5, [1, 0, 0, 1, 1, 0, 1, 0]), (6, [1] * 700)):
        for first in range(0, len(present), 512):
            part = present[first : first + 512]
            c_type = CType.TS_ADDR if first else CType.TS_INODE
            size = len(present) * RECORD - 7
            fields = {"di_uid": 70000, "di_ouid": 4464, "di_mtime": (5, 7)}
            image.header(c_type, number, FILE, size, addr=bytes(part), **fields)
            image.records(bytes([first % 250 + 1]) * RECORD * sum(part))
    image.header(CType.TS_INODE, 7, stat.S_IFBLK | 0o600, di_db=(0, 0x1234567))
    path = tmp_path_factory.mktemp("dialects") / "plain"
    path.write_bytes(image.end())
    return path


@pytest.mark.parametrize("convert", [dialect.to_big_endian, dialect.to_run_coded])
def test_a_dialect_reads_like_the_plain_dump(holey, tmp_path, convert):
    convert(holey, tmp_path / "other")
    with Image.open(holey) as plain, Image.open(tmp_path / "other") as other:
        assert other.order == ("be" if convert is dialect.to_big_endian else "le")
        same_but_for_places(plain, other)
        assert other.inode(7).rdev == 0x1234567
        assert (plain.faults, other.faults) == ([], [])
        assert verify(other).faults == []


def test_without_the_new_inode_format():
    image = Plain(new_format=False)
    image.front([2, 5])
    image.directory(2, [(2, 0, b"."), (2, 0, b".."), (5, 0, b"file")])
    image.inode(5, FILE, b"old", di_ouid=7, di_uid=99)
    with Image.open(image.end()) as opened:
        assert opened.old_format
        assert opened.names.children(2) == [(5, 0, b"file")]
        assert opened.inode(5).uid == 7
        assert everything(opened)[b"file"][1] == b"old"
        assert opened.faults == []


def test_directories_of_several_headers():
    """As 0.4b47 writes them: one record under each header."""
    image = Plain()
    image.front([2, *range(10, 110)])
    names = [(k, 8, b"a name of some length %d" % k) for k in range(10, 110)]
    entries = [(2, 4, b"."), (2, 4, b".."), *names]
    data = images.directory.encode([images.directory.Entry(*entry) for entry in entries])
    for first in range(0, len(data), RECORD):
        c_type = CType.TS_ADDR if first else CType.TS_INODE
        image.header(c_type, 2, DIRECTORY, len(data), addr=b"\1")
        image.records(data[first : first + RECORD])
    for number in range(10, 110):
        image.inode(number, FILE, b"")
    with Image.open(image.end()) as opened:
        assert len(list(opened.names.walk())) == 100
        assert opened.faults == []


def test_maps_of_more_than_512_records():
    image = Plain()
    image.front([2, 600 * 8192])
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), (600 * 8192, 8, b"far")])
    image.inode(600 * 8192, FILE, b"far")
    with Image.open(image.end()) as opened:
        assert opened.dumped.numbers() == [2, 600 * 8192]
        assert everything(opened)[b"far"][1] == b"far"


# -- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "not a dump image"),
        (b"x" * 5000, "not a dump image"),
        (bytes(1 << 20), "not a dump image"),
        (b"\x7fELF" + bytes(3000), "not a dump image"),
        (SAMPLE[:500], "not a dump image"),
        (SAMPLE[: RECORD - 1], "not a dump image"),
        (poke(PLAIN, 0, 888, "<I", 0x83), "compressed"),
        (bytes(24) + struct.pack("<I", 60011) + bytes(2000), "old-file-system"),
        (bytes(24) + struct.pack(">I", 60011) + bytes(2000), "old-file-system"),
        (bytes(24) + struct.pack("<I", 0x19540119) + bytes(2000), "UFS2"),
        (bytes(24) + struct.pack(">I", 0x19540119) + bytes(2000), "UFS2"),
        (poke(SAMPLE, 0, FEATURE_INCOMPAT, "<H", 8), "DARI-VOL-005"),
    ],
    ids=range(12),
)
def test_what_is_refused(data, told):
    with pytest.raises(FormatError, match=told) as error:
        Image.open(data, name="some.dump")
    assert str(error.value).startswith("some.dump: ")


def test_unknown_features():
    with Image.open(poke(SAMPLE, 0, FEATURE_INCOMPAT, "<H", 8), sequential=True) as image:
        assert set(everything(image)) == {path for path in paths_of(sample()) if path}
    with Image.open(poke(SAMPLE, 0, FEATURE_COMPAT, "<H", 0x8001)) as image:
        assert image.access == "direct"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(StorageError):
        Image.open(tmp_path / "absent")
    with pytest.raises(StorageError):
        Image.open(tmp_path)


# -- damaged --------------------------------------------------------------------------------------


def test_a_damaged_first_record():
    with Image.open(b"\0" * RECORD + SAMPLE[RECORD:]) as image:
        assert image.is_dari
        assert image.access == "sequential"
        assert set(everything(image)) == {path for path in paths_of(sample()) if path}
        assert [fault.requirement for fault in image.faults] == ["DARI-VOL-001"]


@pytest.mark.parametrize("verdict", [0, 2, 77])
def test_the_verdict(verdict):
    changed = SAMPLE
    for record, c_type, _ in headers_of(SAMPLE):
        if c_type == CType.TS_END:
            changed = poke(changed, record, VERDICT, "<I", verdict)
    with Image.open(changed) as image:
        assert image.access == "sequential"
        assert "verdict" in image.access_note
        image.trust_map()
        assert image.access == "direct"
    with Image.open(changed, trust_map=True) as image:
        assert image.access == "direct"


def test_a_damaged_map_is_not_used():
    with Image.open(SAMPLE) as image:
        record = next(s.record for s in image.front.sections if s.section == Section.OFFSET_MAP)
    changed = bytearray(SAMPLE)
    changed[(record + 1) * RECORD + 50] ^= 1
    with Image.open(bytes(changed), trust_map=True) as image:
        assert image.access == "sequential"
        assert set(everything(image)) == {path for path in paths_of(sample()) if path}
        assert "DARI-REC-029" in {fault.requirement for fault in image.faults}


def test_a_lying_map_is_found_out():
    """Shows DARI-OFF-005."""
    data = {b"a": Node(FILE, size=2, data={0: b"aa"}), b"b": Node(FILE, size=2, data={0: b"bb"})}
    image = encode(Node(DIRECTORY, children=data))
    with Image.open(image) as opened:
        section = next(s for s in opened.front.sections if s.section == Section.OFFSET_MAP)
        one, other = opened.offset(3), opened.offset(4)
    records = -(-section.payload_size // RECORD)
    for elements in ((other, one), (one + 1, other), (0, other), (one, 10**9)):
        changed = bytearray(image)
        struct.pack_into("<QQ", changed, (section.record + 1) * RECORD + 24, *elements)
        images.reseal(changed, section.record, records=records)
        with Image.open(bytes(changed)) as opened:
            assert opened.access == "direct"
            assert {path: data for path, (_, data) in everything(opened).items() if path} == {
                b"a": b"aa",
                b"b": b"bb",
            }
            assert opened.is_recovered


@pytest.mark.parametrize("places", [VOLUME_NUMBERS])
@pytest.mark.parametrize("value", [0, 1, 7, 2**31, 2**63, 2**64 - 1])
def test_lying_record_numbers(places, value):
    for at in places:
        with Image.open(poke(SAMPLE, 0, at, "<Q", value), sequential=value > 9) as image:
            assert set(everything(image)) == {path for path in paths_of(sample()) if path}


def test_faults_are_kept_within_bounds():
    names = b"".join(struct.pack("<IHBB", 5, 12, 8, 1) + b"/\0\0\0" for _ in range(5 * 42))
    data = (
        b"".join(
            names[k : k + 504] + struct.pack("<IHH", 0, 8, 0) for k in range(0, len(names), 504)
        )
        * 20
    )
    image = Plain()
    image.front([2])
    image.inode(2, DIRECTORY, data[: 512 * 100])
    with Image.open(image.end()) as opened:
        _ = opened.names
        assert len(opened.faults) == KEPT_FAULTS
        assert opened.faults.total > KEPT_FAULTS


def test_claims_of_size_take_no_memory():
    """Shows DARI-SAF-001."""
    claims = [
        poke(PLAIN, 1, 160, "<i", 2**31 - 1),
        poke(PLAIN, 3, 160, "<i", 2**31 - 1),
        *(
            poke(SAMPLE, record, 40, "<Q", 2**63)
            for record, c_type, _ in headers_of(SAMPLE)
            if c_type in (CType.TS_INODE, CType.TS_ADDR)
        ),
        *(
            poke(SAMPLE, record, 944, "<Q", 2**62)
            for record, c_type, inode in headers_of(SAMPLE)
            if inode == 1
        ),
    ]
    tracemalloc.start()
    for claim in claims:
        with Image.open(claim) as image:
            _ = image.names, image.offsets
            verify(image)
    assert tracemalloc.get_traced_memory()[1] < 64 << 20
    tracemalloc.stop()


# -- anything -------------------------------------------------------------------------------------


@st.composite
def mutations(draw, image):
    """Draw a mutation of an image: records flipped, overwritten, lost, doubled, swapped, cut."""
    data, count = bytearray(image), len(image) // RECORD
    headers = [at for at, _, _ in headers_of(image)]
    for _ in range(draw(st.integers(1, 4))):
        record = draw(st.one_of(st.sampled_from(headers), st.integers(0, count - 1)))
        at = record * RECORD
        how = draw(
            st.sampled_from(["flip", "field", "field", "zero", "double", "drop", "swap", "cut"])
        )
        if at + RECORD > len(data):
            continue
        if how == "flip":
            data[at + draw(st.integers(0, 1023))] ^= draw(st.integers(1, 255))
        elif how == "field":
            place = draw(st.sampled_from([0, 4, 16, 20, 32, 40, 44, 160, 164, 888, 896]) | PLACES)
            struct.pack_into("<I", data, at + place, draw(NUMBERS))
            images.reseal(data, record)
        elif how == "zero":
            data[at : at + RECORD] = bytes(RECORD)
        elif how == "double":
            data[at:at] = data[at : at + RECORD]
        elif how == "drop":
            del data[at : at + RECORD]
        elif how == "swap":
            other = draw(st.sampled_from(headers)) * RECORD
            if other + RECORD <= len(data):
                one, two = data[at : at + RECORD], data[other : other + RECORD]
                data[at : at + RECORD], data[other : other + RECORD] = two, one
        else:
            del data[at + draw(st.integers(0, 1023)) :]
    return Mutation(bytes(data))


PLACES = st.integers(0, 255).map(lambda word: word * 4)
NUMBERS = st.one_of(
    st.integers(0, 20), st.sampled_from([2**31, 2**31 - 1, 2**32 - 1]), st.integers(0, 2**32 - 1)
)


class Mutation(bytes):
    """Bytes that do not fill the screen."""

    def __repr__(self):
        changed = next(
            (k for k, (a, b) in enumerate(zip(self, SAMPLE, strict=False)) if a != b), -1
        )
        return f"<{len(self)} bytes, differ from the sample at {changed}>"


def use(data):
    """Do all that can be done with an image."""
    try:
        with Image.open(data) as image:
            everything(image)
            _ = image.parts, image.exists, image.dumped, image.offsets
            list(image.inodes(np.arange(40), lambda _: None))
    except FormatError:
        pass
    try:
        assert isinstance(verify(data).as_json(), dict)
    except FormatError:
        pass


@given(mutations(SAMPLE))
@settings(deadline=10_000, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_mutations_of_an_image(data):
    use(data)


@given(mutations(PLAIN))
@settings(deadline=10_000, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@example(Mutation(PLAIN[:RECORD]))
def test_mutations_of_a_plain_dump(data):
    use(data)


@given(st.integers(0, len(SAMPLE) // RECORD - 1), st.integers(0, 1023), st.integers(1, 255))
@settings(deadline=10_000, max_examples=150)
def test_one_flipped_byte_costs_at_most_one_inode_and_what_is_below(record, at, bit):
    data = bytearray(SAMPLE)
    data[record * RECORD + at] ^= bit
    with Image.open(SAMPLE) as image:
        whole = everything(image)
    try:
        with Image.open(bytes(data), sequential=True) as image:
            found = everything(image)
    except FormatError:
        assert record == 0
        return
    different = {path for path in whole if path not in found or found[path][1] != whole[path][1]}
    tops = {path.split(b"/")[0] for path in different}
    lists_root = len(tops) > 2
    assert not lists_root or record in range(5, 8)

"""What ``verify`` says of contents: by checksums, and by what plain dumps have instead."""

from __future__ import annotations

import json
import os
import struct

import pytest
from support.images import FILE, Plain, encode, headers_of, peek, poke, reseal

from darimage.cli import main
from darimage.schema import CType, InodeFlag
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate import run
from darimage.validate.verify import verify


def rules(found):
    return {name for name, _ in found.told}


# -- plain dumps -----------------------------------------------------------------------------------


def dump(middle=b"m" * 9 * RECORD):
    """Return a plain dump of two directories and three files."""
    image = Plain()
    image.front([2, 3, 4, 5, 6, 7])
    root = [(3, 4, b"one"), (4, 4, b"two"), (5, 8, b"file")]
    image.directory(2, [(2, 4, b"."), (2, 4, b".."), *root])
    image.directory(3, [(3, 4, b"."), (2, 4, b".."), (6, 8, b"middle")])
    image.directory(4, [(4, 4, b"."), (2, 4, b".."), (7, 8, b"last")])
    image.inode(5, FILE, b"f" * 9 * RECORD)
    image.inode(6, FILE, middle)
    image.inode(7, FILE, b"l" * 9 * RECORD)
    return image.end()


GOOD = dump()


def at(inode):
    return next(record for record, _, number in headers_of(GOOD) if number == inode)


def renumbered(number):
    """Return the dump with other record numbers behind the first header."""
    data = bytearray(GOOD)
    for record, _, _ in headers_of(GOOD)[1:]:
        struct.pack_into("<I", data, record * RECORD + 16, number(record))
        reseal(data, record)
    return bytes(data)


def test_a_good_dump_is_good_and_has_no_checksums():
    """Shows DARI-FLT-007."""
    found = verify(GOOD)
    assert found.good
    assert (found.told, found.contents) == ([], "no checksums")


def test_numbers_count_only_by_difference():
    assert verify(renumbered(lambda record: record - 1)).told == []


def test_numbers_may_mean_nothing():
    found = verify(renumbered(lambda record: record * 3 % 7))
    assert found.good
    assert rules(found) == {"numbers.nothing"}


def without(start, count):
    return GOOD[: start * RECORD] + GOOD[(start + count) * RECORD :]


def again(start, count):
    end = (start + count) * RECORD
    return GOOD[:end] + GOOD[start * RECORD :]


def exchanged(one, other):
    data = bytearray(GOOD)
    for place, source in ((one, other), (other, one)):
        data[place * RECORD : (place + 1) * RECORD] = GOOD[source * RECORD : (source + 1) * RECORD]
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(without(at(6), 10), id="a whole file is not there"),
        pytest.param(without(at(6) + 2, 3), id="a part of one"),
        pytest.param(again(at(6), 10), id="a file twice"),
        pytest.param(again(at(6) + 2, 3), id="a part of one twice"),
        pytest.param(exchanged(at(3) + 1, at(4) + 1), id="the entries of two directories"),
        pytest.param(exchanged(at(6), at(7)), id="the headers of two files"),
        pytest.param(
            GOOD[: at(7) * RECORD + 500] + GOOD[(at(7) + 1) * RECORD :], id="a short block"
        ),
    ],
)
def test_records_elsewhere_are_found(data):
    """Shows DARI-REC-031."""
    found = verify(data)
    assert not found.good
    (report,) = (judged(data),)
    assert not report.conforms()


def judged(data):
    with ImageFile(data) as path:
        (report,) = run.validate([path])
    return report


class ImageFile:
    """An image in a file of its own."""

    def __init__(self, data):
        self.data = data

    def __enter__(self):
        self.fd = os.memfd_create("image")
        os.write(self.fd, self.data)
        return f"/proc/self/fd/{self.fd}"

    def __exit__(self, *_):
        os.close(self.fd)


def test_a_tape_block_of_zeros_is_a_warning():
    """Shows DARI-FLT-008."""
    data = dump(b"m" * 2 * RECORD + bytes(30 * RECORD) + b"m")
    found = verify(data)
    assert found.good
    assert rules(found) == {"records.zeros"}
    assert [fault.inode for fault in found.notes] == [6, 6]
    assert judged(data).conforms()
    assert not judged(data).conforms(strict=True)


def test_an_old_dump_behind_a_short_one_is_a_note():
    """Shows DARI-END-010."""
    old = renumbered(lambda record: record)
    old = bytearray(old)
    for record, _, _ in headers_of(GOOD):
        struct.pack_into("<I", old, record * RECORD + 4, 1_600_000_000)
        reseal(old, record)
    found = verify(GOOD + bytes(old))
    assert found.good
    (note,) = found.notes
    assert (note.kind, note.record) == ("more-behind", len(GOOD) // RECORD)
    assert "2020-09-13" in note.message
    assert judged(GOOD + bytes(old)).conforms()


# -- images ----------------------------------------------------------------------------------------

IMAGE = encode(
    Node.directory({b"file": Node.file(b"f" * 5000), b"link": Node.symlink(b"somewhere")})
)


def header_of(path_size):
    return next(
        record
        for record, c_type, inode in headers_of(IMAGE)
        if (c_type, peek(IMAGE, record, 40, "<Q")) == (CType.TS_INODE, path_size) and inode > 2
    )


@pytest.mark.parametrize("size", [5000, 9])
def test_quick_leaves_out_the_contents_of_files_and_says_so(size, tmp_path, capsys):
    """Shows DARI-FLT-006."""
    data = bytearray(IMAGE)
    data[(header_of(size) + 1) * RECORD] ^= 1
    (tmp_path / "image").write_bytes(data)
    for arguments, code, contents in (([], 1, "checked"), (["--quick"], 0, "not checked")):
        told = {"checked": "all data read and checked", "not checked": "contents of files NOT read"}
        with pytest.raises(SystemExit) as ended:
            main.main(["verify", *arguments, os.fspath(tmp_path / "image")])
        assert ended.value.code == code
        assert told[contents] in capsys.readouterr().out
        with pytest.raises(SystemExit):
            main.main(["verify", "--json", *arguments, os.fspath(tmp_path / "image")])
        assert json.loads(capsys.readouterr().out)["contents"] == contents


def test_data_that_could_not_be_read_is_a_loss_in_an_image_that_conforms():
    data, end = IMAGE, 0
    data = poke(data, header_of(5000), 934, "<H", int(InodeFlag.INODE_SUBSTITUTED))
    for record, c_type, _ in headers_of(IMAGE):
        if c_type == CType.TS_END:
            data, end = poke(data, record, 944 + 24, "<Q", 1), end + 1
    found = verify(data)
    assert end
    assert rules(found) == {"end.substituted-data"}
    assert not found.good
    assert judged(data).conforms()


def test_bytes_behind_an_image_are_a_note():
    found = verify(IMAGE + bytes(3000))
    assert found.good
    (note,) = found.notes
    assert note.message == "3,000 bytes lie behind the end: zeros"
    assert verify(IMAGE + IMAGE[-RECORD:]).notes[0].message.endswith("a header of this image")

"""Inodes from headers, held against the generated Construct codec."""

from __future__ import annotations

import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.images import FILE, Plain

from darimage.image.inode import ALL_PRESENT, Inode
from darimage.schema import ORDERS, CType, layout

RECORD = 1024
NS = 10**9


def slow(record, order, position, old_format):
    """Return the attributes of an inode, read with Construct and sentence by sentence."""
    header = layout("record", order).parse(record)
    old, extension = header.c_dinode, header.extension
    if old_format is None:
        old_format = not header.c_flags & 2
    extended = record[928:932] == b"DARI" and record[932] == 2 and record[933] > 0
    body = layout("extension/inode_body", order).parse(record[944:]) if extended else None
    count = 0 if header.c_flags & 0x100 else min(max(header.c_count, 0), 512)
    shift = (position - header.c_tapea + 2**31) % 2**32 - 2**31
    kind = stat.S_IFMT(old.di_mode)
    device = (old.di_db[0] or old.di_db[1]) if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0

    def time(name):
        if body:
            return body[f"{name}_ns"]
        # DARI-FIL-024, sentence by sentence.
        seconds, fraction = old[f"di_{name}"].tv_sec % 2**32, old[f"di_{name}"].tv_usec
        if not 0 <= fraction < NS:
            fraction = 0
        if record[928:932] != b"DARI" and seconds >= 2**31 and header.c_date < 2**31:
            seconds -= 2**32
        return seconds * NS + (fraction * 1000 if fraction < 10**6 else fraction)

    return {
        "number": header.c_inumber,
        "mode": old.di_mode,
        "nlink": body.nlink if body else old.di_nlink,
        "uid": old.di_ouid if old_format else old.di_uid,
        "gid": old.di_ogid if old_format else old.di_gid,
        "size": old.di_size,
        "atime_ns": time("atime"),
        "mtime_ns": time("mtime"),
        "ctime_ns": time("ctime"),
        "birthtime_ns": body.birthtime_ns if body else 0,
        "rdev": device,
        "flags": extension.flags if extended else 0,
        "records_crc32c": extension.records_crc32c if record[928:932] == b"DARI" else -1,
        "run_records": body.run_records if body else 0,
        "record": position,
        "base_inode": body.base_inode if body else 0,
        "stream_directory": body.stream_directory if body else 0,
        "metadata_only": bool(header.c_flags & 0x100),
        "head_map": bytes(header.c_addr[:count]),
        "shift": shift,
    }


records = st.builds(
    lambda a, b, known: a + (b"DARI\2" + known + b[6:] if known else b),
    st.binary(min_size=928, max_size=928),
    st.binary(min_size=96, max_size=96),
    st.sampled_from([b"", b"\0", b"\1"]),
)


@given(st.lists(records, min_size=1, max_size=4), st.sampled_from(ORDERS), st.data())
@settings(deadline=None)
def test_columns_equal_the_codec(rows, order, data):
    positions = data.draw(st.lists(st.integers(0, 2**40), min_size=len(rows), max_size=len(rows)))
    old_format = data.draw(st.sampled_from([None, True, False]))
    columns = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, RECORD)
    made = Inode.many(columns, order, np.array(positions), old_format=old_format)
    for inode, row, position in zip(made, rows, positions, strict=True):
        wanted = slow(row, order, position, old_format)
        assert {name: getattr(inode, name) for name in wanted} == wanted
        assert Inode.of(row, order, position, old_format=old_format) == inode


def one(**fields):
    image = Plain()
    image.header(CType.TS_INODE, 5, **fields)
    return Inode.of(bytes(image.data), "le", 0)


def test_maps_without_holes_are_shared():
    assert one(mode=FILE, size=3000, addr=b"\1\1\1").head_map is one(addr=b"\1" * 3).head_map


@pytest.mark.parametrize(("words", "rdev"), [((0x0801,), 0x0801), ((0, 0x12345), 0x12345)])
def test_device_numbers_of_linux_dump(words, rdev):
    assert one(mode=stat.S_IFBLK, di_db=words).rdev == rdev
    assert one(mode=FILE, di_db=words).rdev == 0


def test_what_the_head_describes():
    assert one(mode=FILE, size=512 * RECORD, addr=ALL_PRESENT).fits_head
    assert not one(mode=FILE, size=512 * RECORD + 1, addr=ALL_PRESENT).fits_head
    assert not one(mode=FILE, size=1024, addr=b"\3").fits_head  # run coding


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (stat.S_IFDIR, {"is_directory"}),
        (stat.S_IFREG, {"is_file"}),
        (stat.S_IFLNK, {"is_symlink"}),
        (stat.S_IFBLK, {"is_device"}),
        (stat.S_IFCHR, {"is_device"}),
        (stat.S_IFIFO, set()),
    ],
)
def test_kinds(mode, names):
    inode = one(mode=mode | 0o755)
    kinds = ("is_directory", "is_file", "is_symlink", "is_device")
    assert {name for name in kinds if getattr(inode, name)} == names
    assert inode.kind == mode


def test_metadata_only_has_no_contents():
    inode = one(mode=FILE, size=10, addr=b"\1", c_flags=0x102)
    assert inode.metadata_only
    assert inode.head_map == b""

"""Images past 4 TiB, inode numbers up to 2^32 - 1, ten million inodes: from recipes."""

from __future__ import annotations

import resource
import time

import numpy as np
import pytest
from support import recipe
from support.volumes import Before

from darimage.image.batch import Marks
from darimage.image.numbering import Numbering, fresh
from darimage.image.reader import Image
from darimage.image.walk import walk
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.units import RECORD

TIB = 1 << 40


def contents(inode, size):
    return recipe.data(inode, 0, -(-size // RECORD)).tobytes()[:size]


@pytest.fixture(scope="module")
def beyond():
    """Two files of 3 TiB and small ones before, between and behind them."""
    names = [b"a", b"b-huge", b"c", b"d-huge", b"e"]
    sizes = [5000, 3 * TIB, 700_000, 3 * TIB, 3000]
    return recipe.Recipe(recipe.scan_of([(b"below", names, sizes)]))


def test_record_numbers_wrap_at_4_tib_and_offsets_do_not(beyond):
    assert beyond.report.good
    with Image.open(beyond) as image:
        assert image.access == "direct"
        last = image.names.lookup(b"below/e")
        inode = image.inode(last)
        assert inode.record > 2**32
        assert image.offset(last) == inode.record * RECORD
        assert (inode.shift, inode.size) == (0, 3000)
        assert image.end_at == beyond.layout.end
        assert [part.record > 2**32 for part in image.parts[-3:]] == [False, True, True]


def test_files_beyond_4_tib_come_back_from_a_real_file(beyond, tmp_path):
    directories = beyond.inventory.directories
    beyond.write(tmp_path / "image", [directories + k for k in (0, 2, 4)])
    assert (tmp_path / "image").stat().st_size > 6 * TIB
    with Image.open(tmp_path / "image") as image:
        names = [b"below/a", b"below/c", b"below/e"]
        report = restore(image, tmp_path / "out", select(image.names, names))
        assert (report.exit_code, report.files) == (0, 3)
        for name in names:
            inode = image.inode(image.names.lookup(name))
            back = (tmp_path / "out" / name.decode()).read_bytes()
            assert back == contents(inode.number, inode.size)
        assert image.volume.bytes_read < 2_000_000


def test_a_walk_goes_on_beyond_4_tib(beyond):
    """From the last headers of the second huge file on: before and after there is no difference."""
    row = beyond.inventory.directories + 3
    start = int(beyond.layout.positions[row] + beyond.layout.runs[row]) - 3 * 513
    faults = []
    with Image.open(beyond) as image:
        marks = Marks(image.order, image.marks.date, numbered=True)
        found = list(walk(beyond, marks, start, on_fault=faults.append))
    records = np.concatenate([batch.record for batch in found])
    assert not faults
    assert records[0] == start > 2**32
    assert records[-1] == beyond.layout.total - 1


def high(scan, top):
    """Number the files of a scan up to ``top``."""
    numbering = fresh(scan)
    others = numbering.others.copy()
    others[-3:] = [top - 70_000, top - 1, top]
    return Numbering(numbering.directories, others)


@pytest.mark.parametrize(
    "top", [2**28 + 5, pytest.param(2**32 - 1, marks=pytest.mark.slow)], ids=["2^28", "2^32-1"]
)
def test_high_inode_numbers(top, tmp_path):
    """Shows DARI-LIM-001."""
    scan = recipe.scan_of([(b"below", [b"a", b"b", b"c", b"d"], [10, 2000, 3000, 0])])
    made = recipe.Recipe(scan, high(scan, top))
    with Image.open(made) as image:
        assert image.access == "direct"
        assert image.names.lookup(b"below/d") == top
        assert image.exists.highest == top
        chosen = select(image.names, [b"below/b", b"below/c"], [top])
        report = restore(image, tmp_path / "out", chosen)
        assert (report.exit_code, report.files) == (0, 3)
        assert (tmp_path / "out/below/c").read_bytes() == contents(top - 1, 3000)


@pytest.mark.parametrize(
    "count", [1_000_000, pytest.param(10_000_000, marks=pytest.mark.slow)], ids=["1M", "10M"]
)
def test_many_inodes(count, tmp_path):
    each = 1000
    names = [b"file-%03d" % k for k in range(each)]
    sizes = np.full(each, 100_000)
    directories = [(b"dir-%05d" % k, names, sizes) for k in range(count // each)]
    made = Before(recipe.Recipe(recipe.scan_of(directories)))
    began = time.perf_counter()
    with Image.open(made) as image:
        chosen = select(image.names, [b"dir-00700"])
        report = restore(image, tmp_path / "out", chosen)
        inode = image.names.lookup(b"dir-00700/file-999")
    assert (report.exit_code, report.files) == (0, each)
    assert (tmp_path / "out/dir-00700/file-999").read_bytes() == contents(inode, 100_000)
    assert image.volume.bytes_read < 110_000 * each + 80 * count
    print(
        f"{count} inodes: a directory of {each} in {time.perf_counter() - began:.1f} s,"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
    )

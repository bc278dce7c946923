"""Restoring by the plan of a drive: all comes back, and takes the time that was predicted."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fuzz.strategies.damage import damage, damages
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import edits, legacy, recipe
from support.compare import compare_trees
from support.drives import drives
from support.images import DIRECTORY, FILE, contents_of, encode, sample
from support.levels import Levels
from test_restore_accepts import check_tree
from test_restore_run import bring

from darimage.drives import files
from darimage.drives.model import Distance, Serpentine
from darimage.errors import DarimageError, StorageError
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore import by_plan
from darimage.restore.plan import make_plan
from darimage.restore.selection import select
from darimage.schema.constants import Section
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.volumes import patient
from darimage.volumes.reading import MemoryVolume
from darimage.volumes.simulated import SimulatedDrive

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")

SMALL_TAPE = Serpentine(
    "small", rate=1e5, capacity=8 << 20, wraps=8, length=20.0, search=5.0, command=0.2
)
"""Holds what ``some_big_files`` makes, on most of its wraps."""


def planned(image, drive, patterns=()):
    chain = Chain.of(image)
    plan = make_plan(chain, select(chain.names, patterns))
    rows = np.arange(len(plan.files))
    return plan, by_plan.plan_of(image, plan.files, rows, drive)


@needs_root
@settings(QUIET, max_examples=60)
@given(trees(), drives, st.sampled_from([0, 40, 100]))
def test_any_tree_comes_back_from_any_drive(tree, drive, volume_records):
    data = encode(tree, volume_records=volume_records)
    with legacy.scratch_directory() as folder:
        report = bring(Image.open(data), folder / "out", drive=drive)
        assert [fault.text() for fault in report.faults] == []
        check_tree(tree, os.fsencode(folder / "out"))


def some_big_files():
    rng = np.random.default_rng(1)
    nodes = {}
    for number, size in enumerate([3_000, 40_000, 900_000, 100, 5_000_000, 600_000, 20_000]):
        piece = rng.integers(0, 256, size, np.uint8).tobytes()
        nodes[b"f%d" % number] = Node(FILE, size=size, data={0: piece})
    nodes[b"sparse"] = Node(FILE, size=9 << 20, data={8 << 20: b"end"})
    return Node(DIRECTORY, children=nodes)


@pytest.mark.parametrize("name", ["dlt-7000", "lto-5", "lto-9", "ait-2", "object-store"])
@pytest.mark.parametrize(
    "patterns", [(), (b"f1", b"f5"), (b"f4",), (b"sparse", b"f0")], ids=["all", "two", "big", "far"]
)
def test_a_restore_takes_what_its_plan_says(name, patterns, tmp_path):
    """The clock of a simulated drive against the prediction; nothing is read but by the plan."""
    tree, drive = some_big_files(), files.find(name)
    volume = SimulatedDrive(MemoryVolume(encode(tree)), drive)
    with Image.open(volume) as image:
        planned(image, drive, patterns)
        # The map has been read now. The first request to a server is one wherever that ended.
        volume.read_at(0, RECORD)
        _, plan = planned(image, drive, patterns)
        volume.drive = volume._deck.drive = plan.reading.drive
        before, seeks = volume.counts.clock, volume.counts.seeks
        report = bring(image, tmp_path / "out", patterns, drive=drive)
    assert report.exit_code == 0
    taken = volume.counts.clock - before
    assert taken == pytest.approx(plan.reading.seconds, rel=0.01)
    assert volume.counts.seeks - seeks == plan.reading.seeks
    for path in patterns or [b"f0", b"f4", b"sparse"]:
        found = (tmp_path / "out" / os.fsdecode(path)).read_bytes()
        assert found == contents_of(tree.children[path])


def test_who_trusts_the_map_is_not_wound_to_the_end(tmp_path):
    data, drive = encode(some_big_files()), files.find("lto-5")
    patient_one = SimulatedDrive(MemoryVolume(data), drive)
    with Image.open(patient_one, map_first=True) as image:
        assert image.end is not None
        assert patient_one.position > image.end_at * RECORD > len(data) // 2
        places = image.offsets
    hasty = SimulatedDrive(MemoryVolume(data), drive)
    with Image.open(hasty, map_first=True, trust_map=True) as image:
        assert (image.end, image.access) == (None, "direct")
        assert image.records * RECORD <= len(data)
        assert hasty.position < patient.STEP + image.front.files * RECORD < len(data)
        assert image.offsets.of(np.arange(20)).tolist() == places.of(np.arange(20)).tolist()
        report = bring(image, tmp_path / "out", (b"f1",), drive=drive)
    assert report.exit_code == 0
    assert hasty.counts.clock < patient_one.counts.clock


def test_who_trusts_the_map_of_a_cut_image_is_told_so():
    data = encode(some_big_files())
    with Image.open(data[: len(data) // 2], map_first=True, trust_map=True) as image:
        assert image.access == "direct"
        assert "DARI-VOL-011" in {fault.requirement for fault in image.faults}


def test_trust_in_a_damaged_map_is_of_no_use():
    data = bytearray(encode(some_big_files()))
    with Image.open(bytes(data)) as image:
        record = next(s.record for s in image.front.sections if s.section == Section.OFFSET_MAP)
    data[(record + 1) * RECORD + 20] ^= 1
    with Image.open(bytes(data), map_first=True, trust_map=True) as image:
        assert image.access == "sequential"
        assert image.end is not None


def test_files_come_in_the_order_of_the_reads(tmp_path, monkeypatch):
    """On a tape with wraps the order is another than that of the addresses."""
    image = Image.open(encode(some_big_files()))
    _, plan = planned(image, SMALL_TAPE, [b"f0", b"f2", b"f3", b"f5", b"f6"])
    groups = list(plan.groups())
    assert sorted(row for group in groups for row in group) == plan.rows.tolist()
    assert all(group == sorted(group) for group in groups)
    assert plan.reading.order == "serpentine"
    assert [row for group in groups for row in group] != plan.rows.tolist()
    report = bring(image, tmp_path / "out", drive=SMALL_TAPE)
    assert (report.exit_code, report.files) == (0, 8)


def test_a_cut_image_is_planned_by_its_volumes():
    image = Image.open(encode(some_big_files(), volume_records=2000))
    drive = by_plan.fitted(files.find("lto-5"), image)
    assert drive.tape == 2000 * RECORD
    assert drive.block == 10 * RECORD
    assert by_plan.fitted(files.find("disk"), image) == files.find("disk")
    _, plan = planned(image, files.find("lto-5"))
    shown = plan.spans
    assert shown[-1, 1] <= image.volume.size
    # Real bytes have a header more for each volume before them.
    real = plan.extents[:, 0] // RECORD
    np.testing.assert_array_equal(image.volume.cut.logical(real) * RECORD, _offsets(image, plan))


def _offsets(image, plan):
    chain = Chain.of(image)
    return make_plan(chain, select(chain.names)).files.offsets[plan.rows]


class Scratched(MemoryVolume):
    """A volume some of whose bytes cannot be read."""

    def __init__(self, data, start, end):
        super().__init__(data)
        self.start, self.end = start, end

    def readinto_at(self, offset, views):
        if offset < self.end and offset + sum(view.nbytes for view in views) > self.start:
            raise StorageError("scratched: Input/output error")
        return super().readinto_at(offset, views)


@pytest.mark.parametrize("of", [b"f1", b"f2", b"f4"], ids=["between", "in one", "at the end"])
def test_an_error_hurts_none_but_the_file_it_is_in(of, tmp_path):
    """Bytes that are read only to be discarded may be unreadable."""
    tree = some_big_files()
    data = encode(tree)
    with Image.open(data) as image:
        plan, _ = planned(image, files.find("lto-5"), [of])
        middle = int(plan.files.offsets[0] + plan.files.ends[0]) // 2
    volume = Scratched(data, middle, middle + 1)
    wanted = [b"f0", b"f2", b"f3", b"f4", b"f5"]
    with Image.open(volume) as image:
        report = bring(image, tmp_path / "out", wanted, drive=files.find("lto-5"))
    broken = {fault.path for fault in report.faults}
    assert broken == ({of} & set(wanted))
    assert report.exit_code == (1 if broken else 0)
    for path in set(wanted) - broken:
        found = (tmp_path / "out" / os.fsdecode(path)).read_bytes()
        assert found == contents_of(tree.children[path])


@needs_root
def test_everything_of_the_sample_comes_back_in_order(tmp_path):
    """Links, devices and holes are made on the way, not in a pass of their own."""
    volume = SimulatedDrive(MemoryVolume(encode(sample())), files.find("lto-5"))
    with Image.open(volume) as image:
        seeks = volume.counts.seeks
        report = bring(image, tmp_path / "out", drive=files.find("lto-5"))
    assert report.exit_code == 0
    assert (report.symlinks, report.others) == (1, 2)
    assert volume.counts.seeks - seeks <= 1
    check_tree(sample(), os.fsencode(tmp_path / "out"))


@needs_root
@pytest.mark.parametrize("volume_records", [0, 100])
def test_a_chain_comes_back_from_the_tapes_of_each_image(volume_records, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    edits.populate(source)
    levels = Levels(source, tmp_path)
    levels.make(0, volume_records=volume_records)
    (source / "new").write_bytes(b"new" * 100_000)
    levels.make(1, volume_records=volume_records)
    images = [str(image) for image in levels.chain()]
    with Chain.open(images, map_first=True) as chain:
        report = bring(chain, tmp_path / "out", drive=SMALL_TAPE)
    assert [fault.text() for fault in report.faults] == []
    assert compare_trees(source, tmp_path / "out") == []


# -- what the issue asks for ---------------------------------------------------------------


@pytest.fixture(scope="module")
def two_terabytes():
    """An image of 2 TB: 500 directories of 200 files, one of them with small ones."""
    directories = []
    for number in range(500):
        names = [b"f%04d" % k for k in range(200)]
        size = 200_000 if number == 250 else 20_000_000
        directories.append((b"d%04d" % number, names, [size] * 200))
    return recipe.Recipe(recipe.scan_of(directories))


@given(
    st.lists(st.tuples(st.integers(0, 240), st.integers(0, 60)), max_size=10),
    st.integers(0, 240),
    st.integers(1, 5),
)
def test_a_patient_volume_has_the_bytes_and_the_errors(wanted, bad, length):
    """An error comes to who wants those bytes; nothing is read far from what is wanted."""
    data = bytes(range(250))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("NEAR", 30), ("KEPT", 40), ("STEP", 10)):
            patch.setattr(patient, name, value)
        volume = patient.Patient(Scratched(data, bad, bad + length))
        for offset, size in wanted:
            hurt = offset < bad + length and bad < min(offset + size, 250)
            try:
                assert volume.read_at(offset, size) == data[offset : offset + size]
            except StorageError:
                assert hurt


def test_little_gaps_are_read_over_and_come_back_from_memory():
    drive = Distance("line", rate=1.0, seek=((0.0, 50.0),))
    tape = SimulatedDrive(MemoryVolume(bytes(range(250)) * 100_000), drive)
    volume = patient.Patient(tape)
    for offset in (10, 400, 100, 90_000, 50_000, 410):
        assert volume.read_at(offset, 20) == tape.volume.read_at(offset, 20)
    assert tape.counts.seeks == 0
    volume.read_at(20_000_000, 20)
    assert tape.counts.seeks == 1


class Slow(MemoryVolume):
    """A volume that says that it is on a tape."""

    is_slow = True


def opened(data, volume, **options):
    """Return what is known of an image, and what is wrong with it; or why it is none."""
    try:
        image = Image.open(volume(bytes(data)), **options)
    except DarimageError as error:
        return str(error), set()
    known = sorted(image.names.directories), image.offsets.inodes.tolist()
    places = image.offsets.offsets.tolist()
    return (image.access, known, places), {told(fault) for fault in image.faults}


def told(fault):
    """Return what a fault says; how much of a cut image is there depends on when that is asked."""
    return fault.requirement if fault.kind == "image-cut" else fault.text()


@settings(QUIET, max_examples=100)
@given(trees(), damages, st.sampled_from([MemoryVolume, Slow]))
def test_the_order_of_opening_changes_nothing(tree, what, volume):
    """Of a damaged map that is not used after all more may be told."""
    data = damage(encode(tree), what)
    known, faults = opened(data, MemoryVolume)
    known_too, faults_too = opened(data, volume, map_first=True)
    assert known == known_too
    assert faults <= faults_too


def test_opening_winds_to_the_end_and_nowhere_else(two_terabytes):
    """Front and map are read in one go, then the verdict; the files are where one goes next."""
    volume = SimulatedDrive(two_terabytes, files.find("lto-5"))
    with Image.open(volume, map_first=True) as image:
        planned(image, files.find("lto-5"), [b"d0250"])
        assert image.access == "direct"
    assert volume.counts.seeks == 1


@pytest.mark.parametrize("name", ["dlt-7000", "lto-5", "lto-9"])
def test_a_directory_out_of_two_terabytes(name, two_terabytes, tmp_path):
    """200 files: as predicted within 1 %, and in a hundredth of the time for all of the image."""
    drive = files.find(name)
    volume = SimulatedDrive(two_terabytes, drive)
    with Image.open(volume) as image:
        plan, found = planned(image, drive, [b"d0250"])
        assert len(plan.files) == 200
        volume.drive = volume._deck.drive = found.reading.drive
        before = volume.counts.clock
        report = bring(image, tmp_path / "out", [b"d0250"], drive=drive)
    taken = volume.counts.clock - before
    assert (report.files, report.fault_count) == (200, 0)
    assert taken == pytest.approx(found.reading.seconds, rel=0.01)
    assert taken <= found.whole() / 100
    assert found.reading.seeks == 1
    data = (tmp_path / "out/d0250/f0199").read_bytes()
    assert len(data) == 200_000
    inode = int(plan.files.inodes[-1])
    assert data == recipe.data(inode, 0, 196).tobytes()[:200_000]

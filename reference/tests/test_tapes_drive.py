"""Tapes in drives, against a stand-in for the Linux driver (nothing here saw a real drive)."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

import click
import pytest
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.drive import MARK, REW, SEEK, WEOF, Drive
from support.images import contents_of, encode, paths_of, sample
from support.tapes import in_blocks
from test_round_trip import check_same

from darimage.cli import tapes as cli_tapes
from darimage.errors import FormatError, StorageError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.sources.memory import MemorySource
from darimage.tapes import mtio
from darimage.tapes.container import ContainerTape
from darimage.tapes.device import DeviceVolume
from darimage.tapes.drives import Drives, by_command
from darimage.tapes.element import Kind
from darimage.tapes.linux import LinuxTape
from darimage.tapes.names import is_drive
from darimage.tapes.simh import Simh
from darimage.tapes.sink import TapeSink
from darimage.tapes.tape import EndOfMediumError
from darimage.validate.verify import verify
from darimage.volumes.pieces import Pieces, Place

RELAXED = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
SAMPLE = encode(sample())
BLOCKS = in_blocks(SAMPLE, 4096)


def volume_of(held, number=None, **more):
    drive = Drive(held, **more)
    return DeviceVolume(LinuxTape(drive, "/dev/nst0"), number), drive


def test_requests_are_those_of_the_kernel():
    """As ``linux/mtio.h`` gives them on x86-64: the sizes are part of the numbers."""
    assert (mtio.MTIOCTOP, mtio.MTIOCGET, mtio.MTIOCPOS) == (0x40086D01, 0x80306D02, 0x80086D03)


@RELAXED
@given(trees(), st.integers(700, 70_000), st.booleans())
def test_a_tree_comes_back_from_a_drive(tree, block, marked):
    data = encode(tree)
    tape, drive = volume_of([*in_blocks(data, block), *[MARK] * marked])
    assert tape.size == len(data)
    assert verify(tape).faults == []
    with Image.open(tape) as image:
        assert image.access == "direct"
        check_same(image, tree)
    assert drive.calls[-1] == "close"


@RELAXED
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE)), st.integers(0, 9000)), max_size=8))
def test_any_bytes_are_read_from_anywhere(reads):
    tape, _ = volume_of([b"label", MARK, *BLOCKS, MARK, b"more", MARK], number=2)
    for at, length in reads:
        assert tape.read_at(at, length) == SAMPLE[at : at + length]


def test_only_the_block_that_is_needed_is_read():
    tape, drive = volume_of([*BLOCKS, MARK])
    blocks, drive.calls[:] = tape.blocks, []
    assert blocks.offset.tolist() == list(range(len(BLOCKS)))
    before = tape.reads
    assert tape.read_at(20_000, 100) == SAMPLE[20_000:20_100]
    assert tape.read_at(20_100, 100) == SAMPLE[20_100:20_200]
    assert (tape.reads - before, drive.calls) == (1, [SEEK])


@pytest.mark.parametrize("bad", range(1, len(BLOCKS) - 1))
def test_an_unreadable_block_is_named_and_the_rest_comes_back(bad, tmp_path):
    tape, _ = volume_of([*BLOCKS, MARK], bad=[bad])
    with pytest.raises(StorageError, match=f"block {bad} of /dev/nst0 could not be read"):
        tape.read_at(0, tape.size)
    assert tape.missing(0, tape.size)[0][:2] == (bad * 4096, (bad + 1) * 4096)
    assert tape.read_at((bad + 1) * 4096, 10**6) == SAMPLE[(bad + 1) * 4096 :]
    with Image.open(tape, trust_map=True) as image:
        report = restore(image, tmp_path / "out", select(image.names, []))
    nodes = paths_of(sample())
    told = {fault.path for fault in report.faults}
    told |= {
        path
        for path, node in nodes.items()
        for known in told & nodes.keys()
        if node == nodes[known] and node.size == 3
    }
    front = bad * 4096 < image.front.files * 1024
    for path, node in nodes.items():
        back = tmp_path / "out" / os.fsdecode(path)
        if stat.S_ISREG(node.mode) and path not in told and not (front and not back.exists()):
            assert back.read_bytes() == contents_of(node), path
    assert told or report.image_faults or bad >= len(BLOCKS) - 3


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("bad", range(1, len(BLOCKS)))
def test_who_judges_goes_on_behind_an_unreadable_block(bad, wrapped):
    tape, _ = volume_of([*BLOCKS, MARK], bad=[bad])
    place = Place("/dev/nst0", 0, tape.size, file=tape)
    found = verify(Pieces("all", [place], tape.size) if wrapped else tape)
    lost = tape.missing(0, tape.size)
    told = f"block {bad} of /dev/nst0 could not be read"
    assert [gap.told for gap in lost] in ([], [told])
    assert any(told in fault.message for fault in found.faults) == bool(lost) != found.good
    # Whoever reads it afterwards is told of it too: now, or by what is missing.
    with contextlib.nullcontext() if lost else pytest.raises(StorageError, match=told):
        tape.read_at(bad * 4096, 10)


@pytest.mark.parametrize(
    ("held", "number", "told"),
    [
        ([], None, "is empty"),
        ([MARK, MARK], None, "is empty"),
        ([*BLOCKS, MARK], 2, "is empty"),
        ([*BLOCKS, MARK], 3, "has no file 3"),
        (BLOCKS, 2, "has no file 2, the last is 1"),
    ],
)
def test_a_tape_without_the_file_is_an_error(held, number, told):
    with pytest.raises(FormatError, match=told):
        volume_of(held, number)


def test_blocks_of_several_lengths_are_not_guessed():
    tape, _ = volume_of([b"a" * 10, b"b" * 9, b"c" * 10, MARK])
    with pytest.raises(StorageError, match="copy the tape into a container"):
        tape.read_at(0, 30)


def test_a_drive_of_fixed_blocks_and_one_without_a_tape_are_refused():
    with pytest.raises(StorageError, match="SETBLK 0"):
        LinuxTape(Drive(fixed=True), "/dev/nst0")
    with pytest.raises(StorageError, match="/dev/null/nst0"):
        LinuxTape.open("/dev/null/nst0")
    assert not is_drive(os.devnull)
    assert not is_drive("there is none")


def test_long_blocks_are_read_whatever_room_there_was_at_first():
    tape, _ = volume_of([bytes([at]) * 3_000_000 for at in range(3)] + [MARK])
    assert tape.read_at(2_999_999, 2) == b"\0\1"
    assert tape.size == 9_000_000


STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "mark", "locate", "read", "next"]), st.integers(0, 9)),
    max_size=30,
)


@RELAXED
@given(STEPS)
def test_a_drive_and_a_container_do_the_same(steps):
    fd = os.memfd_create("tape")
    drive = Drive()
    tapes = [ContainerTape(fd, "a", Simh()), LinuxTape(drive, "b")]
    for step, value in steps:
        if step == "locate":
            value = min(value, len(drive.held))
        answers = []
        for tape in tapes:
            done = {
                "write": lambda t: t.write(b"x" * (value + 1)),  # noqa: B023
                "mark": lambda t: t.write_mark(),
                "locate": lambda t: t.locate(value),  # noqa: B023
                "read": lambda t: t.read(),
                "next": lambda t: t.next_file(),
            }[step](tape)
            answers.append((done, tape.position))
        assert answers[0] == answers[1], step
    os.close(fd)


# -- writing --------------------------------------------------------------------------------------


@RELAXED
@given(trees(), st.integers(1000, 30_000), st.integers(20, 400))
def test_an_image_goes_on_on_the_tape_that_is_loaded_next(tree, block, percent):
    data = encode(tree, reproducible=True)
    capacity = max(block, len(data) * percent // 400)
    loaded = []

    def load(number):
        assert number == len(loaded) + 1
        loaded.append(Drive(capacity=capacity))
        return LinuxTape(loaded[-1], "/dev/nst0")

    sink = TapeSink(Drives("/dev/nst0", load), block)
    report = create(MemorySource(tree), sink, Options(reproducible=True))
    assert report.good
    for drive in loaded:
        assert drive.held.count(MARK) == 1
        assert drive.held[-1] is MARK
        assert drive.calls[-2:] == [WEOF, "close"]
        assert sum(map(len, drive.held[:-1])) <= capacity
    blocks = [one for drive in loaded for one in drive.held[:-1]]
    assert b"".join(blocks) == data
    assert {len(one) for one in blocks[:-1]} <= {block}
    assert sink.parts[0].start == 0
    assert sum(part.size for part in sink.parts) == len(data)


def test_writing_begins_where_the_tape_is():
    drive = Drive([b"label", MARK, b"old", MARK])
    drive.head = 2
    sink = TapeSink(Drives("/dev/nst0", lambda _: LinuxTape(drive, "/dev/nst0")), 4096)
    sink.write_at(0, SAMPLE)
    sink.finish()
    assert drive.held == [b"label", MARK, *BLOCKS, MARK]
    assert REW not in drive.calls


def test_a_tape_that_is_full_at_once_is_an_error():
    drive = Drive(capacity=1000)
    sink = TapeSink(Drives("/dev/nst0", lambda _: LinuxTape(drive, "/dev/nst0")), 4096)
    with pytest.raises(StorageError, match="not even one block"):
        sink.write_at(0, SAMPLE)


def test_errors_of_a_drive_are_told(monkeypatch):
    drive = Drive()
    tape = LinuxTape(drive, "/dev/nst0")
    monkeypatch.setattr(drive, "write", lambda block: len(block) - 1)
    with pytest.raises(StorageError, match="3 bytes of a block of 4"):
        tape.write(b"four")

    def failing(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(drive, "write", failing)
    with pytest.raises(StorageError, match="Input/output error") as raised:
        tape.write(b"four")
    assert not isinstance(raised.value, EndOfMediumError)
    monkeypatch.setattr(drive, "ioctl", failing)
    for act in (tape.write_mark, tape.rewind, lambda: tape.locate(3)):
        with pytest.raises(StorageError, match="/dev/nst0"):
            act()
    monkeypatch.undo()
    assert tape.read().kind is Kind.END


# -- the command line -----------------------------------------------------------------------------


@pytest.fixture
def as_drive(monkeypatch):
    """Take any name for a drive; return what options there are by default."""
    monkeypatch.setattr("darimage.cli.tapes.is_drive", lambda _: True)
    names = ("container", "block_size", "next_tape", "tape_size", "volume_size")
    return dict.fromkeys(names) | {"ntrec": 10, "force": False}


def test_a_drive_is_taken_by_its_name(as_drive):
    found = cli_tapes.loader("/dev/nst0", as_drive)
    assert isinstance(found, Drives)
    with pytest.raises(StorageError, match="/dev/nst0"):
        found.load(1)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"container": "simh"}, "are for files"),
        ({"tape_size": 1}, "are for files"),
        ({"volume_size": 1}, "does not go with tapes"),
        ({"block_size": 1 << 30}, "blocks of 1 to"),
    ],
)
def test_options_that_a_drive_does_not_have(as_drive, option, told):
    with pytest.raises(click.UsageError, match=told):
        cli_tapes.loader("/dev/nst0", as_drive | option)


def test_the_command_that_loads_the_next_tape(tmp_path):
    seen = tmp_path / "seen"
    command = f'echo "$DARIMAGE_TAPE $DARIMAGE_DRIVE" >> {seen}; test "$DARIMAGE_TAPE" -lt 4'
    drive = str(tmp_path / "no drive")
    for number in (1, 2, 3):
        with pytest.raises(StorageError, match="no drive: No such file"):
            by_command(drive, command)(number)
    with pytest.raises(StorageError, match="for tape 4 ended with 1"):
        by_command(drive, command)(4)
    with pytest.raises(StorageError, match="the tape is full; --next-tape"):
        by_command(drive, None)(2)
    assert seen.read_text() == "".join(f"{number} {drive}\n" for number in (2, 3, 4))

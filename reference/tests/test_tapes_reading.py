"""Images in tape containers are read as if they lay in a file (chapter 37)."""

from __future__ import annotations

import json
import os
import random
import re
import stat
import struct
import subprocess
import sys

import numpy as np
import pytest
from fuzz.limits import in_time
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import legacy, tapes
from support.images import (
    assert_sample_restored,
    contents_of,
    encode,
    paths_of,
    sample,
    small_plain,
)
from support.tapes import BAD_NOTHING, FORMS, MARK, Bad, in_blocks
from test_round_trip import check_same
from test_volume_reading import everything, is_whole

from darimage.errors import DarimageError, FormatError, UsageError
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.tapes import index as index_module
from darimage.tapes.aws import Aws
from darimage.tapes.index import scan
from darimage.tapes.opening import open_named, recognised
from darimage.tapes.reading import TapeVolume
from darimage.tapes.simh import Simh
from darimage.validate.verify import verify
from darimage.volumes.reading import FileVolume, MemoryVolume, expect

RELAXED = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
FEWER = settings(RELAXED, max_examples=25)
FORM = {"simh": Simh(), "aws": Aws()}
KINDS = st.sampled_from(sorted(FORM))
SIZES = st.one_of(st.sampled_from([1024, 10240, 20480, 65536, 131072]), st.integers(300, 70_000))
SAMPLE = encode(sample())


def volume_of(kind, blocks, number=None, **more):
    return TapeVolume(MemoryVolume(FORMS[kind](blocks, **more), "tape"), FORM[kind], number)


@RELAXED
@given(trees(), KINDS, SIZES)
def test_a_tree_comes_back_from_blocks_of_any_size(tree, kind, size):
    data = encode(tree)
    container = FORMS[kind]([*in_blocks(data, size), MARK])
    volume = MemoryVolume(container, "tape")
    assert recognised(volume) is not None
    tape = TapeVolume(volume, FORM[kind])
    assert tape.size == len(data)
    assert tape.missing(0, tape.size) == []
    blocks = tape.blocks
    for offset, length, start, _ in zip(*(column.tolist() for column in blocks), strict=True):
        assert container[offset : offset + length] == data[start : start + length]
    assert verify(tape).faults == []
    with Image.open(tape) as image:
        assert image.access == "direct"
        check_same(image, tree)


@RELAXED
@given(st.data(), KINDS, st.binary(max_size=2000), st.integers(1, 300))
def test_any_bytes_are_read_from_anywhere(data, kind, content, size):
    tape = volume_of(kind, in_blocks(content, size) or [b"x"])
    content = content or b"x"
    for _ in range(3):
        at = data.draw(st.integers(0, len(content) + 5))
        length = data.draw(st.integers(0, len(content) + 5))
        assert tape.read_at(at, length) == content[at : at + length]
        views = [bytearray(length // 2), bytearray(length - length // 2)]
        got = tape.readinto_at(at, [memoryview(view) for view in views])
        assert b"".join(views)[:got] == content[at : at + length]


def words(*values):
    return struct.pack(f"<{len(values)}I", *values)


def private(group, length):
    word = group << 28 | length
    return words(word) + b"p" * (length + length % 2) + words(word)


AROUND = st.lists(
    st.one_of(
        st.builds(private, st.sampled_from([*range(1, 7), *range(9, 15)]), st.integers(0, 60)),
        st.integers(0x70000000, 0x7FFFFFFF).map(words),
        st.integers(0xF0000000, 0xFFFDFFFF).map(words),
        st.just(words(0xFFFFFFFE)),
        st.just(words(0xFFFFFFFE) * 300),
        # A gap that was written over by a record of odd length: half a marker, then whole ones.
        st.just(words(0xFFFEFFFF)[:2] + words(0xFFFFFFFE) + words(0xFFFFFFFE)),
    ),
    max_size=3,
).map(b"".join)


@RELAXED
@given(st.lists(AROUND, min_size=8, max_size=8), st.integers(3000, 20_000))
@example([words(0xFFFEFFFF)[:2] + words(0xFFFFFFFE)] * 8, 10240)
def test_what_is_not_ours_on_a_simh_tape_is_passed_over(around, size):
    pieces = in_blocks(SAMPLE, size)
    made = (
        b"".join(around[at % 8] + tapes.simh([block]) for at, block in enumerate(pieces))
        + around[0]
        + bytes(4)
    )
    tape = TapeVolume(MemoryVolume(made), Simh())
    assert tape.index.blocks == len(pieces)
    assert tape.read_at(0, tape.size) == SAMPLE


@FEWER
@given(st.sets(st.integers(0, 60), max_size=5), st.booleans(), st.integers(1500, 12_000))
def test_what_lies_in_other_blocks_comes_back(bad, nothing, size):
    """Shows DARI-TAP-007."""
    blocks = [
        (BAD_NOTHING if nothing else Bad(b"?" * len(block))) if at in bad else block
        for at, block in enumerate(in_blocks(SAMPLE, size))
    ]
    # How long a last block is that nothing is known of, nobody can tell.
    tape = volume_of("simh", [*blocks, MARK])
    assert len(SAMPLE) <= tape.size < len(SAMPLE) + size or len(bad) > len(blocks) - 2
    told = [gap.told for gap in tape.missing(0, tape.size)]
    assert bool(told) == bool(bad & set(range(len(blocks))))
    assert all("tape could not be read" in text for text in told)
    try:
        image = Image.open(tape)
    except FormatError:
        return
    found, faults = everything(image)
    lost = is_whole(found, faults)
    if bad and min(bad) * size > image.front.files * 1024 and image.access == "direct":
        assert not lost - {b"link", b"dev"}


@pytest.mark.parametrize("at", range(2, len(SAMPLE) // 4096))
def test_verify_names_every_block_that_could_not_be_read(at):
    """Shows DARI-TAP-007."""
    blocks = in_blocks(SAMPLE, 4096)
    blocks[at] = Bad(blocks[at])
    found = verify(volume_of("simh", [*blocks, MARK]))
    assert any(f"block {at} of tape" in fault.message for fault in found.faults)


@pytest.mark.parametrize("kind", sorted(FORM))
def test_tapes_side_by_side(tmp_path, kind):
    blocks = in_blocks(SAMPLE, 5000)
    blocks[5] = Bad(blocks[5]) if kind == "simh" else blocks[5]
    paths = [tmp_path / f"tape{at}" for at in range(3)]
    for path, part in zip(paths, (blocks[:2], blocks[2:7], blocks[7:]), strict=True):
        path.write_bytes(FORMS[kind]([*part, MARK]))
    with Image.open(paths) as image:
        assert image.volume.missing(0, 25_000) == []
        gaps = image.volume.missing(24_000, 40_000)
        told = f"block 3 of {paths[1]} could not be read"
        assert gaps == ([(25_000, 30_000, told)] if kind == "simh" else [])
        assert image.volume.read_at(30_000, 25_000) == SAMPLE[30_000:]
    info = legacy.darimage("info", "--json", paths[0], "--volume", paths[1], "--volume", paths[2])
    held = json.loads(info.stdout)["tapes"]
    assert [one["start"] for one in held] == [0, 10_000, 35_000]
    assert [one["bad"] for one in held] == [0, 1 if kind == "simh" else 0, 0]


@RELAXED
@given(KINDS, st.integers(500, 20_000), st.integers(0, len(SAMPLE) + 5000))
def test_a_container_that_ends_early_has_what_is_there(kind, size, length):
    container = FORMS[kind]([*in_blocks(SAMPLE, size), MARK])[:length]
    try:
        tape = TapeVolume(MemoryVolume(container, "tape"), FORM[kind])
    except FormatError as error:
        assert "empty" in str(error) or "byte" in str(error)
        return
    gaps = tape.missing(0, tape.size)
    there = gaps[0].start if gaps else tape.size
    assert tape.read_at(0, there) == SAMPLE[:there]
    assert there >= min(len(SAMPLE), len(container) // (size + 9) * size) - 2 * size
    try:
        everything(Image.open(tape))
    except DarimageError:
        pass


@FEWER
@given(KINDS, st.integers(2000, 9000), st.data())
def test_a_damaged_length_costs_one_block_at_most(kind, size, data):
    """Shows DARI-TAP-010."""
    blocks = in_blocks(SAMPLE, size)
    at = data.draw(st.integers(2, len(blocks) - 2))
    container = bytearray(FORMS[kind]([*blocks, MARK]))
    place = len(FORMS[kind](blocks[:at]))
    container[place] ^= data.draw(st.integers(1, 255))
    tape = TapeVolume(MemoryVolume(container, "tape"), FORM[kind])
    assert tape.size == len(SAMPLE)
    assert tape.index.notes
    assert tape.read_at(0, at * size) == SAMPLE[: at * size]
    assert tape.read_at((at + 1) * size, 10**6) == SAMPLE[(at + 1) * size :]


RUNS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 60), st.sampled_from(["good"] * 4 + ["bad"])),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("kind", sorted(FORM))
@pytest.mark.parametrize("size", [512, 10240, 65024])
@pytest.mark.parametrize("at", range(4))
def test_a_damaged_length_of_the_first_block_does_no_harm(tmp_path, kind, size, at):
    """By the name of its file, which says that it is a tape."""
    data = SAMPLE * 5
    container = bytearray(FORMS[kind]([*in_blocks(data, size), MARK]))
    container[at] ^= 0xC3
    path = tmp_path / f"tape{FORM[kind].suffix}"
    path.write_bytes(container)
    tape = open_named(path)
    assert tape.read_at(0, len(data) + 1) == data
    if at < 2 or kind == "simh":
        assert tape.index.notes


def test_a_plain_image_may_be_called_what_it_likes(tmp_path):
    for damaged in (False, True):
        path = tmp_path / "image.tap"
        path.write_bytes(bytes(1024) * damaged + SAMPLE[1024 * damaged :])
        assert isinstance(open_named(path), FileVolume)


@settings(RELAXED, max_examples=150)
@given(RUNS, KINDS, st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=2), st.data())
def test_going_over_many_blocks_at_once_finds_what_going_one_by_one_does(runs, kind, flips, data):
    blocks = [
        Bad(bytes([length])) * length
        if what == "bad" and kind == "simh"
        else bytes([length]) * length
        for length, count, what in runs
        for _ in range(count)
    ]
    container = bytearray(FORMS[kind]([*blocks, MARK]))
    for at, value in flips:
        container[at % len(container)] ^= value
    container = container[: data.draw(st.integers(len(container) // 2, len(container)))]

    def found():
        try:
            index = scan(MemoryVolume(container, "tape"), FORM[kind])
        except FormatError as error:
            return str(error)
        return [np.asarray(value).tolist() for value in vars(index).values()]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "_SURE", 10**9)
        one_by_one = found()
    assert found() == one_by_one


HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.one_of(
            st.integers(0, 2**32 - 1).map(words),
            st.sampled_from([0, 4, 8, 2**28 - 1, 2**31, 2**31 + 8, 2**32 - 1, 2**32 - 2]).map(
                words
            ),
            st.binary(max_size=12),
            st.tuples(
                *[st.integers(0, 300)] * 2, *[st.sampled_from([0, 0x80, 0xA0, 0x40, 1])] * 2
            ).map(lambda row: struct.pack("<HHBB", *row)),
        ),
        max_size=30,
    ).map(b"".join),
)


@settings(RELAXED, max_examples=200)
@given(HOSTILE, KINDS, st.none() | st.integers(1, 4))
def test_any_bytes_are_a_tape_or_a_clear_error(container, kind, number):
    recognised(MemoryVolume(container))
    try:
        tape = TapeVolume(MemoryVolume(container, "tape"), FORM[kind], number)
    except FormatError as error:
        assert "tape" in str(error)
        return
    tape.read_at(0, 5000)
    tape.read_at(tape.size - 1, 5000)
    tape.missing(0, tape.size)
    assert len(tape.blocks.length) <= len(container)


@pytest.mark.parametrize("kind", sorted(FORM))
def test_marks_and_nothings_without_end_take_little_memory(kind):
    import tracemalloc

    unit = {"simh": [bytes(4), words(2**31, 2**31), words(0x70000001)], "aws": [bytes(6)]}[kind]
    for one in unit:
        start = FORMS[kind]([b"x" * 6])
        container = start + one * (2_000_000 // len(one))
        tracemalloc.start()
        with in_time():
            try:
                TapeVolume(MemoryVolume(container), FORM[kind])
            except FormatError:
                pass
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
        tracemalloc.stop()


def test_blocks_of_changing_lengths_take_some_bytes_each():
    import tracemalloc

    container = tapes.aws([bytes(10 + at % 2) for at in range(40_000)])
    tracemalloc.start()
    tape = TapeVolume(MemoryVolume(container), Aws())
    assert len(tape.index.length) == tape.index.blocks == 40_000
    assert tracemalloc.get_traced_memory()[1] < 300 * 40_000
    tracemalloc.stop()


def test_a_file_of_many_on_a_tape_is_chosen_by_its_number(tmp_path):
    """Shows DARI-TAP-006."""
    other = encode(sample(), reproducible=True)
    labels = [b"VOL1" + b" " * 76, b"HDR1" + b" " * 76]
    for kind, suffix in (("simh", "tap"), ("aws", "aws")):
        path = tmp_path / f"tape.{suffix}"
        files = [*labels, MARK, *in_blocks(SAMPLE, 10240), MARK, *in_blocks(other, 4096), MARK]
        path.write_bytes(FORMS[kind]([*files, MARK, b"beyond the end", MARK]))
        assert open_named(f"{path}:2").read_at(0, 10**6) == SAMPLE
        assert open_named(f"{path}:3").read_at(0, 10**6) == other
        assert open_named(path).read_at(0, 10**6) == b"".join(labels)
        with Image.open(f"{path}:3") as image:
            assert image.name == f"{path}:3"
            assert verify(image).good
        with pytest.raises(FormatError, match="has no file 4, the last is 3"):
            open_named(f"{path}:4")
        with pytest.raises(FormatError, match="the last is 3"):
            open_named(f"{path}:6")
    first = tmp_path / "first.tap"
    first.write_bytes(tapes.simh([MARK, *in_blocks(SAMPLE, 10240), MARK]))
    assert open_named(first).read_at(0, 10**6) == SAMPLE


def test_names_with_colons_and_files_that_are_no_tapes(tmp_path):
    plain = tmp_path / "image"
    plain.write_bytes(SAMPLE)
    (tmp_path / "image:2").write_bytes(SAMPLE[:2048])
    assert isinstance(open_named(plain), FileVolume)
    assert open_named(f"{plain}:2").size == 2048
    with pytest.raises(UsageError, match="is no tape and has no file 3"):
        open_named(f"{plain}:3")
    for data in (SAMPLE, small_plain(), b"", b"\0" * 5000, SAMPLE[1024:], b"\1\0\0\0" * 500):
        assert recognised(MemoryVolume(data)) is None
    chance = random.Random(37)
    for _ in range(2000):
        assert recognised(MemoryVolume(chance.randbytes(2048))) is None


def test_reading_counts_what_a_drive_would_do():
    tape = volume_of("simh", in_blocks(SAMPLE, 10240))
    assert (tape.reads, tape.locates) == (0, 0)
    tape.read_at(0, 15_000)
    tape.read_at(15_000, 10_000)
    assert (tape.locates, tape.bytes_read) == (0, 25_000)
    tape.read_at(40_000, 1)
    assert tape.locates == 1


@pytest.mark.parametrize(
    "command", ["list", "info", "verify", "validate", "dump-record", "restore"]
)
@pytest.mark.parametrize("kind", sorted(FORM))
def test_commands_take_a_container_by_its_name(tmp_path, command, kind):
    path = tmp_path / "image of any name"
    path.write_bytes(FORMS[kind]([*in_blocks(SAMPLE, 10240), MARK]))
    plain = tmp_path / "plain"
    plain.write_bytes(SAMPLE)
    more = {"dump-record": ["0"], "restore": [tmp_path / "out"]}.get(command, [])
    run = legacy.darimage(command, path, *more)
    if command == "restore":
        assert_sample_restored(run.rc, run.stderr)
        assert (tmp_path / "out" / "k1024").read_bytes() == b"y" * 1024
    else:
        assert (run.rc, run.stderr) == (0, "")
        same = legacy.darimage(command, plain, *more).stdout
        if command != "info":
            assert run.stdout.replace(str(path), str(plain)) == same


def test_a_container_comes_through_a_pipe(tmp_path):
    path = tmp_path / "a.tap"
    path.write_bytes(tapes.simh([*in_blocks(SAMPLE, 10240), MARK]))
    command = [sys.executable, "-m", "darimage", "verify", "-"]
    with path.open("rb") as stream:
        done = subprocess.run(command, stdin=stream, capture_output=True, text=True, check=True)
    assert "no fault" in done.stdout


SPANS = st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 900)))


class Told(MemoryVolume):
    """Bytes that keep what they are told to expect."""

    is_slow = True

    def expect(self, spans):
        self.spans = spans.tolist()


@RELAXED
@given(
    KINDS, st.integers(300, 9000), st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 900)))
)
def test_what_is_expected_is_passed_on_as_places_of_the_container(kind, size, wanted):
    volume = Told(FORMS[kind]([*in_blocks(SAMPLE, size), MARK]), "tape")
    tape = TapeVolume(volume, FORM[kind])
    assert tape.is_slow
    spans = np.array([(at, at + length) for at, length in wanted], np.int64).reshape(-1, 2)
    expect(tape, spans)
    for (at, _), (start, end) in zip(wanted, volume.spans, strict=True):
        assert volume.read_at(start, 1) == SAMPLE[at : at + 1]
        assert end - start >= 1


@FEWER
@given(st.sets(st.integers(2, 30), min_size=1, max_size=4), st.integers(1500, 6000))
def test_restore_brings_back_what_lies_in_other_blocks(bad, size):
    blocks = [Bad(b) if at in bad else b for at, b in enumerate(in_blocks(SAMPLE, size))]
    with legacy.scratch_directory() as folder:
        (folder / "a.tap").write_bytes(tapes.simh([*blocks, MARK]))
        try:
            image = Image.open(folder / "a.tap", trust_map=True)
        except FormatError:
            return
        report = restore(image, folder / "out", select(image.names, []))
        told = {fault.path for fault in report.faults}
        nodes = paths_of(sample())
        for path, node in nodes.items():
            back = folder / "out" / os.fsdecode(path)
            linked = path in (b"hard1", b"sub/hard2") and told & {b"hard1", b"sub/hard2"}
            if stat.S_ISREG(node.mode) and path not in told and not linked and back.exists():
                assert back.read_bytes() == contents_of(node), path
        lost = bool(told or report.image_faults)
        assert report.exit_code == int(lost)


def test_compressed_tapes_are_refused_with_the_way_out(tmp_path):
    hetupd = tapes.program("hetupd", "hercules")
    plain, packed, again = (tmp_path / name for name in ("a.aws", "b.het", "c.aws"))
    plain.write_bytes(tapes.aws([*in_blocks(SAMPLE, 10240), MARK, MARK]))
    subprocess.run([hetupd, "-z", plain, packed], check=True, capture_output=True)
    with pytest.raises(FormatError, match="compressed tapes"):
        open_named(packed)
    assert legacy.darimage("info", packed).rc == 1
    subprocess.run([hetupd, "-d", packed, again], check=True, capture_output=True)
    assert open_named(again).read_at(0, 10**6) == SAMPLE


def test_what_hercules_writes_is_read(tmp_path):
    hetupd = tapes.program("hetupd", "hercules")
    plain, strict = tmp_path / "a.aws", tmp_path / "b.aws"
    files = [*in_blocks(SAMPLE, 10240), MARK, *in_blocks(SAMPLE, 60_000), MARK, MARK]
    plain.write_bytes(tapes.aws(files))
    subprocess.run([hetupd, "-s", plain, strict], check=True, capture_output=True)
    assert plain.read_bytes() != strict.read_bytes()
    for number in (1, 2):
        assert open_named(f"{strict}:{number}").read_at(0, 10**6) == SAMPLE
    made = open_named(strict)
    assert (made.index.blocks, made.index.most) == (-(-len(SAMPLE) // 10240), 10240)


def test_what_mtcvt_writes_is_read(tmp_path):
    """Two of SIMH's converters: records without a length behind them, and without padding (E11)."""
    (tmp_path / "short.tpc").write_bytes(
        b"".join(struct.pack("<H", len(one)) + one for one in in_blocks(SAMPLE, 10_240)) + bytes(2)
    )
    words_around = [(struct.pack("<I", len(one)), one) for one in in_blocks(SAMPLE, 10_001)]
    (tmp_path / "odd.tap").write_bytes(b"".join(w + one + w for w, one in words_around) + bytes(4))
    for name, made in (("mtcvtv23", "short.tpc"), ("mtcvtodd", "odd.tap")):
        command = [tapes.program(name, "simh"), made]
        subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    results = sorted(path.name for path in tmp_path.iterdir())
    found = [open_named(tmp_path / name) for name in results]
    good = [volume for volume in found if isinstance(volume, TapeVolume)]
    assert len(good) == 3, results
    assert [volume.read_at(0, 10**6) for volume in good] == [SAMPLE] * 3


@pytest.mark.parametrize("size", [1024, 10_240, 131_072])
@pytest.mark.parametrize("junk", [1, 4, 6, 512, 70_001])
@pytest.mark.parametrize("form", ["simh", "aws"])
def test_a_container_behind_junk_is_named(tmp_path, form, junk, size):
    data = encode(sample()) + bytes(300_000)
    container = FORMS[form]([*in_blocks(data, size), MARK, MARK])
    path = tmp_path / "junk.tap"
    path.write_bytes(random.Random(junk).randbytes(junk) + container)
    with Image.open(path) as image:
        (told,) = [fault for fault in image.faults if fault.kind == "container"]
    assert f"begins at byte {junk};" in told.message
    assert {"simh": "SIMH", "aws": "AWSTAPE"}[form] in told.message
    command = re.search("`(.*)`", told.message)[1]
    cut = subprocess.run(f"{command} {path}", shell=True, capture_output=True, check=True).stdout
    assert cut == container


def test_an_image_behind_junk_is_no_container(tmp_path):
    path = tmp_path / "junk.tap"
    path.write_bytes(random.Random(1).randbytes(3000) + encode(sample()))
    with Image.open(path) as image:
        assert not [fault for fault in image.faults if fault.kind == "container"]

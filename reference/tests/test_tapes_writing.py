"""Images are written to tapes in blocks, and go on on the next one (chapter 37)."""

from __future__ import annotations

import json
import os
import random
import shutil

import pytest
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy, tapes
from support.compare import Options as Compare
from support.compare import compare_trees, to_second_32
from support.images import encode, paths_of, sample
from test_round_trip import check_same

from darimage.errors import FormatError, StorageError, UsageError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.sources.memory import MemorySource, Node
from darimage.tapes.aws import Aws
from darimage.tapes.changer import Changer, images_in
from darimage.tapes.container import ContainerTape
from darimage.tapes.element import Kind
from darimage.tapes.names import CATALOGUE
from darimage.tapes.one_file import OneFile
from darimage.tapes.opening import open_named
from darimage.tapes.plain import Plain
from darimage.tapes.reading import TapeVolume
from darimage.tapes.simh import E11, Simh
from darimage.tapes.sink import TapeSink
from darimage.tapes.tape import EndOfMediumError
from darimage.validate.verify import verify

RELAXED = settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
FORMS = {"simh": Simh(), "e11": E11(), "aws": Aws(), "plain": Plain()}
KINDS = st.sampled_from(sorted(FORMS))
SIZES = st.one_of(st.sampled_from([1024, 10240, 20480, 65536, 131072]), st.integers(500, 70_000))


def written(tree, loader, block, **options):
    sink = TapeSink(loader, block)
    report = create(MemorySource(tree), sink, Options(reproducible=True, **options))
    assert report.good
    return sink


def same_but_accesses(image, tree):
    """Reproducible images have the times of modification for those of access."""
    for node in paths_of(tree).values():
        node.atime_ns = node.mtime_ns
    check_same(image, tree)


@RELAXED
@given(trees(), KINDS, SIZES)
def test_one_tape_holds_what_a_file_would(tree, kind, block):
    with legacy.scratch_directory() as folder:
        path = folder / "tape"
        sink = written(tree, OneFile(path, FORMS[kind]), block)
        data = encode(tree, reproducible=True)
        volume = open_named(path)
        assert volume.read_at(0, len(data) + 1) == data
        assert [part[1:4] for part in sink.parts] == [(0, len(data), -(-len(data) // block))]
        if kind != "plain":
            index = volume.index
            assert (index.blocks, index.notes, index.ended) == (
                -(-len(data) // block), (), "a file mark",
            )  # fmt: skip


@RELAXED
@given(trees(), KINDS, SIZES, st.integers(2, 400))
def test_an_image_goes_on_on_further_tapes_wherever_one_ends(tree, kind, block, percent):
    """Shows DARI-TAP-004."""
    data = encode(tree, reproducible=True)
    capacity = max(block + 100, len(data) * percent // 400)
    with legacy.scratch_directory() as folder:
        sink = written(tree, Changer(folder / "tapes", FORMS[kind], capacity), block)
        names = sorted(os.listdir(folder / "tapes"))
        assert names == sorted([CATALOGUE, *(part.name for part in sink.parts)])
        assert all(os.path.getsize(folder / "tapes" / part.name) <= capacity for part in sink.parts)
        assert images_in(folder / "tapes") == [sink.parts]
        for name in (folder / "tapes", f"{folder}/tapes:1"):
            found = verify(name)
            assert (found.faults, found.map_equal) == ([], True)
            with Image.open(name) as image:
                assert image.access == "direct"
                same_but_accesses(image, tree)
                assert image.volume.read_at(0, len(data) + 1) == data
        # The tapes in their order are the image, with or without the catalogue.
        os.unlink(folder / "tapes" / CATALOGUE)
        with Image.open([folder / "tapes" / part.name for part in sink.parts]) as image:
            same_but_accesses(image, tree)


@pytest.mark.parametrize("kind", ["simh", "aws"])
def test_plain_tapes_within_a_container_are_not_taken_for_one(tmp_path, kind):
    """Each tape but the first begins with what a container begins with."""
    looks = FORMS[kind].frame(bytes(1014), 0)[0]
    data = (b"".join(looks) + FORMS[kind].mark(1014))[:1024].ljust(1024, b"\0") * 90
    tree = Node.directory({b"file": Node.file(data)})
    sink = written(tree, Changer(tmp_path, Plain(), 2048), 1024)
    paths = [tmp_path / part.name for part in sink.parts]
    assert sum(path.read_bytes()[:1024] == data[:1024] for path in paths) > 10
    assert isinstance(open_named(paths[-10]), TapeVolume)
    assert verify(tmp_path).faults == []
    (tmp_path / CATALOGUE).unlink()
    with Image.open(paths) as image:
        same_but_accesses(image, tree)


def big():
    chance = random.Random(5)
    folders = [
        Node.directory({b"f%02d" % at: Node.file(chance.randbytes(8000)) for at in range(40)})
        for _ in range(2)
    ]
    return Node.directory(dict(zip((b"one", b"two"), folders, strict=True)))


def test_only_tapes_that_are_needed_are_opened(tmp_path):
    sink = written(big(), Changer(tmp_path, Simh(), 100_000), 10240)
    assert len(sink.parts) > 6
    with Image.open(tmp_path) as image:
        opened = image.volume.opened
        assert len(opened) == 2
        inode = image.inode(image.names.lookup(b"two/f20"))
        place = inode.record * 1024
        held = next(part for part in sink.parts if part.start <= place < part.start + part.size)
        assert opened[2:] in ([], [str(tmp_path / held.name)])


def nothing_has_a_name(tmp_path):
    """Without the first tape, where all names are, files come back by their numbers."""
    with Image.open(tmp_path / "tapes") as image:
        report = restore(image, tmp_path / "out", select(image.names, []))
    assert report.exit_code == 1
    assert "DARI-VOL-001" in {fault.requirement for fault in report.image_faults}
    assert os.listdir(tmp_path / "out") == ["#lost"]
    wanted = {
        file.data[0] for name in (b"one", b"two") for file in big().children[name].children.values()
    }
    back = {
        path.read_bytes()
        for path in (tmp_path / "out" / "#lost").iterdir()
        if path.stat().st_mode & 0o777 != 0o600
    }
    assert len(back) > 20
    assert back <= wanted


@pytest.mark.parametrize("gone", range(6))
def test_what_lies_on_other_tapes_comes_back(tmp_path, gone):
    sink = written(big(), Changer(tmp_path / "tapes", Simh(), 150_000), 10240)
    lost = tmp_path / "tapes" / sink.parts[gone].name
    other = sink.parts[gone - 1].name
    if gone % 2:
        lost.unlink()
    else:
        shutil.copy(tmp_path / "tapes" / sink.parts[-1].name, lost)
    if gone == 0:
        nothing_has_a_name(tmp_path)
        return
    with Image.open(tmp_path / "tapes") as image:
        report = restore(image, tmp_path / "out", select(image.names, []))
    told = " ".join(fault.text() for fault in [*report.faults, *report.image_faults])
    assert str(lost) in told
    assert other not in told
    back = {
        path.name: path.read_bytes()
        for path in (tmp_path / "out" / "one").iterdir()
        if path.stat().st_mode & 0o777 != 0o600
    }
    assert all(
        big().children[b"one"].children[os.fsencode(name)].data[0] == data
        for name, data in back.items()
    )
    assert report.exit_code == 1
    assert report.files > 20


def test_tapes_that_changed_places_are_not_used(tmp_path):
    """All full tapes have one size, and nothing within a long file says where it is."""
    data = random.Random(8).randbytes(900_000)
    sink = written(
        Node.directory({b"long": Node.file(data)}), Changer(tmp_path, Simh(), 200_000), 10_240
    )
    one, other = (tmp_path / sink.parts[at].name for at in (1, 2))
    assert one.stat().st_size == other.stat().st_size
    one.rename(tmp_path / "kept")
    other.rename(one)
    (tmp_path / "kept").rename(other)
    told = [fault.message for fault in verify(tmp_path).faults]
    for path in (one, other):
        assert any(f"{path} begins with another block" in text for text in told)


@pytest.mark.parametrize("cut", [1, 5000, 100_000, 170_000])
def test_of_a_tape_that_is_cut_off_what_is_there_is_used(tmp_path, cut):
    sink = written(big(), Changer(tmp_path, Simh(), 200_000), 10_240)
    part = sink.parts[1]
    path = tmp_path / part.name
    os.truncate(path, path.stat().st_size - cut)
    with Image.open(tmp_path) as image:
        lost = sum(gap.end - gap.start for gap in image.volume.missing(0, image.volume.size))
    assert lost <= cut + 10_240


@pytest.mark.parametrize("after", range(0, 47, 5))
def test_a_run_that_fails_anywhere_leaves_nothing(tmp_path, monkeypatch, after):
    written(Node.directory({}), Changer(tmp_path, Simh(), 10**6), 10240)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    left = after

    def failing(real):
        def call(*args, **named):
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(28, "No space left on device")
            return real(*args, **named)

        return call

    for name in ("pwritev", "fsync", "rename"):
        monkeypatch.setattr(f"os.{name}", failing(getattr(os, name)))
    with pytest.raises(StorageError):
        written(big(), Changer(tmp_path, Simh(), 200_000), 20_480)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert verify(tmp_path).good


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", range(12))
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, monkeypatch, at):
    """Tried at every system call by test_each_call."""
    written(Node.directory({}), Changer(tmp_path, Simh(), 10**6), 10240)
    moves, real = 0, os.rename

    def rename(*names):
        nonlocal moves
        moves += 1
        if moves > at:
            raise Killed
        real(*names)

    monkeypatch.setattr("os.rename", rename)
    monkeypatch.setattr(Changer, "abort", Changer._close)
    try:
        parts = written(big(), Changer(tmp_path, Simh(), 100_000), 20_480).parts
        assert len(parts) + 1 <= at
    except Killed:
        assert len(images_in(tmp_path)) == 1
    monkeypatch.undo()
    before = images_in(tmp_path)
    held = {part.name: (tmp_path / part.name).read_bytes() for image in before for part in image}
    assert verify(tmp_path).good
    written(big(), Changer(tmp_path, Simh(), 10**6), 10_240)
    after = images_in(tmp_path)
    assert after[:-1] == before
    assert sorted(os.listdir(tmp_path)) == sorted([CATALOGUE, *held, after[-1][0].name])
    assert {name: (tmp_path / name).read_bytes() for name in held} == held
    assert verify(tmp_path).good


def test_a_tape_that_nobody_knows_is_left_alone(tmp_path):
    """The catalogue may be what is lost."""
    written(big(), Changer(tmp_path, Simh(), 10**6), 10_240)
    held = (tmp_path / "tape001.tap").read_bytes()
    (tmp_path / CATALOGUE).unlink()
    sink = written(big(), Changer(tmp_path, Simh(), 10**6), 10_240)
    assert [part.name for part in sink.parts] == ["tape002.tap"]
    assert (tmp_path / "tape001.tap").read_bytes() == held


def test_a_tape_that_is_kept_elsewhere_keeps_its_name(tmp_path):
    written(big(), Changer(tmp_path / "here", Simh(), 10**6), 10_240)
    os.rename(tmp_path / "here/tape001.tap", tmp_path / "tape001.tap")
    sink = written(sample(), Changer(tmp_path / "here", Simh(), 10**6), 10_240)
    assert [part.name for part in sink.parts] == ["tape002.tap"]
    os.rename(tmp_path / "tape001.tap", tmp_path / "here/tape001.tap")
    assert verify(f"{tmp_path}/here:1").good
    assert verify(f"{tmp_path}/here:2").good


def test_a_tape_that_comes_meanwhile_is_not_replaced(tmp_path):
    loader = Changer(tmp_path / "tapes", Simh(), 10**6)
    (tmp_path / "tapes/tape001.tap").write_bytes(b"another's")
    sink = TapeSink(loader, 10_240)
    with pytest.raises(StorageError, match="has come there meanwhile"):
        create(MemorySource(sample()), sink, Options())
    sink.abort()
    assert os.listdir(tmp_path / "tapes") == ["tape001.tap"]


def test_a_single_tape_that_is_full_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(StorageError, match="full; a folder of tapes"):
        written(big(), OneFile(tmp_path / "a.tap", Simh(), 100_000), 10240)
    with pytest.raises(StorageError, match="not even one block of 10240 bytes"):
        written(big(), Changer(tmp_path, Simh(), 10_000), 10240)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    first = Changer(tmp_path, Simh(), 10**6)
    with pytest.raises(StorageError, match="another run writes"):
        Changer(tmp_path, Simh(), 10**6)
    first.abort()
    Changer(tmp_path, Simh(), 10**6).abort()


CATALOGUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["tape001.tap", 1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["version", "images", "tapes", "name", "start", "bytes", "blocks"]),
            inner,
        )
    ),
    max_leaves=12,
)


@RELAXED
@given(CATALOGUES, st.binary(max_size=20))
def test_any_catalogue_is_one_or_a_clear_error(known, junk):
    numbers = {"start": 0, "size": 5, "blocks": 1, "first_block": 5, "first_block_crc32c": 1}
    tape = {"name": "tape001.tap", **numbers}
    texts = [json.dumps(known).encode(), junk, b"[" * 100_000]
    for key in tape:
        changed = {"version": 1, "images": [{"tapes": [{**tape, key: known}]}]}
        texts.append(json.dumps(changed).encode())
    with legacy.scratch_directory() as folder:
        for text in texts:
            (folder / CATALOGUE).write_bytes(text)
            with pytest.raises((FormatError, StorageError, UsageError)):
                Image.open(folder)


# -- a container as a tape ------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("write"), st.integers(65_000, 140_000).map(bytes)),
        st.tuples(st.just("mark"), st.none()),
        st.tuples(st.just("locate"), st.integers(0, 12)),
        st.tuples(st.just("read"), st.none()),
    ),
    max_size=25,
)


@RELAXED
@given(STEPS, st.sampled_from(["simh", "e11", "aws"]), st.booleans())
def test_a_container_does_what_a_tape_does(steps, kind, again):
    """Against a list: what is written behind the head is gone."""
    held, head = [], 0
    fd = os.memfd_create("tape")
    try:
        tape = ContainerTape(fd, "tape", FORMS[kind])
        for step, value in steps:
            if step in ("write", "mark"):
                held[head:] = [value]
                head += 1
                tape.write(value) if step == "write" else tape.write_mark()
            elif step == "locate":
                head = min(value, len(held))
                tape.locate(head)
            elif head < len(held):
                expected = held[head]
                found = tape.read()
                assert found == ((Kind.MARK, b"") if expected is None else (Kind.DATA, expected))
                head += 1
            else:
                assert tape.read().kind is Kind.END
            assert tape.position == head
            if again:
                tape = ContainerTape(fd, "tape", FORMS[kind])
                tape.locate(head)
        with pytest.raises(StorageError, match="has no block"):
            tape.locate(len(held) + 1)
    finally:
        os.close(fd)


@RELAXED
@given(st.sampled_from(["simh", "aws"]), st.integers(0, 5000), st.lists(st.integers(1, 900)))
def test_a_tape_is_never_longer_than_it_is(kind, capacity, lengths):
    fd = os.memfd_create("tape")
    tape = ContainerTape(fd, "tape", FORMS[kind], capacity + 10)
    for length in lengths:
        try:
            tape.write(bytes(length))
        except EndOfMediumError:
            assert tape.early_warning or tape.position < 2 or len(set(lengths)) > 1
            break
    tape.write_mark()
    assert os.fstat(fd).st_size <= capacity + 10
    os.close(fd)


# -- the foreign judges ---------------------------------------------------------------------------


def blocks_of(sink, block, number=0):
    part = sink.parts[number]
    last = part.size - (part.blocks - 1) * block
    return [block] * (part.blocks - 1) + [last]


@pytest.mark.parametrize("block", [512, 1024, 10_240, 10_001, 65_535, 65_536])
def test_mtdump_sees_the_blocks_and_the_mark(tmp_path, block):
    """Shows DARI-TAP-001, DARI-TAP-003."""
    sink = written(sample(), OneFile(tmp_path / "a.tap", Simh()), block)
    assert tapes.mtdump(tmp_path / "a.tap") == [*blocks_of(sink, block), None]
    folder = tmp_path / "tapes"
    sink = written(big(), Changer(folder, Simh(), 600_000), block)
    assert len(sink.parts) == 2
    for number, part in enumerate(sink.parts):
        assert tapes.mtdump(folder / part.name) == [*blocks_of(sink, block, number), None]


@pytest.mark.parametrize("block", [512, 1024, 10_240, 10_001, 32_767, 65_535])
def test_tapemap_sees_the_blocks_and_the_mark(tmp_path, block):
    sink = written(sample(), OneFile(tmp_path / "a.aws", Aws()), block)
    lengths = blocks_of(sink, block)
    first = tapes.tapemap(tmp_path / "a.aws")[0]
    assert first == (len(lengths), min(lengths), max(lengths))


def test_tapemap_sees_the_chunks_of_a_long_block(tmp_path):
    sink = written(sample(), OneFile(tmp_path / "a.aws", Aws()), 131_072)
    assert sink.parts[0].blocks == 1
    size = sink.parts[0].size
    assert tapes.tapemap(tmp_path / "a.aws")[0] == (1, size, size)
    sink = written(big(), OneFile(tmp_path / "b.aws", Aws()), 131_072)
    chunks = sum(-(-length // 65_535) for length in blocks_of(sink, 131_072))
    assert tapes.tapemap(tmp_path / "b.aws")[0][0] == chunks > sink.parts[0].blocks


def test_hercules_copies_what_we_write(tmp_path):
    import subprocess

    written(big(), OneFile(tmp_path / "a.aws", Aws()), 10_240)
    command = [tapes.program("hetupd", "hercules"), "-s", tmp_path / "a.aws", tmp_path / "b.aws"]
    subprocess.run(command, check=True, capture_output=True)
    assert verify(tmp_path / "b.aws").good
    assert (
        open_named(tmp_path / "b.aws").index.blocks == open_named(tmp_path / "a.aws").index.blocks
    )


@pytest.mark.usefixtures("every_restore")
@pytest.mark.parametrize("block", [10_240, 7000])
def test_the_old_restore_reads_the_blocks_one_after_another(tmp_path, block):
    source = tmp_path / "source"
    source.mkdir()
    chance = random.Random(block)
    for number in range(30):
        (source / f"f{number}").write_bytes(chance.randbytes(number * 999))
    folder = tmp_path / "tapes"
    made = legacy.darimage(
        "create", "-q", "--tape-size", "150k", "--block-size", block, source, folder
    )
    assert made.rc == 0
    blocks = b""
    for part in images_in(folder)[0]:
        fd = os.open(folder / part.name, os.O_RDONLY)
        tape = ContainerTape(fd, part.name, Simh())
        while (found := tape.read()).kind is Kind.DATA:
            blocks += found.data
        assert found.kind is Kind.MARK
        os.close(fd)
    joined = tmp_path / "joined"
    joined.write_bytes(blocks)
    out = tmp_path / "out"
    out.mkdir()
    run = legacy.run([legacy.program("restore"), "-r", "-y", "-f", str(joined)], out)
    assert run.rc == 0
    options = Compare(mtime=to_second_32, ignore=(b"restoresymtable",))
    assert compare_trees(source, out, options) == []


# -- the command line -----------------------------------------------------------------------------


def test_the_command_line(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "source" / "tapes"
    source.mkdir()
    (source / "file").write_bytes(os.urandom(200_000))
    made = legacy.darimage("create", "--json", "--tape-size", "100k", source, folder)
    answer = json.loads(made.stdout)
    assert (made.rc, answer["image"], len(answer["tapes"])) == (0, f"{folder}:1", 3)
    assert answer["skipped"]
    info = json.loads(legacy.darimage("info", "--json", folder).stdout)
    assert [one["start"] for one in info["tapes"]] == [part["start"] for part in answer["tapes"]]
    shutil.move(folder, tmp_path / "tapes")
    folder = tmp_path / "tapes"
    (source / "more").write_bytes(b"more")
    again = legacy.darimage("create", "--tape-size", "100k", "--container", "aws", source, folder)
    assert (again.rc, f"{folder}:2: " in again.stdout) == (0, True)
    for name, files in ((f"{folder}:1", 1), (f"{folder}:2", 2), (folder, 2)):
        assert legacy.darimage("verify", name).rc == 0
        assert legacy.darimage("list", name).stdout.count("\n") == files + 1
        out = tmp_path / f"out{name}".replace("/", "_")
        assert legacy.darimage("restore", name, out).rc == 0
        assert (out / "file").read_bytes() == (source / "file").read_bytes()
    missing = legacy.darimage("info", f"{folder}:3")
    assert (missing.rc, "has no image 3, only 2" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["source", "."], "--tape-size makes it a folder of tapes"),
        (["--block-size", "1k", "source", "image"], "are for tapes"),
        (["--block-size", "0", "source", "a.tap"], "blocks of 1 to"),
        (["--block-size", "1g", "source", "a.tap"], "blocks of 1 to"),
        (["--tape-size", "1m", "--volume-size", "1m", "source", "tapes"], "does not go with tapes"),
        (["--container", "simh", "source", "-"], "are for files"),
        (["--container", "het", "source", "x"], "het"),
        (["--next-tape", "true", "source", "x.tap"], "is for a tape drive"),
        (["--next-tape", "true", "source", "x"], "are for tapes"),
        (["source", "there.tap"], "exists (--force"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, arguments, told):
    (tmp_path / "source").mkdir()
    (tmp_path / "there.tap").touch()
    done = legacy.darimage("create", *arguments, directory=tmp_path)
    assert (done.rc, told in done.stderr) == (2, True), done.stderr
    assert sorted(os.listdir(tmp_path)) == ["source", "there.tap"]


def test_a_backup_set_on_tapes(tmp_path):
    source, folder = tmp_path / "source", tmp_path / "tapes"
    source.mkdir()
    more = ("--tape-size", "1m", "--catalog", tmp_path / "catalogue", source, folder)
    for level in range(3):
        (source / f"file{level}").write_bytes(b"%d" % level * 1000)
        assert legacy.darimage("create", "--level", level, *more).rc == 0
    shown = legacy.darimage("catalog", "show", "--catalog", tmp_path / "catalogue", source).stdout
    assert [f"{folder}:{number}" in shown for number in (1, 2, 3)] == [True] * 3
    chain = [argument for number in (1, 2) for argument in ("--chain", f"{folder}:{number}")]
    assert legacy.darimage("restore", *chain, folder, tmp_path / "out").rc == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["file0", "file1", "file2"]

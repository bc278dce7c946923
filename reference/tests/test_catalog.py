"""The catalogue: numbers that stay, bases that fit, runs that end in the middle (chapter 45)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing

import numpy as np
import pytest
from support import edits, legacy, trees
from support.levels import Levels

from darimage.catalog.run import Run, Wish, alone
from darimage.catalog.store import Catalogue
from darimage.catalog.tables import MIGRATIONS, migrate
from darimage.errors import StorageError, UsageError
from darimage.faults import Fault
from darimage.image.numbering import fresh
from darimage.image.reader import Image
from darimage.progress import SILENT
from darimage.sources.posix import PosixSource
from darimage.validate.verify import verify


@pytest.fixture
def levels(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    edits.populate(source)
    time.sleep(0.05)
    yield Levels(source, tmp_path)
    trees.remove(source)


def settled():
    """Wait until what was changed is no longer in the instant of its change."""
    time.sleep(0.05)


def numbers(image):
    """Return the inode number of each path of an image."""
    with Image.open(image) as opened:
        return {path: entry.inode for path, entry, _ in opened.names.walk()}


def dumped(image):
    """Return the inodes in an image."""
    with Image.open(image) as opened:
        return set(opened.dumped.numbers())


def paths_in(image):
    held = dumped(image)
    return {path for path, number in numbers(image).items() if number in held}


def test_a_first_image_is_numbered_like_any_full_image(levels):
    scan = PosixSource(levels.source).scan(SILENT)
    plain = fresh(scan)
    with alone(levels.catalogue, *levels._key):
        made = Run(levels.catalogue, *levels._key, Wish(0)).number(scan)
    assert np.array_equal(made.directories, plain.directories)
    assert np.array_equal(made.others, plain.others)
    assert (made.level, made.base_date) == (0, 0)


def test_only_what_changed_is_there(levels):
    levels.make(0)
    (levels.source / "a/deep/er/four").write_bytes(b"other contents")
    settled()
    report = levels.make(1)
    assert paths_in(levels.images[1]) == {b"a", b"a/deep", b"a/deep/er", b"a/deep/er/four"}
    assert (report.level, report.base) == (1, first_uuid(levels))
    levels.make(2)
    assert paths_in(levels.images[2]) == set()


def first_uuid(levels):
    with levels.catalog() as catalogue:
        return str(uuid.UUID(bytes=catalogue.images(1)[0].uuid))


def test_all_names_of_a_changed_file_are_there(levels):
    levels.make(0)
    (levels.source / "one").write_bytes(b"two names")
    settled()
    levels.make(1)
    assert paths_in(levels.images[1]) == {b"one", b"a", b"a/one too"}


def test_streams_of_a_directory_that_leads_to_a_change_are_there(levels):
    os.setxattr(levels.source / "b", "user.DosStream.of it:$DATA", b"stream\0")
    settled()
    levels.make(0)
    (levels.source / "b/five").write_bytes(b"changed")
    settled()
    levels.make(1)
    assert paths_in(levels.images[1]) == {b"b", b"b/five"}
    with Image.open(levels.images[1]) as image:
        ((name, number),) = image.streams.of(numbers(levels.images[1])[b"b"])
        assert (name, image.dumped.holds([number]).tolist()) == (b"of it", [True])
    assert verify(levels.images[1]).good


@pytest.mark.parametrize("way", ["mtime", "ctime", "size", "name", "mode"])
def test_what_counts_as_a_change(levels, way):
    """Shows DARI-INC-003."""
    path = levels.source / "b/five"
    path.write_bytes(b"x" * 100)
    settled()
    levels.make(0)
    with closing(sqlite3.connect(levels.catalogue, isolation_level=None)) as connection:
        # Only one column tells: the others are made to say what they will say.
        change(way, path)
        settled()
        status = path.stat() if path.exists() else (levels.source / "b/new").stat()
        columns = {"mtime": "mtime_ns", "ctime": "ctime_ns", "size": "size", "mode": "mode"}
        values = {
            "mtime": status.st_mtime_ns,
            "ctime": status.st_ctime_ns,
            "size": status.st_size,
            "mode": status.st_mode,
        }
        for name, column in columns.items():
            if name != way:
                connection.execute(
                    f"UPDATE inode SET {column} = ? WHERE inode = ?", (values[name], status.st_ino)
                )
    levels.make(1)
    name = b"b/new" if way == "name" else b"b/five"
    assert name in paths_in(levels.images[1])


def change(way, path):
    if way == "mtime":
        os.utime(path, (1, 1))
    elif way == "ctime":
        os.chmod(path, path.stat().st_mode & 0o7777)
    elif way == "size":
        os.truncate(path, 7)
    elif way == "mode":
        os.chmod(path, 0o600)
    else:
        os.rename(path, path.with_name("new"))


def test_numbers_stay_and_are_never_given_again(levels):
    """Shows DARI-INC-005, DARI-INC-006."""
    levels.make(0)
    first = numbers(levels.images[0])
    os.rename(levels.source / "a", levels.source / "moved")
    (levels.source / "b/five").unlink()
    (levels.source / "c/new").write_bytes(b"new")
    settled()
    levels.make(1)
    second = numbers(levels.images[1])
    assert second[b"moved"] == first[b"a"]
    assert second[b"moved/deep"] == first[b"a/deep"]
    assert second[b"c/new"] > max(first.values())
    shutil.rmtree(levels.source / "c")
    settled()
    levels.make(2)
    (levels.source / "d").mkdir()
    (levels.source / "d/newest").write_bytes(b"")
    settled()
    levels.make(0)
    fourth = numbers(levels.images[3])
    assert min(fourth[b"d"], fourth[b"d/newest"]) > second[b"c/new"]
    assert fourth[b"moved/deep/er/four"] == first[b"a/deep/er/four"]


def test_another_type_is_another_inode(levels):
    """Shows DARI-INC-005."""
    path = levels.source / "one"
    levels.make(0)
    number = numbers(levels.images[0])[b"one"]
    with levels.catalog() as catalogue, catalogue.transaction():
        # As if the file system had given the file's inode number to a directory.
        query = "UPDATE inode SET inode = ? WHERE number = ?"
        path.unlink()
        path.mkdir()
        catalogue._connection.execute(query, (path.stat().st_ino, number))
    levels.make(1)
    assert numbers(levels.images[1])[b"one"] > number
    with Image.open(levels.images[1]) as image:
        assert not image.exists.holds([number])[0]


def test_bases_are_chosen_as_dump_does(levels):
    """Shows DARI-INC-010."""
    for level in (0, 3, 2, 5, 1, 9, 9):
        levels.make(level)
    with levels.catalog() as catalogue:
        images = catalogue.images(1)
    place = {image.id: at for at, image in enumerate(images)}
    assert [place.get(image.base) for image in images] == [None, 0, 0, 2, 0, 4, 4]
    dates = [image.date for image in images]
    assert dates == sorted(set(dates))


def test_a_base_by_date(levels):
    reports = [levels.make(level) for level in (0, 1, 0, 1)]
    dates = [report.date for report in reports]
    made = levels.make(None, since=dates[1])
    assert (made.level, made.base) == (2, reports[1].uuid)
    made = levels.make(7, since=dates[2])
    assert (made.level, made.base) == (7, reports[2].uuid)
    with pytest.raises(UsageError, match="no good image of any level not after"):
        levels.make(None, since=dates[0] - 1)
    with pytest.raises(UsageError, match="level 0 has no base"):
        levels.make(0, since=dates[0])


def test_without_a_base_it_is_refused(levels):
    with pytest.raises(UsageError, match="no good image of a lower level"):
        levels.make(1)
    with Catalogue.open(levels.catalogue) as catalogue:
        assert catalogue.sets() == []


def test_an_image_without_a_good_verdict_is_no_base(levels):
    """Shows DARI-INC-010."""
    levels.make(0)
    levels.make(1)
    with closing(sqlite3.connect(levels.catalogue, isolation_level=None)) as connection:
        connection.execute("UPDATE image SET good = 0 WHERE level = 1")
    assert levels.make(2).base == first_uuid(levels)


def test_what_had_a_fault_is_taken_again(levels):
    report = levels.make(0)
    with alone(levels.catalogue, *levels._key):
        run = Run(levels.catalogue, *levels._key, Wish(1))
        run.number(PosixSource(levels.source).scan(SILENT))
        seen = run._doubting([Fault("changed", "", b"a/two"), Fault("vanished", "", b"no such")])
    told = numbers(levels.images[0])
    assert seen.number[seen.sure == 0].tolist() == [told[b"a/two"]]
    assert report.good


def test_what_changed_in_the_instant_of_the_run_is_taken_again(levels, monkeypatch):
    scan = PosixSource.scan

    def changed_just_before(self, progress):
        (levels.source / "one").write_bytes(b"1")
        return scan(self, progress)

    monkeypatch.setattr(PosixSource, "scan", changed_just_before)
    levels.make(0)
    monkeypatch.undo()
    settled()
    levels.make(1)
    assert paths_in(levels.images[1]) == {b"one", b"a", b"a/one too"}
    levels.make(2)
    assert paths_in(levels.images[2]) == set()


def test_two_runs_at_once_are_refused(levels):
    levels.make(0)
    program = (
        "import sys; from pathlib import Path; from darimage.catalog.run import alone\n"
        "with alone(Path(sys.argv[1]), sys.argv[2].encode(), int(sys.argv[3])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    source, device = levels._key
    words = [sys.executable, "-c", program, str(levels.catalogue), source.decode(), str(device)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match="another run works on"):
            levels.make(1)
        with alone(levels.catalogue, b"/another", 1):
            pass
        other.communicate("")
    levels.make(1)


def test_a_killed_run_leaves_the_catalogue_as_it_was(levels):
    levels.make(0)
    before = levels.catalogue.read_bytes()
    source = levels.source
    with open(source / "big", "wb") as big:
        big.truncate(1 << 20)
        os.posix_fallocate(big.fileno(), 0, 400 << 20)
    words = ["create", "--level", "1", "--catalog", str(levels.catalogue), str(source)]
    image = levels.images[0].with_name("killed.dari")
    run = subprocess.Popen([sys.executable, "-m", "darimage", *words, str(image)])
    deadline = time.monotonic() + 30
    while not list(image.parent.glob(".killed*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert levels.catalogue.read_bytes() == before
    (source / "big").unlink()
    levels.make(1)


def test_a_transaction_is_all_or_nothing(levels):
    levels.make(0)
    with levels.catalog() as catalogue:
        before = catalogue.current(1).rows().tolist()
        with pytest.raises(KeyError):
            forget_and_fail(catalogue)
        assert catalogue.current(1).rows().tolist() == before


def forget_and_fail(catalogue):
    with catalogue.transaction():
        catalogue.forget_set(1)
        raise KeyError


def test_a_failed_image_is_not_entered(levels, monkeypatch):
    levels.make(0)
    (levels.source / "c/new").write_bytes(b"")
    monkeypatch.setattr("darimage.volumes.writing.FileSink.finish", broken)
    with pytest.raises(StorageError, match="no space"):
        levels.make(1)
    monkeypatch.undo()
    with levels.catalog() as catalogue:
        assert len(catalogue.images(1)) == 1


def broken(self):
    raise StorageError("no space")


def test_what_is_no_catalogue_is_refused(levels, tmp_path):
    text, other = tmp_path / "text", tmp_path / "other"
    text.write_text("no catalogue at all, but long enough to have a header of its own" * 20)
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE mine (x)")
    for path, told in ((text, "is no catalogue"), (other, "no catalogue of darimage")):
        with pytest.raises(UsageError, match=told), Catalogue.open(path):
            pass
    with (
        pytest.raises(UsageError, match="there is no catalogue"),
        Catalogue.open(tmp_path / "none", make=False),
    ):
        pass
    levels.make(0)
    with closing(sqlite3.connect(levels.catalogue, isolation_level=None)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageError, match="of version 99"):
        levels.make(1)


def test_a_later_version_of_the_tables_is_reached_step_by_step(levels):
    levels.make(0)
    step = "ALTER TABLE image ADD COLUMN note TEXT; CREATE INDEX by_name ON image (name);"
    with closing(sqlite3.connect(levels.catalogue, isolation_level=None)) as connection:
        migrate(connection, "catalogue", (*MIGRATIONS, step))
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        assert connection.execute("SELECT note FROM image").fetchall() == [(None,)]
        broken_step = "ALTER TABLE image ADD COLUMN more TEXT; ALTER TABLE none ADD COLUMN x;"
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, "catalogue", (*MIGRATIONS, step, broken_step))
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
        columns = connection.execute("SELECT name FROM pragma_table_info('image')").fetchall()
        assert ("note",) in columns
        assert ("more",) not in columns


def test_forgetting_an_image_forgets_what_builds_on_it(levels):
    for level in (0, 1, 2, 0, 1):
        levels.make(level)
    with levels.catalog() as catalogue, catalogue.transaction():
        images = catalogue.images(1)
        gone = catalogue.forget_images(1, {images[1].id})
        assert [image.id for image in gone] == [images[1].id, images[2].id]
        assert len(catalogue.at(1, images[3].id)) == len(catalogue.current(1))
    with pytest.raises(UsageError, match="not after"):
        levels.make(None, since=images[0].date - 1)
    assert levels.make(2).base is not None


@pytest.mark.usefixtures("every_restore")
def test_old_restore_refuses_an_increment_of_something_else(levels, tmp_path):
    levels.make(0)
    levels.make(1)
    levels.make(2)
    (tmp_path / "out").mkdir()
    assert legacy.restore("r", levels.images[0], tmp_path / "out").rc == 0
    refused = legacy.restore("r", levels.images[2], tmp_path / "out")
    assert "Incremental" in refused.stderr

"""Runs commands in which one call that changes something fails, or is the last before a kill.

``python -m support.failing`` (``make faults``) lets each call of each scenario fail in turn, in
each way, and prints how many there were. Afterwards what was there before has to be whole, or what
is new, and the next run has to work and to leave nothing else behind.

Interrupted calls (EINTR) are not among the ways: Python repeats them by itself (PEP 475).
"""

from __future__ import annotations

import argparse
import errno
import json
import mmap
import os
import shutil
import signal
import stat
import struct
import sys
import tempfile
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

from darimage.image.reader import Image
from darimage.tapes.changer import images_in
from darimage.validate.verify import verify

CHANGING = (
    *("mkdir", "makedirs", "rename", "replace", "link", "symlink", "mknod", "unlink", "rmdir"),
    *("fsync", "pwrite", "write", "ftruncate", "truncate", "chmod", "fchmod", "chown", "fchown"),
    *("utime", "setxattr"),
)
"""Functions of ``os`` that change something; ``open`` is one if it may make or write a file."""

WAYS = ("ENOSPC", "EIO", "EMFILE", "KILL")
_COUNT = struct.Struct("q")


class Calls:
    """The calls of one run.

    Attributes:
        count: How many there were.
        code: Exit code, negative for a signal.
        said: What was said on standard error.
    """

    def __init__(self, count, code, said):
        self.count, self.code, self.said = count, code, said


def run(arguments, at=0, way="EIO"):
    """Run a command in a process of its own; its call number ``at``, from 1, fails in a way."""
    counter = mmap.mmap(-1, _COUNT.size)
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if not pid:
            try:
                os.dup2(said.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                _break(counter, at, way)
                code = _command(arguments)
            finally:
                sys.stderr.flush()
                os._exit(99 if "code" not in locals() else code)
        _, status = os.waitpid(pid, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    return Calls(_COUNT.unpack(counter)[0], os.waitstatus_to_exitcode(status), text)


def _command(arguments):
    from darimage.cli import main

    try:
        main.main([os.fspath(one) for one in arguments], prog_name="darimage")
    except SystemExit as error:
        return error.code or 0
    except BaseException:  # noqa: BLE001 - it is told
        traceback.print_exc()
        return 98


def _break(counter, at, way):
    """Count the changing calls of this process; let one of them fail."""
    mine = os.getpid()

    def met():
        if os.getpid() != mine:
            return
        (count,) = _COUNT.unpack(counter)
        counter.seek(0)
        counter.write(_COUNT.pack(count + 1))
        if count + 1 != at:
            return
        if way == "KILL":
            os.kill(mine, signal.SIGKILL)
        number = getattr(errno, way)
        raise OSError(number, os.strerror(number))

    def wrapped(function, is_open):
        def called(*args, **options):
            flags = args[1] if is_open and len(args) > 1 else options.get("flags", 0)
            if not is_open or flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
                met()
            return function(*args, **options)

        return called

    for name in CHANGING:
        setattr(os, name, wrapped(getattr(os, name), is_open=False))
    os.open = wrapped(os.open, is_open=True)


# -- scenarios ------------------------------------------------------------------------------------


def tree(folder, word):
    """Make a tree whose files say a word."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "d").mkdir(parents=True)
    for number, name in enumerate(("a", "b", "d/c", "d/e")):
        (folder / name).write_bytes(word.encode() * (100 + 9000 * number))
        (folder / name).chmod(0o640)
    os.symlink(word, folder / "d/link")
    os.link(folder / "a", folder / "d/again")


def word_of(image):
    """Return which tree an image is of; it has to be whole."""
    found = verify(image)
    assert found.good, [fault.text() for fault in found.faults]
    with Image.open(image) as opened:
        names = [path for path, _, _ in opened.names.walk()]
        number = next(e.inode for path, e, _ in opened.names.walk() if path == b"d/link")
        inode = opened.inode(number)
        assert len(names) in (7, 8), names
        return opened.volume.read_at((inode.record + 1) * 1024, inode.size).decode()


class Scenario:
    """Something that is done where something was before."""

    forced = ("--force",)

    def __init__(self, folder):
        self.folder = folder
        self.source = folder / "source"

    def prepare(self):
        """Make what is there before, and the tree that it is done with."""
        tree(self.source, "old")
        assert run(self.command()).code == 0
        tree(self.source, "new")

    def command(self):
        return ["create", "-q", "--workers", "1", *self.forced, self.source, self.place()]

    def place(self):
        return self.folder / "x.dari"

    def states(self):
        """Return in which states what is there may be."""
        return {"old", "new"}

    def state(self):
        """Return in which state it is; it has to be whole."""
        return word_of(self.place())

    def rest(self):
        """Return what else is there."""
        known = {"source", "x.dari"}
        return sorted(set(os.listdir(self.folder)) - known)


class OneFile(Scenario):
    """An image replaces another."""


class FirstFile(Scenario):
    """An image is made where there was none."""

    forced = ()

    def prepare(self):
        tree(self.source, "new")

    def command(self):
        self.forced = ("--force",) if self.place().exists() else ()
        return super().command()

    def states(self):
        return {None, "new"}

    def state(self):
        return word_of(self.place()) if self.place().exists() else None


class Tape(OneFile):
    """A tape in a file replaces another."""

    def place(self):
        return self.folder / "x.tap"

    def rest(self):
        return sorted(set(os.listdir(self.folder)) - {"source", "x.tap"})


class Set(Scenario):
    """Volumes replace those of a longer set."""

    size = "64k"

    def prepare(self):
        tree(self.source, "old")
        (self.source / "d/e").write_bytes(b"old" * 70_000)
        assert run(self.command()).code == 0
        tree(self.source, "new")

    def command(self):
        base = ["create", "-q", "--workers", "1", *self.forced, "--volume-size", self.size]
        return [*base, self.source, self.folder / "v"]

    def state(self):
        from darimage.volumes.replacing import volumes_there

        found = word_of(self.folder / "v")
        with Image.open(self.folder / "v") as image:
            volumes = image.marks.cut.volumes(image.records)
        assert len(volumes_there(os.fspath(self.folder / "v"))) == volumes
        return found

    def rest(self):
        return [name for name in sorted(os.listdir(self.folder)) if name[:2] not in ("so", "v0")]


class Folder(Scenario):
    """An image goes on tapes of a folder that has one already."""

    forced = ()

    def command(self):
        base = ["create", "-q", "--workers", "1", "--tape-size", "64k"]
        return [*base, self.source, self.folder / "tapes"]

    def state(self):
        place = self.folder / "tapes"
        count = len(images_in(place))
        words = [word_of(f"{place}:{number + 1}") for number in range(count)]
        assert words[0] == "old"
        assert set(words[1:]) <= {"new"}
        return words[min(1, count - 1)]

    def rest(self):
        place = self.folder / "tapes"
        named = {part.name for parts in images_in(place) for part in parts}
        return sorted(set(os.listdir(place)) - named - {"tapes.json"})


class Level(Scenario):
    """An increment is made, and the catalogue knows of it or not."""

    def catalogued(self, level, name):
        catalog = ["--catalog", self.folder / "catalog"]
        rest = ["--level", level, *self.forced, *catalog, self.source, self.folder / name]
        return ["create", "-q", "--workers", "1", *rest]

    def prepare(self):
        tree(self.source, "old")
        assert run(self.catalogued("0", "0.dari")).code == 0
        time.sleep(0.01)
        tree(self.source, "new")

    def command(self):
        return self.catalogued("1", "x.dari")

    def states(self):
        return {"old", "new"}

    def state(self):
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        chain = [] if not self.place().exists() else ["--chain", self.folder / "0.dari"]
        image = self.place() if chain else self.folder / "0.dari"
        back = run(["restore", "-q", *chain, image, out])
        assert back.code == 0, back.said
        word = os.readlink(out / "d/link")
        for path in (path for path in out.rglob("*") if path.is_file() and not path.is_symlink()):
            assert set(path.read_bytes()) <= set(word.encode())
        shown = run(["catalog", "list", "--catalog", self.folder / "catalog"])
        assert shown.code == 0, shown.said
        return word

    def rest(self):
        known = {"source", "x.dari", "0.dari", "out", "catalog", "catalog-lock"}
        return sorted(set(os.listdir(self.folder)) - known)


class Restore(Scenario):
    """A tree is restored where there is nothing."""

    def prepare(self):
        tree(self.source, "new")
        assert run(["create", "-q", self.source, self.place()]).code == 0

    def command(self):
        return ["restore", "-q", "--workers", "1", "--overwrite", self.place(), self.folder / "out"]

    def states(self):
        return {None, "part", "new"}

    def state(self):
        out = self.folder / "out"
        return None if not out.exists() else state_of(self.source, out)

    def rest(self):
        return [name for name in os.listdir(self.folder) if name not in ("source", "x.dari", "out")]


def state_of(source, out):
    """Return how much of a tree is there; what is not whole has to be marked."""
    state = "new"
    for path in source.rglob("*"):
        there = out / path.relative_to(source)
        if not os.path.lexists(there):
            state = "part"
        elif there.is_file() and not there.is_symlink():
            is_right = there.read_bytes() == path.read_bytes()
            if not is_right:
                assert stat.S_IMODE(there.stat().st_mode) == 0o600, there
            if not is_right or stat.S_IMODE(there.stat().st_mode) != 0o640:
                state = "part"
    return state


class InPlace(Restore):
    """A tree is restored over another."""

    def prepare(self):
        super().prepare()
        tree(self.folder / "out", "old")

    def state(self):
        out, state = self.folder / "out", "new"
        for path in (p for p in self.source.rglob("*") if p.is_file() and not p.is_symlink()):
            data = (out / path.relative_to(self.source)).read_bytes()
            if data != path.read_bytes():
                assert data == path.read_bytes().replace(b"new", b"old"), path
                state = "part"
        return state

    def rest(self):
        here = {path.relative_to(self.folder / "out") for path in (self.folder / "out").rglob("*")}
        return sorted(map(str, here - {p.relative_to(self.source) for p in self.source.rglob("*")}))


class Report(Scenario):
    """A report replaces another."""

    def prepare(self):
        tree(self.source, "new")
        assert run(["create", "-q", self.source, self.place()]).code == 0
        (self.folder / "report.json").write_text('{"old": 1}')

    def command(self):
        return ["validate", "-q", "-o", self.folder / "report.json", self.place()]

    def state(self):
        return "old" if "old" in json.loads((self.folder / "report.json").read_text()) else "new"

    def rest(self):
        known = {"source", "x.dari", "report.json"}
        return sorted(set(os.listdir(self.folder)) - known)


SCENARIOS = (OneFile, FirstFile, Tape, Set, Folder, Level, Restore, InPlace, Report)


@contextmanager
def folder_of():
    """Return a folder for one run."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="darimage-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def calls_of(kind):
    """Return how many changing calls a scenario makes."""
    with folder_of() as folder:
        one = kind(folder)
        one.prepare()
        return run(one.command()).count


def try_one(kind, at, way):
    """Let one call of a scenario fail; raise an AssertionError if anything is wrong then."""
    with folder_of() as folder:
        one = kind(folder)
        one.prepare()
        met = run(one.command(), at, way)
        assert met.code != 98, met.said
        assert met.code in ((-signal.SIGKILL,) if way == "KILL" else (0, 1, 3)), (
            met.code,
            met.said,
        )
        assert "Traceback" not in met.said, met.said
        assert one.state() in one.states()
        if met.code == 0:
            assert one.state() == "new"
        elif way != "KILL":
            assert met.said
        again = run(one.command())
        assert again.code == 0, again.said
        assert one.state() == "new"
        assert one.rest() == []


def told(error):
    """Return where an assertion failed, and what it said."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.line} (line {last.lineno}) {error}"


def main(arguments=None):
    """Run from the command line; return an exit code."""
    parser = argparse.ArgumentParser(prog="support.failing", description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", help="a scenario; by default all")
    asked = parser.parse_args(arguments)
    wrong = total = 0
    for kind in SCENARIOS:
        if asked.only and kind.__name__ not in asked.only:
            continue
        count = calls_of(kind)
        bad = 0
        for way in WAYS:
            for at in range(1, count + 1):
                try:
                    try_one(kind, at, way)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                    bad += 1
                    print(f"{kind.__name__}: {way} at call {at}: {told(error)}", flush=True)
        total += count * len(WAYS)
        wrong += bad
        print(f"{kind.__name__}: {count} calls x {len(WAYS)} ways, {bad} wrong", flush=True)
    print(f"{total} failures and kills tried, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

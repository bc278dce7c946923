"""Each system call of a command that changes a file or directory: made to fail, or the last one.

`strace` counts the calls of a run, and in further runs lets one of them fail, or kills the process
at it, as a full disk, a bad block or a loss of power would. Afterwards what was there has to be
whole, or what was to come; and the next run clears up. A case says what that is of a command; to
add one, write a class with `prepare`, `words` and `check` and name it in `cases`.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from darimage.cli import main
from support import legacy

if TYPE_CHECKING:
    from collections.abc import Iterator

SCENE = "scene"
"""The folder in which a command may change things; calls that do not name it are left alone."""

CREATING = (
    *("open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
)
REMOVING = ("unlink", "unlinkat", "rmdir")
WRITING = (
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "truncate", "ftruncate"),
    *("fallocate", "copy_file_range", "sendfile", "fsync", "fdatasync"),
)
MARKING = (
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
)
_TRACED = ",".join(f"?{name}" for name in (*CREATING, *REMOVING, *WRITING, *MARKING))

_BEGINS = re.compile(r"(?:(?P<pid>\d+) +)?(?P<name>\w+)\(")
_SECONDS = 60.0
MOST = 5
"""Runs of a case that are told of, of those that went wrong."""

_DATE = {"SOURCE_DATE_EPOCH": "1700000000"}


class BrokenError(AssertionError):
    """Something good is lost, half there, or left behind."""


@dataclass(frozen=True)
class Call:
    """A call of a run: the `number`th, from 1, that its process makes under that name."""

    name: str
    number: int


@dataclass(frozen=True)
class Fault:
    """What happens at a call: KILL, or an error; with + at all later ones of that name as well."""

    word: str

    @property
    def kills(self) -> bool:
        return self.word == "KILL"

    @property
    def stays(self) -> bool:
        return self.word.endswith("+")

    def at(self, call: Call) -> str:
        """Return how `strace` is told."""
        what = "signal=KILL" if self.kills else f"error={self.word.removesuffix('+')}"
        return f"inject={call.name}:{what}:when={call.number}{'+' if self.stays else ''}"


KILL = Fault("KILL")


def faults_of(call: Call) -> list[Fault]:
    """Return what can happen at a call, a kill first."""
    words = ["KILL", "EIO", "EINTR", "EIO+"]
    if call.name in CREATING or call.name in WRITING:
        words += ["ENOSPC", "ENOSPC+"]
    if call.name.startswith("open"):
        words += ["EMFILE", "EMFILE+"]
    return [Fault(word) for word in words]


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: Exit code; negative is the signal.
        told: What it said.
        fault: What happened in it; `None` if nothing did.
        call: At which call, as `strace` shows it; nothing if it was not reached.
        calls: Its calls in the scene.
    """

    code: int
    told: str
    fault: Fault | None
    call: str
    calls: tuple[Call, ...]

    @property
    def may_leave(self) -> bool:
        """Whether it was in no position to clear up."""
        if self.fault is None:
            return False
        is_removing = self.call.startswith(REMOVING)
        return self.fault.kills or self.fault.stays or is_removing


@cache
def why_not() -> str:
    """Return why processes cannot be traced here; nothing if they can."""
    if shutil.which("strace") is None:
        return "no `strace` here (Debian package strace)"
    words = ["strace", "-o", "/dev/null", "-e", "inject=?rename:error=EIO:when=9", "true"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def traced(words: list[str], place: Path, call: Call | None = None, fault: Fault = KILL) -> Ended:
    """Run `darimage` in a folder, with a fault at a call or with none.

    The fault is the first process's alone: others have a count of their own.

    Raises:
        BrokenError: It does not end, or others change something in the scene too.
    """
    log = place / "log"
    options = ["-y", "-qq", "-s", "0", "-e", f"trace={_TRACED}", "-o", str(log)]
    options += ["-f"] if call is None else ["-e", fault.at(call)]
    environment = {**os.environ, **_DATE, "PYTHONHASHSEED": "0"}
    if call is not None:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = subprocess.Popen(
        ["strace", *options, sys.executable, "-m", "darimage", *words],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        told = process.communicate(timeout=_SECONDS)[0]
    except subprocess.TimeoutExpired:
        raise BrokenError(f"did not end within {_SECONDS:.0f} seconds") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = log.read_text(errors="replace").splitlines()
    if call is None:
        return Ended(process.returncode, told, None, "", tuple(_calls(lines)))
    return Ended(process.returncode, told, fault, _reached(lines, call, fault), ())


def _calls(lines: list[str]) -> Iterator[Call]:
    counts: Counter[tuple[str, str]] = Counter()
    first = None
    for line in lines:
        if (found := _BEGINS.match(line)) is not None:
            first = first or found["pid"]
            key = found["pid"], found["name"]
            counts[key] += 1
            if SCENE in line:
                if found["pid"] != first:
                    raise BrokenError(f"another process or thread changes something: {line}")
                yield Call(found["name"], counts[key])


def _reached(lines: list[str], call: Call, fault: Fault) -> str:
    """Return the call at which something happened."""
    if not fault.kills:
        return next((line for line in lines if line.endswith("(INJECTED)")), "")
    return next((line for line in lines if line.endswith(" = ?") and call.name in line), "")


# -- what commands do ------------------------------------------------------------------------------


def again(words: list[str], place: Path) -> tuple[int, str]:
    """Run `darimage` in this process, with nothing in its way."""
    with contextlib.chdir(place):
        done = CliRunner(env=_DATE).invoke(main, words)
    # A process that ends soon keeps what it has imported from being searched, and all else.
    gc.unfreeze()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise BrokenError(f"{words}: {done.exception!r}")
    return done.exit_code, done.output


def run(words: list[str], place: Path) -> str:
    """Run `darimage` in this process, and have it end with 0."""
    code, told = again(words, place)
    if code:
        raise BrokenError(f"{' '.join(words)}: {code}: {told}")
    return told


Files = dict[str, bytes]


def files_in(folder: Path) -> Files:
    """Return all files below a folder, links as what they lead to, and directories as `name/`."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = os.fsencode(os.readlink(path))
        elif path.is_dir():
            found[f"{name}/"] = b""
        else:
            found[name] = path.read_bytes()
    return found


def make_sources(place: Path) -> None:
    """Make a tree, and a bigger one that was there before."""
    for name, size in (("before", 90_000), ("source", 40_000)):
        (place / name / "folder").mkdir(parents=True)
        for number in range(3):
            data = b"".join(b"%s %d %d\n" % (name.encode(), number, at) for at in range(size // 16))
            (place / name / f"file{number}").write_bytes(data)
        (place / name / "folder" / "small").write_text(name)
        os.link(place / name / "folder" / "small", place / name / "folder" / "linked")
        os.symlink("file0", place / name / "symlink")
        for path in (place / name).rglob("*"):
            os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)


@dataclass
class Case:
    """A command, and what has to hold after it.

    Attributes:
        name: What to call it.
        place: The folder in which it runs; `SCENE` in it is what it may change.
        states: How often what was there was found afterwards, and what was to come.
    """

    name: str
    place: Path = Path()
    states: Counter[str] = field(default_factory=Counter)

    @property
    def scene(self) -> Path:
        return self.place / SCENE

    def begin(self, place: Path) -> Ended:
        """Prepare the scene, and do once what will be disturbed."""
        self.place = place
        make_sources(place)
        self.scene.mkdir()
        self.prepare()
        shutil.copytree(self.scene, place / "kept", symlinks=True)
        # The first time modules may be compiled: those files would be counted as well.
        for _ in range(2):
            self.restart()
            ended = traced(self.words(), place)
            if ended.code:
                raise BrokenError(f"{self.name}: {ended.code}: {ended.told}")
        self.learn()
        return ended

    def attempt(self, call: Call, fault: Fault) -> Ended:
        """Disturb it at one call, and look at what is there."""
        self.restart()
        ended = traced(self.words(), self.place, call, fault)
        if "Traceback" in ended.told or ended.code not in (-signal.SIGKILL, 0, 1, 3):
            raise BrokenError(f"ended with {ended.code}: {ended.told[-2000:]}")
        # Where nothing more can be written, no message can be either.
        is_silenced = fault.kills or (fault.stays and call.name.startswith("write"))
        if ended.code and not ended.told and not is_silenced:
            raise BrokenError(f"ended with {ended.code} and said nothing")
        self.states[self.check(ended)] += 1
        return ended

    def restart(self) -> None:
        """Put everything back as it was before."""
        legacy.trees.remove(self.scene)
        shutil.copytree(self.place / "kept", self.scene, symlinks=True)

    def prepare(self) -> None:
        """Make what was there before."""

    def words(self) -> list[str]:
        """Return the command."""
        raise NotImplementedError

    def learn(self) -> None:
        """Remember what is there when the command was not disturbed."""

    def check(self, ended: Ended) -> str:
        """Look at what is there; return whether it is `old` or `new`.

        Raises:
            BrokenError: It is neither.
        """
        raise NotImplementedError


@dataclass
class Create(Case):
    """An image whose bytes are known.

    Attributes:
        image: Where it goes.
        options: More words.
        is_there: There is one already, of the bigger tree.
        after: A run before was killed at this one of its renames, counted as a list is.
    """

    image: str = "a.dari"
    options: tuple[str, ...] = ()
    is_there: bool = False
    after: int | None = None
    old: Files = field(default_factory=dict)
    new: Files = field(default_factory=dict)

    def create(self, source: str, *, force: bool) -> list[str]:
        """Return the words that make the image of a tree."""
        words = ["create", "-q", "--reproducible", "--workers", "1", *self.options]
        return [*words, *(["--force"] if force else []), source, f"{SCENE}/{self.image}"]

    def prepare(self) -> None:
        if self.is_there:
            run(self.create("before", force=False), self.place)
            run(["verify", "-q", f"{SCENE}/{self.image}"], self.place)
        self.old = self.apart(files_in(self.scene))[0]
        if self.after is not None:
            shutil.copytree(self.scene, self.place / "unharmed")
            calls = traced(self.words(), self.place).calls
            legacy.trees.remove(self.scene)
            os.rename(self.place / "unharmed", self.scene)
            renames = [call for call in calls if call.name.startswith("rename")]
            traced(self.words(), self.place, renames[self.after])

    def words(self) -> list[str]:
        return self.create("source", force=self.is_there)

    def learn(self) -> None:
        self.new, left = self.apart(files_in(self.scene))
        if left or self.old == self.new:
            raise BrokenError(f"{self.name}: {sorted(left)} are left, or nothing was done")
        run(["verify", "-q", f"{SCENE}/{self.image}"], self.place)

    def apart(self, files: Files) -> tuple[Files, Files]:
        """Return what a reader takes for images, and what it does not."""
        hidden = {name: data for name, data in files.items() if name.startswith(".")}
        return {name: data for name, data in files.items() if name not in hidden}, hidden

    def check(self, ended: Ended) -> str:
        see_that_closed(self.scene)
        # A reader may find a set that was being moved, and finishes that.
        code, told = again(["verify", "-q", f"{SCENE}/{self.image}"], self.place)
        seen, left = self.apart(files_in(self.scene))
        if seen not in (self.old, self.new):
            raise BrokenError(f"neither the old nor the new: {_outline(seen)}; {ended.told}")
        state = "new" if seen == self.new else "old"
        if code and seen:
            raise BrokenError(f"verify: {code}: {told}")
        if ended.code == 0 and state != "new":
            raise BrokenError("it says that all is well, and is not there")
        if left and not ended.may_leave and self.after is None:
            raise BrokenError(f"{sorted(left)} are left behind; {ended.told}")
        self.next_run(seen)
        return state

    def next_run(self, seen: Files) -> None:
        """See that the next run is not disturbed by what the last one left."""
        run(self.create("source", force=True), self.place)
        found = files_in(self.scene)
        if found != self.new:
            raise BrokenError(f"after the next run: {_outline(found)}")


def _outline(files: Files) -> str:
    return ", ".join(f"{name} ({len(data)})" for name, data in sorted(files.items())) or "nothing"


@dataclass
class CreateOnTapes(Create):
    """An image in a folder of tapes; one that is there stays."""

    image: str = "tapes"
    options: tuple[str, ...] = ("--tape-size", "60K")

    def create(self, source: str, *, force: bool) -> list[str]:
        return super().create(source, force=False)

    def apart(self, files: Files) -> tuple[Files, Files]:
        from darimage.tapes.changer import images_in
        from darimage.tapes.names import CATALOGUE

        folder = self.scene / self.image
        seen = {}
        if (folder / CATALOGUE).exists():
            named = [CATALOGUE, *(part.name for image in images_in(folder) for part in image)]
            seen = {f"{self.image}/{name}": files[f"{self.image}/{name}"] for name in named}
        rest = {name: data for name, data in files.items() if name not in seen}
        rest.pop(f"{self.image}/", None)
        return seen, rest

    def next_run(self, seen: Files) -> None:
        run(self.create("source", force=False), self.place)
        found, left = self.apart(files_in(self.scene))
        index = f"{self.image}/tapes.json"
        kept = {name: data for name, data in seen.items() if name != index}
        if left or not kept.items() < found.items():
            raise BrokenError(f"after the next run: {_outline(found)}; left: {_outline(left)}")
        run(["verify", "-q", f"{SCENE}/{self.image}"], self.place)


@dataclass
class Catalogued(Case):
    """An image that a catalogue knows of: level 0, or level 1 on one that is there.

    Attributes:
        level: 0 or 1.
        volumes: It is cut into volumes.
        is_there: There is one of that name already, which the catalogue knows.
    """

    level: int = 0
    options: tuple[str, ...] = ()
    is_there: bool = False
    before: list[bytes] = field(default_factory=list)
    full: Files = field(default_factory=dict)

    def create(self, level: int, *, force: bool) -> list[str]:
        words = ["create", "-q", "--workers", "1", "--level", str(level)]
        words += ["--catalog", f"{SCENE}/catalog/c.sqlite", *self.options]
        words += ["--force"] if force else []
        return [*words, "source", f"{SCENE}/images/level{level}"]

    def prepare(self) -> None:
        (self.scene / "images").mkdir()
        if self.level:
            run(self.create(0, force=False), self.place)
            self.full = files_in(self.scene / "images")
            (self.place / "source" / "file1").write_bytes(b"changed" * 3000)
        if self.is_there:
            run(self.create(self.level, force=False), self.place)
        self.before = self.known()
        shutil.copytree(self.place / "source", self.place / "wanted", symlinks=True)

    def words(self) -> list[str]:
        return self.create(self.level, force=self.is_there)

    def known(self) -> list[bytes]:
        """Return the UUIDs of the images that the catalogue knows, oldest first."""
        from darimage.catalog.store import Catalogue

        path = self.scene / "catalog" / "c.sqlite"
        if not path.exists():
            return []
        with Catalogue.open(path) as catalogue:
            sets = [catalogue.images(one.id) for one in catalogue.sets()]
        return [image.uuid for images in sets for image in images]

    def there(self) -> dict[bytes, str]:
        """Return the images that are there, each of them whole, by their UUIDs."""
        from darimage.image.reader import Image

        found = {}
        for level in range(self.level + 1):
            name = f"{SCENE}/images/level{level}"
            code, told = again(["verify", "-q", name], self.place)
            if code == 0:
                with Image.open(self.place / name) as image:
                    found[image.identity.uuid] = name
            elif any(self.scene.glob(f"images/level{level}*")):
                raise BrokenError(f"{name} is not whole: {code}: {told}")
        return found

    def check(self, ended: Ended) -> str:
        see_that_closed(self.scene)
        there, known = self.there(), self.known()
        files = files_in(self.scene / "images")
        left = [name for name in files if name.startswith(".")]
        if left and not ended.may_leave:
            raise BrokenError(f"{left} are left behind; {ended.told}")
        if not self.full.items() <= files.items():
            raise BrokenError("the image that is built on has changed")
        if set(known) - set(self.before) - set(there):
            raise BrokenError("the catalogue knows an image that is not there")
        is_new = bool(set(there) - set(self.before))
        if self.before[: self.level] != known[: self.level]:
            raise BrokenError("the catalogue has lost the image that is built on")
        if not is_new and known != self.before:
            raise BrokenError("the catalogue has changed, the images have not")
        if ended.code == 0 and not (is_new and set(known) == set(there)):
            raise BrokenError("it says that all is well, and is not entered")
        self.next_run()
        return "new" if is_new else "old"

    def next_run(self) -> None:
        run(self.create(self.level, force=True), self.place)
        if sorted(self.there()) != sorted(self.known()):
            raise BrokenError("after the next run the catalogue knows others than are there")
        files = [*files_in(self.scene / "images"), *files_in(self.scene / "catalog")]
        left = [name for name in files if name.startswith(".") or name.endswith("-journal")]
        if left:
            raise BrokenError(f"after the next run there are {left}")
        names = [f"{SCENE}/images/level{level}" for level in range(self.level + 1)]
        chain = [word for name in names[:-1] for word in ("--chain", name)]
        legacy.trees.remove(self.place / "out")
        run(["restore", "-q", "--workers", "1", *chain, names[-1], "out"], self.place)
        if files_in(self.place / "out") != files_in(self.place / "wanted"):
            raise BrokenError("what comes back is not what was there")


def see_that_closed(folder: Path) -> None:
    """See that nobody but the owner may read images and what belongs to them, half made too."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mode & 0o077:
            raise BrokenError(f"{path.name} has mode {path.stat().st_mode & 0o7777:o}")


@dataclass
class Restored(Case):
    """A tree that comes back where nothing was, or over an older state of it.

    Attributes:
        is_there: There is an older state.
    """

    is_there: bool = False
    old: Files = field(default_factory=dict)

    image: Files = field(default_factory=dict)
    wanted: Files = field(default_factory=dict)

    def prepare(self) -> None:
        (self.scene / "images").mkdir()
        run(["create", "-q", "source", f"{SCENE}/images/a.dari"], self.place)
        self.image = files_in(self.scene / "images")
        self.wanted = files_in(self.place / "source")
        if self.is_there:
            shutil.copytree(self.place / "before", self.scene / "out", symlinks=True)
            self.old = files_in(self.scene / "out")

    def words(self) -> list[str]:
        words = ["restore", "-q", "--workers", "1", "--no-owner"]
        words += ["--overwrite"] if self.is_there else []
        return [*words, f"{SCENE}/images/a.dari", f"{SCENE}/out"]

    def learn(self) -> None:
        if files_in(self.scene / "out") != self.wanted:
            raise BrokenError("what comes back is not what was there")

    def check(self, ended: Ended) -> str:
        if files_in(self.scene / "images") != self.image:
            raise BrokenError("the image has changed")
        found = files_in(self.scene / "out") if (self.scene / "out").exists() else {}
        if any(found.get(name) not in (data, self.wanted[name]) for name, data in self.old.items()):
            raise BrokenError(f"an old file is neither old nor new: {_outline(found)}")
        wrong = [name for name, data in found.items() if self.wanted.get(name) != data]
        missing = self.wanted.keys() - found.keys()
        if ended.code == 0 and (wrong or missing):
            raise BrokenError(f"it says that all is well: {wrong} {missing}")
        if ended.code == 1:
            lost = [name for name in (*wrong, *missing) if not _is_told(name, ended.told)]
            if lost:
                raise BrokenError(f"not told of {lost}: {ended.told}")
        left = list(found.keys() - self.wanted.keys())
        if left and not ended.may_leave:
            raise BrokenError(f"{left} are left behind; {ended.told}")
        self.next_run()
        return "old" if wrong or missing else "new"

    def next_run(self) -> None:
        run([*self.words(), *([] if self.is_there else ["--overwrite"])], self.place)
        if (found := files_in(self.scene / "out")) != self.wanted:
            raise BrokenError(f"after the next run: {_outline(found)}")


def _is_told(name: str, told: str) -> bool:
    """Tell whether a message names a file, or a directory that it is in."""
    above = [os.fspath(folder) for folder in (Path(name), *Path(name).parents)]
    return any(f": {part}: " in told for part in above)


@dataclass
class Reported(Case):
    """A report of an image, over another report."""

    def prepare(self) -> None:
        run(["create", "-q", "source", "a.dari"], self.place)
        (self.scene / "report.json").write_text('{"old": true}')

    def words(self) -> list[str]:
        return ["validate", "-q", "-o", f"{SCENE}/report.json", "a.dari"]

    def check(self, ended: Ended) -> str:
        state = self.state()
        if ended.code == 0 and state == "old":
            raise BrokenError("it says that all is well, and is not there")
        left = sorted(set(os.listdir(self.scene)) - {"report.json"})
        if left and not ended.may_leave:
            raise BrokenError(f"{left} are left behind; {ended.told}")
        run(self.words(), self.place)
        if self.state() != "new" or os.listdir(self.scene) != ["report.json"]:
            raise BrokenError(f"after the next run: {os.listdir(self.scene)}")
        return state

    def state(self) -> str:
        """Return which report is there; it has to be whole."""
        return "old" if "old" in json.loads((self.scene / "report.json").read_text()) else "new"


def cases() -> list[Case]:
    """Return all cases, none of them begun."""
    cut = ("--volume-size", "60K")
    return [
        Create("a file"),
        Create("a file over another", is_there=True),
        Create("a tape in a file", image="a.tap"),
        Create("volumes", image="v", options=cut),
        Create("volumes over more", image="v", options=cut, is_there=True),
        Create("volumes half moved out", image="v", options=cut, is_there=True, after=2),
        Create("volumes half moved in", image="v", options=cut, is_there=True, after=-2),
        CreateOnTapes("tapes"),
        CreateOnTapes("tapes behind others", is_there=True),
        CreateOnTapes("tapes not named yet", is_there=True, after=-1),
        Catalogued("level 0"),
        Catalogued("level 1", level=1),
        Catalogued("level 1 over another", level=1, is_there=True),
        Catalogued("level 1 on volumes", level=1, options=cut),
        Restored("restore"),
        Restored("restore in place", is_there=True),
        Reported("report"),
    ]


@dataclass
class Tried:
    """What came of a case."""

    name: str
    calls: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tried) -> None:
        """Add what came of another."""
        self.calls += other.calls
        self.missed += other.missed
        self.runs += other.runs
        self.states += other.states
        self.broken += other.broken

    def line(self) -> str:
        """Return a line of the table."""
        errors = sum(count for word, count in self.runs.items() if word != KILL.word)
        return (
            f"{self.name:22} {self.calls:5} {self.runs[KILL.word]:6} {errors:8} "
            f"{self.states['old']:5} {self.states['new']:5} {self.missed:7} {len(self.broken):7}"
        )


HEAD = f"{'':22} calls  kills failures   old   new  missed  broken"


def attempts(calls: tuple[Call, ...], every: int) -> list[tuple[Call, Fault]]:
    """Return what is tried: all faults at all calls, or a sample of one in so many."""
    distinct = list(dict.fromkeys(calls))
    everything = [(call, fault) for call in distinct for fault in faults_of(call)]
    return everything[::every]


def tried(number: int, every: int = 1) -> Tried:
    """Try a case."""
    case = cases()[number]
    result = Tried(case.name)
    with legacy.scratch_directory() as place:
        ended = case.begin(place)
        result.calls = len(set(ended.calls))
        for call, fault in attempts(ended.calls, every):
            result.runs[fault.word] += 1
            try:
                result.missed += not case.attempt(call, fault).call
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
                log = (place / "log").read_text(errors="replace").splitlines()
                reached = _reached(log, call, fault)
                told = (
                    f"{case.name}: {fault.word} at {call.name} {call.number}: {reached}: {error!r}"
                )
                result.broken.append(told)
        result.states = case.states
    return result


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--every", type=int, default=1, help="one in so many of all")
    parser.add_argument("--only", default="", help="cases whose names hold this")
    options = parser.parse_args()
    if why := why_not():
        print(f"not tried: {why}")
        return 0
    numbers = [at for at, case in enumerate(cases()) if options.only in case.name]
    print(HEAD)
    total = Tried("all")
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for result in pool.map(tried, numbers, [options.every] * len(numbers)):
            print(result.line(), *result.broken[:MOST], sep="\n", flush=True)
            total.add(result)
    print(total.line())
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(_main())

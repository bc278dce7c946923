"""Real `dump` and `restore`, and loop-mounted ext4 file systems for them: the foreign judge.

Nothing here knows what an image looks like. The programs run with a script as their standard
input, a time limit and an output limit, so no prompt can hang a test. They are those that are
installed, or, in a test with the fixture `every_restore`, those of other Debian suites as well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What `-x` and `-i` ask: which volume, and whether the root's own mode and owner are to be set.
ANSWERS = "1\ny\n"

#: More output than this is an endless loop of messages.
OUTPUT_LIMIT = 256 * trees.MIB

#: Restores are put here while they are judged, when it is big enough: much faster than a disk.
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 * trees.GIB

#: The one line `-r` and `-C` print for each section of an image (spec: sections).
SECTION_LINE = re.compile(r"expected next file \d+, got 1")


@dataclass(frozen=True)
class Run:
    """One finished run of a foreign program.

    Attributes:
        rc: Exit code; negative is the signal that ended it.
        stdout: What it printed, undecodable bytes as surrogates.
        stderr: Its messages, likewise.
        directory: Where it ran, and so what it restored.
        timed_out: Whether it was stopped by the time or the output limit.
    """

    rc: int
    stdout: str
    stderr: str
    directory: Path
    timed_out: bool

    @property
    def messages(self) -> Counter[str]:
        """The lines of stderr, counted, without inode numbers, which differ between images."""
        lines = (line for line in self.stderr.splitlines() if line.strip())
        return Counter(re.sub(r"\(inode \d+\)", "(inode N)", line) for line in lines)

    @property
    def section_lines(self) -> int:
        """How many lines told of a section."""
        return sum(count for line, count in self.messages.items() if SECTION_LINE.fullmatch(line))

    @property
    def other_messages(self) -> Counter[str]:
        """All messages but those about sections."""
        return Counter(
            {
                line: count
                for line, count in self.messages.items()
                if not SECTION_LINE.fullmatch(line)
            }
        )


#: Whose `restore` judges: the one installed here, and those of Debian suites from 12 on.
INSTALLED = "installed"
SUITES = ("bookworm", "trixie", "sid")
JUDGES = (INSTALLED, *SUITES)

#: The last whose `dump` describes each block; newer ones describe runs of blocks.
PLAIN = "0.4b47"

#: Versions of `restore` that count the headers of volumes; see spec/94-limits.rst.
_COUNT_VOLUMES = ("0.4b47", "0.4b49")

#: Where programs are looked for: an ordinary user's PATH lacks some folders.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

_judge: ContextVar[str] = ContextVar("judge", default=INSTALLED)


def program(name: str) -> str:
    """Find a program, also where an ordinary user's PATH does not look; else skip.

    `restore` is that of the judge chosen by `judged_by`.
    """
    if name == "restore" and judge() != INSTALLED:
        return of_suite(name, judge())
    return installed(name)


@cache
def installed(name: str) -> str:
    """Find a program that is installed here; else skip."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        pytest.skip(f"no `{name}` here (Debian package dump, e2fsprogs or util-linux)")
    return found


def of_suite(name: str, suite: str) -> str:
    """Find `dump` or `restore` of a Debian suite, where tools/newer-dump puts it; else skip."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    found = Path(caches) / "darimage" / f"dump-{suite}" / "bin" / name
    if not os.access(found, os.X_OK):
        pytest.skip(f"no `{name}` of {suite} here; tools/newer-dump {suite} brings it")
    return str(found)


def judge() -> str:
    """Tell whose `restore` is run now, one of `JUDGES`."""
    return _judge.get()


@contextlib.contextmanager
def judged_by(name: str) -> Iterator[None]:
    """Let another `restore` be run for as long as the context lasts; skip where it is missing.

    A suite's that is no other version than the installed one is skipped too.
    """
    if name != INSTALLED:
        found, here = of_suite("restore", name), installed("restore")
        if version(found) == version(here):
            pytest.skip(f"the installed restore is {version(here)}, as that of {name}")
    token = _judge.set(name)
    try:
        yield
    finally:
        _judge.reset(token)


@cache
def version(command: str) -> str:
    """Read the version of `dump` or `restore`, such as 0.4b47, from the head of its usage."""
    usage = run([command], Path("/")).stderr
    found = re.match(r"\S*(?:dump|restore) (\S+)", usage)
    return found[1] if found else "unknown"


def counts_volumes() -> bool:
    """Tell whether the judge counts the headers of volumes, as `dump` 0.4b47 does.

    One that does not says that it skipped blocks behind each, if it passes over something.
    """
    return version(program("restore")) in _COUNT_VOLUMES


def plain_dump() -> str:
    """Find a `dump` that describes each block, the installed one or Debian 12's; else skip."""
    if shutil.which("dump", path=_PATH) and version(installed("dump")) == PLAIN:
        return installed("dump")
    return of_suite("dump", "bookworm")


def scratch(on_disk: bool = False) -> Path:
    """Make a new empty directory for short-lived files, in memory if there is room."""
    if not on_disk and MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        room = os.statvfs(MEMORY)
        if room.f_bavail * room.f_frsize >= MEMORY_NEEDED:
            return Path(tempfile.mkdtemp(prefix="darimage-", dir=MEMORY))
    return Path(tempfile.mkdtemp(prefix="darimage-"))


@contextlib.contextmanager
def scratch_directory(on_disk: bool = False) -> Iterator[Path]:
    """A directory from `scratch` that is gone afterwards, however deep or closed its content is."""
    folder = scratch(on_disk)
    try:
        yield folder
    finally:
        trees.remove(folder)


@contextlib.contextmanager
def scratch_directory_on(point: Path) -> Iterator[Path]:
    """A directory on a mounted file system that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(dir=point))
    try:
        yield folder
    finally:
        trees.remove(folder)


def run(
    command: list[str], directory: Path, script: str | bytes = b"", timeout: float = 120.0
) -> Run:
    """Run a program with a script as its standard input; never wait longer than the time limit."""
    script = script.encode() if isinstance(script, str) else script
    with (
        tempfile.TemporaryDirectory(prefix="darimage-run-") as own,
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(script)
        stdin.seek(0)
        # restore names its work files by the dump's date alone: runs side by side would share them.
        environment = {**os.environ, "TMPDIR": own, "LC_ALL": "C", "TERM": "dumb", "TZ": "UTC"}
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        timed_out = not _wait(process, timeout, (stdout.fileno(), stderr.fileno()))
        if timed_out:
            os.killpg(process.pid, signal.SIGKILL)
        rc = process.wait()
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read(OUTPUT_LIMIT).decode("utf-8", "surrogateescape"))
        return Run(rc, texts[0], texts[1], directory, timed_out)


def _wait(process: subprocess.Popen[bytes], timeout: float, outputs: tuple[int, int]) -> bool:
    deadline = time.monotonic() + timeout
    pause = 0.002
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        if any(os.fstat(fd).st_size > OUTPUT_LIMIT for fd in outputs):
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return True


def restore(
    mode: str,
    image: Path,
    directory: Path,
    *names: str,
    timeout: float = 120.0,
    options: tuple[str, ...] = (),
) -> Run:
    """Run the old `restore` on an image.

    Args:
        mode: `t`, `x`, `i`, `r`, or `C`. `-i` adds everything (or the names given) and extracts.
        image: The image file.
        directory: Where to run: empty for x, i and r; the tree to compare with for C.
        *names: For t and x, the paths that are wanted; none means all.
        timeout: Seconds until it is killed.
        options: More options, such as `("-b", "32")` or `("-v",)`.
    """
    command = [program("restore"), f"-{mode}", "-y", *options, "-f", str(image.absolute())]
    script = ""
    if mode == "C":
        # A path after -D is cut at 63 bytes, the working directory is not.
        command += ["-D", "."]
    elif mode == "x":
        script = ANSWERS
    elif mode == "i":
        adds = "".join(f"add {name}\n" for name in names) or "add\n"
        return run(command, directory, f"{adds}extract\n{ANSWERS}quit\n", timeout)
    return run([*command, *names], directory, script, timeout)


def dump_tree(
    source: Path,
    image: Path,
    *options: str,
    ntrec: int | None = None,
    timeout: float = 300.0,
    command: str | None = None,
) -> Run:
    """Run a real level 0 `dump` of a mount point, or of a directory below one.

    Args:
        source: What to dump.
        image: The file to write.
        *options: More options for dump.
        ntrec: Records per tape block (`-b`); 10 unless told.
        timeout: Seconds until it is killed.
        command: The program, unless it is the one installed.

    Raises:
        AssertionError: When dump fails.
    """
    os.sync()  # dump reads the device, past the page cache.
    blocking = [] if ntrec is None else ["-b", str(ntrec)]
    command = command or program("dump")
    full = [command, "-0", *blocking, *options, "-f", str(image), str(source)]
    done = run(full, Path("/"), timeout=timeout)
    assert done.rc == 0, f"dump failed ({done.rc}): {done.stderr}"
    return done


def darimage(*arguments: str | Path, timeout: float = 120.0, directory: Path = Path("/")) -> Run:
    """Run this project's own command line, as a user would."""
    command = [sys.executable, "-m", "darimage", *map(str, arguments)]
    return run(command, directory, timeout=timeout)


@contextlib.contextmanager
def loop_ext4(
    size: int = 512 * trees.MIB,
    *,
    block_size: int = 4096,
    inodes: int | None = None,
    inode_size: int = 256,
    on_disk: bool = False,
) -> Iterator[Path]:
    """Mount a new ext4 file system from a sparse file; skip where that is not allowed.

    Args:
        size: Bytes of the file system.
        block_size: Bytes of a block, 1024 or 4096: the grain of its holes.
        inodes: How many inodes to provide; mkfs decides unless told.
        inode_size: Bytes of an inode, 128 or more; from 256 on attributes fit into it.
        on_disk: Whether the backing file must not lie in memory.

    Yields:
        The mount point, empty (`lost+found` is removed).
    """
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    mkfs, mount = program("mkfs.ext4"), program("mount")
    folder = scratch(on_disk)
    backing, point = folder / "ext4", folder / "m"
    point.mkdir()
    try:
        with backing.open("wb") as file:
            file.truncate(size)
        count = [] if inodes is None else ["-N", str(inodes)]
        extended = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
        made = run(
            [mkfs, "-q", "-F", "-b", str(block_size), "-I", str(inode_size), *count, "-E", extended,
             "-m", "0", "-O", "^has_journal", str(backing)],
            folder,
        )  # fmt: skip
        assert made.rc == 0, made.stderr
        guard = _unmount_when_this_process_dies(point, folder)
        mounted = run([mount, "-o", "loop,noatime", str(backing), str(point)], folder)
        if mounted.rc != 0:
            guard.communicate()
            pytest.skip(f"no loop mounts here: {mounted.stderr.strip()}")
        try:
            (point / "lost+found").rmdir()
            yield point
        finally:
            _unmount(point)
            guard.communicate()
    finally:
        trees.remove(folder)


def _unmount_when_this_process_dies(point: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a helper that waits for the end of its input, which comes even when we are killed."""
    script = 'cat; umount -l "$1" && rm -rf --one-file-system "$2"'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "guard", str(point), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _unmount(point: Path) -> None:
    umount = program("umount")
    for patience in (0.1, 0.5, 2.0):
        if run([umount, str(point)], Path("/")).rc == 0:
            return
        time.sleep(patience)
    # Somebody still sits in it: detach it now, the kernel frees it when they leave.
    run([umount, "-l", str(point)], Path("/"))


#: 0.4b49 and later compare holes as well; images have the last block of a file (DARI-FIL-019).
_NO_HOLE = re.compile(r"\./(.+): tape has data but disk has hole")


def of_last_blocks(messages: Iterable[str], source: Path) -> set[str]:
    """Choose the messages of ``restore -C`` about files of a tree that end in a hole."""
    return {
        line
        for line in messages
        if (told := _NO_HOLE.fullmatch(line)) and _ends_in_a_hole(source / told[1])
    }


def _ends_in_a_hole(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            return file.seek((path.stat().st_size - 1) // 1024 * 1024, os.SEEK_DATA) < 0
        except OSError as error:
            if error.errno == errno.ENXIO:
                return True
            raise

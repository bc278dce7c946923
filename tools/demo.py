"""Shows an image being made and read: by `darimage`, and by the old `restore` if it is installed.

Builds an image of the standard library of the Python that runs this, lists it, restores one
directory by direct access, and compares that directory with the original byte by byte and attribute
by attribute. Exits with 1 on any difference.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCE = Path(sysconfig.get_paths()["stdlib"])
DARIMAGE = Path(sys.executable).with_name("darimage")
IS_ROOT = os.geteuid() == 0
# Nothing may change below SOURCE while it is read: no new __pycache__ by our own commands.
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

Entry = tuple[object, ...]


def main() -> int:
    """Runs the demonstration; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="darimage-demo-") as name:
        work = Path(name)
        chosen = next(name for name in ("json", "email", "encodings") if (SOURCE / name).is_dir())
        image = make_image(work)
        faults = restore_directly(image, work / "out", chosen)
        faults += restore_the_old_way(image, work / "old", chosen)
    print("\nDemo passed." if not faults else f"\nDemo FAILED: {faults} differences.")
    return 1 if faults else 0


def make_image(work: Path) -> Path:
    """Builds the image and lists it; returns its path."""
    say(f"1. Put the Python standard library ({SOURCE}) into an image")
    image = work / "stdlib.dari"
    darimage("create", SOURCE, image)
    say("2. Look inside")
    darimage("info", image)
    show_some(darimage("list", "--long", image, show=False))
    return image


def restore_directly(image: Path, out: Path, chosen: str) -> int:
    """Restores one directory by direct access and compares it; returns the differences."""
    say(f"3. Get the directory {chosen} back, reading nothing else")
    options = [] if IS_ROOT else ["--no-owner"]
    answer = json.loads(darimage("restore", "--json", *options, image, out, chosen))
    read, size = answer["bytes_read"], image.stat().st_size
    front = json.loads(darimage("info", "--json", image, show=False))["parts"]
    (files,) = [part["offset"] for part in front if part["kind"] == "files"]
    print(
        f"It read {read:,} of the image's {size:,} bytes ({read / size:.1%}); the directories and "
        f"maps at the front alone are {files:,}."
    )
    faults = compare(SOURCE / chosen, out / chosen, owners=IS_ROOT, tick=1)
    if read >= size:
        print("It read the whole image: that is no direct access.")
        faults += 1
    return faults


def restore_the_old_way(image: Path, out: Path, chosen: str) -> int:
    """Lets the old `restore` read the same image; returns the differences."""
    say("4. The same image, read by the old restore of the package dump")
    restore = shutil.which("restore", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if restore is None:
        print("It is not installed here (Debian: apt install dump), so this step is left out.")
        return 0
    out.mkdir()
    show_some(run([restore, "-t", "-f", image], out, show=False))
    run([restore, "-x", "-a", "-f", image, f"./{chosen}"], out, answers="n\n")
    # Old headers hold microseconds, and what an old program makes of them is its own affair.
    return compare(SOURCE / chosen, out / chosen, owners=IS_ROOT, tick=1_000_000_000)


def darimage(*arguments: str | Path, show: bool = True) -> str:
    """Runs `darimage` as a user would."""
    return run([DARIMAGE, *arguments], Path.cwd(), show=show)


def run(command: list[str | Path], folder: Path, answers: str = "", *, show: bool = True) -> str:
    """Runs a command, printing it and what it says; ends the demonstration if it fails."""
    words = [Path(command[0]).name, *map(str, command[1:])]
    print(f"$ {shlex.join(words)}", flush=True)
    # A session of its own has no terminal, so that `restore` takes its answers from us.
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=ENVIRONMENT, input=answers, text=True,
        errors="surrogateescape", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, check=False,
    )  # fmt: skip
    if show or done.returncode:
        print(printable(done.stdout).rstrip())
    if done.returncode:
        sys.exit(f"demo: {words[0]} ended with {done.returncode}")
    return done.stdout


def show_some(text: str, count: int = 6) -> None:
    """Prints the first lines of a long text and says how many more there are."""
    lines = printable(text).splitlines()
    print("\n".join(lines[:count]))
    if len(lines) > count:
        print(f"... and {len(lines) - count:,} lines more")


def compare(original: Path, copy: Path, *, owners: bool, tick: int) -> int:
    """Compares two trees, naming each difference; times agree to `tick` nanoseconds."""
    wanted = dict(entries(original, owners=owners, tick=tick))
    found = dict(entries(copy, owners=owners, tick=tick)) if copy.is_dir() else {}
    paths = sorted(wanted.keys() | found.keys())
    different = [path for path in paths if wanted.get(path) != found.get(path)]
    for path in different:
        print(f"DIFFERENT {path}: was {wanted.get(path)}, is {found.get(path)}")
    if not different:
        size = sum(path.lstat().st_size for path in original.rglob("*") if path.is_file())
        what = ["contents", "types", "modes", *["owners"] * owners, "times"]
        same = ", ".join(what) + " to the second" * (tick > 1)
        print(f"{copy.name} equals the original: {len(wanted)} entries, {size:,} bytes ({same}).")
    return len(different)


def entries(root: Path, *, owners: bool, tick: int) -> list[tuple[str, Entry]]:
    """Returns each path below a folder, itself included, with everything that must be equal."""
    found = []
    for path in [root, *root.rglob("*")]:
        status = path.lstat()
        content = ""
        if stat.S_ISLNK(status.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        owner = (status.st_uid, status.st_gid) if owners else ()
        time = status.st_mtime_ns // tick
        found.append((str(path.relative_to(root)), (status.st_mode, *owner, time, content)))
    return found


def say(text: str) -> None:
    """Prints a heading."""
    print(f"\n{text}\n{'-' * len(text)}")


def printable(text: str) -> str:
    """Returns text with the bytes of names that are not UTF-8 made visible."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())

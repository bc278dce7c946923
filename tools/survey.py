"""What Debian's ``restore`` and darimage make of each vector, the damaged ones too.

The suite only asks that a reader survives a damaged image. Here is looked at what came back: it is
held against what the image held before it was damaged. Needs root, for owners and devices.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from darimage.conformance import limits
from darimage.conformance.answers import Part, View, compared
from darimage.conformance.directory import inventory_of
from darimage.conformance.limits import Ended, Limits
from darimage.conformance.removing import remove
from darimage.conformance.vectors import Suite, Vector

Json = dict[str, Any]

VIEW = View(("size", "sha256", "target", "rdev"))
"""What counts as the same: names, types and contents."""

LIMITS = Limits(seconds=30, memory=1 << 30, output=64 << 20)
CRASHES, HANGS, EATS = "crashes", "hangs", "eats memory"
REFUSES, REPORTS, MENTIONS = "refuses", "reports", "mentions"
LOSES, INVENTS, WHOLE = "loses", "invents", "whole"
"""How it ends: not in order; with an error, nothing or something being there; with exit code 0 and
a message; with exit code 0 and no word, things missing, other things there, or all as it was."""

QUIET = (
    "set owner/mode for '.'",
    "You have not read any volumes yet.",
    "Unless you know which volume your file(s) are on you should start",
    "with the last volume and work towards the first.",
    "Specify next volume #",
)
"""What ``restore -x`` says of any image."""


class Seen(NamedTuple):
    """What came of one image.

    Attributes:
        kind: One of the words above.
        how: Signal, limit or exit code.
        said: The last thing it said that it does not say of any image.
        missing: Names that should be there.
        changed: Names whose contents are other ones.
        added: Names that should not be there.
        wanted: Names that should be there, but the root's.
        seconds: Given to it, if it hung.
    """

    kind: str
    how: str
    said: str
    missing: int
    changed: int
    added: int
    wanted: int
    seconds: float = 0

    @property
    def back(self) -> int:
        """Names that came back as they should."""
        return self.wanted - self.missing - self.changed


def survey(jobs: int, chosen: Sequence[str] = ()) -> Iterator[Json]:
    """Yield what both programs make of each vector, in the order of the ids."""
    suite = Suite()
    vectors = sorted(suite, key=lambda vector: vector.id)
    vectors = [v for v in vectors if not chosen or v.name in chosen or v.id in chosen]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda vector: _one(suite, vector), vectors)


def _one(suite: Suite, vector: Vector) -> Json:
    place = Path(tempfile.mkdtemp(prefix="survey-"))
    try:
        for name, data in suite.files(vector):
            (place / name).write_bytes(data)
        names = sorted(path.name for path in place.iterdir())
        image = place / names[0]
        limit = _limit(vector)
        expected = expectation(suite, vector)
        is_set = names[0][-3:].isdigit()
        answers = "y\n" if is_set else "1\ny\n"
        theirs = _seen(_restore(image, is_set=is_set), place / "theirs", limit, expected, answers)
        ours = _seen(_darimage(image, place / "ours"), place / "ours", limit, expected)
    finally:
        remove(place)
    told = {"id": vector.id, "name": vector.name, "title": vector.told["title"]}
    return told | {
        "valid": vector.is_valid,
        "decode": suite.decode(vector),
        "restore": theirs._asdict(),
        "darimage": ours._asdict(),
    }


def _limit(vector: Vector) -> Limits:
    told = vector.told.get("limits", {})
    return LIMITS._replace(
        seconds=min(LIMITS.seconds, told.get("seconds", LIMITS.seconds)),
        memory=min(LIMITS.memory, told.get("memory_mib", 1024) << 20),
    )


def expectation(suite: Suite, vector: Vector) -> Part | None:
    """Return what an image holds, or held before it was damaged; ``None`` if nobody knows."""
    while True:
        inventory = suite.inventory(vector)
        if inventory is not None:
            return compared(inventory, VIEW)
        if vector.parent is None:
            return None
        vector = suite[vector.parent]


def _restore(image: Path, *, is_set: bool) -> list[str]:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    program = os.environ.get("RESTORE") or shutil.which("restore", path=path)
    if program is None:
        raise SystemExit("no restore here (Debian package dump)")
    # Blocks of 10 records: it reads 32 at once otherwise, and a volume may be shorter.
    volumes = ["-a", "-b", "10", "-M", "-f", str(image)[:-3]]
    return [program, "-x", "-y", *(volumes if is_set else ["-f", str(image)])]


def _darimage(image: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "darimage", "restore", "--quiet", str(image), str(folder)]


def _seen(
    command: list[str], folder: Path, limit: Limits, expected: Part | None, answers: str = ""
) -> Seen:
    work = folder.with_name(f"{folder.name}.work")
    work.mkdir()
    folder.mkdir()
    (work / "answers").write_text(answers)
    # `restore` makes files where it is.
    script = 'cd "$1" && shift && exec "$@" <"$0"'
    words = ["/bin/sh", "-c", script, str(work / "answers"), str(folder), *command]
    ended, _, messages = limits.run(words, limit, work)
    said = [line.strip() for line in messages.splitlines() if line.strip()]
    said = [line for line in said if not line.startswith(QUIET)]
    last = said[-1].replace(f"{folder.parent}/", "") if said else ""
    last = "".join(c if c.isprintable() else "?" for c in last)[:200]
    got = compared(inventory_of(folder), VIEW)
    missing, changed, added, wanted = _compared(expected, got)
    differs, is_empty = bool(missing or changed or added), len(got.inodes) == 1
    kind, how = _kind(ended, differs=differs, spoke=bool(said), is_empty=is_empty)
    if kind == LOSES and (changed or added):
        kind = INVENTS
    seconds = limit.seconds if kind == HANGS else 0
    return Seen(kind, how, last, missing, changed, added, wanted, seconds)


def _compared(expected: Part | None, got: Part) -> tuple[int, int, int, int]:
    """Return how many names are missing, changed and added, and how many should be there."""
    if expected is None:
        return 0, 0, 0, 0
    wanted, found = _names(expected), _names(got)
    missing = wanted.keys() - found.keys()
    added = found.keys() - wanted.keys()
    changed = [name for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    return len(missing), len(changed), len(added), len(wanted) - 1


def _names(part: Part) -> dict[str, Any]:
    """Return what is told of each name; of directories only that they are there."""
    return {
        path: {key: value for key, value in inode.items() if key != "paths"}
        for inode in part.inodes.values()
        for path in inode["paths"]
    }


def _kind(ended: Ended, *, differs: bool, spoke: bool, is_empty: bool) -> tuple[str, str]:
    if ended.exceeded:
        return (HANGS if ended.exceeded == "time" else EATS), ended.exceeded
    if ended.signal is not None:
        return CRASHES, signal.Signals(ended.signal).name
    code = str(ended.exit_code)
    if ended.exit_code:
        return (REFUSES if is_empty else REPORTS), code
    if not differs:
        return WHOLE, code
    return (MENTIONS if spoke else LOSES), code


def main() -> None:
    """Print a line of JSON for each vector."""
    for row in survey(os.cpu_count() or 1, sys.argv[1:]):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

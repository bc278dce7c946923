"""Changes an image at random, many times, and sees that all who read it notice.

``python -m support.changes --times 100000`` (``make changes``) prints what was tried. The same seed
and number give the same change.
"""

from __future__ import annotations

import argparse
import os
import random
import stat
import sys
from collections import Counter
from functools import cache
from multiprocessing import get_context

from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.restore.run import Options, restore
from darimage.restore.selection import select
from darimage.sources.memory import Node
from darimage.units import RECORD
from darimage.validate.run import validate
from darimage.validate.verify import verify
from support import legacy
from support.images import DIRECTORY, encode, paths_of

BLOCK = 10
"""Records of a tape block."""


def forest():
    """Return a tree of all kinds of things, of some 2,500 records, that are easily told apart."""
    dice = random.Random(7)
    root = Node(DIRECTORY, mtime_ns=10**18)
    for number in range(6):
        folder = Node(DIRECTORY, mtime_ns=10**18 + number)
        root.children[b"d%d" % number] = folder
        for size in (0, 100, 3000, 40_000, 600_000 if number < 3 else 2000):
            name = b"%d-%d" % (number, size)
            kept = {"size": size, "data": {0: dice.randbytes(size)} if size else {}}
            folder.children[name] = Node(stat.S_IFREG | 0o640 | number, mtime_ns=size, **kept)
        folder.children[b"link"] = Node.symlink(b"to/%d" % number)
        folder.children[b"fifo"] = Node(stat.S_IFIFO | 0o600, mtime_ns=10**18)
        below = Node.directory({b"x%d" % k: Node.file(b"%d" % k) for k in range(5)})
        folder.children[b"below"] = below
    root.children[b"again"] = root.children[b"d0"].children[b"0-3000"]
    return root


@cache
def wood():
    tree = forest()
    return tree, encode(tree)


def is_right(path, node):
    """Tell whether what is at a path has the contents and the mode of a node."""
    info = os.lstat(path)
    if stat.S_ISREG(info.st_mode) and stat.S_ISREG(node.mode):
        content = b"".join(node.data.values())
        with open(path, "rb") as file:
            return info.st_mode == node.mode and file.read() == content
    if stat.S_ISLNK(info.st_mode):
        return os.readlink(path) == node.target
    return info.st_mode == node.mode


def check_honest(tree, out, report):
    """Check that all that is not as it was is named and can be seen, and that the code says so."""
    told = {one.path for one in report.not_whole}
    told |= {fault.path for fault in report.faults + report.image_faults}
    true = paths_of(tree)
    found = {
        os.path.relpath(os.path.join(folder, name), out)
        for folder, names, files in os.walk(out)
        for name in names + files
    }
    lost = {path for path in found if path.split(b"/")[0] == b"#lost"}
    for path in found - lost:
        right = path in true and is_right(os.path.join(out, path), true[path])
        if not right:
            assert path in told, path
            info = os.lstat(os.path.join(out, path))
            doubtful = any(fault.path == path for fault in report.image_faults)
            assert doubtful or not stat.S_IMODE(info.st_mode) & 0o7077 & ~0o700, path
    whole = {os.path.join(b"#lost", b""), b"#lost"}
    for path in lost - whole:
        info = os.lstat(os.path.join(out, path))
        if stat.S_ISREG(info.st_mode) and path not in told:
            with open(os.path.join(out, path), "rb") as file:
                content = file.read()
            assert any(
                stat.S_ISREG(node.mode) and b"".join(node.data.values()) == content
                for node in true.values()
            )
    if true.keys() - {b""} - found or told:
        assert report.exit_code == 1


def change(data, dice):
    """Return the name of a change, and an image that was changed so."""
    records = len(data) // RECORD
    at = dice.randrange(records) * RECORD
    other = dice.randrange(records) * RECORD
    count = dice.choice((1, 1, BLOCK)) * RECORD
    kind = dice.choice(("bit", "drop", "double", "swap", "short", "blank"))
    match kind:
        case "bit":
            place = dice.randrange(len(data))
            flipped = bytes([data[place] ^ 1 << dice.randrange(8)])
            return kind, data[:place] + flipped + data[place + 1 :]
        case "drop":
            return kind, data[:at] + data[at + count :]
        case "double":
            return kind, data[:other] + data[at : at + count] + data[other:]
        case "swap":
            low, high = sorted((at, other))
            one, two = data[low : low + RECORD], data[high : high + RECORD]
            if low == high:
                return kind, data
            return kind, data[:low] + two + data[low + RECORD : high] + one + data[high + RECORD :]
        case "short":
            cut = dice.randrange(1, BLOCK * RECORD)
            end = at - at % (BLOCK * RECORD) + BLOCK * RECORD
            return kind, data[: max(0, end - cut)] + data[end:]
        case _:
            return kind, data[:at] + bytes(len(data[at : at + count])) + data[at + count :]


def try_one(seed, number):
    """Try one change; return its kind and what went wrong."""
    tree, data = wood()
    kind, changed = change(data, random.Random(f"{seed} {number}"))
    if changed == data:
        return "none", []
    wrong = []
    try:
        if verify(changed).good:
            wrong.append("verify")
    except FormatError as error:
        assert str(error)
    with legacy.scratch_directory() as folder:
        (folder / "image").write_bytes(changed)
        if validate([os.fspath(folder / "image")]).exit_code == 0:
            wrong.append("validate")
    for trust_map in (False, True):
        with legacy.scratch_directory() as folder:
            out = folder / "out"
            try:
                image = Image.open(changed, trust_map=trust_map)
                report = restore(image, out, select(image.names), Options())
            except FormatError as error:
                assert str(error)
                continue
            try:
                check_honest(tree, os.fsencode(out), report)
            except AssertionError as error:
                wrong.append(f"restore{' --force' if trust_map else ''}: {error}")
    return kind, wrong


def _share(job):
    seed, numbers = job
    return [(number, *try_one(seed, number)) for number in numbers]


def main(arguments=None):
    """Run from the command line; return an exit code."""
    parser = argparse.ArgumentParser(prog="support.changes", description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=2000, help="how many changes (2000)")
    parser.add_argument("--seed", default="1", help="another one gives other changes (1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (0)")
    asked = parser.parse_args(arguments)
    numbers = range(asked.first, asked.first + asked.times)
    jobs = [(asked.seed, numbers[at : at + 50]) for at in range(0, len(numbers), 50)]
    tried, wrong = Counter(), 0
    wood()
    with get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool:
        for answers in pool.imap_unordered(_share, jobs):
            for number, kind, told in answers:
                tried[kind] += 1
                wrong += bool(told)
                for one in told:
                    print(f"change {number} ({kind}), seed {asked.seed}: {one}", flush=True)
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(tried.items()))
    print(f"{asked.times:,} changes ({kinds}): {wrong:,} not noticed or not told as they are")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

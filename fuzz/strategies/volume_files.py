"""Trouble with the files of an image on volumes: damaged, missing, swapped, of another image."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from fuzz.strategies.damage import RECORD, Damage, damage, damages
from fuzz.strategies.images import images, options

STEM = "image"
FOLDER = None
"""In place of bytes: a directory lies where a volume should."""

KINDS = ("damage", "damage", "remove", "swap", "copy", "empty", "stranger", "shift", "folder")


class Trouble(NamedTuple):
    """One thing that went wrong with the files of a set.

    Attributes:
        kind: ``damage``, ``remove``, ``swap`` with another, ``copy`` over another, ``empty``,
            ``stranger`` (the volume of another image), ``shift`` (this number and all above it are
            one higher) or ``folder``.
        at: Which volume, modulo how many there are.
        other: A second one.
        damages: What happens to its records.
    """

    kind: str
    at: int
    other: int
    damages: list[Damage]


def troubles(kinds=KINDS):
    """Return a strategy for one to three things that go wrong."""
    numbers = st.integers(0, 99)
    one = st.builds(Trouble, st.sampled_from(kinds), numbers, numbers, damages)
    return st.lists(one, min_size=1, max_size=3)


def on_volumes(tree=None):
    """Return a strategy for images that are cut into volumes."""
    return images(tree, options().filter(lambda chosen: chosen.volume_records))


def files_of(made):
    """Return the volumes of an image by number."""
    size = made.chosen.volume_records * RECORD
    starts = range(0, len(made.data), size)
    return {number: made.data[at : at + size] for number, at in enumerate(starts, 1)}


def troubled(files, what, strange):
    """Return what is left of the files of a set.

    Args:
        files: Its volumes by number.
        what: What goes wrong.
        strange: The volumes of another image.
    """
    files = dict(files)
    for one in what:
        if files:
            numbers = sorted(files)
            at, other = (numbers[n % len(numbers)] for n in (one.at, one.other))
            files = _with(files, one, at, other, strange)
    return files


def _with(files, one, at, other, strange):
    match one.kind:
        case "damage":
            files[at] = damage(files[at] or b"", one.damages)
        case "remove":
            del files[at]
        case "swap":
            files[at], files[other] = files[other], files[at]
        case "copy":
            files[at] = files[other]
        case "empty":
            files[at] = b""
        case "stranger":
            files[at] = strange[sorted(strange)[one.other % len(strange)]]
        case "shift":
            return {number + (number >= at): data for number, data in files.items()}
        case "folder":
            files[at] = FOLDER
    return files


def write(files, folder):
    """Write the files of a set; return the names by which it can be asked for."""
    folder.mkdir()
    for number, data in files.items():
        path = folder / f"{STEM}{number:03}"
        if data is FOLDER:
            path.mkdir()
        else:
            path.write_bytes(data)
    first = f"{STEM}{min(files, default=1):03}"
    return [str(Path(folder, name)) for name in (STEM, first, f"{STEM}001")]

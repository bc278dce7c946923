"""What a testee made or left behind, as our own reader and validator see it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from darimage.conformance.asking import Question
from darimage.conformance.becoming import become
from darimage.conformance.directory import inventory_of
from darimage.conformance.inventory import inventory
from darimage.conformance.removing import remove
from darimage.conformance.testee import STRENGTHS
from darimage.errors import DarimageError
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore.options import Options
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.units import RECORD
from darimage.validate.finding import Finding
from darimage.validate.run import validate

MUST = STRENGTHS[0]

FINDINGS_MAX = 20
"""Findings about an image that are told."""


class JudgeError(Exception):
    """An image that a testee made could not be judged, by a fault of ours."""


class TreeError(DarimageError):
    """The tree that a writer is to be given could not be made here."""


def make_tree(images: Sequence[Path], tree: Path) -> None:
    """Make the tree that an image holds, or several that build on each other, the full one first.

    Raises:
        TreeError: Not all of it can be made by this user or on this file system.
    """
    try:
        with Chain.open([str(image) for image in images]) as chain:
            chosen = select(chain.names, [])
            report = restore(chain, tree, chosen, Options(owners=os.geteuid() == 0))
    except DarimageError as error:
        raise TreeError(f"its tree cannot be made here: {error}") from error
    if report.faults:
        raise TreeError(f"its tree cannot be made here: {report.faults[0].text()}")


def change_tree(images: Sequence[Path], tree: Path, other: Path) -> None:
    """Change a tree into that which some images hold; what is the same in both is not touched.

    Args:
        images: The images, the full one first.
        tree: The tree.
        other: A place for the new tree, of which nothing is left.

    Raises:
        TreeError: It cannot be made here.
    """
    make_tree(images, other)
    try:
        become(tree, other)
    except OSError as error:
        raise TreeError(f"its tree cannot be made here: {error}") from error
    remove(other)


def files_of(image: Path) -> tuple[Path, ...]:
    """Return the files of an image that a testee made: itself, or its volumes in order."""
    if image.is_file():
        return (image,)
    found = sorted(image.parent.glob(f"{image.name}[0-9][0-9][0-9]"))
    return tuple(path for path in found if path.is_file())


def findings_of(question: Question, *, is_dari: bool) -> list[str]:
    """Return where an image that a testee made breaks a MUST, as ``darimage validate`` tells it.

    Args:
        question: What it was asked to make.
        is_dari: It is to be a DARI image, not a plain dump.

    Raises:
        JudgeError: The validator failed; that says nothing of the image.
    """
    made = files_of(question.image)
    if not made:
        return ["made no image"]
    (found,) = validate([str(made[0])]).images
    if found.own_fault is not None:
        raise JudgeError(f"the image could not be judged: {found.own_fault}")
    if found.unread is not None:
        return [found.unread]
    broken = [told.finding for told in found.told if told.finding.level == MUST]
    lines = [_line(finding) for finding in broken[:FINDINGS_MAX]]
    if not (lines or found.conforms()):
        lines.append(f"breaks {', '.join(found.broken_ids()) or 'more than was told'}")
    if is_dari and found.facts is not None and not found.facts.is_dari:
        lines.insert(0, "made a plain dump, though it claims dari-core")
    return [*lines, *_of_sizes(made, question.capacity)]


def _of_sizes(made: Sequence[Path], capacity: int) -> Iterator[str]:
    """Yield what is wrong with the number and the sizes of the volumes."""
    for path in made[:-1] if capacity else ():
        if path.stat().st_size != capacity * RECORD:
            yield f"{path.name} is {path.stat().st_size} bytes, not {capacity} records"
    if capacity and made[-1].stat().st_size > capacity * RECORD:
        yield f"{made[-1].name} is longer than {capacity} records"
    if not capacity and len(made) > 1:
        yield f"made {len(made)} volumes, but was asked for one"


def _line(finding: Finding) -> str:
    place = finding.place()
    return f"{finding.requirement}: {finding.told()}" + (f" ({place})" if place else "")


def contents_of(question: Question) -> dict[str, Any]:
    """Return the inventory of what an image that a testee made restores, with all its bases.

    Raises:
        FormatError: It cannot be read.
    """
    made = str(files_of(question.image)[0])
    if not question.bases:
        with Image.open(made) as opened:
            return inventory(opened)
    with TemporaryDirectory(prefix="darimage-judge-") as folder:
        images = [volumes[0] for volumes in question.bases]
        make_tree([*images, Path(made)], Path(folder) / "tree")
        return inventory_of(Path(folder) / "tree")


def tree_of(folder: Path) -> dict[str, Any]:
    """Return the inventory of a tree that a testee made, or is to be given."""
    return inventory_of(folder)

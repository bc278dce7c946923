"""What a testee made or left behind, as our own reader and validator see it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from darimage.conformance.directory import inventory_of
from darimage.conformance.inventory import inventory
from darimage.conformance.testee import STRENGTHS
from darimage.errors import DarimageError
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore.options import Options
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.validate.finding import Finding
from darimage.validate.run import validate

MUST = STRENGTHS[0]

FINDINGS_MAX = 20
"""Findings about an image that are told."""


class JudgeError(Exception):
    """An image that a testee made could not be judged, by a fault of ours."""


class TreeError(DarimageError):
    """The tree that a writer is to be given could not be made here."""


def make_tree(image: Path, tree: Path) -> None:
    """Make the tree that an image holds.

    Raises:
        TreeError: Not all of it can be made by this user or on this file system.
    """
    try:
        with Chain.open([str(image)]) as chain:
            chosen = select(chain.names, [])
            report = restore(chain, tree, chosen, Options(owners=os.geteuid() == 0))
    except DarimageError as error:
        raise TreeError(f"its tree cannot be made here: {error}") from error
    if report.faults:
        raise TreeError(f"its tree cannot be made here: {report.faults[0].text()}")


def findings_of(image: Path, *, is_dari: bool) -> list[str]:
    """Return where an image that a testee made breaks a MUST, as ``darimage validate`` tells it.

    Args:
        image: The image.
        is_dari: It is to be a DARI image, not a plain dump.

    Raises:
        JudgeError: The validator failed; that says nothing of the image.
    """
    if not image.is_file():
        return ["made no image"]
    (found,) = validate([str(image)]).images
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
    return lines


def _line(finding: Finding) -> str:
    place = finding.place()
    return f"{finding.requirement}: {finding.told()}" + (f" ({place})" if place else "")


def contents_of(image: Path) -> dict[str, Any]:
    """Return the inventory of an image that a testee made.

    Raises:
        FormatError: It cannot be read.
    """
    with Image.open(str(image)) as opened:
        return inventory(opened)


def tree_of(folder: Path) -> dict[str, Any]:
    """Return the inventory of a tree that a testee made, or is to be given."""
    return inventory_of(folder)

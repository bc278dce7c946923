"""What a testee made or left behind, as our own reader and verifier see it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from darimage.conformance.directory import inventory_of
from darimage.conformance.inventory import inventory
from darimage.errors import DarimageError, FormatError
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.image.verify import verify
from darimage.restore.run import Options, restore
from darimage.restore.selection import select

FINDINGS_MAX = 20
"""Findings about an image that are told."""


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
    """Return what is wrong with an image that a testee made.

    Args:
        image: The image.
        is_dari: It is to be a DARI image, not a plain dump.
    """
    if not image.is_file():
        return ["made no image"]
    try:
        found = verify(str(image))
    except FormatError as error:
        return [str(error)]
    told = [fault.text() for fault in found.faults[:FINDINGS_MAX]]
    if is_dari and not found.is_dari:
        told.insert(0, "made a plain dump, though it claims dari-core")
    return told


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

"""What the commands of ``darimage catalog`` share: finding backup sets, and showing them."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

from darimage.catalog.run import default_path
from darimage.catalog.store import BackupSet, Catalogue, CataloguedImage
from darimage.cli import common
from darimage.errors import UsageError
from darimage.image.chain import date_text
from darimage.showing import as_text, display


def catalogue_path(given: str | None) -> Path:
    """Return where the catalogue is."""
    return Path(given) if given is not None else default_path()


def find(catalogue: Catalogue, source: str) -> list[BackupSet]:
    """Return the backup sets of a directory: one for each device that it was ever on.

    Raises:
        UsageError: There is none.
    """
    path = os.fsencode(os.path.abspath(source))
    found = [known for known in catalogue.sets() if known.source == path]
    if not found:
        raise UsageError(f"{catalogue.name}: no backup set of {source} (`catalog list` shows all)")
    return found


def text(name: str, value: bytes) -> dict[str, str]:
    """Return bytes for JSON; with their hexadecimal digits where they are not plain text."""
    known = {name: as_text(value)}
    if known[name].encode() != value:
        known[f"{name}_hex"] = value.hex()
    return known


def as_json(known: BackupSet, images: list[CataloguedImage]) -> dict[str, Any]:
    """Return what the catalogue knows of a set, for JSON."""
    uuids = {image.id: str(uuid.UUID(bytes=image.uuid)) for image in images}
    return {
        **text("source", known.source),
        "device": known.device,
        "highest": known.highest,
        "images": [
            {
                **text("image", image.name),
                "uuid": uuids[image.id],
                "date": image.date,
                "level": image.level,
                "base": uuids.get(image.base or 0),
                "verdict": "good" if image.good else "bad",
                "inodes": image.held,
            }
            for image in images
        ],
    }


def line(known: BackupSet, images: list[CataloguedImage]) -> str:
    """Return a set in one line."""
    count = common.plural(len(images), "image")
    last = ""
    if images:
        last = f", the last of {date_text(images[-1].date)} (level {images[-1].level})"
    return f"{display(known.source)} on device {device(known)}: {count}{last}"


def device(known: BackupSet) -> str:
    """Return the device of a set as ``ls`` writes it."""
    return f"{os.major(known.device)}:{os.minor(known.device)}"


def table(images: list[CataloguedImage]) -> list[str]:
    """Return images in lines, oldest first."""
    place = {image.id: str(at) for at, image in enumerate(images, 1)}
    lines = [f"  {'#':>3}  {'date':23}  level  base  {'inodes':>11}  verdict  image"]
    for image in images:
        base = place.get(image.base or 0, "-")
        verdict = "good" if image.good else "bad"
        lines.append(
            f"  {place[image.id]:>3}  {date_text(image.date):23}  {image.level:>5}  {base:>4}  "
            f"{image.held:>11,}  {verdict:7}  {display(image.name)}"
        )
    return lines

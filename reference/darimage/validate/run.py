"""Judges images one after another; whatever happens to one, the others are judged."""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from darimage.errors import FormatError, UsageError
from darimage.image.reader import Image
from darimage.progress import SILENT, Progress
from darimage.validate import engine, evidence
from darimage.validate.baseline import Baseline
from darimage.validate.gathering import KEPT
from darimage.validate.places import Places
from darimage.validate.report import Facts, ImageReport, Report
from darimage.validate.rules import checked
from darimage.validate.selection import DUMP, Selection, of_image
from darimage.volumes.urls import masked


@dataclass(frozen=True)
class Options:
    """How images are judged.

    Attributes:
        selection: What they are held against.
        strict: Whether an image has to do what is only recommended, too.
        baseline: Known findings.
        volumes: Further volumes or pieces, if there is one image.
        evidence: Keep what is needed to draw the images.
        most: How many findings of each rule are kept.
        with_keys: Keep the keys of all findings, to make a baseline of them.
    """

    selection: Selection = field(default_factory=Selection)
    strict: bool = False
    baseline: Baseline | None = None
    volumes: Sequence[str] = ()
    evidence: bool = False
    most: int = KEPT
    with_keys: bool = False


def validate(
    images: Sequence[str], options: Options | None = None, progress: Progress = SILENT
) -> Report:
    """Judge images.

    Args:
        images: Paths; ``-`` is standard input.
        options: How they are judged.
        progress: Told of the bytes passed.
    """
    options = options or Options()
    report = Report(options.selection, options.strict)
    for image in images:
        found = ImageReport(
            masked(image),
            options.selection,
            options.baseline,
            most=options.most,
            with_keys=options.with_keys,
        )
        try:
            _judge(found, image, options, progress)
        except (OSError, UsageError) as error:
            found.unread = str(error)
        except MemoryError:
            found.unread = "not enough memory"
        except Exception as error:  # noqa: BLE001 - one image must not keep the others from a verdict
            found.own_fault = _place(error)
        found.finish()
        report.images.append(found)
    return report


def _judge(report: ImageReport, image: str, options: Options, progress: Progress) -> None:
    try:
        opened = Image.open(
            [image, *options.volumes] if options.volumes else image, sequential=True
        )
    except FormatError as error:
        _refuse(report, error)
        return
    with opened:
        report.profiles = options.selection.profiles or of_image(opened)
        report.facts = _facts(opened)
        ids = options.selection.ids(report.profiles)
        report.checked = tuple(one for one in checked() if one in ids)
        outcome = engine.judge(opened, report.profiles, report, progress)
        if options.evidence:
            report.evidence = evidence.gather(opened, report, outcome)


def _refuse(report: ImageReport, error: FormatError) -> None:
    """Take in why an image could not be opened; say so if nobody asked for that requirement."""
    report.profiles = report.selection.profiles or frozenset([DUMP])
    report.tell(engine.refused(error))
    if not report.counts:
        report.unread = str(error)


def _facts(image: Image) -> Facts:
    known, places = image.extension, Places(image)
    return Facts(
        is_dari=image.is_dari,
        size=places.size,
        records=places.total(image.records),
        order=image.order,
        uuid=None if known is None else str(uuid.UUID(bytes=known.image_uuid)),
        parts=tuple(image.parts),
        contents="checked" if image.is_dari else "no checksums",
    )


def _place(error: Exception) -> str:
    """Return what went wrong in this program, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"

"""``darimage restore --plan``: what would be read, in which order, and how long that takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from darimage.cli import common
from darimage.restore import by_plan, plan_picture, plan_report
from darimage.restore.plan import make_plan
from darimage.volumes import beside

if TYPE_CHECKING:
    from darimage.drives.model import Drive
    from darimage.image.chain import Chain
    from darimage.restore.by_plan import ImagePlan
    from darimage.restore.selection import Selection


def show(
    chain: Chain,
    chosen: Selection,
    drive: Drive,
    destination: str,
    picture: str | None,
    *,
    as_json: bool,
) -> int:
    """Print the plan, draw it if that is wanted; return the exit code.

    Raises:
        StorageError: The picture cannot be written.
    """
    found = make_plan(chain, chosen)
    plans: list[ImagePlan] = []
    for number, image in enumerate(chain.images):
        rows = np.flatnonzero(found.files.holders == number)
        if rows.size or len(chain.images) == 1:
            plans.append(by_plan.plan_of(image, found.files, rows, drive))
    plans = plans or [by_plan.plan_of(chain.last, found.files, np.zeros(0, np.int64), drive)]
    if picture is not None:
        _draw(plans, drive, picture, [image.name for image in chain.images])
    if as_json:
        answer = plan_report.as_json(plans, drive, destination)
        answer["faults"] = [fault.as_json() for fault in found.faults]
        common.print_json(answer)
    else:
        common.print_faults(found.faults)
        for line in plan_report.lines(plans, drive):
            common.say(line)
    return common.EXIT_FAULTS if found.faults else 0


def _draw(plans: list[ImagePlan], drive: Drive, picture: str, images: list[str]) -> None:
    text = "\n".join(plan_picture.drawn(plans, drive)) + "\n"
    beside.write(picture, text, images)

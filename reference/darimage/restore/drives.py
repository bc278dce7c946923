"""Which drive an image is read by, if that matters; models are imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from darimage.volumes.reading import Volume, is_slow, medium

if TYPE_CHECKING:
    from darimage.drives.model import Drive
    from darimage.image.reader import Image


def drives_of(images: Sequence[Image], given: Drive | None) -> dict[Image, Drive]:
    """Return what each image is read by; nothing if a plan is of no use.

    Args:
        images: The images.
        given: What the user says they are read by.
    """
    if given is None and not any(is_slow(image.volume) for image in images):
        return {}
    return {image: given or _usual(image.volume) for image in images}


def _usual(volume: Volume) -> Drive:
    """Return the model that fits what a volume is on, as far as the volume knows."""
    from darimage.drives import files
    from darimage.drives.model import Drive

    name = medium(volume)
    return files.find(name) if name else Drive("unknown")

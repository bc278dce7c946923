"""What an image names and does not mean to hold (chapter 40)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from darimage.image.reader import Image


def left_out(image: Image, inodes: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell which inodes are named in the image but rightly not in it.

    ``dump`` of a part of a file system keeps the directories above with all their entries, and an
    incremental image names what did not change: bitmap II says what is really here. In a full DARI
    image nothing is left out.
    """
    numbers = np.asarray(inodes, np.int64)
    if not image.dumped or (image.is_dari and image.identity.level == 0):
        return np.zeros(len(numbers), np.bool_)
    return ~image.dumped.holds(numbers)

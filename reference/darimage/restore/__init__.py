"""Floor 4: from an image back to a tree.

``select`` finds what is meant, ``restore`` brings it back.
"""

from __future__ import annotations

from darimage.restore.report import RestoreReport
from darimage.restore.run import Options, restore
from darimage.restore.selection import Selection, select

__all__ = ["Options", "RestoreReport", "Selection", "restore", "select"]

"""Images too big to be made, under the name that the tests know them by."""

from __future__ import annotations

from darimage.conformance.outline import Recipe, Segments, data, scan_of

__all__ = ["Recipe", "Segments", "data", "scan_of"]

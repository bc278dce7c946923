"""DARI images: an open backup-image format that old ``restore`` reads too.

The specification is in ``spec/``; the floors of this package are in ``docs/``.
"""

from __future__ import annotations

from darimage._version import FORMAT_VERSION, __version__

__all__ = ["FORMAT_VERSION", "__version__"]

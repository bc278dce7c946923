"""The two version numbers of this project, which move independently."""

from __future__ import annotations

__version__ = "0.1.0"
"""Version of the package `darimage`."""

FORMAT_VERSION = "1.0"
"""Version of the DARI format that this package writes."""

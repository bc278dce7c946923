"""Letting other users through to a test's own directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

SEARCH = 0o055


def let_through(path: Path) -> None:
    """Make a directory and those above it, as far as they are ours, readable for everybody."""
    for folder in (path, *path.parents):
        info = folder.stat()
        if info.st_uid == os.geteuid() and info.st_mode & SEARCH != SEARCH:
            folder.chmod(stat.S_IMODE(info.st_mode) | SEARCH)

"""Changes a tree into another one in place, as its user would have: what stays is not touched."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

from darimage.conformance.directory import inventory_of
from darimage.conformance.words import octets

_KEPT = ("type", "mode", "uid", "gid", "mtime", "rdev", "target", "sha256", "paths")
"""What two inodes have in common if one can stay for the other."""


def become(tree: Path, other: Path) -> None:
    """Change a tree into another one, whose new and changed inodes are moved over.

    Inodes with the same names, contents and attributes stay, with their numbers and times; so do
    directories of the same name.

    Args:
        tree: The tree.
        other: What it becomes; on the same file system.

    Raises:
        OSError: Something cannot be moved or removed.
    """
    old, new = _by_path(tree), _by_path(other)
    staying = {path for path in old.keys() & new.keys() if _is_same(old[path], new[path])}
    for path in sorted(old.keys() - staying, reverse=True):
        both = path in new and new[path]["type"] == old[path]["type"] == "directory"
        if not both:
            _remove(_at(tree, path))
    for path in sorted(new.keys() - staying):
        if new[path]["type"] != "directory":
            os.rename(_at(other, path), _at(tree, path))
        elif not os.path.isdir(_at(tree, path)):
            os.mkdir(_at(tree, path))
    # From the leaves up: what is moved into a directory changes its times.
    for path in sorted(new, reverse=True):
        if new[path]["type"] == "directory":
            shutil.copystat(_at(other, path), _at(tree, path))
            status = os.stat(_at(other, path))
            os.chown(_at(tree, path), status.st_uid, status.st_gid)
            os.chmod(_at(tree, path), stat.S_IMODE(status.st_mode))


def _by_path(tree: Path) -> dict[bytes, dict[str, Any]]:
    return {
        octets(path): inode for inode in inventory_of(tree)["inodes"] for path in inode["paths"]
    }


def _is_same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return all(one.get(key) == two.get(key) for key in _KEPT)


def _at(tree: Path, path: bytes) -> bytes:
    return os.path.join(os.fsencode(tree), path) if path else os.fsencode(tree)


def _remove(place: bytes) -> None:
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place)
    elif os.path.lexists(place):
        os.unlink(place)

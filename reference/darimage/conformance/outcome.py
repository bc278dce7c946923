"""What an inventory lets expect of a program that restores: the tree that comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

LOST = "lost"
MARKED = ("suspect", "incomplete", "damaged")
"""States of inodes that are restored, but marked as not whole (DARI-RST-006)."""

_SHOWN = ("directory", "file", "fifo", "socket")
"""Types of inodes that a mark can be seen on; others are left out instead."""

FOUND = "#lost"
"""Directory for what has no usable name (DARI-RST-007)."""


def loses(inventory: Mapping[str, Any]) -> bool:
    """Return whether some inode does not come back as it was, or not under its name."""
    return any(
        "state" in inode
        or False in (inode.get("attributes"), inode.get("contents"))
        or any(path.get("text", "").startswith(f"{FOUND}/") for path in inode["paths"])
        for inode in inventory["inodes"]
    )


def restored(inventory: Mapping[str, Any]) -> Json:
    """Return the inventory of the tree that an image restores."""
    inodes = list(_restored(inventory["inodes"]))
    if not any(is_root(inode) for inode in inodes):
        inodes.append({"paths": [{"text": ""}], "type": "directory", "loose": True})
    paths = [path.get("text", "") for inode in inodes for path in inode["paths"]]
    inodes += [
        {"paths": [{"text": top}], "type": "directory", "loose": True}
        for top in sorted({path.partition("/")[0] for path in paths})
        if top.endswith(FOUND) and set(top) <= set(FOUND) and top not in paths
    ]
    return {"inventory": inventory["inventory"], "inodes": inodes}


def is_root(inode: Mapping[str, Any]) -> bool:
    """Return whether an inode of an inventory is the root."""
    return {"text": ""} in inode["paths"]


def _restored(inodes: list[Json]) -> Iterator[Json]:
    for inode in inodes:
        state = inode.get("state")
        if not inode["paths"] or state == LOST or inode["type"] == "unknown":
            continue
        if inode.get("contents") is False:
            continue
        if state in MARKED:
            if inode["type"] in _SHOWN:
                yield _marked(inode)
        elif inode.get("attributes") is False:
            yield _without_group(inode)
        else:
            yield inode


def _marked(inode: Json) -> Json:
    """Return what can be told of an inode that is marked: its names, its type and its mode."""
    mask = 0o700 if inode["type"] == "directory" else 0o600
    made = {"paths": inode["paths"], "type": inode["type"], "loose": True}
    # The root is the directory to restore to, which was there before.
    if isinstance(inode.get("mode"), str) and not is_root(inode):
        mode = int(inode["mode"], 8) & mask
        made["mode"] = f"{mode:04o}"
    return made


def _without_group(inode: Json) -> Json:
    """Return an inode without the permissions that an access control list would have limited."""
    return {**inode, "mode": f"{int(inode['mode'], 8) & 0o7707:04o}"}

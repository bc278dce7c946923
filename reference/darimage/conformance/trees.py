"""The tree of a recipe: YAML to nodes of a tree in memory (docs/reference/vectors)."""

from __future__ import annotations

import base64
import hashlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from darimage.errors import UsageError
from darimage.sections import xattrs
from darimage.sections.security import from_sddl
from darimage.sources.memory import Node

Told = dict[str, Any]

TYPES = {
    "directory": stat.S_IFDIR,
    "file": stat.S_IFREG,
    "symlink": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
    "character": stat.S_IFCHR,
    "block": stat.S_IFBLK,
}
"""Types of entries, with their bits of a mode."""

_MODES = {"directory": "0755", "symlink": "0777"}
_NUMBERS = ("uid", "gid", "rdev", "flags")
_TIMES = ("atime", "mtime", "ctime", "birthtime")


@dataclass(eq=False)
class Marked(Node):
    """A node with what only an incremental image asks for.

    Attributes:
        number: Its inode number; 0 the next one.
        changed: Whether the image holds it.
    """

    number: int = 0
    changed: bool = False


def tree(told: Told) -> Marked:
    """Return the root of a recipe's tree.

    Raises:
        UsageError: The recipe says something that cannot be.
    """
    return _Grower().node({"type": "directory", **told})


def octets(told: Any) -> bytes:
    """Return bytes: a text as UTF-8, ``{base64: ...}``, ``{hex: ...}``, ``{fill: x, size: n}``.

    A list has the bytes of all it holds, one behind the other.
    """
    if isinstance(told, str):
        return told.encode()
    if isinstance(told, list):
        return b"".join(octets(part) for part in told)
    if "fill" in told:
        return _filled(told)
    if "hex" in told:
        return bytes.fromhex(told["hex"])
    return base64.b64decode(told["base64"])


class _Grower:
    """Makes nodes; knows those that later names may link to."""

    def __init__(self) -> None:
        self._known: dict[str, Marked] = {}

    def node(self, told: Told) -> Marked:
        kind = told.get("type", "file")
        if kind not in TYPES:
            raise UsageError(f"a recipe knows no type {kind!r}")
        made = Marked(TYPES[kind] | int(told.get("mode", _MODES.get(kind, "0644")), 8))
        made.number, made.changed = told.get("number", 0), told.get("changed", False)
        for name in _NUMBERS:
            setattr(made, name, told.get(name, 0))
        for name in _TIMES:
            setattr(made, f"{name}_ns", int(told.get(name, 0)))
        if kind == "symlink":
            made.target = octets(told["target"])
        elif kind == "file":
            made.data = dict(_data(told.get("data", [])))
            ends = (at + len(piece) for at, piece in made.data.items())
            made.size = told.get("size", max(ends, default=0))
        self._attach(made, told)
        for inner in told.get("entries", []):
            self._enter(made, inner)
        if "id" in told:
            self._known[told["id"]] = made
        return made

    def _enter(self, made: Marked, inner: Told) -> None:
        if "count" in inner:
            for number in range(inner["count"]):
                rest = {key: value for key, value in inner.items() if key != "count"}
                name = octets(inner["name"]) % number
                made.children[name] = self.node(rest)
        elif "link" in inner:
            made.children[octets(inner["name"])] = self._known[inner["link"]]
        else:
            made.children[octets(inner["name"])] = self.node(inner)

    def _attach(self, made: Marked, told: Told) -> None:
        if "sddl" in told:
            descriptor = from_sddl(told["sddl"]).build().ljust(told.get("padded", 0), b"\0")
            made.nt_acl = (descriptor, octets(told.get("origin", "")))
        if "xattrs" in told:
            values = {each["name"].encode(): octets(each["value"]) for each in told["xattrs"]}
            made.xattrs = xattrs.encode(values)
        for stream in told.get("streams", []):
            made.streams[octets(stream["name"])] = self.node({"mode": "0644", **stream})


def _data(told: list[Told]) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of what is written into a file; the rest of it is hole."""
    for piece in told:
        yield piece.get("at", 0), _piece(piece)


def _piece(told: Told) -> bytes:
    if "text" in told:
        return octets(told["text"])
    if "base64" in told:
        return octets(told)
    if "fill" in told:
        return _filled(told)
    return _noise(told["seed"], told["size"])


def _filled(told: Told) -> bytes:
    """Return a pattern over and over, up to a size."""
    pattern = octets(told["fill"])
    size: int = told["size"]
    return (pattern * (size // len(pattern) + 1))[:size]


def _noise(seed: int, size: int) -> bytes:
    """Return bytes without a pattern: SHA-256 of ``seed:0``, ``seed:1`` and so on."""
    count = -(-size // hashlib.sha256().digest_size)
    parts = (hashlib.sha256(f"{seed}:{k}".encode()).digest() for k in range(count))
    return b"".join(parts)[:size]

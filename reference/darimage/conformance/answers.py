"""Compares two inventories in what a testee claims to tell, and gives digests of them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from darimage.faults import display

DIFFERENCES_MAX = 20
"""Differences that are told."""

TIMES = ("atime", "mtime", "ctime", "birthtime")

Told = dict[bytes, dict[str, Any]]
"""Inodes by their first path, each with what is compared of it."""


class AnswerError(ValueError):
    """An answer that is no inventory."""


class View(NamedTuple):
    """What of an inventory is compared.

    Attributes:
        fields: Of each inode, besides its paths and type.
        time_resolution: Nanoseconds to which times count.
        below: Only this path and what is below it; empty for all.
    """

    fields: tuple[str, ...]
    time_resolution: int = 1
    below: bytes = b""


def told_by(inventory: Any, view: View) -> Told:
    """Return the part of an inventory that is compared.

    Raises:
        AnswerError: It is none.
    """
    inodes = inventory.get("inodes") if isinstance(inventory, Mapping) else None
    if not isinstance(inodes, list):
        raise AnswerError("the inventory has no list `inodes`")
    found: Told = {}
    for at, inode in enumerate(inodes):
        if not isinstance(inode, Mapping) or not isinstance(inode.get("paths"), list):
            raise AnswerError(f"inode {at} of the inventory has no list `paths`")
        paths = sorted(_path(path) for path in inode["paths"])
        kept = [path for path in paths if is_below(path, view.below)]
        if not kept:
            continue
        first = kept[0]
        while first in found:
            # Told twice: the second is another one, with a name that no path can have.
            first += b"\0"
        found[first] = _view_of(inode, kept, view)
    return found


def is_below(path: bytes, top: bytes) -> bool:
    """Tell whether a path is another one or below it."""
    return not top or path == top or path.startswith(top + b"/")


def _path(told: Any) -> bytes:
    if isinstance(told, Mapping) and isinstance(told.get("text"), str):
        return bytes(told["text"].encode("utf-8", "surrogatepass"))
    if isinstance(told, Mapping) and isinstance(told.get("base64"), str):
        try:
            return base64.b64decode(told["base64"], validate=True)
        except binascii.Error as error:
            raise AnswerError(f"a path is no base64: {error}") from error
    raise AnswerError("a path of the inventory is neither text nor base64")


def _view_of(inode: Mapping[str, Any], paths: list[bytes], view: View) -> dict[str, Any]:
    kept: dict[str, Any] = {"paths": [path.hex() for path in paths], "type": inode.get("type")}
    for name in view.fields:
        value = inode.get(name)
        if value is not None:
            kept[name] = _rounded(value, view.time_resolution) if name in TIMES else value
    return kept


def _rounded(value: Any, resolution: int) -> Any:
    if resolution == 1 or not isinstance(value, str):
        return value
    try:
        return str(int(value) // resolution * resolution)
    except ValueError:
        return value


def digest(told: Told) -> str:
    """Return the SHA-256 of what is compared, in a form that is always the same."""
    return canonical_sha256([told[path] for path in sorted(told)])


def canonical_sha256(value: Any) -> str:
    """Return the SHA-256 of a JSON value with sorted keys and without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(expected: Told, got: Told) -> list[str]:
    """Return what is different, a line each, at most ``DIFFERENCES_MAX`` of them."""
    found: list[str] = []
    for line in _differences(expected, got):
        if len(found) == DIFFERENCES_MAX:
            found.append("there are more differences")
            break
        found.append(line)
    return found


def _differences(expected: Told, got: Told) -> Iterable[str]:
    for path in sorted(expected.keys() | got.keys()):
        name = display(path) or "."
        if path not in got:
            yield f"{name}: missing"
        elif path not in expected:
            yield f"{name}: not expected"
        else:
            yield from _inode_differences(name, expected[path], got[path])


def _inode_differences(
    name: str, expected: Mapping[str, Any], got: Mapping[str, Any]
) -> Iterable[str]:
    for key in sorted(expected.keys() | got.keys()):
        wanted, found = expected.get(key), got.get(key)
        if wanted != found:
            yield f"{name}: {key} is {_short(key, found)}, expected {_short(key, wanted)}"


def _short(key: str, value: Any) -> str:
    if value is None:
        return "not told"
    if key == "paths" and isinstance(value, Sequence):
        value = [display(bytes.fromhex(path)) for path in value]
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 80 else text[:79] + "…"

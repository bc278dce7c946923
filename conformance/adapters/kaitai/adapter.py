"""Adapter: a structural decoder on the Python parser that Kaitai generates from ksy/."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "common"))

import kaitaistruct
import protocol
from walk import WHOLE_MAX, Inode, Walk, add_zeros

ROOT = 2
_SIGN = 2**31
_TYPES = {
    0o040000: "directory",
    0o100000: "file",
    0o120000: "symlink",
    0o010000: "fifo",
    0o140000: "socket",
    0o020000: "character",
    0o060000: "block",
}


def decode(image: bytes) -> dict[str, Any]:
    """Return what an image holds."""
    with open(image, "rb") as stream:
        try:
            walk = Walk(stream)
            walk.run()
            inodes = [
                _one(walk.inodes[number], paths) for number, paths in sorted(_named(walk).items())
            ]
        except (EOFError, kaitaistruct.KaitaiStructError) as error:
            raise protocol.Rejected(f"{type(error).__name__}: {error}") from error
    return {"inventory": 1, "inodes": inodes}


def _named(walk: Walk) -> dict[int, list[bytes]]:
    """Return the paths of all inodes in the image that have any."""
    if ROOT not in walk.inodes:
        raise protocol.Rejected("no root directory")
    paths: dict[int, list[bytes]] = {ROOT: [b""]}
    waiting = [(ROOT, b"")]
    while waiting:
        number, above = waiting.pop()
        for name, other in walk.entries(number):
            if other not in walk.inodes:
                continue
            path = above + b"/" + name if above else name
            is_directory = walk.inodes[other].kind == 0o040000
            if is_directory and other in paths:
                raise protocol.Rejected(f"directory {other} has two names")
            paths.setdefault(other, []).append(path)
            if is_directory:
                waiting.append((other, path))
    return paths


def _one(inode: Inode, paths: list[bytes]) -> dict[str, Any]:
    old, extended = inode.head.c_dinode, inode.extended
    told: dict[str, Any] = {
        "inode": inode.head.c_inumber,
        "paths": [_text(path) for path in sorted(paths)],
        "type": _TYPES.get(inode.kind, "unknown"),
        "mode": f"{old.di_mode & 0o7777:04o}",
        "uid": old.di_uid,
        "gid": old.di_gid,
        "nlink": extended.nlink if extended else old.di_nlink,
        "birthtime": str(extended.birthtime_ns) if extended and extended.birthtime_ns else None,
    }
    for name in ("atime", "mtime", "ctime"):
        late = inode.head.c_date >= _SIGN or inode.head.extension.magic == b"DARI"
        exact = getattr(extended, f"{name}_ns") if extended else None
        told[name] = str(_time(getattr(old, f"di_{name}"), late=late) if exact is None else exact)
    if told["type"] == "file":
        told |= _data(inode)
    elif told["type"] == "symlink":
        if len(inode.data) < inode.size:
            raise protocol.Rejected(f"inode {told['inode']}: not all of its target is there")
        told["target"] = _text(bytes(inode.data))
    elif told["type"] in ("character", "block"):
        told["rdev"] = old.di_db[0] or old.di_db[1]
    return told


def _data(inode: Inode) -> dict[str, Any]:
    if inode.left:
        raise protocol.Rejected(f"inode {inode.head.c_inumber}: not all of its data is there")
    is_small = inode.size <= WHOLE_MAX
    if is_small:
        add_zeros(inode, inode.size)
    return {
        "size": str(inode.size),
        "extents": [[str(first), str(count)] for first, count in inode.extents],
        "data_sha256": inode.present.hexdigest(),
        "sha256": inode.whole.hexdigest() if is_small else None,
    }


def _time(old: Any, *, late: bool) -> int:
    """Return an old time (DARI-FIL-024); BSD writes nanoseconds where Linux writes microseconds.

    Args:
        old: Seconds and a fraction.
        late: The dump is of 2038 or later: seconds have no sign.
    """
    seconds, fraction = int(old.tv_sec) % 2**32, int(old.tv_usec)
    if seconds >= _SIGN and not late:
        seconds -= 2**32
    if not 0 <= fraction < 1_000_000_000:
        fraction = 0
    return seconds * 1_000_000_000 + (fraction * 1000 if fraction < 1_000_000 else fraction)


def _text(value: bytes) -> dict[str, str]:
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


FIELDS = [
    *("inode", "mode", "uid", "gid", "nlink", "size", "atime", "mtime", "ctime", "birthtime"),
    *("rdev", "target", "extents", "data_sha256", "sha256"),
]
ABOUT = {
    "implementation": {
        "name": "kaitai-python",
        "version": kaitaistruct.__version__,
        "language": "Python",
        "homepage": "https://kaitai.io",
    },
    "features": [
        "dump",
        "dari-core",
        "big-endian",
        "run-coded-holes",
        "acl",
        "xattr",
        "streams",
        "incremental",
    ],
    "fields": FIELDS,
}

if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    protocol.main(ABOUT, {"decode": decode})

"""What is left of an image after a change: its parent's inventory, changed as a vector says."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from darimage.conformance.fault_table import FAULT, LOSS, fault
from darimage.conformance.words import octets, text
from darimage.errors import UsageError

Json = dict[str, Any]

LOST, UNNAMED = "lost", "unnamed"
STATES = ("suspect", "incomplete", "damaged")
_OF_WHOLE = ("data_sha256", "sha256", "target")
_KEPT = ("inode", "paths", "type")
_PLAIN_FILE: Json = {"mode": "0644", "uid": 0, "gid": 0, "nlink": 1, "birthtime": None}
_PLAIN_FILE |= dict.fromkeys(("atime", "mtime", "ctime"), "0")
"""What stream files of recipes have unless their recipe says otherwise."""


def left_of(parent: Mapping[str, Any], found: Mapping[str, Any]) -> Json:
    """Return what a reader finds in a changed image.

    Args:
        parent: What it finds in the image before.
        found: ``faults``: names, or mappings with ``name``, ``severity`` and ``inode``; ``image``:
            members that are others; ``inodes``: by path, ``null`` (not listed), ``lost``,
            ``unnamed`` (below ``#lost``, with all that is below it), a state, or the members that
            are others, ``null`` for none; ``streams``: by ``PATH:NAME``, ``null``, a state,
            members, or ``{unnamed: N}`` (a file below ``#lost``); ``rest: null``: no inode is
            listed but those named here; ``without``: members that no inode has; ``copied``: inodes
            like that of the path ``of``, with other members; ``added``: whole inodes; ``lost``:
            numbers of lost inodes without a name.

    Raises:
        UsageError: It names what is not there.
    """
    made = copy.deepcopy(dict(parent))
    made["image"] |= found.get("image", {})
    work = _Work(made["inodes"])
    copied = [work.copy(one) for one in found.get("copied", ())]
    for path, change in (found.get("inodes") or {}).items():
        work.inode(str(path), change)
    for path, change in (found.get("streams") or {}).items():
        work.stream(str(path), change)
    work.inodes += [*copied, *(_strings(one) for one in found.get("added", ()))]
    work.lost(found.get("lost", ()))
    if "rest" in found:
        work.inodes = [one for one in work.inodes if id(one) in work.named]
    for inode in work.inodes:
        for key in found.get("without", ()):
            inode.pop(key, None)
    made["inodes"] = sorted(work.inodes, key=_order)
    listed = [_fault(one) for one in found.get("faults", ())]
    listed += [fault(name, inode=number) for name, number in work.states()]
    listed += [fault(UNNAMED, inode=number) for number in work.unnamed]
    made["faults"] = sorted(listed, key=lambda one: (one["name"], one.get("inode", -1)))
    return made


def is_faulty(inventory: Mapping[str, Any]) -> bool:
    """Return whether a reader is done with faults: one of them is more than a note."""
    return any(one["severity"] in (FAULT, LOSS) for one in inventory.get("faults", ()))


class _Work:
    """Inodes that are changed one after the other."""

    def __init__(self, inodes: list[Json]) -> None:
        self.inodes = inodes
        self.unnamed: list[int] = []
        self.named: set[int] = set()
        self._parent = copy.deepcopy(inodes)

    def inode(self, path: str, change: Any) -> None:
        """Change an inode."""
        inode = self._at(path)
        self.named.add(id(inode))
        if change is None:
            self.inodes.remove(inode)
        elif change == UNNAMED:
            self._unname(inode, path)
        elif change == LOST:
            kept = {key: inode[key] for key in _KEPT}
            inode.clear()
            inode |= kept | {"state": LOST}
        elif isinstance(change, Mapping):
            _change(inode, self._looked_up(inode, change))
        else:
            _change(inode, {"state": change})

    def copy(self, change: Mapping[str, Any]) -> Json:
        """Return an inode like another one, with other members."""
        made = copy.deepcopy(self._at(change["of"]))
        _change(made, {key: value for key, value in change.items() if key != "of"})
        return made

    def _looked_up(self, inode: Json, change: Mapping[str, Any]) -> Json:
        """Return members in full: of attributes and ACLs, those of another inode or in part.

        ``acl_from`` and ``xattrs_from`` name another inode; ``xattrs_without`` lists names,
        ``xattr_names`` has new ones by the old, ``xattr_values`` hexadecimal bytes by name.
        """
        made = dict(change)
        if (path := made.pop("acl_from", None)) is not None:
            other = self._at(path, self._parent)
            made |= {key: other.get(key) for key in ("descriptor", "sddl")}
        if (path := made.pop("xattrs_from", None)) is not None:
            made["xattrs"] = self._at(path, self._parent)["xattrs"]
        listed = copy.deepcopy(inode.get("xattrs", []))
        gone = made.pop("xattrs_without", None) or ()
        names, values = made.pop("xattr_names", None) or {}, made.pop("xattr_values", None) or {}
        for one in listed:
            name = octets(one["name"]).decode()
            if name in values:
                value = bytes.fromhex(values[name])
                one |= {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}
            one["name"] = text(names.get(name, name).encode())
        if gone or names or values:
            kept = [one for one in listed if octets(one["name"]).decode() not in gone]
            made["xattrs"] = kept or None
        return made

    def stream(self, path: str, change: Any) -> None:
        """Change a stream, or take it away."""
        base, _, name = path.rpartition(":")
        inode = self._at(base)
        streams = [one for one in inode.get("streams", ()) if one["name"] != text(name.encode())]
        if len(streams) == len(inode.get("streams", ())):
            raise UsageError(f"found: no stream {path!r}")
        stream = next(s for s in inode["streams"] if s["name"] == text(name.encode()))
        if isinstance(change, Mapping) and UNNAMED in change:
            self._stream_as_file(stream, change)
        elif change is not None:
            _change(stream, change if isinstance(change, Mapping) else {"state": change})
            streams = inode["streams"]
        inode["streams"] = streams
        if not streams:
            del inode["streams"]

    def _stream_as_file(self, stream: Json, change: Mapping[str, Any]) -> None:
        """Put a stream that no stream directory names below ``#lost``, as the file that it is."""
        number = change[UNNAMED]
        data = {key: value for key, value in stream.items() if key != "name"}
        made = {"inode": number, "paths": [text(f"#lost/{number}".encode())], "type": "file"}
        self.inodes.append({**made, **_PLAIN_FILE, **data})
        self.unnamed.append(number)
        _change(self.inodes[-1], {k: v for k, v in change.items() if k != UNNAMED})

    def lost(self, numbers: Any) -> None:
        """Add inodes that nothing names and that were not found."""
        for number in numbers:
            self.inodes.append({"inode": number, "paths": [], "type": "unknown", "state": LOST})

    def states(self) -> Iterator[tuple[str, int]]:
        """Yield the states that are not whole, with the numbers of the inodes."""
        for inode in self.inodes:
            if "state" in inode:
                yield inode["state"], inode["inode"]
            for stream in inode.get("streams", ()):
                if "state" in stream:
                    yield stream["state"], stream.get("inode", inode["inode"])

    def _at(self, path: str, inodes: list[Json] | None = None) -> Json:
        for inode in self.inodes if inodes is None else inodes:
            if any(octets(one) == path.encode() for one in inode["paths"]):
                return inode
        raise UsageError(f"found: no inode {path!r}")

    def _unname(self, inode: Json, path: str) -> None:
        """Put an inode below ``#lost`` (DARI-RST-007), a directory with all that is below it."""
        old, new = path.encode(), f"#lost/{inode['inode']}".encode()
        self.unnamed.append(inode["inode"])
        for one in self.inodes:
            paths = [octets(each) for each in one["paths"]]
            moved = [
                new + each[len(old) :] if each == old or each.startswith(old + b"/") else each
                for each in paths
            ]
            one["paths"] = [text(each) for each in sorted(moved)]


def _change(inode: Json, change: Mapping[str, Any]) -> None:
    """Change members; what is not whole has no hashes, and of a damaged one all is doubtful."""
    state = change.get("state")
    if state is not None and state not in STATES:
        raise UsageError(f"found: no state {state!r}")
    if state is not None:
        for key in _OF_WHOLE:
            if key in inode:
                inode[key] = None
        if state in ("damaged", "suspect") and inode.get("extents"):
            inode["doubtful"] = copy.deepcopy(inode["extents"])
    for key, value in _strings(change).items():
        if value is None:
            inode.pop(key, None)
        else:
            inode[key] = value


def _strings(change: Mapping[str, Any]) -> Json:
    """Return members as an inventory has them: paths as objects, blocks and sizes as strings."""
    made = dict(change)
    for key in ("missing", "doubtful", "extents"):
        if made.get(key) is not None:
            made[key] = [[str(number) for number in pair] for pair in made[key]]
    if made.get("paths") is not None:
        made["paths"] = [text(str(path).encode()) for path in made["paths"]]
    for key in ("size", "atime", "mtime", "ctime", "birthtime"):
        if isinstance(made.get(key), int):
            made[key] = str(made[key])
    if isinstance(made.get("target"), str):
        made["target"] = text(made["target"].encode())
    return made


def _fault(one: Any) -> Json:
    try:
        if isinstance(one, str):
            return fault(one)
        return fault(one["name"], severity=one.get("severity"), inode=one.get("inode"))
    except KeyError as error:
        raise UsageError(f"found: chapter 88 has no fault {error}") from error


def _order(inode: Json) -> tuple[bool, bytes, int]:
    first = octets(inode["paths"][0]) if inode["paths"] else b""
    return not inode["paths"], first, inode["inode"]

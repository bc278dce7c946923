"""An inode as its first header has it (chapters 10, 20 and 60)."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from darimage.schema import DrFlag, InodeFlag, Kind, Order
from darimage.sections.header import EXTENSION_MAGIC, Headers, as_headers
from darimage.units import ADDRESSES, RECORD, S_IFMT, records_of
from darimage.volumes.cut import ONE_VOLUME, Cut

_NS = 1_000_000_000
_LOW = 0xFFFFFFFF
_SIGNED_FROM = 1 << 31

ALL_PRESENT = b"\1" * ADDRESSES
"""The ``c_addr`` of a header with no holes."""

_WHOLE = tuple(ALL_PRESENT[:count] for count in range(ADDRESSES + 1))


@dataclass(frozen=True, slots=True)
class Inode:
    """An inode of an image.

    Attributes:
        number: Inode number in the image.
        mode: As ``st_mode``.
        nlink: Names in the image.
        uid: Owner.
        gid: Group.
        size: Bytes.
        atime_ns: Last access, nanoseconds since 1970; likewise the next two.
        mtime_ns: Last modification.
        ctime_ns: Last change of the inode.
        birthtime_ns: Creation; 0 unknown.
        rdev: As ``st_rdev`` of a device; 0 otherwise.
        flags: ``InodeFlag`` of the first header.
        di_flags: Inode flags of Linux (DARI-FIL-016); 0 in a plain dump, which may have others.
        run_records: Records of the whole run (DARI-FIL-006); 0 in a plain dump.
        record: Record number of the first header.
        base_inode: Inode this stream belongs to; 0 none.
        stream_directory: This inode's stream directory; 0 none.
        attribute_records: Records of its extended attributes; 0 in a plain dump.
        metadata_only: The image holds no contents, not even holes (``DR_METAONLY``).
        head_map: The used ``c_addr`` of the first header.
        records_crc32c: CRC-32C of the records under the first header (DARI-REC-029); -1 in a plain
            dump.
        shift: Records this header lies behind its ``c_tapea``; not 0 where an image has lost or
            gained records, and in plain dumps.
    """

    number: int
    mode: int
    nlink: int
    uid: int
    gid: int
    size: int
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    birthtime_ns: int
    rdev: int
    flags: int
    di_flags: int
    run_records: int
    record: int
    base_inode: int
    stream_directory: int
    attribute_records: int
    metadata_only: bool
    head_map: bytes
    records_crc32c: int
    shift: int

    @classmethod
    def of(
        cls,
        record: bytes,
        order: Order,
        position: int,
        *,
        old_format: bool | None = None,
        cut: Cut = ONE_VOLUME,
    ) -> Self:
        """Return the inode of one header; for more than a few, ``many`` is the quick way.

        Args:
            record: The 1,024 bytes of a sound ``TS_INODE`` header.
            order: Byte order of the image.
            position: Its record number.
            old_format: Owners have 16 bits; by default as the header's own flags say.
            cut: How the image is cut into volumes.
        """
        row = np.frombuffer(record, np.uint8, RECORD).reshape(1, RECORD)
        place = np.array([position], np.int64)
        return cls.many(row, order, place, old_format=old_format, cut=cut)[0]

    @classmethod
    def many(
        cls,
        rows: npt.NDArray[np.uint8],
        order: Order,
        positions: npt.NDArray[np.int64],
        *,
        old_format: bool | None = None,
        cut: Cut = ONE_VOLUME,
    ) -> list[Self]:
        """Return the inodes of many headers, each equal to what ``of`` returns.

        Args:
            rows: The headers, shape (n, 1024).
            order: Byte order of the image.
            positions: Their record numbers.
            old_format: As for ``of``; likewise the next one.
            cut: How the image is cut into volumes.
        """
        columns = _columns(as_headers(rows, order), positions, old_format, cut)
        return [cls(*row) for row in zip(*(columns[name] for name in cls.__slots__), strict=True)]

    @property
    def kind(self) -> int:
        """File type, the ``S_IFMT`` part of the mode."""
        return stat.S_IFMT(self.mode)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def is_device(self) -> bool:
        """Whether it is a character or block device."""
        return stat.S_ISCHR(self.mode) or stat.S_ISBLK(self.mode)

    @property
    def is_substituted(self) -> bool:
        """Whether its first header says that unreadable data was replaced (DARI-FIL-014)."""
        return bool(self.flags & InodeFlag.INODE_SUBSTITUTED)

    @property
    def end_is_hole(self) -> bool:
        """Whether its last block stands for a hole (DARI-FIL-021)."""
        return bool(self.flags & InodeFlag.INODE_END_IS_HOLE)

    @property
    def fits_head(self) -> bool:
        """Whether its first header describes all of its records."""
        return records_of(self.size) <= len(self.head_map) and max(self.head_map, default=0) <= 1


_EXTENDED = (
    "run_records",
    "base_inode",
    "stream_directory",
    "atime_ns",
    "mtime_ns",
    "ctime_ns",
    "birthtime_ns",
    "nlink",
    "attribute_records",
)
"""Fields that the extension holds better than the old inode (DARI-FIL-011, DARI-FIL-009)."""


def _columns(
    headers: Headers, positions: npt.NDArray[np.int64], old_format: bool | None, cut: Cut
) -> dict[str, list[Any]]:
    """Return each attribute of ``Inode`` as a list."""
    old = headers["c_dinode"]
    extension = headers["extension"]
    extended = is_extended(headers)
    narrow = headers["c_flags"] & DrFlag.DR_NEWINODEFMT == 0
    if old_format is not None:
        narrow[:] = old_format
    metadata_only = headers["c_flags"] & DrFlag.DR_METAONLY != 0
    columns = {
        "number": headers["c_inumber"],
        "mode": old["di_mode"],
        "uid": np.where(narrow, old["di_ouid"], old["di_uid"]),
        "gid": np.where(narrow, old["di_ogid"], old["di_gid"]),
        "size": old["di_size"],
        "rdev": _devices(old),
        "flags": np.where(extended, extension["flags"], 0),
        "di_flags": np.where(extended, old["di_flags"], 0),
        "records_crc32c": crcs_under(headers),
        "record": positions,
        "metadata_only": metadata_only,
        "shift": shifts(headers, positions, cut),
    }
    before = {"nlink": old["di_nlink"]}
    signed = ~_is_marked(headers) & (headers["c_date"] < _SIGNED_FROM)
    for name in ("atime", "mtime", "ctime"):
        before[f"{name}_ns"] = _nanoseconds(old[f"di_{name}"], signed)
    for name in _EXTENDED:
        new = extension["body"][name]
        columns[name] = np.where(extended, new, before.get(name, np.zeros_like(new)))
    lists = {name: column.tolist() for name, column in columns.items()}
    lists["head_map"] = _maps(headers, metadata_only)
    return lists


def is_extended(headers: Headers) -> npt.NDArray[np.bool_]:
    """Tell which headers carry the extension of an inode (DARI-EXT-002)."""
    extension = headers["extension"]
    # Of version 0 the old fields alone are used (chapter 88).
    known = (extension["kind"] == Kind.INODE) & (extension["version"] != 0)
    found: npt.NDArray[np.bool_] = _is_marked(headers) & known
    return found


def _is_marked(headers: Headers) -> npt.NDArray[np.bool_]:
    """Tell which headers carry an extension area of whatever kind."""
    magic = headers["extension"]["magic"]
    found: npt.NDArray[np.bool_] = (magic == np.frombuffer(EXTENSION_MAGIC, np.uint8)).all(axis=1)
    return found


def crcs_under(headers: Headers) -> npt.NDArray[np.int64]:
    """Return the CRC-32C of the records under headers, -1 for those without an extension area."""
    said = headers["extension"]["records_crc32c"].astype(np.int64)
    return np.where(_is_marked(headers), said, -1)


def shifts(headers: Headers, positions: npt.NDArray[np.int64], cut: Cut) -> npt.NDArray[np.int64]:
    """Return how many records headers lie behind their ``c_tapea``, in -2^31 to 2^31-1."""
    behind = cut.physical(positions).astype(np.uint64).astype(np.uint32) - headers["c_tapea"]
    signed: npt.NDArray[np.int64] = behind.astype(np.uint32).view(np.int32).astype(np.int64)
    return signed


def _devices(old: npt.NDArray[np.void]) -> npt.NDArray[np.uint32]:
    """Return device numbers; Linux ``dump`` puts big ones in the second word (DARI-FIL-012)."""
    kind = old["di_mode"] & np.uint16(S_IFMT)
    first, second = old["di_db"][:, 0], old["di_db"][:, 1]
    is_device = (kind == stat.S_IFCHR) | (kind == stat.S_IFBLK)
    return np.where(is_device, np.where(first == 0, second, first), 0)


def _nanoseconds(old: npt.NDArray[np.void], signed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return old times (DARI-FIL-024).

    Args:
        old: Seconds and fractions; one too great for microseconds was meant as nanoseconds.
        signed: In which headers seconds may be negative: those of plain dumps made before 2038.
    """
    fraction = old["tv_usec"].astype(np.int64)
    fraction = np.where((fraction >= 0) & (fraction < _NS), fraction, 0)
    scaled = np.where(fraction < _NS // 1000, fraction * 1000, fraction)
    seconds = old["tv_sec"].astype(np.int64) & _LOW
    seconds -= (signed & (seconds >= _SIGNED_FROM)) * (_LOW + 1)
    found: npt.NDArray[np.int64] = seconds * _NS + scaled
    return found


def _maps(headers: Headers, metadata_only: npt.NDArray[np.bool_]) -> list[bytes]:
    """Return the used part of each ``c_addr``; those without holes share their bytes."""
    addresses = headers["c_addr"]
    counts = np.where(metadata_only, 0, np.clip(headers["c_count"], 0, ADDRESSES)).tolist()
    maps = []
    for row, count in enumerate(counts):
        used = addresses[row, :count].tobytes()
        maps.append(_WHOLE[count] if used == _WHOLE[count] else used)
    return maps

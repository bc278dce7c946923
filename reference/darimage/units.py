"""The unit of an image, the record, and how sizes are counted in it (DARI-CNV-001)."""

from __future__ import annotations

RECORD = 1024
"""Bytes of a record."""

ADDRESSES = 512
"""Entries of ``c_addr``: records one header can describe (DARI-FIL-002)."""


S_IFMT = 0o170000
"""The bits of a mode that say the file type: for columns, which ``stat.S_IFMT`` cannot take."""


LEAST_FOR_RESTORE = 32
"""Records of the smallest volume that Linux ``restore`` reads as it is (DARI-VOL-018)."""


def size_text(size: int) -> str:
    """Return a size in bytes for people."""
    amount = float(size)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def records_of(size: int) -> int:
    """Return how many records hold ``size`` bytes."""
    return -(-size // RECORD)


def headers_of(size: int) -> int:
    """Return how many headers an inode of ``size`` bytes needs (DARI-FIL-002)."""
    return max(1, -(-records_of(size) // ADDRESSES))

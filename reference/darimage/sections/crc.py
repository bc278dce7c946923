"""CRC-32C, the one checksum of payloads (DARI-CNV-006)."""

from __future__ import annotations


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of ``data``."""
    # A scan begins without it: few trees have what it is needed for before there is a layout.
    import google_crc32c

    value: int = google_crc32c.value(data)
    return value

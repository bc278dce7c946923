"""CRC-32C, the one checksum of payloads (DARI-CNV-006)."""

from __future__ import annotations

import google_crc32c


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of ``data``."""
    value: int = google_crc32c.value(data)
    return value

"""Where the plain writer lets one rule be broken, to see whether the suite notices."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]
"""Fields of a layout by name."""


class Breaking:
    """What is broken: by default nothing. Each method may change what the writer is about to do."""

    def header(self, fields: Fields, _at: int, _runs: list[int]) -> Fields:
        """Return the fields of a header, about to be sealed."""
        return fields

    def continuation(self, fields: Fields) -> Fields:
        """Return the fields of a continuation header."""
        return fields

    def stream_directory(self, fields: Fields) -> Fields:
        """Return the fields of the record of a stream directory."""
        return fields

    def header_crc(self, crc: bytes) -> bytes:
        """Return the bytes of ``header_crc32c``."""
        return crc

    def checksum(self, checksum: int) -> int:
        """Return ``c_checksum``."""
        return checksum

    def data(self, _fields: Fields, data: bytes) -> bytes:
        """Return the records under a header."""
        return data

    def bits(self, _c_type: int, numbers: list[int]) -> list[int]:
        """Return the inodes of a bitmap."""
        return numbers

    def entries(self, named: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
        """Return the entries of a directory behind the first two."""
        return named

    def order(self, items: list[Any]) -> list[Any]:
        """Return inodes in the order in which they are written."""
        return items

    def image(self, data: bytes) -> bytes:
        """Return the image."""
        return data


KEPT = Breaking()
"""Nothing is broken."""

"""Fixed parts of layouts that come from outside, read and written within bounds.

Descriptors and extended attributes are little-endian in images of either order (DARI-SDE-002), so
nothing here takes one.
"""

from __future__ import annotations

import struct
from typing import Any

from darimage.errors import FormatError
from darimage.schema import dtype


class Fixed:
    """A layout without variable parts, as a tuple of its fields in order.

    Args:
        name: Layout as in ``ksy/``, such as ``"security_descriptor/ace_head"``.
        what: What messages call it.
        requirement: Requirement that a part outside of its bounds breaks.
    """

    def __init__(self, name: str, what: str, requirement: str) -> None:
        derived = dtype(name)
        codes = [_code(derived[field]) for field in derived.names or ()]
        self._what = what
        self._requirement = requirement
        self._codec = struct.Struct("<" + "".join(codes))
        self._lengths = [int(code[:-1]) if code.endswith("s") else None for code in codes]
        self.size = derived.itemsize

    def read(self, data: bytes, at: int, end: int) -> tuple[Any, ...]:
        """Return the fields at byte ``at``: integers and bytes.

        Raises:
            FormatError: They would pass ``end``.
        """
        check_end(at + self.size, end, f"{self._what} at byte {at}", self._requirement)
        return self._codec.unpack_from(data, at)

    def write(self, *values: int | bytes) -> bytes:
        """Return the bytes of the fields.

        Raises:
            FormatError: A number does not fit into its field, or bytes do not fill theirs.
        """
        for value, length in zip(values, self._lengths, strict=True):
            if isinstance(value, bytes) and len(value) != length:
                raise FormatError(
                    f"{self._what}: {len(value)} bytes in a field of {length}",
                    requirement=self._requirement,
                )
        try:
            return self._codec.pack(*values)
        except struct.error as error:
            raise FormatError(f"{self._what}: {error}", requirement=self._requirement) from error


def check_end(stop: int, end: int, what: str, requirement: str) -> None:
    """Raise a FormatError if something stops behind the end of what holds it."""
    if stop > end:
        raise FormatError(f"{what} ends at {stop}, behind {end}", requirement=requirement)


def _code(field: Any) -> str:
    if field.subdtype:
        return f"{field.itemsize}s"
    return {1: "B", 2: "H", 4: "I", 8: "Q"}[field.itemsize]

"""Streams as Samba's module streams_xattr keeps them (chapter 72)."""

from __future__ import annotations

import os

from darimage.sections.crc import crc32c
from darimage.sources.streams.form import (
    File,
    FoundStream,
    InAttributes,
    Tell,
    is_name,
    without_type,
)

PREFIX = b"user.DosStream."
FURTHER = b"user.DosStreamExt."
"""In front of number, dot and the rest of the name, where one attribute does not do."""


class SambaXattr:
    """An attribute ``user.DosStream.NAME:$DATA`` a stream, and further ones if it is long."""

    takes_all = False

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams among the attributes; see ``Form.take``."""
        del info, file
        found: dict[bytes, FoundStream] = {}
        for full in sorted(name for name in values if name.startswith(PREFIX)):
            name = without_type(full[len(PREFIX) :])
            if values[full] and is_name(name) and name not in found:
                found[name] = _stream(name, full, values, tell)
        return [found[name] for name in sorted(found)]


def _stream(name: bytes, full: bytes, values: dict[bytes, bytes], tell: Tell) -> FoundStream:
    """Take a stream out of the values; the last byte of the first counts the others."""
    count = values[full][-1]
    names = [full]
    for number in range(1, count + 1):
        further = FURTHER + b"%d." % number + full[len(PREFIX) :]
        if further not in values:
            shown = name.decode("utf-8", "backslashreplace")
            told = (
                f"stream {shown!r} ends after {number} of {count + 1} attributes; kept up to there"
            )
            tell("truncated", told)
            break
        names.append(further)
    parts = [values.pop(attribute) for attribute in names]
    data = b"".join([parts[0][:-1], *parts[1:]])
    return FoundStream(name, len(data), InAttributes(tuple(names), 1, crc32c(data)))

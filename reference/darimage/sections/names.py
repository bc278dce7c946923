"""Which names an entry may have (chapter 50)."""

from __future__ import annotations

from darimage.errors import FormatError

NAME_MAX = 255


def check_name(name: bytes) -> None:
    """Refuse a name that no entry but the first two may have (DARI-DIR-007).

    Raises:
        FormatError: It is empty, too long, ``.`` or ``..``, or holds ``/`` or NUL.
    """
    if not 0 < len(name) <= NAME_MAX or name in (b".", b"..") or b"/" in name or b"\0" in name:
        shown = name[:40].decode("utf-8", "backslashreplace")
        raise FormatError(f"directory entry is named {shown!r}", requirement="DARI-DIR-007")

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


def check_stream_name(name: bytes) -> None:
    """Refuse a name that no stream may have (DARI-STR-009).

    Raises:
        FormatError: No entry may have it, or it holds a colon, or is not UTF-8.
    """
    check_name(name)
    try:
        name.decode()
    except UnicodeDecodeError:
        fits = False
    else:
        fits = b":" not in name
    if not fits:
        shown = name[:40].decode("utf-8", "backslashreplace")
        raise FormatError(f"a stream is named {shown!r}", requirement="DARI-STR-009")

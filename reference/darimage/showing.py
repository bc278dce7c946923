r"""Names of files as text for people, and back.

Names are bytes. Shown as they are they could steer a terminal or the runner of a CI job that copies
its log (``::error::`` at the start of a line and ``##[command]`` anywhere in it, for GitHub and
Azure), hide, or look like another name. So what is not plain is written as ``\xNN``, a byte, or
``\uNNNN`` or ``\UNNNNNNNN``, a character; and so is the backslash of a name that looks like that.
"""

from __future__ import annotations

import re
import unicodedata

_COMMAND = re.compile(r"##(?=\w*\[)")
_AT_START = re.compile(r"^(\s*):(?=:)")
_SPECIAL = re.compile(r"\\[xuU]|##\w*\[|^::|^ | $")
ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
"""What `display` writes for what is not plain."""

_LIKE_ESCAPE = re.compile(ESCAPE.pattern.decode())


def display(path: bytes) -> str:
    """Return a path for people; two different paths never look alike, not even as Unicode does it.

    `from_display` gives the path back.
    """
    text = path.decode("utf-8", "surrogateescape")
    is_normal = text.isascii() or unicodedata.is_normalized("NFC", text)
    if is_normal and text.isprintable() and not _SPECIAL.search(text):
        return text
    last = len(text) - 1
    shown = [
        _escaped(c)
        if not c.isprintable()
        or (c == " " and at in (0, last))
        or (c == "\\" and _LIKE_ESCAPE.match(text, at))
        or not (is_normal or _stands_alone(c))
        else c
        for at, c in enumerate(text)
    ]
    return _no_command("".join(shown))


def from_display(shown: bytes) -> bytes:
    """Return the path that `display` shows so; what is no escape stands for itself."""
    return ESCAPE.sub(_meant, shown)


def as_text(path: bytes) -> str:
    r"""Return a path as text where its bytes stand beside it if the text is not all of it.

    Control characters and bytes that are not UTF-8 are ``\n``, ``\xNN`` and the like.
    """
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def line(text: str) -> str:
    """Return a line of our own, with names from anywhere in it, as it may reach a terminal or log.

    What has been made fit stays as it is.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return _no_command(text)


def json_for_log(text: str) -> str:
    """Return JSON that says the same, and in which the runner of a CI job finds no command."""
    # Both stand within a string: nowhere else are there such characters.
    return text.replace("##", "#\\u0023")


def xml_for_log(text: str) -> str:
    """Return XML or HTML, without scripts, that says the same, likewise."""
    return text.replace("##", "#&#35;")


def _no_command(text: str) -> str:
    """Return a text in which the runner of a CI job finds no command."""
    return _AT_START.sub(r"\1\\x3a", _COMMAND.sub(r"#\\x23", text))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _stands_alone(character: str) -> bool:
    """Tell whether a character is never joined with another one, nor replaced, by NFC."""
    if "\u1160" <= character <= "\u11ff":  # parts of a Korean syllable
        return False
    is_mark = unicodedata.category(character).startswith("M")
    return not is_mark and unicodedata.is_normalized("NFC", character)


def _meant(found: re.Match[bytes]) -> bytes:
    byte, *characters = found.groups()
    if byte is not None:
        return bytes([int(byte, 16)])
    try:
        return chr(int(characters[0] or characters[1], 16)).encode("utf-8")
    except (ValueError, OverflowError):  # there is no such character
        return found[0]

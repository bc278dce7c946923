"""One place where an image breaks a requirement."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from darimage.showing import as_text, display, line


def readable(text: str) -> str:
    """Return a text that came from the command line or the system so that it can be shown."""
    return line(text)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        requirement: Id of the requirement that is broken.
        level: ``MUST``, ``SHOULD`` or ``MAY``.
        rule: Name of the rule that found it.
        message: One line.
        volume: Number of the volume, counted from 1.
        record: Record number within the image.
        offset: First byte within the image.
        length: Bytes from there on that it is about.
        field: Path of the field, such as ``c_dinode.di_mode``.
        inode: Inode number.
        path: Path within the tree.
        found: What the image has there.
        expected: What it should have.
    """

    requirement: str
    level: str
    rule: str
    message: str
    volume: int | None = None
    record: int | None = None
    offset: int | None = None
    length: int | None = None
    field: str | None = None
    inode: int | None = None
    path: bytes | None = None
    found: str | None = None
    expected: str | None = None

    @property
    def path_text(self) -> str | None:
        """The path as text for programs; ``.`` for the root."""
        return None if self.path is None else as_text(self.path) or "."

    def place(self) -> str:
        """Return where it is, in words; empty if it has no place."""
        parts = []
        if self.volume is not None and self.volume > 1:
            parts.append(f"volume {self.volume}")
        if self.record is not None:
            parts.append(f"record {self.record} (byte {self.offset})")
        if self.path is not None:
            parts.append(display(self.path) or ".")
        elif self.inode is not None:
            parts.append(f"inode {self.inode}")
        if self.field is not None:
            parts.append(self.field)
        return ", ".join(parts)

    def told(self) -> str:
        """Return the message, with what was found and expected."""
        pairs = (("found", self.found), ("expected", self.expected))
        known = [f"{word} {value}" for word, value in pairs if value is not None]
        return f"{self.message} ({', '.join(known)})" if known else self.message

    def as_json(self) -> dict[str, Any]:
        """Return it as a dictionary for JSON; ``path_hex`` where the path is not plain text."""
        known = {**asdict(self), "path": self.path_text}
        if self.path is not None and as_text(self.path).encode() != self.path:
            known["path_hex"] = self.path.hex()
        return known

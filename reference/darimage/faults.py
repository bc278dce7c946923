"""What went wrong with one thing while the rest went on."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from darimage.errors import FormatError
from darimage.showing import as_text, display
from darimage.units import RECORD


class FaultyField(NamedTuple):
    """The field of a record that a fault is about.

    Attributes:
        path: Its name, as in ksy/: ``c_dinode.di_size``.
        offset: First byte within the record.
        length: Its bytes.
        found: What it says, if that can be told in words.
        expected: What it should say.
    """

    path: str
    offset: int
    length: int
    found: str | None = None
    expected: str | None = None


NOTES = frozenset(
    (
        "acl-order",
        "acl-origin",
        "bitmap-size",
        "doubled",
        "end-counts",
        "end-is-hole",
        "end-marks",
        "ext-version",
        "more-behind",
        "nlink",
        "no-checksums",
        "numbers",
        "owners",
        "padding",
        "run-records",
        "set-id",
        "size",
        "tail",
        "time",
        "uuid",
        "zeros",
    )
)
"""Kinds of what is reported and affects nothing that is listed or restored (chapter 88)."""


class Fault(NamedTuple):
    """One thing that went wrong, collected instead of raised.

    Attributes:
        kind: A short word: ``format``, ``shrank``, ``vanished``, ...
        message: One line.
        path: Path within the tree, bytes, if it is about a file.
        inode: Inode number in the image, likewise.
        record: Record number, if it has a place in an image.
        requirement: Id of the sentence of ``spec/`` that is broken.
        volume: Which of several volumes the record lies on; then it is a real record number.
        field: Which field of the record it is about, if it is one.
    """

    kind: str
    message: str
    path: bytes | None = None
    inode: int | None = None
    record: int | None = None
    requirement: str | None = None
    volume: str | None = None
    field: FaultyField | None = None

    @classmethod
    def of(cls, error: FormatError, *, path: bytes | None = None, inode: int | None = None) -> Self:
        """Return the fault that says what a ``FormatError`` says."""
        return cls(
            "format", error.message, path, inode, error.record, error.requirement, error.volume
        )

    @property
    def is_note(self) -> bool:
        """Whether it affects nothing that is listed or restored: all is done without faults."""
        return self.kind in NOTES

    def text(self) -> str:
        """Return one line for a person."""
        parts = []
        if self.path is not None:
            parts.append(display(self.path))
        elif self.inode is not None:
            parts.append(f"inode {self.inode}")
        if self.volume is not None:
            parts.append(self.volume)
        if self.record is not None:
            parts.append(f"record {self.record} (byte {self.record * RECORD})")
        source = "" if self.requirement is None else f" [{self.requirement}]"
        return ": ".join([*parts, self.message]) + source

    def as_json(self) -> dict[str, Any]:
        """Return what is known as a dictionary for JSON."""
        known = {key: value for key, value in self._asdict().items() if value is not None}
        if self.path is not None:
            known["path"] = as_text(self.path)
        if self.field is not None:
            about = {**self.field._asdict(), "field": self.field.path}
            known |= {key: about[key] for key in ("field", "found", "expected") if about[key]}
        return known

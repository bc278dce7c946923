"""What the user says of how streams are to come back."""

from __future__ import annotations

from typing import NamedTuple

from darimage.errors import UsageError
from darimage.volumes.urls import refuse_output

FORMS = ("auto", "none", "xattr", "depot", "ntfs-3g", "beside")
_WITH_PATH = ("depot", "beside")


class Wish(NamedTuple):
    """How streams are to come back.

    Attributes:
        form: One of ``FORMS``.
        path: The depot, by default ``.streams`` at the destination; the directory for ``beside``.
    """

    form: str = "auto"
    path: str | None = None

    @classmethod
    def parse(cls, text: str) -> Wish:
        """Return what ``FORM``, ``depot=DIR`` or ``beside=DIR`` means.

        Raises:
            UsageError: It means nothing.
        """
        form, _, path = text.partition("=")
        wrong = form not in FORMS or (path and form not in _WITH_PATH)
        if wrong or (form == "beside" and not path):
            told = "auto, xattr, depot[=DIR], ntfs-3g, beside=DIR, none"
            raise UsageError(f"streams come back by one of {told}, not {text!r}")
        refuse_output(path)
        return cls(form, path or None)

"""Images whose names are URLs: telling them from paths, and keeping their secrets."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from darimage.errors import UsageError
from darimage.volumes.replacing import numbered

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[A-Za-z][A-Za-z0-9+.-]+)*://")
_USER = re.compile(r"://[^/?#\s]*@")
_QUERY = re.compile(r"([?#])[^\s]+")
_ANY = re.compile(r"\S+://\S*")

_MOST = 9999

HIDDEN = "***"
"""What stands for a part of a URL that may be a secret."""


def is_url(name: Any) -> TypeGuard[str]:
    """Tell whether a name is a URL, such as ``https://host/home.dari``, and no path."""
    return isinstance(name, str) and _URL.match(name) is not None


def masked(name: str) -> str:
    """Return a URL without user, password, query and fragment; a path as it is."""
    if not is_url(name):
        return name
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(f"://{HIDDEN}@", name))


def refuse_output(name: str) -> None:
    """Refuse a URL as the name of something that is to be written.

    Raises:
        UsageError: It is one.
    """
    if is_url(name):
        told = "is a URL, and those are only read; `create SOURCE -` writes to standard output"
        raise UsageError(f"{masked(name)}: {told}, for a program that takes the image there")


def without_secrets(text: str) -> str:
    """Return a message of a library with each URL in it masked."""
    return _ANY.sub(lambda found: masked(found[0]), text)


def of_volume(url: str, volume: int, given: int = 1) -> str | None:
    """Return the URL of a volume of a set, if that of another ends in its number (DARI-VOL-017).

    Args:
        url: The URL that is known; the number stands at the end of its path, before a query.
        volume: The volume that is looked for.
        given: Which volume the known one is.
    """
    path, rest = _cut(url)
    digits = numbered("", given)
    return numbered(path.removesuffix(digits), volume) + rest if path.endswith(digits) else None


def of_set(first: str, last: int) -> dict[int, str]:
    """Return the URLs that the volumes of a set should have, by their numbers.

    Args:
        first: That of the first.
        last: Number of the last; of more than 9,999 the others are left out.
    """
    found = {number: of_volume(first, number) for number in range(2, min(last, _MOST) + 1)}
    return {number: url for number, url in found.items() if url is not None}


def first_of(url: str) -> str:
    """Return the URL of the first volume of a set, given what its volumes have in common."""
    path, rest = _cut(url)
    return numbered(path, 1) + rest


def _cut(url: str) -> tuple[str, str]:
    at = min((at for mark in "?#" if (at := url.find(mark)) >= 0), default=len(url))
    return url[:at], url[at:]

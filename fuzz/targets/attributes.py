"""Decodes lists of extended attributes, and POSIX ACLs in both forms."""

from __future__ import annotations

from darimage.errors import FormatError
from darimage.sections import posix_acl, xattrs
from fuzz import seeds as known


def seeds():
    """Return lists and ACLs, each behind a byte that chooses."""
    kept = b"\1\0\0\0\1\0\7\0\4\0\5\0\x20\0\5\0"
    return [*(b"\0" + one for one in known.attributes()), b"\1" + kept, b"\2" + kept]


def one(data):
    """Decode, and encode again what came of it."""
    way = data[0] % 3 if data else 0
    try:
        [_list, _kept, _shown][way](data[1:])
    except FormatError as error:
        assert str(error)


def _list(data):
    told = []
    found = xattrs.decode(data, on_error=told.append)
    assert xattrs.decode(xattrs.encode(found)) == found, "other attributes when encoded again"
    assert sum(map(len, found.values())) <= len(data) * max(1, len(found))
    try:
        assert xattrs.decode(data) == found
        assert not told, "a list that is read, and told of"
    except FormatError:
        assert told, "a list that is refused, and not told of"


def _kept(data):
    shown = posix_acl.to_shown(data)
    assert posix_acl.to_shown(posix_acl.to_kept(shown)) == shown


def _shown(data):
    posix_acl.text(data)
    kept = posix_acl.to_kept(data)
    assert posix_acl.to_kept(posix_acl.to_shown(kept)) == kept

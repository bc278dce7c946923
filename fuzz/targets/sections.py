"""Decodes payloads of directories and of the sections, in both byte orders."""

from __future__ import annotations

from darimage.errors import FormatError
from darimage.schema import Section
from darimage.sections import bitmap, directory, holes, nt_acls, streams
from fuzz import seeds as known


def _directory(data, order):
    for old in (False, True):
        for entry in directory.decode(data, order, old_format=old):
            assert len(entry.name) < 256


def _streams(data, order):
    told = []
    kept = list(streams.decode(data, order, told.append))
    assert all(fault.text() for fault in told)
    try:
        assert list(streams.decode(data, order)) == kept
        assert not told, "a payload that is read, and told of"
    except FormatError:
        assert told, "a payload that is refused, and not told of"


def _acls(data, order):
    found = nt_acls.decode(data, order)
    list(nt_acls.untidy(data, order))
    for inode in found:
        try:
            found[inode]
        except FormatError:
            continue


def _bitmap(data, order):
    found = bitmap.decode(data)
    assert bitmap.encode(found, -(-len(data) // 1024)).startswith(data)


def _holes(data, order):
    count = int.from_bytes(data[:2], "little") % 513
    runs = holes.runs(data[2:514].ljust(512, b"\0"), count)
    assert all(length > 0 for _, length in runs)


DECODERS = [_directory, _streams, _acls, _bitmap, _holes]


def seeds():
    """Return payloads, each behind a byte that chooses decoder and byte order."""
    found = [b"\0" + one for one in known.parts("directory")]
    found += [b"\1" + one for one in known.parts(int(Section.STREAM_DIRECTORIES))]
    found += [b"\2" + one for one in nt_acl_payloads()]
    return [*found, b"\3\6\1", b"\4\5\0\1\0\1\1\1"]


def nt_acl_payloads():
    """Return payloads of the NT ACL sections."""
    names = [one for one in Section if "ACL" in one.name]
    return [payload for one in names for payload in known.parts(int(one))]


def one(data):
    """Decode a payload."""
    if not data:
        return
    way = data[0] % (2 * len(DECODERS))
    try:
        DECODERS[way % len(DECODERS)](data[1:], "be" if way >= len(DECODERS) else "le")
    except FormatError as error:
        assert str(error)

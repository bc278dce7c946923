"""What fuzzing begins with: the conformance vectors, the samples of the tests, and their parts."""

from __future__ import annotations

import stat
from functools import cache

from support import images

from darimage.conformance.frame import Frame
from darimage.conformance.vectors import Suite
from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.schema import CType
from darimage.sections import xattrs
from darimage.sections.security import SecurityDescriptor, from_sddl, to_sddl, wrap
from darimage.sources.memory import Node
from fuzz import LONGEST


@cache
def all_images():
    """Return small images of every kind: good ones and such with one thing wrong."""
    suite = Suite()
    made = [suite.image(vector) for vector in suite]
    trees = images.sample(), escaping()
    made += [*map(images.encode, trees), images.small_plain()]
    return [image for image in dict.fromkeys(made) if len(image) <= LONGEST]


def escaping():
    """Return a tree whose links lead out of the place it is restored to."""
    inside = Node.directory({b"file": Node.file(b"inside")})
    return Node.directory(
        {
            b"a": Node.symlink(b".."),
            b"b": Node.directory({b"canary": inside, b"c": Node.symlink(b"../../canary")}),
            b"canary": Node.symlink(b"../canary"),
            b"d": Node.symlink(b"/proc/self/cwd"),
            b"x": Node(0o010644),
        }
    )


@cache
def parts(kind):
    """Return what the runs of good images hold.

    Args:
        kind: A section, ``attributes`` or ``directory``.
    """
    suite = Suite()
    frames = [Frame(suite.image(vector)) for vector in suite if vector.is_valid]
    found = [held for frame in frames for run in frame.runs if (held := _held(frame, run, kind))]
    return list(dict.fromkeys(found))


def _held(frame, run, kind):
    head = run[0]
    header = frame.header(head)
    if head.body == "section_body":
        if kind == frame.section_of(head):
            return frame.payload(run, int(header["extension"]["body"]["payload_size"][0]))
    elif head.c_type == CType.TS_INODE:
        is_directory = stat.S_ISDIR(int(header["c_dinode"]["di_mode"][0]))
        mine = "attributes" if head.attributes else "directory" if is_directory else None
        if kind == mine:
            return frame.payload(run, int(header["c_dinode"]["di_size"][0]))
    return None


def attributes():
    """Return lists of extended attributes."""
    made = [{b"user.a": b"value", b"trusted.b": b"v" * 300}, {b"user.b": b"v" * 5000}]
    return [*parts("attributes"), *map(xattrs.encode, made)]


@cache
def descriptors():
    """Return security descriptors."""
    suite = Suite()
    found = [from_sddl("O:BAG:SYD:P(A;OICI;FA;;;WD)").build()]
    for vector in suite:
        if vector.is_valid and suite.decode(vector) == "accept":
            with Image.open(suite.image(vector), sequential=True) as image:
                found += [image.nt_acls[inode][0] for inode in image.nt_acls]
    return list(dict.fromkeys(found))


def wrapped():
    """Return descriptors in Samba's wrapper."""
    return list(map(wrap, descriptors()))


def sddl():
    """Return descriptors as text."""
    found = [
        b"O:BAG:BAD:PARAI(A;CIOI;GA;;;S-1-1-0)(OA;;CCDC;bf967aba-0de6-11d0-a285-00aa003049e2;;AU)"
    ]
    for data in descriptors():
        try:
            found.append(to_sddl(SecurityDescriptor.parse(data)).encode())
        except DarimageError:
            continue
    return found

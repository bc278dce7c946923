"""Whatever is changed in an image is found by ``verify`` and by ``validate``: each byte of small
images that hold every kind of record, and any change at random of larger ones.

Both judge by the same rules; what is found here breaks a MUST, so that both say so. What is
doubled behind the end of an image leaves it as it was, and is reported as a note (DARI-END-010).
"""

from __future__ import annotations

import random
from functools import cache

import pytest
from support import complete
from test_mutations import tree

from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.image.writer import Options, create
from darimage.sources.memory import MemorySource, Node
from darimage.units import RECORD
from darimage.validate import judging
from darimage.validate.rules.rule import Grade
from darimage.volumes.writing import MemorySink

STRIDE = 293
"""Of so many bytes one is changed where all would take too long; it is prime."""

SHARES = 8
"""Tests that all bytes are shared among."""

TRIES = 250
"""Changes at random of each larger image in ``make test``."""

NIGHTLY = 2500
"""The same in each of ``SHARES_AT_NIGHT`` tests of each image: 100,000 in all."""

SHARES_AT_NIGHT = 20

BLOCK = 10


class FoundError(Exception):
    """Something was found."""


class First:
    """Ends at the first finding that makes an image not conform, or says what is behind it."""

    def wants(self, rule):
        return True

    def tell(self, rule, fault):
        if (rule.grade == Grade.FAULT and rule.level == "MUST") or rule.name == "end.behind":
            raise FoundError

    def count(self, rule, more):
        raise AssertionError("all are wanted")


def is_found(data):
    """Tell whether an image is found not to conform; one that cannot be opened is."""
    try:
        with Image.open(data, sequential=True) as image:
            judging.judge(image, First())
    except (FoundError, FormatError):
        return True
    return False


@pytest.mark.parametrize("name", complete.images())
def test_the_small_images_are_good(name):
    assert not is_found(complete.images()[name])


def unseen(data, places):
    """Return the places of an image at which another byte is not found."""
    missed = []
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1 + at * 7 % 255
        if not is_found(bytes(changed)):
            missed.append((at // RECORD, at % RECORD))
    return missed


@pytest.mark.parametrize("name", complete.images())
def test_a_changed_byte_is_found(name):
    """Shows DARI-REC-028, DARI-REC-029."""
    data = complete.images()[name]
    assert unseen(data, range(len(name) % STRIDE, len(data), STRIDE)) == []


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", complete.images())
def test_each_changed_byte_is_found(name, share):
    """No byte of an image may change without a finding."""
    data = complete.images()[name]
    assert unseen(data, range(share, len(data), SHARES)) == []


# -- larger images ---------------------------------------------------------------------------------


@cache
def larger():
    """Return two larger images, one of them on volumes."""
    found = {}
    for name, capacity in (("one", 0), ("volumes", 200)):
        root, sink = tree(), MemorySink()
        root.children[b"more"] = Node.directory(
            {b"%03d" % n: Node.file(b"%d" % n * (n * 7 % 900)) for n in range(150)}
        )
        create(MemorySource(root), sink, Options(volume_records=capacity))
        found[name] = bytes(sink.data)
    return found


def flip(data, dice):
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def pieces(data, dice):
    """Return an image in pieces of a record or of a tape block."""
    size = RECORD * dice.choice((1, BLOCK))
    return [data[at : at + size] for at in range(0, len(data), size)]


def drop(data, dice):
    found = pieces(data, dice)
    del found[dice.randrange(len(found))]
    return b"".join(found)


def double(data, dice):
    found = pieces(data, dice)
    at = dice.randrange(len(found))
    found.insert(dice.choice((at, dice.randrange(len(found)))), found[at])
    return b"".join(found)


def swap(data, dice):
    found = pieces(data, dice)
    one = dice.randrange(len(found))
    other = dice.choice(((one + 1) % len(found), dice.randrange(len(found))))
    found[one], found[other] = found[other], found[one]
    return b"".join(found)


def shorten(data, dice):
    """Take the end of a tape block away."""
    at = dice.randrange(len(data) // (BLOCK * RECORD)) * BLOCK * RECORD
    kept = dice.randrange(BLOCK * RECORD)
    return data[: at + kept] + data[at + BLOCK * RECORD :]


CHANGES = (flip, drop, double, swap, shorten)


def tried(data, seed, times):
    """Change an image at random again and again; return what was not found."""
    missed = []
    for number in range(times):
        dice = random.Random(f"{seed} {number}")
        change = CHANGES[number % len(CHANGES)]
        changed = change(data, dice)
        if changed != data and not is_found(changed):
            missed.append((change.__name__, f"{seed} {number}"))
    return missed


@pytest.mark.parametrize("name", larger())
def test_a_change_at_random_is_found(name):
    assert not is_found(larger()[name])
    assert tried(larger()[name], f"by day, {name}", TRIES) == []


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES_AT_NIGHT))
@pytest.mark.parametrize("name", larger())
def test_any_change_at_random_is_found(name, share):
    assert tried(larger()[name], f"at night, {name}, {share}", NIGHTLY) == []

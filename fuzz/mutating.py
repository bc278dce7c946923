"""Changes images so that readers look further than the first checksum.

Bytes that change at random stop at a header's checksum. These changes are to fields and records,
and most of the time what they made wrong is sealed again.
"""

from __future__ import annotations

import random
from functools import cache

from darimage.conformance import seals
from darimage.conformance.frame import Frame
from darimage.errors import DarimageError
from darimage.schema import header_dtype
from darimage.sections.header import BODIES
from fuzz.layouts import leaves
from fuzz.strategies.damage import RECORD, Damage, damage, is_header, sealed

KINDS = ["cut", "double", "swap", "drop", "blank"]
EDGES = [0, 1, 2, 3, 7, 8, 255, 256, 511, 512, 513, 1023, 1024, 1025, 2**15, 2**16 - 1]
EDGES += [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


@cache
def fields(order):
    """Return offset and size of each field of a header that is not long, whatever its body."""
    found = set()
    for body in BODIES.values():
        for _, at, size in leaves(header_dtype(order, body).fields):
            found.add((at, size if size <= 8 else 1))
    return sorted(found)


def mutate_image(data, longest, seed, mutate=None):
    """Return a changed image.

    Args:
        data: The image.
        longest: Bytes it may have at most.
        seed: Chooses what is done.
        mutate: Changes a few bytes, given them and the most there may be; by default at random.
    """
    dice = random.Random(seed)
    mutate = mutate or (lambda some, _: bytes(byte ^ dice.randrange(256) for byte in some))
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        if dice.random() < 0.15:
            numbers = (dice.randrange(2**16) for _ in range(2))
            data = damage(data, [Damage(dice.choice(KINDS), *numbers, dice.choice([1, 2]))])
        else:
            data = _changed(data, dice, mutate)
    if dice.random() < 0.4:
        data = resealed(data)
    return data[:longest]


def _changed(data, dice, mutate):
    """Return an image with one field, or some bytes, of one record changed."""
    records = len(data) // RECORD
    if not records:
        return mutate(data, RECORD)
    tries = [dice.randrange(records) for _ in range(6)]
    record = next((at for at in tries if _is_header_at(data, at)), tries[0])
    if dice.random() < 0.3:
        record = tries[0]
    old = data[record * RECORD : (record + 1) * RECORD]
    new = _with_field(old, dice) if dice.random() < 0.6 else _with_bytes(old, dice, mutate)
    if is_header(old) and dice.random() < 0.9:
        new = sealed(new)
    return data[: record * RECORD] + new + data[(record + 1) * RECORD :]


def _is_header_at(data, record):
    return is_header(data[record * RECORD : (record + 1) * RECORD])


def _with_field(record, dice):
    order = "be" if record[24:28] == b"\0\0\xea\x6c" else "le"
    at, size = dice.choice(fields(order)) if is_header(record) else _somewhere(dice)
    way = {"le": "little", "be": "big"}[order]
    old = int.from_bytes(record[at : at + size], way)
    new = dice.choice(
        [dice.choice(EDGES), old + dice.choice([-1, 1, 4, 1024]), dice.getrandbits(64)]
    )
    return record[:at] + (new % 256**size).to_bytes(size, way) + record[at + size :]


def _somewhere(dice):
    size = dice.choice([1, 2, 4, 8])
    return dice.randrange(RECORD // size) * size, size


def _with_bytes(record, dice, mutate):
    at = dice.choice([0, 0, dice.randrange(RECORD)])
    some = record[at : at + dice.choice([4, 16, 64])]
    new = mutate(some, len(some)) or b"\0"
    return record[:at] + new.ljust(len(some), b"\0")[: len(some)] + record[at + len(some) :]


def resealed(data):
    """Return an image with all checksums and CRCs made right, as far as it can be taken apart."""
    try:
        frame = Frame(data[: len(data) // RECORD * RECORD])
        seals.reseal(frame, frame.runs)
    except (DarimageError, ArithmeticError, LookupError, MemoryError, TypeError, ValueError):
        return data
    return frame.rows.tobytes()

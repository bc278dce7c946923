"""Construct, Kaitai and the derived dtypes say the same of any bytes, also of damaged records."""

from __future__ import annotations

import random

import numpy as np
import pytest
from construct import ConstructError
from fuzz import seeds
from fuzz.layouts import BODY_KINDS, kaitai_parse, leaves
from fuzz.mutating import mutate_image
from fuzz.profile import TIMES, examples
from hypothesis import given
from hypothesis import strategies as st

from darimage.schema import ORDERS, dtype, layout
from darimage.schema.tables import DTYPES
from darimage.units import RECORD

FIXED = sorted({(name, order) for name, order, _ in DTYPES})
SIZES = {(name, order): dtype(name, order, body).itemsize for name, order, body in DTYPES}

KINDS = {number: body for body, number in BODY_KINDS.items() if body != "raw_body"}


def plain(value):
    """Return a parsed value as numbers, bytes and lists."""
    if isinstance(value, np.ndarray):
        return value.tobytes() if value.dtype == np.uint8 else value.tolist()
    if isinstance(value, bytes):
        return value
    return [int(one) for one in value] if isinstance(value, list) else int(value)


def follow(parsed, path):
    for name in path:
        parsed = getattr(parsed, name)
    return plain(parsed)


def body_of(name, order, data):
    """Return the case that the byte ``kind`` chooses, ``None`` if the layout has no cases."""
    bodies = {body for known, way, body in DTYPES if (known, way) == (name, order)}
    if bodies == {None}:
        return None
    derived = dtype(name, order, "raw_body")
    at = next(at for path, at, _ in leaves(derived.fields) if path[-1] == "kind")
    return KINDS.get(data[at], "raw_body")


def check(name, order, data):
    derived = dtype(name, order, body_of(name, order, data))
    construct, kaitai = layout(name, order).parse(data), kaitai_parse(name, order, data)
    row = np.frombuffer(data, derived, 1)[0]
    for path, _, _ in leaves(derived.fields):
        value = row
        for step in path:
            value = value[step]
        assert plain(value) == follow(construct, path) == follow(kaitai, path), (name, path)


@pytest.mark.parametrize(("name", "order"), FIXED)
@examples(5)
@given(seed=st.randoms(use_true_random=False))
def test_any_bytes_read_the_same_in_all_three(name, order, seed):
    check(name, order, seed.randbytes(SIZES[name, order]))


@pytest.mark.parametrize(("name", "order"), FIXED)
def test_bytes_that_are_too_few_are_refused_by_all_three(name, order):
    data = bytes(SIZES[name, order] - 1)
    with pytest.raises(ConstructError):
        layout(name, order).parse(data)
    with pytest.raises(EOFError):
        kaitai_parse(name, order, data)
    with pytest.raises(ValueError, match="buffer"):
        np.frombuffer(data, dtype(name, order, body_of(name, order, data)), 1)


@pytest.mark.parametrize("order", ORDERS)
def test_mutated_records_read_the_same_in_all_three(order):
    dice = random.Random(order)
    for _ in range(int(12 * TIMES)):
        known = dice.choice(seeds.all_images())
        data = mutate_image(known, len(known), dice.getrandbits(32))
        for at in range(0, len(data) - RECORD + 1, RECORD * dice.randrange(1, 9)):
            check("record", order, data[at : at + RECORD])

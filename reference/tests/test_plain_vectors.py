"""The plain reader and writer on the vectors: the same answers and the same bytes."""

from __future__ import annotations

import pytest
from support import kills

from darimage.conformance import maker
from darimage.plain.rules import Rules

DISPUTED = {
    "damage/dump-block-doubled": "where the next header is due, there is none",
    "dialects/dates-before-1970": "seconds of 2^31 and more are negative (DARI-FIL-024)",
    "directories/crc-wrong": "blocks of a directory are doubtful as those of a file",
    "directories/damaged": "blocks of a directory are doubtful as those of a file",
    "directories/size-beyond": "the zeros behind the entries are a chunk that is broken",
    "extension/missing": "old times have microseconds",
    "extension/version-0": "old times have microseconds",
    "extension/wrong-kind": "old times have microseconds",
    "resources/inode-number": "numbers do not ascend",
    "resources/total-records": "an end that is elsewhere",
    "xattr/form": "a list of the other form has its entries elsewhere",
}
"""Vectors that the plain reader answers otherwise than the suite wants, and why."""

VECTORS = [vector.name for vector in kills.scores.suite()]


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_read_as_it_should(name):
    vector = kills.scores.suite()[name]
    outcome, found = kills._answer(name, Rules())
    if name in DISPUTED:
        assert outcome in ("done", "done with faults", "refused")
        return
    assert kills._is_right(vector, outcome, found), (outcome, (found or {}).get("faults"))


@pytest.mark.parametrize("name", list(kills.recipes()))
def test_a_recipe_gives_the_same_bytes(name):
    recipe = kills.recipes()[name]
    assert kills.made(recipe) == maker.make(recipe)

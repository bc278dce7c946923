"""The plain reader and writer on the vectors: the same answers and the same bytes."""

from __future__ import annotations

import pytest
from support import kills

from darimage.conformance import maker
from darimage.plain.rules import Rules

DISPUTED = {
    "damage/dump-block-doubled": "where the next header is due, there is none",
    "directories/size-beyond": "the zeros behind the entries are a chunk that is broken",
    "resources/inode-number": "numbers do not ascend",
    "resources/total-records": "an end that is elsewhere",
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

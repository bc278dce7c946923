"""Vectors are what they say: same bytes, same findings, same contents, on every machine."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from darimage.conformance.findings import judge
from darimage.conformance.inventory import inventory
from darimage.conformance.manifest import entry
from darimage.conformance.vectors import HOME, Suite
from darimage.image.reader import Image

SUITE = Suite()
MANIFEST = {told["id"]: told for told in SUITE.manifest["vectors"]}
SCHEMAS = HOME.parent / "schemas"


def schema(name):
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


INVENTORY = schema("inventory")


@pytest.mark.parametrize("vector", list(SUITE), ids=lambda vector: vector.name)
def test_a_vector_is_what_it_says(vector):
    data = SUITE.image(vector)
    assert entry(SUITE, vector) == MANIFEST[vector.id]
    found = [finding.as_told() for finding in judge(data)]
    assert found == vector.told.get("expect", [])
    wanted = SUITE.inventory(vector)
    if wanted is not None:
        INVENTORY.validate(wanted)
        with Image.open(data) as image:
            assert inventory(image) == wanted


def test_the_manifest_obeys_its_schema():
    schema("manifest").validate(SUITE.manifest)


def test_ids_are_unique_and_never_given_again():
    ids = [vector.id for vector in SUITE]
    retired = (HOME / "retired.txt").read_text().split()
    assert len(ids) == len(set(ids))
    assert not set(ids) & set(retired)
    numbers = {int(one[-4:]) for one in [*ids, *retired]}
    assert numbers == set(range(1, max(numbers) + 1))
    assert sorted(MANIFEST) == sorted(ids)

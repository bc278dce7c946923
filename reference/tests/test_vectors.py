"""Vectors are what they say: same bytes, same findings, same contents, on every machine."""

from __future__ import annotations

import hashlib
import json

import jsonschema_rs
import pytest

from darimage.conformance import known, maker, manifest, patches, seals, trees
from darimage.conformance.answers import View, compared, differences
from darimage.conformance.export import export
from darimage.conformance.fault_table import FAULTS
from darimage.conformance.findings import judge
from darimage.conformance.frame import Frame
from darimage.conformance.manifest import entry
from darimage.conformance.severity import examined
from darimage.conformance.testee import FIELDS
from darimage.conformance.vectors import HOME, Suite
from darimage.errors import FormatError
from darimage.image.reader import Image
from darimage.validate.verify import verify

SUITE = Suite()
MANIFEST = {told["id"]: told for told in SUITE.manifest["vectors"]}
SCHEMAS = HOME.parent / "schemas"


def schema(name):
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


INVENTORY = schema("inventory")


def told(vector):
    """Return a vector as a parameter; what verification does not find yet has to fail."""
    marks = [pytest.mark.xfail(reason=vector.told["todo"])] if "todo" in vector.told else []
    return pytest.param(vector, id=vector.name, marks=marks)


@pytest.mark.parametrize("vector", [told(vector) for vector in SUITE])
def test_a_vector_is_what_it_says(vector):
    assert entry(SUITE, vector) == MANIFEST[vector.id]
    with SUITE.given(vector) as given:
        assert [finding.as_told() for finding in judge(given)] == vector.told.get("expect", [])


KNOWN = known.load(HOME.parent / "adapters" / "darimage" / "known-failures.txt")
"""What darimage does otherwise than chapter 88 says; who mends it takes the line out."""


def read_vectors():
    """Yield all vectors; those that darimage is known to read otherwise have to fail."""
    for vector in SUITE:
        reason = KNOWN.get(f"{vector.id}:decode")
        marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
        yield pytest.param(vector, id=vector.name, marks=marks)


@pytest.mark.parametrize("vector", list(read_vectors()))
def test_a_reader_finds_what_a_vector_says(vector):
    """What is left of a damaged image, too: states, what is missing, what has no name."""
    wanted = SUITE.inventory(vector)
    with SUITE.given(vector) as given:
        if vector.is_refused:
            with pytest.raises(FormatError):
                Image.open(given)
            return
        found, _, is_faulty = examined(given)
    INVENTORY.validate(found)
    if wanted is not None:
        view = View((*FIELDS, "sddl"))
        assert not differences(compared(wanted, view), compared(found, view))
        assert is_faulty == (SUITE.decode(vector) == "survive")


def test_few_vectors_leave_open_what_a_reader_finds():
    """Each says what is left; where several answers are right it says so."""
    silent = {v.name for v in SUITE if not v.is_refused and SUITE.inventory(v) is None}
    assert silent == {"xattr/list-too-long"}


@pytest.mark.parametrize("vector", list(SUITE), ids=lambda vector: vector.name)
def test_what_a_vector_expects_obeys_the_schema(vector):
    wanted = SUITE.inventory(vector)
    if wanted is not None:
        INVENTORY.validate(wanted)
        for one in wanted.get("faults", ()):
            assert one["name"] in FAULTS


# The field that is named is another that does not agree with the patched one.
ELSEWHERE = {
    "directories/behind-files",
    "directories/with-a-hole",
    "end/good-with-mismatches",
    "end/substituted-not-counted",
    "files/group-of-32-bits",
    "files/records-beyond-the-size",
    "files/size-of-more-blocks",
    "files/target-is-a-hole",
    "files/true-atime",
    "files/true-ctime",
    "files/true-mtime",
    "incremental/base-date-epoch",
    "incremental/date-epoch",
    "volumes/feature-bit",
}


def patched_field(vector):
    """Return the only field that a vector patches, without which element of it."""
    match vector.told.get("patches"):
        case [{"record": _, "field": field}]:
            return field.partition("[")[0]
    return None


def faults_of(vector):
    """Return what verification finds; nothing in what is no image at all."""
    try:
        with SUITE.given(vector) as image:
            return verify(image).faults
    except FormatError:
        return []


def test_the_field_at_fault_is_the_patched_one():
    named = set()
    for vector in SUITE:
        field, broken = patched_field(vector), vector.told["requirements"][0]
        if field is None or vector.is_valid or "todo" in vector.told:
            continue
        faults = [one for one in faults_of(vector) if one.requirement == broken]
        if found := {one.field.path for one in faults if one.field is not None}:
            assert (field in found) == (vector.name not in ELSEWHERE), (vector.name, found)
            named.add(vector.name)
    assert len(named) > 140
    assert named > ELSEWHERE


@pytest.mark.parametrize(
    "vector", [vector for vector in SUITE if vector.parent is not None], ids=lambda v: v.name
)
def test_without_its_patch_nothing_is_wrong(vector):
    """What is found comes of the patch: the parent is sound, and nothing else was changed."""
    parent = SUITE.image(SUITE[vector.parent])
    assert SUITE[vector.parent].is_valid
    changes = MANIFEST[vector.id]["changes"]
    if changes is not None:
        undone = bytearray(SUITE.image(vector))
        for change in changes:
            old, new = bytes.fromhex(change["old"]), bytes.fromhex(change["new"])
            assert undone[change["at"] :][: len(new)] == new
            undone[change["at"] : change["at"] + len(new)] = old
        assert undone == parent


@pytest.mark.parametrize(
    "vector", [vector for vector in SUITE if vector.parent is None], ids=lambda v: v.name
)
def test_sealing_changes_nothing_in_a_good_image(vector):
    frame = Frame(SUITE.image(vector))
    seals.reseal(frame, frame.runs)
    assert frame.tobytes() == SUITE.image(vector)


def test_what_is_exported_is_what_was_judged(tmp_path):
    volumes = [vector for vector in SUITE if "volumes" in vector.told["features"]]
    chosen = [*volumes, SUITE["basic/hello"]]
    assert export(SUITE, tmp_path, chosen) == len(chosen)
    sums = (tmp_path / "SHA256SUMS").read_text().splitlines()
    for line in sums:
        wanted, _, path = line.partition("  ")
        assert hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() == wanted
    told = json.loads((tmp_path / "manifest.json").read_text())
    schema("manifest").validate(told)
    for one in told["vectors"]:
        if "inventory" in one:
            wanted = json.loads((tmp_path / one["inventory"]).read_text())
            assert wanted == SUITE.inventory(SUITE[one["id"]])


def test_an_incremental_image_names_the_vectors_it_builds_on():
    chains = [vector for vector in SUITE if "bases" in vector.told]
    assert chains
    for vector in chains:
        base = SUITE[vector.told["bases"][-1]].expected["image"]
        assert vector.expected["image"]["base_date"] == base["date"]
        if base["uuid"] is not None:
            assert vector.told["recipe"]["options"]["base"]["uuid"] == base["uuid"]


def test_each_vector_obeys_its_schema():
    form = schema("vector")
    for vector in SUITE:
        form.validate(vector.told)
        assert not form.is_valid({**vector.told, "patchs": []}), vector.name


def test_the_form_of_vectors_knows_what_the_code_knows():
    """What the schema refuses cannot be made, and what can be made it does not refuse."""
    told = json.loads((SCHEMAS / "vector.schema.json").read_text())
    kinds = [set(one["required"]) for one in told["properties"]["patches"]["items"]["oneOf"]]
    names = patches.EDITS.keys() | patches.OPERATIONS.keys()
    assert all(kind & names for kind in kinds)
    assert all(any(name in kind for kind in kinds) for name in names)
    options = told["$defs"]["recipe"]["properties"]["options"]["properties"]
    assert options.keys() == maker.KNOWN
    assert set(told["$defs"]["entry"]["properties"]["type"]["enum"]) == trees.TYPES.keys()


def test_where_more_is_found_than_the_one_fault_the_vector_says_why():
    for vector in SUITE:
        others = set(vector.broken) - {vector.shown[0]}
        assert bool(vector.told.get("because")) >= bool(others), (vector.name, others)


def test_the_manifest_says_what_is_no_more_than_advice():
    wanted = {vector.id for vector in SUITE if vector.broken and manifest.conforms(vector)}
    told = {one["id"] for one in MANIFEST.values() if one["conforms"] and not one["valid"]}
    assert told == wanted
    assert len(told) > 5
    for one in MANIFEST.values():
        found = {finding["requirement"] for finding in one.get("expect", [])} - {None}
        assert one["levels"].keys() == found | set(one["requirements"])
        assert one["conforms"] == all("MUST" not in one["levels"][name] for name in found)


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

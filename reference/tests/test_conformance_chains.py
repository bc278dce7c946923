"""Tasks on several images: chains of incremental images, images on several volumes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema_rs
import pytest
from support import suites

from darimage.conformance import testee
from darimage.conformance.asking import Question
from darimage.conformance.export import export
from darimage.conformance.level1 import arguments
from darimage.conformance.limits import Limits
from darimage.conformance.testee import SHIPPED, Claims, Task, Testee
from darimage.conformance.vectors import HOME, Suite

PATIENT = Limits(seconds=60)

FORGETFUL = """
import runpy, sys
sys.argv = [{adapter!r}, *sys.argv[1:5]]
sys.path.insert(0, {folder!r})
runpy.run_path({adapter!r}, run_name="__main__")
"""
"""darimage, but for the bases, which it does not look at."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write out all vectors that are valid and have bases or volumes, and their bases."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors = Suite()
    chosen = {v.name: v for v in vectors if v.is_valid and v.topic in ("incremental", "volumes")}
    for vector in list(chosen.values()):
        chosen |= {name: vectors[name] for name in vector.told.get("bases", ())}
    export(vectors, folder, chosen.values())
    return folder


def ids(folder, *, of):
    entries = json.loads((folder / "manifest.json").read_text())["vectors"]
    return {e["id"] for e in entries if (e.get("bases") if of == "bases" else len(e["files"]) > 1)}


@pytest.mark.parametrize("name", ["darimage", "darimage-command"])
def test_darimage_does_them_all(folder, name):
    subject = testee.load(SHIPPED / name / "testee.toml")
    tasks = (Task.DECODE, Task.VALIDATE, Task.RESTORE)
    report = suites.run(subject, folder, [f"*:{task}*" for task in tasks], jobs=2, limits=PATIENT)
    assert not [(c["id"], c["reason"]) for c in report["cases"] if c["verdict"] != "pass"]
    told = {case["id"] for case in report["cases"]}
    for one in ids(folder, of="bases"):
        for which in ("", ":one", ":alone", ":turned"):
            assert f"{one}:restore{which}" in told
    assert sum(case.endswith(":gap") for case in told) == 1
    assert len(ids(folder, of="volumes")) > 1
    used = report["suite"]["vectors"]
    for case in report["cases"]:
        assert case["vector"] in used


def test_bases_that_are_not_looked_at_are_missed(folder, tmp_path):
    adapter = SHIPPED / "darimage" / "adapter.py"
    script = tmp_path / "forgetful.py"
    script.write_text(FORGETFUL.format(adapter=str(adapter), folder=str(adapter.parent)))
    claims = Claims("forgetful", tasks=(Task.RESTORE,))
    subject = Testee(0, (sys.executable, str(script)), claims)
    report = suites.run(subject, folder, ["incremental/*"], jobs=2, limits=PATIENT)
    found = suites.verdicts(report)
    for one in ids(folder, of="bases"):
        assert found[f"{one}:restore"] == "fail"
        assert found[f"{one}:restore:turned"] == "fail"
        assert found[f"{one}:restore:alone"] == "pass"


def test_without_its_bases_a_vector_is_restored_alone(folder, tmp_path):
    vectors = Suite()
    export(vectors, tmp_path, [vectors["incremental/level-1"]])
    subject = testee.load(SHIPPED / "darimage" / "testee.toml")
    report = suites.run(subject, tmp_path, ["*:restore*"], limits=PATIENT)
    assert [case["id"].partition(":")[2] for case in report["cases"]] == ["restore:alone"]


@pytest.mark.parametrize("name", ["kaitai", "restore"])
def test_who_claims_no_volumes_is_not_asked(folder, name):
    subject = testee.load(SHIPPED / name / "testee.toml")
    subject = Testee(0, subject.command, Claims(name, features=frozenset({"dari-core", "acl"})))
    report = suites.run(subject, folder, ["volumes/of-20-records"], limits=PATIENT)
    assert {case["verdict"] for case in report["cases"]} == {"unsupported"}


def test_what_is_asked_obeys_the_schema():
    schemas = {
        name: json.loads((HOME.parent / "schemas" / f"{name}.schema.json").read_text())
        for name in ("protocol", "inventory")
    }
    registry = jsonschema_rs.Registry(
        [(f"https://example.org/{name}", told) for name, told in schemas.items()]
    )
    validator = jsonschema_rs.validator_for(
        {"$ref": "https://example.org/protocol#/$defs/arguments"}, registry=registry
    )
    a, b, c = Path("/x/image001"), Path("/x/image002"), Path("/x/base.dari")
    questions = [
        Question(Task.VALIDATE, "v", a, strength="SHOULD", volumes=(a, b)),
        Question(Task.RESTORE, "v", a, b"\xff", destination=c, bases=((c,), (a, b))),
        Question(Task.ENCODE, "v", a, tree=c),
    ]
    for question in questions:
        validator.validate(arguments(question))
    assert arguments(questions[0])["volumes"] == ["/x/image001", "/x/image002"]
    assert arguments(questions[1])["bases"] == [["/x/base.dari"], ["/x/image001", "/x/image002"]]
    assert questions[0].words() == ["validate", "/x/image001", "SHOULD"]
    assert questions[1].words()[-2:] == ["/x/base.dari", "/x/image001"]

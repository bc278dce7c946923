"""The adapters that come with the suite: real implementations on some of its vectors."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest
from support import suites
from support.legacy import loop_ext4, program

from darimage.conformance import known, suite, testee
from darimage.conformance.export import export
from darimage.conformance.limits import Limits
from darimage.conformance.testee import SHIPPED, Task
from darimage.conformance.vectors import HOME, Suite

SCHEMAS = HOME.parent / "schemas"
ADAPTERS = sorted(path.parent.name for path in SHIPPED.glob("*/testee.toml"))
PATIENT = Limits(seconds=60)

FOREIGN = ("restore", "restore-newer", "dump")
"""Programs that are older than the format, with what is known of them."""

ALLOWED = ("pass", "unsupported", "skip", "expected-fail")
"""Verdicts of which nothing is new."""

JAR = Path("/usr/share/java/commons-compress.jar")

CHOSEN = 24
"""Vectors that are tried here; `make conformance` tries them all."""


def validator(name, part=None):
    found = {
        f"{name}.schema.json": json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        for name in ("protocol", "testee", "inventory")
    }
    registry = jsonschema_rs.Registry(
        [(f"https://example.org/{key}", value) for key, value in found.items()]
    )
    reference = f"https://example.org/{name}.schema.json" + (f"#/$defs/{part}" if part else "")
    return jsonschema_rs.validator_for({"$ref": reference}, registry=registry)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write out some vectors: all valid ones of the first topics, and a few of the others."""
    folder = tmp_path_factory.mktemp("vectors")
    vectors = Suite()
    valid = [vector for vector in vectors if vector.is_valid]
    rest = [vector for vector in vectors if not vector.is_valid]
    step = max(1, len(valid) // (CHOSEN * 2 // 3))
    chosen = valid[::step][: CHOSEN * 2 // 3]
    chosen += rest[:: max(1, len(rest) // (CHOSEN // 3))][: CHOSEN // 3]
    export(vectors, folder, chosen)
    return folder


def available(name):
    needed = {"javascript": "node", "restore": "restore", "dump": "dump"}.get(name)
    if needed:
        program(needed)
    if name in FOREIGN and os.geteuid():
        pytest.skip("needs root")
    if name == "restore-newer":
        found, why_not = runpy.run_path(str(SHIPPED / name / "adapter.py"))["newest"]()
        if not found:
            pytest.skip(why_not)
    if name == "dump":
        with loop_ext4(16 << 20):
            pass


def failures_of(name):
    path = SHIPPED / name / "known-failures.txt"
    return known.load(path) if path.exists() else {}


@pytest.mark.parametrize("name", ADAPTERS)
def test_its_description_obeys_the_schema(name):
    told = tomllib.loads((SHIPPED / name / "testee.toml").read_text())
    validator("testee").validate(told)
    needed = {"javascript": "node", "commons-compress": "java"}.get(name)
    if needed is None or shutil.which(needed):
        found = testee.load(SHIPPED / name / "testee.toml")
        assert found.level == told["level"]


@pytest.mark.parametrize("name", ["darimage", "kaitai", "javascript"])
def test_it_passes(name, folder):
    available(name)
    subject = testee.load(SHIPPED / name / "testee.toml")
    report = suites.run(subject, folder, jobs=2, limits=PATIENT, known=failures_of(name))
    bad = [case for case in report["cases"] if case["verdict"] not in ALLOWED]
    assert not [(case["id"], case["reason"]) for case in bad]
    assert report["counts"]["pass"] > len(report["cases"]) / 2


def test_a_process_for_each_task_passes(folder):
    subject = testee.load(SHIPPED / "darimage-command" / "testee.toml")
    only = min(suite.load(folder).vectors)
    report = suites.run(subject, folder, [f"{only}:*"], jobs=2, limits=PATIENT)
    assert {case["task"] for case in report["cases"]} >= {"decode", "validate", "restore"}
    assert not {case["verdict"] for case in report["cases"]} - {"pass", "skip"}


@pytest.mark.root
@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_program_does_what_is_known_of_it(name, folder):
    available(name)
    subject = testee.load(SHIPPED / name / "testee.toml")
    quick = Limits(seconds=5)
    report = suites.run(subject, folder, jobs=2, limits=quick, known=failures_of(name))
    bad = [case for case in report["cases"] if case["verdict"] not in ALLOWED]
    assert not [(case["id"], case["reason"]) for case in bad]
    assert report["counts"]["pass"] > 5


def test_commons_compress_reads_plain_dumps(tmp_path):
    if not JAR.exists() or shutil.which("java") is None:
        pytest.skip("no Commons Compress here (Debian packages libcommons-compress-java, java)")
    vectors = Suite()
    chosen = [
        vectors[name] for name in ("dialects/dump-le", "inodes/times", "names/order-of-bytes")
    ]
    export(vectors, tmp_path, chosen)
    subject = testee.load(SHIPPED / "commons-compress" / "testee.toml")
    report = suites.run(subject, tmp_path, jobs=1, limits=PATIENT)
    # Of an inode's names it lists one; all else of a dump is as it should be.
    found = {case["name"]: case for case in report["cases"]}
    lines = found["dialects/dump-le"]["seen"]["differences"]
    assert [line for line in lines if "hard" not in line] == []
    assert {case["verdict"] for case in report["cases"]} <= {"pass", "fail"}


@pytest.mark.parametrize("name", FOREIGN)
def test_known_failures_are_cases_of_the_suite(name):
    entries = failures_of(name)
    assert entries
    ids = {vector.id for vector in Suite()}
    for entry in entries:
        vector, task, *_ = entry.split(":")
        assert vector in ids
        assert task in list(Task)


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize("name", FOREIGN)
def test_known_failures_have_the_reasons_that_are_measured(name, tmp_path):
    available(name)
    entries, vectors = failures_of(name), Suite()
    failing = {entry.partition(":")[0] for entry in entries}
    chosen = {one.name: one for number in failing for one in family(vectors, vectors[number])}
    export(vectors, tmp_path, chosen.values())
    subject = testee.load(SHIPPED / name / "testee.toml")
    report = suites.run(subject, tmp_path, jobs=2, limits=Limits(seconds=10), known=entries)
    cases = {case["id"]: case for case in report["cases"]}
    for entry, reason in entries.items():
        seen = cases[entry]["seen"]
        told = [seen["outcome"], seen["message"], *seen["findings"], *seen["differences"]]
        measured = reason.partition(" -- ")[0].split(" or ")
        assert any(word in line for word in measured for line in told), (entry, told)
    # Without the fault they pass, so the fault is the cause.
    rest = [case for case in cases.values() if case["vector"] not in failing]
    assert not [(case["id"], case["reason"]) for case in rest if case["verdict"] in BAD]


BAD = ("fail", "crash", "timeout", "unexpected-pass", "harness-error")


def family(vectors, vector):
    """Yield a vector, what it was made from and what it builds on."""
    yield vector
    for name in [vector.parent, *vector.told.get("bases", ())]:
        if name is not None:
            yield from family(vectors, vectors[name])


@pytest.mark.parametrize("name", ["darimage", "kaitai", "javascript"])
def test_a_session_obeys_the_schema(name, folder, tmp_path):
    available(name)
    subject = testee.load(SHIPPED / name / "testee.toml")
    vectors = suite.load(folder).vectors
    good = next(vector for vector in vectors.values() if vector.valid)
    asked = [{"cmd": "start", "protocol": 1}]
    asked += [
        {
            "cmd": "run",
            "seq": n,
            "task": task,
            "vector": good.id,
            "arguments": {"image": str(image)} | ({"level": "MUST"} if task == "validate" else {}),
        }
        for n, (task, image) in enumerate(
            [
                ("decode", good.image),
                ("decode", folder / "manifest.json"),
                ("validate", good.image),
            ],
            1,
        )
    ]
    asked.append({"cmd": "stop"})
    for message in asked:
        validator("protocol", "asked").validate(message)
    done = subprocess.run(
        subject.command,
        cwd=tmp_path,
        input="".join(json.dumps(message) + "\n" for message in asked).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 4
    for message in told:
        validator("protocol", "told").validate(message)
    assert [message.get("seq") for message in told] == [None, 1, 2, 3]
    assert told[1]["results"]["accepted"]
    assert told[2]["results"]["accepted"] is False
    inodes = told[1]["results"]["inventory"]["inodes"]
    fields = set(told[0].get("fields", testee.FIELDS))
    for inode in inodes:
        assert inode.keys() <= fields | {"paths", "type"}


@pytest.mark.parametrize("name", ["darimage", "kaitai", "javascript"])
def test_level_0_is_the_same(name, folder, tmp_path):
    available(name)
    command = testee.load(SHIPPED / name / "testee.toml").command[:-1]
    vectors = suite.load(folder).vectors
    good = next(vector for vector in vectors.values() if vector.valid)

    def call(*words):
        return subprocess.run(
            [*command, *map(str, words)], cwd=tmp_path, capture_output=True, timeout=60, check=False
        )

    done = call("decode", good.image)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["inodes"]) == len(good.expected["inodes"])
    refused = call("decode", folder / "manifest.json")
    assert refused.returncode == 1
    assert refused.stderr.strip()
    assert not refused.stdout
    assert call("dance", good.image).returncode == 3
    crashed = call("decode", tmp_path / "nothing")
    assert crashed.returncode >= 126


def test_every_feature_of_the_manifest_is_known():
    manifest = json.loads((SCHEMAS / "manifest.schema.json").read_text())
    named = manifest["$defs"]["vector"]["properties"]["features"]["items"]["enum"]
    protocol = json.loads((SCHEMAS / "protocol.schema.json").read_text())["$defs"]
    # Vectors need not say that something is wrong with them.
    assert {*named, "faults"} == set(testee.FEATURES) == set(protocol["feature"]["enum"])
    fields = {*testee.FIELDS, *testee.MORE_FIELDS}
    assert fields == set(protocol["field"]["enum"])
    inventory = json.loads((SCHEMAS / "inventory.schema.json").read_text())
    assert fields <= set(re_properties(inventory))


def re_properties(schema):
    """Yield the names of all properties of a schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from re_properties(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from re_properties(value)

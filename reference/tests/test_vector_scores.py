"""What the vectors cover: rules, requirements, bytes of the layouts (`make conformance` prints it).

The numbers may only get better. Who adds a rule adds a vector that it is needed for.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest
from support import scores

from darimage.conformance.vectors import Suite

NOT_MISSED = {
    "decoded.ext-002": "takes a validator that is asked for a profile which the image is not of",
    "records.header": "takes a dump in which nothing else is wrong: it is data then (chapter 88)",
    "numbers.nothing": "is a note: nothing is broken by what it finds, so no vector expects it",
    "numbers.many": "takes a dump of more than a thousand headers that do not follow",
}
"""Why some rules are missed by no vector."""

SECOND = {
    "decoded.dir-008": "directory.same-name",
    "decoded.dir-015": "directory.exists",
    "decoded.sct-009": "section.version",
    "decoded.vol-001": "volume.absent",
}
"""What readers tell of a record of which a rule told already: it is heard without that rule."""


KEPT = {
    "decoded.vol-020",
    "directory.exists",
    "directory.own-number",
    "directory.same-name",
    "volume.absent",
}
"""Rules whose first vector does not miss them: another one, or a reader that is asked, tells the
same in the same place."""


@pytest.fixture(scope="module")
def killed():
    return scores.killers()


def test_each_rule_is_missed_by_a_vector(killed):
    alive = {rule for rule, names in killed.items() if not names}
    assert alive == NOT_MISSED.keys() | SECOND.keys()


@pytest.mark.parametrize(("second", "rule"), SECOND.items())
def test_what_readers_tell_as_well_is_heard_without_the_rule(killed, second, rule):
    vectors = [scores.suite()[name] for name in killed[rule]]
    assert any(second in {one.rule for one in scores.found(v, {rule})} for v in vectors)


def test_each_rule_switched_off_makes_a_vector_fail(killed):
    """But for what two rules find, or what opening finds as well."""
    kept = set()
    for rule, names in killed.items():
        if names:
            vector = scores.suite()[names[0]]
            whole, less = scores.found(vector), scores.found(vector, {rule})
            if [one.as_told() for one in whole] == [one.as_told() for one in less]:
                kept.add(rule)
            assert rule not in {one.rule for one in less}
    assert kept <= KEPT, kept - KEPT


def test_each_must_that_an_image_shows_is_checked():
    """There is a rule for it, since a vector makes it told; or spec/ says why none can be."""
    assert not scores.unchecked()


def test_vectors_name_requirements_that_there_are():
    known = scores.requirements()
    for vector in scores.suite():
        assert set(vector.told["requirements"]) <= known.keys(), vector.name


def test_an_invalid_vector_breaks_what_it_says_first():
    for vector in scores.suite():
        if not vector.is_valid:
            broken = {one["requirement"] for one in vector.told["expect"]}
            assert vector.told["requirements"][0] in broken, vector.name


def test_few_bytes_of_the_layouts_are_never_touched():
    touched = scores.touched()
    missed = sum(int((~hit).sum()) for hit in touched.values())
    assert missed < sum(len(hit) for hit in touched.values()) / 10


BOMBS = """
import json, re, time
from pathlib import Path
from darimage.conformance.findings import judge
from darimage.conformance.inventory import inventory
from darimage.conformance.vectors import Suite
from darimage.validate.rules import all_rules
from darimage.errors import FormatError
from darimage.image.reader import Image

suite = Suite()
told = {}
for vector in suite:
    if "limits" not in vector.told:
        continue
    with suite.given(vector) as given:
        began = time.perf_counter()
        judge(given)
        try:
            with Image.open(given) as image:
                inventory(image)
        except FormatError:
            pass
    # Not ru_maxrss: that counts what the process that forked this one had as well.
    after = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    told[vector.name] = [time.perf_counter() - began, int(after[1]) >> 10]
print(json.dumps(told))
"""


def test_bombs_stay_within_their_limits():
    """All in one process, which is given little more memory than the limits say."""
    room = 4 << 30

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (room, room))

    run = subprocess.run(
        [sys.executable, "-c", BOMBS],
        capture_output=True,
        check=True,
        timeout=120,
        preexec_fn=limit,
    )
    told = json.loads(run.stdout)
    suite = Suite()
    assert len(told) > 15
    for name, (seconds, memory) in told.items():
        limits = suite[name].told["limits"]
        assert seconds < limits["seconds"], name
        assert memory < limits["memory_mib"], name

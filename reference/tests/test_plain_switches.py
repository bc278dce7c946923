"""Each MUST has a switch or a reason, each switch is in the code, and some are noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import kills

from darimage.conformance.fault_table import FAULTS
from darimage.plain import faults, switches
from darimage.plain.rules import Rules
from darimage.plain.write_switches import WRITER_BREAKS
from darimage.validate.registry import requirements

PACKAGE = Path(switches.__file__).parent
CONSULTED = set(
    re.findall(
        r'(?:keeps|follows)\(\s*"(DARI-[A-Z]{3}-\d{3})"',
        "".join(path.read_text() for path in PACKAGE.glob("*.py")),
    )
)


def musts(whom):
    """Return the MUSTs that bind somebody."""
    known = requirements().values()
    return {one.id for one in known if one.strength == "MUST" and whom in one.binds}


def test_each_must_of_a_reader_has_a_switch_or_a_reason():
    assert switches.READER.keys() | switches.READER_REASONS.keys() == musts("reader")
    assert not switches.READER.keys() & switches.READER_REASONS.keys()


def test_each_must_of_a_writer_has_a_switch_or_a_reason():
    assert switches.WRITER.keys() | switches.WRITER_REASONS.keys() == musts("writer")
    assert not switches.WRITER.keys() & switches.WRITER_REASONS.keys()


def test_each_switch_of_the_reader_is_where_its_rule_is_kept():
    assert switches.READER.keys() == CONSULTED


def test_faults_have_the_names_of_the_specification():
    rows = {name: faults.SEVERITY[name] for name in faults.SEVERITY}
    assert {name: FAULTS[name].severity for name in rows} == rows
    firsts = {name: FAULTS[name].requirements[0] for name in rows}
    assert firsts == {name: faults.REQUIREMENT[name] for name in rows}


def test_reasons_are_for_switches_that_exist():
    assert kills.UNNOTICED.keys() <= switches.READER.keys()
    assert kills.UNNOTICED_WRITER.keys() <= WRITER_BREAKS.keys()


@pytest.mark.parametrize(
    ("requirement", "vector"),
    [
        ("DARI-REC-029", "acl/front-damaged"),
        ("DARI-DIR-007", "directories/slash"),
        ("DARI-VOL-020", "volumes/second-missing"),
        ("DARI-ACL-013", "acl/spans-overlap"),
        ("DARI-SCT-009", "sections/unknown-version"),
        ("DARI-DIR-011", "directories/loop"),
    ],
)
def test_a_vector_notices_a_rule_that_is_not_kept(requirement, vector):
    reader = kills.Reader({vector})
    assert reader.wrong == []
    assert reader.decode(requirement) == vector


def test_what_did_not_matter_is_not_asked():
    rules = Rules(["DARI-REC-004"])
    assert rules.keeps("DARI-REC-004", holds=True)
    assert rules.mattered == set()
    assert rules.keeps("DARI-REC-004", holds=False)
    assert not Rules().keeps("DARI-REC-004", holds=False)


@pytest.mark.slow
def test_all_but_those_with_a_reason_are_noticed():
    found = kills.reader_kills()
    alive = {one for one, by_task in found.items() if not any(by_task.values())}
    assert alive <= kills.UNNOTICED.keys()
    written = kills.writer_kills()
    assert {one for one, by_task in written.items() if not any(by_task.values())} <= (
        kills.UNNOTICED_WRITER.keys()
    )

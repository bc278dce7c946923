"""The names of faults in chapter 88 are those that programs use."""

from __future__ import annotations

import re
from pathlib import Path

from darimage.conformance.fault_table import FAULTS

CHAPTER = (Path(__file__).parents[2] / "spec/88-faults.rst").read_text(encoding="utf-8")
ROW = re.compile(r"^   ``([a-z-]+)`` \| ([NFLR]) \| (.+)$", re.MULTILINE)
REPORT = re.compile(r"``([a-z]+(?:-[a-z]+)*)``(?:, ``([a-z-]+)``)? [NFLR]\b")
SEVERITIES = {"N": "note", "F": "fault", "L": "loss", "R": "refusal"}


def test_the_list_of_names_is_the_table_of_the_suite() -> None:
    told = {
        name: (SEVERITIES[letter], tuple(re.findall(r"DARI-[A-Z]{3}-\d{3}", ids)))
        for name, letter, ids in ROW.findall(CHAPTER)
    }
    assert told == {name: tuple(known) for name, known in FAULTS.items()}


def test_each_name_is_in_a_row_that_says_what_is_done() -> None:
    in_rows = {name for names in REPORT.findall(CHAPTER) for name in names if name}
    in_text = set(re.findall(r"``([a-z]+(?:-[a-z]+)*)``", CHAPTER.partition("All names\n")[0]))
    assert set(FAULTS) <= in_text
    assert in_rows <= set(FAULTS)

"""A failure or a kill at system calls of commands: a sample; `make faults` tries them all."""

from __future__ import annotations

import pytest
from support import each_call

CASES = each_call.cases()

AT_MOST = 6
"""Runs of a case."""


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_whatever_fails_the_old_is_whole_or_the_new(number, tmp_path):
    if why := each_call.why_not():
        pytest.skip(why)
    case = CASES[number]
    ended = case.begin(tmp_path)
    everything = each_call.attempts(ended.calls, 1)
    assert len(everything) > 50
    # Of a step that has nothing in common with how many faults a call has.
    step = max(1, len(everything) // AT_MOST)
    missed = 0
    for call, fault in everything[:: step + (step % 2 == 0)]:
        missed += not case.attempt(call, fault).call
    assert missed <= 2
    assert case.states.total() > AT_MOST // 2

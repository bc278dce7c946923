"""A sample of the failures and kills that ``make faults`` tries all of."""

from __future__ import annotations

import os

import pytest
from support import failing

EVERY = 7

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")


@pytest.mark.parametrize("kind", failing.SCENARIOS, ids=lambda kind: kind.__name__)
def test_what_was_there_is_whole_or_what_is_new(kind):
    count = failing.calls_of(kind)
    assert count
    for number in range(0, count * len(failing.WAYS), EVERY):
        at, way = number // len(failing.WAYS) + 1, failing.WAYS[number % len(failing.WAYS)]
        failing.try_one(kind, at, way)

"""How much is tried: little with all other tests, much at night (``FUZZ_TIMES=50``)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = float(os.environ.get("FUZZ_TIMES", "1"))


def examples(count):
    """Return settings for a property that ``make test`` tries this often."""
    every = list(HealthCheck)
    tried = max(1, int(count * TIMES))
    return settings(max_examples=tried, deadline=None, suppress_health_check=every)

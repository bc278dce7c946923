"""How Hypothesis runs, and how much it tries: little with all other tests, much at night."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = float(os.environ.get("FUZZ_TIMES", "1"))


def load():
    """Take no examples by chance where a commit is let through or not: with ``CI`` set.

    There the same commit has to get the same answer. Everybody else, and each night, tries others.
    How long an example takes says more of what else the machine does than of the code.
    """
    is_gate = bool(os.environ.get("CI"))
    settings.register_profile("darimage", deadline=None, print_blob=True, derandomize=is_gate)
    settings.load_profile("darimage")


def examples(count):
    """Return settings for a property that ``make test`` tries this often (``FUZZ_TIMES=50``)."""
    every = list(HealthCheck)
    tried = max(1, int(count * TIMES))
    return settings(max_examples=tried, deadline=None, suppress_health_check=every)

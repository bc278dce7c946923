"""What is fuzzed: a module a target.

Each has ``seeds()``, the inputs to begin with; ``one(data)``, which tries one input and raises only
if something is wrong; and perhaps ``mutate``, which changes inputs (``fuzz.mutating``).
"""

from __future__ import annotations

NAMES = ("decode", "judge", "bring", "sections", "attributes", "security", "tapes")

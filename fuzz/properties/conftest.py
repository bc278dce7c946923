"""The profile of the tests, here too."""

from __future__ import annotations

from fuzz import profile

profile.load()

"""The profile of the tests, here too."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("darimage", deadline=None, print_blob=True)
settings.load_profile("darimage")

"""Random images and damage: strategies, properties and coverage-guided targets (docs: fuzzing)."""

from __future__ import annotations

LONGEST = 1 << 18
"""Bytes of the longest input of a target."""

"""Hostile payloads: nothing but a FormatError, and memory in proportion to what came in."""

from __future__ import annotations

import importlib
import random

import pytest
from fuzz.limits import in_memory, in_time
from fuzz.profile import TIMES, examples
from fuzz.strategies.payloads import hostile
from fuzz.worker import random_bytes
from hypothesis import given

TARGETS = {name: importlib.import_module(f"fuzz.targets.{name}") for name in (
    "sections", "attributes", "security", "tapes"
)}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
@examples(150)
@given(data=hostile)
def test_any_payload_is_decoded_or_refused(name, data):
    with in_time():
        TARGETS[name].one(data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_payloads_are_decoded_or_refused(name):
    dice = random.Random(name)
    known = TARGETS[name].seeds()
    for _ in range(int(400 * TIMES)):
        with in_time():
            TARGETS[name].one(random_bytes(dice.choice(known), 1 << 18, dice.getrandbits(32)))


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("fill", [b"\xff", b"\0", b"\1"])
def test_great_payloads_take_memory_in_proportion(name, fill):
    for way in range(10):
        data = bytes([way]) + fill * (1 << 16)
        with in_time(), in_memory((8 << 20) + 400 * len(data)):
            TARGETS[name].one(data)

"""Every worked hexdump of spec/ is read with the generated codec of its layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from darimage import schema
from darimage.sections import bitmap
from spec_hexdump import Hexdump, find_hexdumps, look_up

SPEC = Path(__file__).parents[2] / "spec"
HEXDUMPS = [dump for path in sorted(SPEC.rglob("*.rst")) for dump in find_hexdumps(path)]


@pytest.mark.parametrize("dump", HEXDUMPS, ids=lambda dump: dump.source)
def test_hexdump(dump: Hexdump) -> None:
    if dump.inodes is not None:
        assert bitmap.decode(dump.data).tolist() == list(dump.inodes)
        return
    assert dump.layout, "a hexdump names the layout it is read by (:layout:, or :inodes:)"
    assert dump.expect, "a hexdump says what is to be found in it (:expect:)"
    codec = schema.layout(dump.layout, dump.order)
    parsed = codec.parse(dump.data)
    for wanted in dump.expect:
        assert wanted.holds(parsed), f"{wanted}, found {look_up(parsed, wanted.path)!r}"
    assert codec.build(parsed) == dump.data, "the bytes hold more than the layout"


def test_the_specification_has_worked_hexdumps() -> None:
    assert HEXDUMPS

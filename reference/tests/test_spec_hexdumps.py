"""Every worked hexdump of spec/ is read with the generated codec of its layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from darimage import schema
from darimage.sections import bitmap
from darimage.sections.crc import crc32c
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


@pytest.mark.parametrize(
    "dump", [each for each in HEXDUMPS if each.layout == "record"], ids=lambda dump: dump.source
)
def test_whole_headers_carry_right_checksums(dump: Hexdump) -> None:
    """DARI-REC-004, DARI-REC-028: in the steps of the chapter on records."""
    order = "little" if dump.order == "le" else "big"
    blank = dump.data[:28] + bytes(4) + dump.data[32:936] + bytes(4) + dump.data[940:]
    assert int.from_bytes(dump.data[936:940], order) == crc32c(blank)
    words = (int.from_bytes(dump.data[at : at + 4], order) for at in range(0, 1024, 4))
    is_header_of_the_image = any(dump.data[24:28])
    if is_header_of_the_image:
        assert sum(words) % 2**32 == 84446
    else:
        assert not any(dump.data[28:32])


def test_the_specification_has_worked_hexdumps() -> None:
    assert HEXDUMPS

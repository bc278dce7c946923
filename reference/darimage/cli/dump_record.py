"""``darimage dump-record``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from darimage.cli import common
from darimage.errors import UsageError
from darimage.image import volume_set
from darimage.schema import Order
from darimage.sections.fields import Field, fields, hexdump, value_text
from darimage.sections.header import byte_order, sound
from darimage.units import RECORD

_SHOWN = 12


@click.command("dump-record")
@common.image_argument
@click.argument("number", type=click.IntRange(0))
@common.json_option
def command(image: common.ImageName, number: int, *, as_json: bool) -> int:
    """Show record NUMBER of IMAGE: a header field by field beside its bytes, data as bytes.

    Record numbers count from 0; `darimage info` prints those of the image's parts.

    \b
    Examples:
      darimage dump-record home.dari 0
      darimage dump-record --json home.dari 42
    """
    volume = volume_set.as_it_lies(image)
    record = volume.read_at(number * RECORD, RECORD)
    if len(record) < RECORD:
        last = volume.size // RECORD - 1
        raise UsageError(f"{volume.name}: has no record {number}; the last whole one is {last}")
    for gap in volume.missing(number * RECORD, (number + 1) * RECORD):
        raise UsageError(f"{volume.name}: record {number} is not there: {gap.told}")
    order = byte_order(record)
    is_sound = order is not None and bool(
        sound(np.frombuffer(record, np.uint8).reshape(1, RECORD), order)[0]
    )
    shown = list(fields(record, order)) if order else []
    if as_json:
        common.print_json(_as_json(number, order, is_sound, record, shown))
        return 0
    what = "no header"
    if order is not None:
        what = f"header, {order}, checksum {'right' if is_sound else 'WRONG'}"
    common.say(f"record {number}, bytes {number * RECORD}-{(number + 1) * RECORD - 1}: {what}")
    for line in (_field_line(field) for field in shown) if shown else _data_lines(record):
        common.say(line)
    return 0


def _field_line(field: Field) -> str:
    raw = field.raw[:_SHOWN].hex(" ") + (" ..." if len(field.raw) > _SHOWN else "")
    return f"{field.offset:5}  {raw:<40} {field.path} = {value_text(field)}"


def _data_lines(record: bytes) -> Iterator[str]:
    return (f"{at:5}  {raw}  {text}" for at, raw, text in hexdump(record))


def _as_json(
    number: int, order: Order | None, is_sound: bool, record: bytes, shown: list[Field]
) -> dict[str, Any]:
    return {
        "record": number,
        "offset": number * RECORD,
        "header": order is not None,
        "order": order,
        "checksum_right": is_sound,
        "bytes": record.hex(),
        "fields": [
            {
                "path": field.path,
                "offset": field.offset,
                "size": len(field.raw),
                "value": field.value.hex() if isinstance(field.value, bytes) else field.value,
            }
            for field in shown
        ],
    }

"""``darimage dump-record``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import click
import numpy as np

from darimage.cli import common
from darimage.errors import UsageError
from darimage.faults import display
from darimage.schema import CType, Kind, Magic, Order, header_dtype
from darimage.sections.header import BODIES, EXTENSION_MAGIC, byte_order, field_span, sound
from darimage.units import RECORD
from darimage.volumes.reading import open_volume

_LINE = 16
_SHOWN = 12
_NAMED = {"c_type": CType, "c_magic": Magic, "extension.kind": Kind}


class Field(NamedTuple):
    """One field of a header.

    Attributes:
        path: Dotted name, as in ksy/.
        offset: First byte within the record.
        raw: Its bytes.
        value: A number, a list of numbers, or bytes.
    """

    path: str
    offset: int
    raw: bytes
    value: int | list[int] | bytes


@click.command("dump-record")
@common.image_argument
@click.argument("number", type=click.IntRange(0))
@common.json_option
def command(image: str, number: int, *, as_json: bool) -> int:
    """Show record NUMBER of IMAGE: a header field by field beside its bytes, data as bytes.

    Record numbers count from 0; `darimage info` prints those of the image's parts.

    \b
    Examples:
      darimage dump-record home.dari 0
      darimage dump-record --json home.dari 42
    """
    volume = open_volume(image)
    record = volume.read_at(number * RECORD, RECORD)
    if len(record) < RECORD:
        last = volume.size // RECORD - 1
        raise UsageError(f"{image}: has no record {number}; the last whole one is {last}")
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
    click.echo(f"record {number}, bytes {number * RECORD}-{(number + 1) * RECORD - 1}: {what}")
    for line in (_field_line(field) for field in shown) if shown else _hexdump(record):
        click.echo(line)
    return 0


def fields(record: bytes, order: Order) -> Iterator[Field]:
    """Yield every field of a header, in the order they lie."""
    start, end = field_span("extension.magic")
    kind = record[field_span("extension.kind")[0]]
    known = record[start:end] == EXTENSION_MAGIC and kind in set(Kind)
    body = BODIES[Kind(kind)] if known else "raw_body"
    yield from _walk("", 0, np.frombuffer(record, header_dtype(order, body))[0], record)


def _walk(path: str, offset: int, part: Any, record: bytes) -> Iterator[Field]:
    for name, (dtype, at, *_rest) in part.dtype.fields.items():
        full = f"{path}.{name}" if path else name
        if dtype.fields:
            yield from _walk(full, offset + at, part[name], record)
            continue
        raw = record[offset + at : offset + at + dtype.itemsize]
        value = part[name]
        if dtype.shape:
            yield Field(full, offset + at, raw, raw if dtype.base == np.uint8 else value.tolist())
        else:
            yield Field(full, offset + at, raw, int(value))


def _field_line(field: Field) -> str:
    raw = field.raw[:_SHOWN].hex(" ") + (" ..." if len(field.raw) > _SHOWN else "")
    return f"{field.offset:5}  {raw:<40} {field.path} = {_value_text(field)}"


def _value_text(field: Field) -> str:
    value = field.value
    if isinstance(value, bytes):
        if not any(value):
            return f"zero ({len(value)} bytes)"
        if field.path == "c_addr":
            return f"{len(value) - value.count(0)} of {len(value)} bytes not zero"
        text = value.rstrip(b"\0")
        return (
            f'"{display(text)}"' if text.isascii() and text.decode().isprintable() else value.hex()
        )
    if isinstance(value, list):
        return "zero" if not any(value) else str(value)
    names = _NAMED.get(field.path)
    if names is not None and value in set(names):
        return f"{value} ({names(value).name.lower()})"
    return f"{value} ({value:#o})" if field.path.endswith("di_mode") else str(value)


def _hexdump(record: bytes) -> Iterator[str]:
    previous = b""
    for at in range(0, len(record), _LINE):
        piece = record[at : at + _LINE]
        if piece == previous and 0 < at < len(record) - _LINE:
            continue
        previous = piece
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        yield f"{at:5}  {piece.hex(' ')}  {text}"


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

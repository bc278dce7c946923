"""``darimage info``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import click

from darimage.cli import common, nt_acls
from darimage.image import volume_set
from darimage.image.chain import base_of, date_text
from darimage.image.reader import Image
from darimage.schema import Compat, Verdict
from darimage.showing import as_text
from darimage.tapes import held
from darimage.units import RECORD, size_text


@click.command("info")
@common.image_argument
@common.json_option
def command(image: common.ImageName, *, as_json: bool) -> int:
    """Show what IMAGE is, and its parts with their record numbers and sizes.

    No file data is read.

    \b
    Examples:
      darimage info home.dari
      darimage info --json home.dari | jq .parts
      darimage info s3://backups/home.dari
    """
    with Image.open(image) as opened:
        answer = describe(opened)
        faults = list(opened.faults)
    if as_json:
        common.print_json({**answer, "faults": [fault.as_json() for fault in faults]})
    else:
        for line in _lines(answer):
            common.say(line)
        common.print_faults(faults)
    return common.EXIT_FAULTS if faults else 0


def describe(image: Image) -> dict[str, Any]:
    """Return what is known of an image for JSON."""
    identity, extension, end = image.identity, image.extension, image.end
    answer: dict[str, Any] = {
        "image": image.name,
        "format": "dari" if image.is_dari else "dump",
        "byte_order": {"le": "little", "be": "big"}[image.order],
        "bytes": volume_set.real_of(image.volume).size,
        "date": identity.date,
        "base_date": identity.base_date,
        "level": identity.level,
        "ntrec": identity.ntrec,
        "access": image.access,
        "access_note": image.access_note,
    }
    for name in ("label", "filesys", "device", "host"):
        answer[name] = as_text(getattr(identity, name))
    if extension is not None:
        answer["uuid"] = str(uuid.UUID(bytes=extension.image_uuid))
        answer["records"] = extension.total_records
        present = [feature for feature in Compat if feature & extension.feature_compat]
        answer["features"] = [feature.name.lower() for feature in present if feature.name]
        answer["acl_start"] = extension.nt_acls_trailing * RECORD
        base = base_of(image) or b""
        answer["base"] = str(uuid.UUID(bytes=base)) if any(base) else None
        answer["nt_acls"] = nt_acls.counts(image)
        bases = image.streams.by_base.values()
        answer["streams"] = {"bases": len(bases), "streams": sum(len(one.entries) for one in bases)}
    if end is not None:
        known = {int(verdict): verdict.name.lower() for verdict in Verdict}
        answer["verdict"] = known.get(end.verdict, f"unknown ({end.verdict})")
        for name in ("files_written", "mismatches", "substituted", "attributed"):
            answer[name] = getattr(end, name)
    answer["records_per_volume"] = image.volume.cut.capacity
    answer["volumes"] = [volume._asdict() for volume in volume_set.listed(image.volume)]
    answer["tapes"] = [tape._asdict() for tape in held.tapes_of(volume_set.real_of(image.volume))]
    answer["parts"] = [
        {**part._asdict(), "offset": part.record * RECORD, "bytes": part.records * RECORD}
        for part in image.parts
    ]
    return answer


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    kind = "DARI image" if answer["format"] == "dari" else "plain dump stream"
    yield f"{answer['image']}: {kind}, {size_text(answer['bytes'])}"
    yield f"  of        {answer['filesys']} on {answer['host']} ({answer['device']})"
    made = f"{date_text(answer['date'])}, level {answer['level']}, label {answer['label']!r}"
    yield f"  made      {made}"
    if answer["base_date"]:
        base = f", image {answer['base']}" if answer.get("base") else ""
        yield f"  since     {date_text(answer['base_date'])}{base}"
    if "uuid" in answer:
        features = ", ".join(answer["features"]) or "none"
        yield f"  identity  {answer['uuid']}, features: {features}"
    if "verdict" in answer:
        yield f"  verdict   {answer['verdict']}: {_verdict(answer)}"
    if answer.get("streams", {}).get("bases"):
        yield f"  streams   {_streams(**answer['streams'])}"
    if answer.get("attributed"):
        with_them = common.plural(answer["attributed"], "inode")
        yield f"  xattrs    {with_them} with extended attributes or POSIX ACLs"
    if answer.get("acl_start"):
        yield f"  NT ACLs   {nt_acls.counts_line(answer['nt_acls'], answer['acl_start'])}"
    note = f" ({answer['access_note']})" if answer["access_note"] else ""
    yield f"  access    {answer['access']}{note}, {answer['byte_order']}-endian"
    yield ""
    if answer["volumes"]:
        yield from _volumes(answer["volumes"])
        yield ""
    if answer["tapes"]:
        yield from _tapes(answer["tapes"])
        yield ""
    yield f"  {'record':>12} {'records':>12} {'size':>11}  part"
    for part in answer["parts"]:
        size = size_text(part["bytes"])
        note = f": {part['note']}" if part["note"] else ""
        yield f"  {part['record']:>12} {part['records']:>12} {size:>11}  {part['title']}{note}"


def _volumes(volumes: list[dict[str, Any]]) -> Iterator[str]:
    yield f"  {'record':>12} {'records':>12} {'size':>11}  volume"
    for one in volumes:
        size = size_text(one["records"] * RECORD)
        several = one["last"] > one["volume"]
        called = f"{one['volume']} to {one['last']}" if several else f"{one['volume']}"
        state = ": ".join(filter(None, (one["name"], one["note"])))
        state = state if one["present"] or one["note"] else "MISSING"
        told = f"{called}: {state}" if state else called
        yield f"  {one['record']:>12} {one['records']:>12} {size:>11}  {told}"


def _tapes(tapes: list[dict[str, Any]]) -> Iterator[str]:
    yield f"  {'from byte':>14} {'blocks':>9} {'of':>9}  tape"
    for one in tapes:
        lengths = f"{one['block']}" if one["shortest"] == one["block"] else "various"
        place = f"{one['form']}, file {one['file']}, up to {one['ended']}"
        if not one["form"]:
            lengths, place = "", one["note"] or "not looked at"
        if one["bad"]:
            place += f", {one['bad']} of the blocks unreadable"
        yield f"  {one['start']:>14} {one['blocks'] or '':>9} {lengths:>9}  {one['name']}: {place}"
        yield from (f"{'':37}{note}" for note in one["notes"])


def _streams(bases: int, streams: int) -> str:
    having = common.plural(bases, "file or directory", "files and directories")
    return f"{common.plural(streams, 'stream')} of {having}"


def _verdict(answer: dict[str, Any]) -> str:
    written = common.plural(answer["files_written"], "inode")
    text = f"{written} written, {answer['mismatches']} not where the offset map says"
    if answer["substituted"]:
        text += f", {answer['substituted']} with zeros for data that could not be read"
    return text

"""What the end record must be, given all that lies before it (chapter 85)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from darimage.image import blame
from darimage.schema import Verdict
from darimage.validate.contexts.whole import Whole
from darimage.validate.rules.rule import Grade, Hit, Scope, over_things

image = partial(over_things, Scope.IMAGE)


@image("DARI-END-001", "end.absent", "there is no end record")
def _absent(whole: Whole) -> Iterator[Hit]:
    known = whole.image.extension
    total = 0 if known is None else known.total_records
    if whole.image.end is None and not whole.lacks.any_in(total - 1, total):
        yield Hit()


@image("DARI-END-002", "end.blocks", "the image is no multiple of c_ntrec records")
def _blocks(whole: Whole) -> Iterator[Hit]:
    ntrec = whole.image.identity.ntrec
    if not whole.is_cut and whole.image.extension is not None and whole.records % max(1, ntrec):
        told = f"{whole.records} records are no multiple of c_ntrec {ntrec}"
        yield Hit(told, 0, field=blame.field("c_ntrec", ntrec))


@image("DARI-END-010", "end.behind", "something lies behind the end", plain=True, grade=Grade.NOTE)
def _behind(whole: Whole) -> Iterator[Hit]:
    for told, record in whole.behind:
        yield Hit(told, record, kind="more-behind")


def _says(whole: Whole, name: str, true: int) -> Iterator[Hit]:
    end = whole.image.end
    said = true if end is None else getattr(end, name)
    if end is not None and said != true and not (said > true and whole.lacks):
        told = f"{name} is {said}, the image has {true}"
        yield Hit(told, end.record, field=blame.in_end(name, said, true))


@image("DARI-END-001", "end.files-written", "files_written is not what the image has")
def _files_written(whole: Whole) -> Iterator[Hit]:
    return _says(whole, "files_written", len(whole.files[0]))


@image("DARI-END-005", "end.substituted", "substituted is not what the image has")
def _substituted(whole: Whole) -> Iterator[Hit]:
    return _says(whole, "substituted", len(whole.substituted))


@image("DARI-END-008", "end.attributed", "attributed is not what the image has")
def _attributed(whole: Whole) -> Iterator[Hit]:
    return _says(whole, "attributed", whole.attributed)


@image(
    "DARI-FIL-014",
    "end.substituted-data",
    "some of its data could not be read when the image was made and is zeros",
    grade=Grade.LOSS,
)
def _substituted_data(whole: Whole) -> Iterator[Hit]:
    for inode in sorted(whole.substituted):
        yield Hit(inode=inode, kind="substituted")


@image("DARI-END-003", "end.verdict-good", "the verdict is good, the map is not")
def _verdict_good(whole: Whole) -> Iterator[Hit]:
    end = whole.image.end
    if end is None or end.verdict != Verdict.GOOD:
        return
    unseen = whole.offset_map is None and whole.lacks.before_files()
    if end.mismatches or not (whole.map_equal or unseen):
        yield Hit(record=end.record, field=blame.in_end("verdict", end.verdict))


@image("DARI-END-003", "end.verdict", "the verdict is undefined")
def _verdict(whole: Whole) -> Iterator[Hit]:
    end = whole.image.end
    if end is not None and end.verdict not in list(Verdict):
        field = blame.in_end("verdict", end.verdict)
        yield Hit(f"verdict {end.verdict} is undefined", end.record, field=field)


@image("DARI-END-004", "end.digest", "offset_map_sha256 is not that of the offset map")
def _digest(whole: Whole) -> Iterator[Hit]:
    end, found = whole.image.end, whole.offset_map
    if end is not None and found is not None and end.offset_map_sha256 != found.section.sha256:
        wanted = found.section.sha256
        field = blame.in_end("offset_map_sha256", end.offset_map_sha256, wanted)
        yield Hit(record=end.record, field=field)

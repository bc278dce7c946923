"""Reports on images that never were: whatever findings a test thinks of."""

from __future__ import annotations

from hypothesis import strategies as st

from darimage.image.parts import Part
from darimage.units import RECORD
from darimage.validate.finding import Finding
from darimage.validate.registry import requirements
from darimage.validate.report import Evidence, Facts, ImageReport, Report, Stretch
from darimage.validate.selection import ADDED, CORE, DUMP, Selection

EVERYTHING = Selection(frozenset([DUMP, CORE, *ADDED]))
IDS = sorted(requirements())

# All that text can be, and all that breaks out of other forms of text.
words = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["</script><b>", "]]>", '" onload="x', "a\0b", "\x1b[31m", "&amp;", "\ufffe", "'"]
    ),
)
numbers = st.integers(0, 2**54)


@st.composite
def findings(draw, ids=IDS):
    """Draw a finding as an engine may tell it."""
    one = requirements()[draw(st.sampled_from(ids))]
    record = draw(st.none() | numbers)
    return Finding(
        requirement=one.id,
        level=one.strength,
        rule=draw(st.sampled_from(["a.rule", "another"])),
        message=draw(words),
        volume=None if record is None else draw(st.integers(1, 99)),
        record=record,
        offset=None if record is None else record * RECORD,
        length=None if record is None else draw(st.integers(0, RECORD)),
        field=draw(st.none() | st.sampled_from(["c_dinode.di_mode", "extension.body.nlink"])),
        inode=draw(st.none() | st.integers(1, 2**32 - 1)),
        path=draw(st.none() | st.binary(max_size=20)),
        found=draw(st.none() | words),
        expected=draw(st.none() | words),
    )


def image_report(name, found, known=None, records=40):
    """Return what came of an image with some findings."""
    report = ImageReport(name, EVERYTHING, known, with_keys=True)
    report.facts = Facts(
        is_dari=True,
        size=records * RECORD,
        records=records,
        order="le",
        uuid="00000000-0000-4000-8000-000000000000",
        parts=(Part("files", "files", 0, records, "some <files>"),),
    )
    report.checked = tuple(IDS[:5])
    report.evidence = Evidence(stretches=[Stretch("files", "files", 0, records)])
    for one in found:
        report.tell(one)
        if one.record is not None:
            report.evidence.records[one.record] = bytes(RECORD)
    report.finish()
    return report


def report_of(*images, strict=False):
    """Return a report on images."""
    return Report(EVERYTHING, strict, list(images))

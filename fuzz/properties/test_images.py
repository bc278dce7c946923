"""What holds for every image that the encoder makes, on one volume or several, and for chains."""

from __future__ import annotations

import os

import pytest
from fuzz.profile import examples
from fuzz.strategies.damage import is_header
from fuzz.strategies.images import chains, images, nodes_by_path
from hypothesis import given
from support import legacy
from support.cutting import TS_BITS, TS_CLRI, TS_END, TS_TAPE, following
from test_restore_accepts import check_tree
from test_round_trip import check_same

from darimage.conformance.frame import Frame
from darimage.image.chain import Chain
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.schema import Section
from darimage.units import RECORD
from darimage.validate.verify import verify


@examples(50)
@given(images())
def test_what_goes_in_comes_out_and_is_found_good(made):
    found = verify(made.data)
    assert [fault.text() for fault in found.faults] == []
    assert found.map_equal
    with Image.open(made.data) as image:
        assert image.access == "direct"
        check_same(image, without_acls(made))
        check_streams(image, made.tree)


def without_acls(made):
    """Return the tree as the image has it: without NT ACLs if it was made so."""
    if not made.chosen.acls:
        for node in nodes_by_path(made.tree).values():
            node.nt_acl = None
    return made.tree


def check_streams(image, tree):
    """Each stream is in the directory of its base; nothing else is in any."""
    nodes = nodes_by_path(tree)
    wanted = {
        image.names.root if not path else image.names.lookup(path): sorted(node.streams)
        for path, node in nodes.items()
        if node.streams
    }
    found = {base: [one.name for one in image.streams.of(base)] for base in image.streams.by_base}
    assert found == wanted
    for base in found:
        for entry in image.streams.of(base):
            assert image.inode(entry.inode).base_inode == base


@examples(30)
@given(images())
def test_the_offset_map_is_what_a_walk_finds(made):
    with Image.open(made.data) as direct, Image.open(made.data, sequential=True) as walked:
        assert (direct.access, walked.access) == ("direct", "sequential")
        besides = {one.number for one in direct.streams.by_base.values()}
        besides |= set(direct.names.directories)
        for inode in direct.dumped.numbers():
            if inode not in besides:
                assert direct.offsets.get(inode) == walked.offsets.get(inode) is not None
                assert direct.inode(inode).number == inode


@examples(30)
@given(images())
def test_headers_say_exactly_what_follows_them(made):
    """Record for record, read by code of its own that knows nothing but the old format."""
    with Image.open(made.data) as image:
        data = image.volume.read_at(0, image.volume.size)
    at, kinds = 0, []
    while at < len(data):
        record = data[at : at + RECORD]
        assert is_header(record)
        kinds.append(record[0])
        at += (1 + following(record)) * RECORD
    assert at == len(data)
    assert (kinds[:3], kinds[-1]) == ([TS_TAPE, TS_CLRI, TS_BITS], TS_END)


@examples(30)
@given(images())
def test_trailing_acls_equal_those_in_front(made):
    if made.chosen.volume_records:
        return
    frame = Frame(made.data)
    runs = {frame.section_of(r[0]): r for r in frame.runs if r[0].body == "section_body"}
    sizes = {
        number: int(frame.header(run[0])["extension"]["body"]["payload_size"][0])
        for number, run in runs.items()
    }
    payloads = {number: frame.payload(run, sizes[number]) for number, run in runs.items()}
    assert (Section.NT_ACLS_FRONT in runs) == (Section.NT_ACLS_TRAILING in runs)
    assert payloads.get(Section.NT_ACLS_FRONT) == payloads.get(Section.NT_ACLS_TRAILING)


@pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")
@examples(25)
@given(chains())
def test_a_chain_of_any_cut_comes_back(made):
    for one in made:
        assert [fault.text() for fault in verify(one.data).faults] == []
    opened = [Image.open(one.data, name=f"image {at}") for at, one in enumerate(made)]
    with legacy.scratch_directory() as folder, Chain(opened) as chain:
        report = restore(chain, folder / "out", select(chain.names))
        told = [fault.text() for fault in [*report.faults, *report.image_faults]]
        assert [line for line in told if "stream" not in line] == []
        check_tree(made[-1].tree, os.fsencode(folder / "out"))

"""The plain reader and writer against the fast ones, on any image and on damaged ones."""

from __future__ import annotations

import random
import stat

import pytest
from fuzz.profile import examples
from fuzz.strategies.damage import damage, damages
from fuzz.strategies.images import all_trees, chains, images, options
from fuzz.strategies.trees import nodes_of
from hypothesis import given
from hypothesis import strategies as st
from support import images as small

from darimage.conformance.answers import View, compared, differences
from darimage.conformance.inventory import inventory
from darimage.conformance.testee import FIELDS
from darimage.image.reader import Image as FastImage
from darimage.image.writer import Options as FastOptions
from darimage.image.writer import create
from darimage.plain.chain import Chain
from darimage.plain.faults import Faults
from darimage.plain.inventory import Image
from darimage.plain.rules import ALL
from darimage.plain.space import Space
from darimage.plain.volumes import side_by_side
from darimage.plain.writer import Options, encode
from darimage.sources.memory import MemorySource
from darimage.units import RECORD
from darimage.volumes.writing import MemorySink

DATE, UUID = 1_700_000_000, bytes.fromhex("0f6b2c9e5d1a4c3e8b7a91d2e3f4a5b6")
VIEW = View(tuple(name for name in FIELDS if name not in ("faults", "sddl")))


def plain(data):
    """Return an image as the plain reader has it."""
    return Image(Space([(0, data)]))


def serious(image):
    """Return the faults of an image that are more than notes."""
    return [one for one in image.faults.as_json() if one["severity"] != "note"]


@examples(40)
@given(images())
def test_both_readers_find_the_same(made):
    image = plain(made.data)
    assert serious(image) == []
    with FastImage.open(made.data, sequential=True) as fast:
        assert differences(compared(inventory(fast), VIEW), compared(image.as_json(), VIEW)) == []


@examples(40)
@given(all_trees(), options(), st.booleans())
def test_both_writers_make_the_same_bytes(tree, chosen, reproducible):
    sink = MemorySink()
    source = MemorySource(tree)
    fast = FastOptions(
        ntrec=chosen.ntrec,
        acls=chosen.acls,
        volume_records=chosen.volume_records,
        reproducible=reproducible,
        identity=(DATE, UUID),
    )
    create(source, sink, fast)
    made = encode(tree, options_like(fast, source))
    assert made == bytes(sink.data)


def options_like(fast, source):
    """Return the plain writer's options for those of the fast one."""
    host = b"" if fast.reproducible else small_host()
    return Options(
        *fast.identity,
        label=fast.label,
        filesys=source.filesys,
        device=source.device,
        host=host,
        ntrec=fast.ntrec,
        acls=fast.acls,
        reproducible=fast.reproducible,
        volume_records=fast.volume_records,
    )


def small_host():
    """Return the name of this machine."""
    import os

    return os.uname().nodename.encode()


@examples(25)
@given(images(), damages)
def test_what_is_not_named_as_lost_is_right(made, what):
    before = {one["inode"]: one for one in plain(made.data).as_json()["inodes"]}
    broken = damage(made.data, what)
    if broken == made.data or any(one.kind == "seal" for one in what):
        return
    try:
        image = plain(broken)
    except Exception as error:  # noqa: BLE001 - refused is fine, anything else is not
        assert type(error).__name__ == "Refused", error
        return
    after = image.as_json()
    has_loss = any(one["severity"] == "loss" for one in after["faults"])
    for one in after["inodes"]:
        known = before.get(one["inode"])
        if "state" in one or known is None:
            continue
        for member in ("type", "mode", "mtime", "size", "extents", "sha256", "target"):
            assert one.get(member) == known.get(member), (one, member)
        assert has_loss or one["paths"] == known["paths"]


@examples(15)
@given(chains())
def test_a_chain_is_the_tree_of_its_last_image(made):
    chain = Chain([plain(one.data) for one in made])
    wanted = {b""}
    pending = [(b"", made[-1].tree)]
    while pending:
        path, node = pending.pop()
        for name, child in node.children.items():
            below = path + b"/" + name if path else name
            wanted.add(below)
            if stat.S_ISDIR(child.mode):
                pending.append((below, child))
    assert set(chain.held) == wanted
    assert not chain.faults.serious


@pytest.mark.parametrize("capacity", [20, 40, 50])
def test_volumes_in_any_order(capacity):
    data = small.encode(small.sample(), volume_records=capacity)
    pieces = [data[at : at + capacity * RECORD] for at in range(0, len(data), capacity * RECORD)]
    dice = random.Random(capacity)
    wanted = compared(plain(data).as_json(), VIEW)
    for _ in range(3):
        dice.shuffle(pieces)
        faults = Faults()
        space = side_by_side(list(enumerate(pieces, 1)), faults, ALL)
        for found in (Image(space, faults=faults), plain(b"".join(pieces))):
            assert differences(wanted, compared(found.as_json(), VIEW)) == []


def test_a_missing_volume_is_not_zeros():
    data = small.encode(small.sample(), volume_records=20)
    pieces = [data[at : at + 20 * RECORD] for at in range(0, len(data), 20 * RECORD)]
    volumes = [(number, one) for number, one in enumerate(pieces, 1) if number != 2]
    faults = Faults()
    image = Image(side_by_side(volumes, faults, ALL), faults=faults)
    states = {one["state"] for one in image.as_json()["inodes"] if "state" in one}
    assert states <= {"incomplete", "lost", "suspect", "damaged"}
    assert states
    assert "volume-missing" in {one["name"] for one in image.faults.as_json()}


def test_nodes_of_a_tree_are_those_of_the_image():
    tree = small.sample()
    listed = plain(small.encode(tree)).as_json()["inodes"]
    assert sum(len(one["paths"]) for one in listed) == len(small.paths_of(tree))
    assert len(listed) == len(set(map(id, nodes_of(tree))))

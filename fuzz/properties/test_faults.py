"""What holds whatever is wrong with an image (fuzz.mutating: fields and records, sealed or not)."""

from __future__ import annotations

import os
import random

import pytest
from fuzz import seeds
from fuzz.limits import BUFFERS, in_memory, in_time
from fuzz.mutating import mutate_image
from fuzz.profile import TIMES, examples
from fuzz.strategies.attributes import settable
from fuzz.strategies.images import all_trees, encode, images, nodes_by_path
from fuzz.targets import bring, decode, judge
from hypothesis import given
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit
from test_restore_accepts import check_tree

from darimage.conformance.vectors import Suite
from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.validate.verify import verify

SEEDS = st.integers(0, 2**32 - 1)
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")
SUITE = Suite()


def mutated(data, seed):
    return mutate_image(data, len(data) + 8192, seed)


@AS_ROOT
@pytest.mark.parametrize("target", [decode, judge, bring], ids=["decode", "judge", "restore"])
@examples(20)
@given(made=images(), seed=SEEDS)
def test_a_mutated_image_is_taken_in_order_and_in_time(target, made, seed):
    with in_time():
        target.one(mutated(made.data, seed))


@AS_ROOT
@pytest.mark.parametrize("target", [decode, judge, bring], ids=["decode", "judge", "restore"])
def test_mutated_vectors_are_taken_in_order_and_in_time(target):
    """Faults on top of the faults that somebody thought of."""
    dice = random.Random(target.__name__)
    for _ in range(int(25 * TIMES)):
        with in_time():
            target.one(mutated(dice.choice(seeds.all_images()), dice.getrandbits(32)))


@examples(6)
@given(images(), SEEDS)
def test_a_mutated_image_takes_no_more_memory_than_its_size_allows(made, seed):
    data = mutated(made.data, seed)
    with in_memory(BUFFERS + 4 * len(data)):
        for work in (verify, decode.one):
            try:
                work(data)
            except DarimageError as error:
                assert str(error)


@pytest.mark.parametrize("name", [one.name for one in SUITE if "limits" in one.told])
def test_vectors_that_lie_keep_their_limits(name):
    vector = SUITE[name]
    data, limits = SUITE.image(vector), vector.told["limits"]
    with in_time(limits["seconds"]), in_memory(limits["memory_mib"] << 20):
        verify(data)
        decode.one(data)


@AS_ROOT
@examples(10)
@given(all_trees(settable()).map(fit))
def test_what_is_found_good_is_restored_by_both(tree):
    """Ours brings all of it back, the old one the same tree, and both say nothing."""
    made = encode(tree)
    assert verify(made.data).good
    with legacy.scratch_directory() as folder:
        (folder / "image").write_bytes(made.data)
        with Image.open(folder / "image") as image:
            report = restore(image, folder / "ours", select(image.names))
        told = [fault.text() for fault in report.faults]
        assert [line for line in told if "stream" not in line] == []
        check_tree(tree, os.fsencode(folder / "ours"))
        (folder / "theirs").mkdir()
        run = legacy.restore("r", folder / "image", folder / "theirs")
        assert run.rc == 0, run.stderr
        (folder / "theirs/restoresymtable").unlink()
        check_tree(tree, os.fsencode(folder / "theirs"), last_hole=False)
        streams = sum(len(node.streams) for node in nodes_by_path(tree).values())
        assert streams or not run.other_messages, run.stderr

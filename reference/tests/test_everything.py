"""All parts at once: any history of a tree with streams, NT ACLs and extended attributes, its
levels cut into volumes or not, comes back from the chain, and ``restore -r`` agrees.
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import edits, legacy
from support.attributes import all_on_disk
from support.compare import compare_trees
from support.edits import Edit
from support.levels import Levels, bring
from test_chain_property import EDIT, SOME_TIMES, descriptors, is_directory, unexpected

from darimage.validate.verify import verify

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="owners need root"),
]

RESYNC = re.compile(r"resync restore, skipped \d+ blocks")
CAPACITIES = st.sampled_from([0, 40, 60, 100, 250, 1000])
SCRIPTS = st.lists(
    st.tuples(st.integers(1, 9), CAPACITIES, st.lists(EDIT, max_size=10)), max_size=3
)


@pytest.mark.usefixtures("every_restore")
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
@example([], 0, [(1, 0, [Edit("write", 245, 0, 367)])])  # a short hole at the end
@given(st.lists(EDIT, max_size=12), CAPACITIES, SCRIPTS)
def test_any_history_on_any_volumes(changes, capacity, scripts):
    with legacy.scratch_directory() as folder:
        source = folder / "source"
        source.mkdir()
        edits.populate(source)
        levels = Levels(source, folder)
        for level, records, edited in [(0, capacity, changes), *scripts]:
            edits.edit(source, edited)
            assert levels.make(level, volume_records=records).good
            assert [fault.text() for fault in verify(levels.images[-1]).faults] == []
        chain = levels.chain()
        bring(chain, folder / "ours")
        assert list(map(str, compare_trees(source, folder / "ours"))) == []
        assert all_on_disk(folder / "ours") == all_on_disk(source)
        assert descriptors(folder / "ours") == descriptors(source)
        theirs = folder / "theirs"
        theirs.mkdir()
        for image in chain:
            done = old_restore(image, theirs)
            told = [line for line in unexpected(done, image) if not is_of_volumes(line, image)]
            assert (done.rc, told) == (0, []), done.stderr
        found = compare_trees(source, theirs, SOME_TIMES)
        assert [str(d) for d in found if d.kind != "mtime" or not is_directory(theirs, d)] == []


def is_of_volumes(line, image):
    """Tell whether a message is what newer ones say of each volume; the tree is right still."""
    is_set = not image.exists()
    return is_set and not legacy.counts_volumes() and bool(RESYNC.fullmatch(line))


def old_restore(image, out):
    """Run ``restore -r`` on an image, or on a set of volumes of this name."""
    if image.exists():
        return legacy.restore("r", image, out)
    return legacy.run([legacy.program("restore"), "-ryaMf", str(image)], out, "y\n")

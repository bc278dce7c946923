"""Whatever happens to a tree between its backups, the chain gives it back (DARI-INC-013).

Old ``restore -r``, which knows no chains but goes from level to level, is the judge.
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import edits, legacy
from support.attributes import all_on_disk
from support.compare import Options as Compare
from support.compare import compare_trees, to_second
from support.levels import Levels, bring

from darimage.image.reader import Image
from darimage.sections.security import unwrap
from darimage.validate.verify import verify

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="owners need root"),
]

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))
NUMBERS = st.integers(0, 10**6)
EDIT = st.builds(
    edits.Edit, st.sampled_from([*edits.EDITS, *edits.GROWING]), NUMBERS, NUMBERS, NUMBERS
)
SCRIPTS = st.lists(
    st.tuples(st.integers(1, 9), st.lists(EDIT, max_size=12)), min_size=1, max_size=4
)
STREAM = edits.Edit("stream", 0, 0, 13)
# Old readers do not know that the last record of a file was a hole (DARI-FIL-019).
SOME_TIMES = Compare(
    mtime=to_second, ignore=[b"restoresymtable"], extra_holes=False, end_hole=False
)


@settings(QUIET, max_examples=60)
@given(SCRIPTS)
@example([(1, [STREAM]), (1, []), (2, [edits.Edit("attribute", 0, 0, 0)])])
def test_any_history_comes_back(scripts):
    with legacy.scratch_directory() as folder:
        source = folder / "source"
        source.mkdir()
        edits.populate(source)
        levels = Levels(source, folder)
        assert levels.make(0).good
        for level, changes in scripts:
            edits.edit(source, changes)
            assert levels.make(level).good
            judged = verify(levels.images[-1])
            assert [fault.text() for fault in judged.faults] == []
        chain = levels.chain()
        bring(chain, folder / "ours")
        assert list(map(str, compare_trees(source, folder / "ours"))) == []
        assert all_on_disk(folder / "ours") == all_on_disk(source)
        assert descriptors(folder / "ours") == descriptors(source)
        theirs = folder / "theirs"
        theirs.mkdir()
        for image in chain:
            done = legacy.restore("r", image, theirs)
            assert (done.rc, unexpected(done, image)) == (0, []), done.stderr
        # It fills directories after it has given them their times.
        found = compare_trees(source, theirs, SOME_TIMES)
        assert [str(d) for d in found if d.kind != "mtime" or not is_directory(theirs, d)] == []


def descriptors(root):
    """Return the NT ACLs of all below a directory, by path, without what Samba adds to them."""
    found = {}
    for path in sorted(root.rglob("*")):
        if not path.is_symlink() and "security.NTACL" in os.listxattr(path):
            found[path.relative_to(root)] = unwrap(os.getxattr(path, "security.NTACL")).descriptor
    return found


def unexpected(done, image):
    """Return what it said, but for lines about inodes that no directory names: streams."""
    with Image.open(image) as opened:
        table = opened.streams.by_base.values()
        streams = {entry.inode for one in table for entry in one.entries}
    told = re.compile(r"expected next file \d+, got (\d+)")
    found = ((line, told.fullmatch(line)) for line in done.other_messages)
    return [line for line, match in found if match is None or int(match[1]) not in streams]


def is_directory(root, difference):
    path = os.path.join(os.fsencode(root), difference.path)
    return os.path.isdir(path) and not os.path.islink(path)

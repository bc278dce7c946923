"""What real ``dump`` writes comes back, without any map (DARI-REC-016, DARI-EXT-002)."""

from __future__ import annotations

import os

import pytest
from support import legacy, trees
from support.compare import Options as Compare
from support.compare import compare_trees, to_second
from test_restore_run import bring

from darimage.image.reader import Image

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]

#: Sockets and times before 1970 or after 2106 are not what `dump` can keep.
TREES = {"sizes": {}, "sparse": {}, "wide": {"entries": 3000}, "deep": {}, "stdlib": {}}


@pytest.mark.parametrize("name", TREES)
def test_a_real_dump_comes_back(name, tmp_path):
    image, out = tmp_path / "dump", tmp_path / "out"
    with legacy.loop_ext4() as point:
        trees.build(name, point, **TREES[name])
        legacy.dump_tree(point, image)
        with Image.open(image) as opened:
            report = bring(opened, out, workers=2)
        told = [*report.faults, *report.image_faults]
        assert [fault.text() for fault in told if not fault.is_note] == []
        assert report.access == "sequential"
        found = compare_trees(point, out, Compare(mtime=to_second))
        assert [str(difference) for difference in found] == []
    trees.remove(out)


def test_the_kinds_of_a_real_dump(tmp_path):
    image, out = tmp_path / "dump", tmp_path / "out"
    with legacy.loop_ext4() as point:
        trees.build("kinds", point)
        legacy.dump_tree(point, image)
        with Image.open(image) as opened:
            report = bring(opened, out)
        found = compare_trees(point, out, Compare(mtime=to_second, extra_holes=False))
        times = {d.path for d in found if d.kind == "mtime"}
        assert all(b"times" in path for path in times)
        others = [str(d) for d in found if d.kind != "mtime"]
        assert (others, [fault.text() for fault in report.faults]) == ([], [])
    trees.remove(out)

"""Chains of real ``dump`` levels come back as one tree (DARI-INC-009)."""

from __future__ import annotations

import os
import random
import time

import pytest
from support import edits, legacy, trees
from support.compare import Options as Compare
from support.compare import compare_trees, to_second

from darimage.errors import UsageError
from darimage.image.chain import Chain
from darimage.restore.run import Options, restore
from darimage.restore.selection import select

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root"),
]


def dump_level(point, image, level, dates):
    os.sync()
    command = [legacy.program("dump"), f"-{level}u", "-D", str(dates), "-f", str(image)]
    done = legacy.run([*command, str(point)], point.parent)
    assert done.rc == 0, done.stderr


def script(seed, count):
    dice = random.Random(seed)
    words = [*edits.EDITS, *edits.GROWING, *edits.GROWING]
    return [
        edits.Edit(dice.choice(words), *(dice.randrange(10**6) for _ in range(3)))
        for _ in range(count)
    ]


def restored(chain, out, patterns=()):
    report = restore(chain, out, select(chain.names, patterns), Options())
    assert [fault.text() for fault in [*report.faults, *report.image_faults]] == []
    return report


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """Yield a mounted tree and its dumps of levels 0 to 3, with much changed between them."""
    folder = tmp_path_factory.mktemp("levels")
    dates = folder / "dumpdates"
    dates.touch()
    with legacy.loop_ext4(64 * trees.MIB) as point:
        edits.populate(point)
        images = []
        for level in range(4):
            images.append(folder / f"level{level}")
            dump_level(point, images[-1], level, dates)
            if level < 3:
                time.sleep(1.1)
                edits.edit(point, script(level, 25))
        yield point, images


def test_a_chain_of_real_dumps_comes_back(levels, tmp_path):
    point, images = levels
    out = tmp_path / "out"
    with Chain.open(images) as chain:
        report = restored(chain, out)
        assert report.chain == [str(image) for image in images]
    found = compare_trees(point, out, Compare(mtime=to_second, extra_holes=False))
    assert [str(difference) for difference in found] == []
    trees.remove(out)


@pytest.mark.usefixtures("every_restore")
def test_it_is_the_tree_that_restore_r_makes(levels, tmp_path):
    _, images = levels
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    theirs.mkdir()
    if (
        legacy.version(legacy.program("restore"))
        == legacy.PLAIN
        != legacy.version(legacy.program("dump"))
    ):
        pytest.skip(f"restore {legacy.PLAIN} reads no runs of blocks, as newer dumps write them")
    for length in range(1, len(images) + 1):
        done = legacy.restore("r", images[length - 1], theirs)
        assert done.rc == 0, done.stderr
        with Chain.open(images[:length]) as chain:
            restored(chain, ours)
        options = Compare(mtime=to_second, extra_holes=False, ignore=[b"restoresymtable"])
        found = compare_trees(theirs, ours, options)
        # restore -r fills directories after it has given them their times.
        assert [str(d) for d in found if d.kind != "mtime" or not is_directory(ours, d)] == []
        trees.remove(ours)


def is_directory(root, difference):
    return os.path.isdir(os.path.join(os.fsencode(root), difference.path))


def test_a_part_of_a_chain_comes_back(levels, tmp_path):
    point, images = levels
    name = min(entry.name for entry in os.scandir(point) if entry.is_dir())
    with Chain.open(images) as chain:
        restored(chain, tmp_path / "out", [os.fsencode(name)])
    found = compare_trees(
        point / name, tmp_path / "out" / name, Compare(mtime=to_second, extra_holes=False)
    )
    assert [str(d) for d in found if d.kind != "hard link"] == []


def test_what_is_no_chain_is_refused(levels):
    _, images = levels
    with pytest.raises(UsageError, match="begins with a full image"):
        Chain.open(images[1:])
    with pytest.raises(UsageError, match="it was made after an image of"):
        Chain.open([images[0], images[2]])
    with pytest.raises(UsageError, match="both are of level 0"):
        Chain.open([images[0], images[0]])
    with pytest.raises(UsageError, match="is not the last"):
        Chain.open([images[1], images[0]])

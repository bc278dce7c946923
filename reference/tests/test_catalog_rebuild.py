"""A lost catalogue is made again from the images (DARI-INC-004)."""

from __future__ import annotations

import os
import random
import shutil
import time

import pytest
from support import edits, legacy
from support.compare import compare_trees
from support.levels import Levels, bring

from darimage.catalog.rebuild import rebuild
from darimage.catalog.store import Catalogue
from darimage.errors import UsageError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")

#: What a catalogue cannot be given back: these it had from the clock.
GUESSED = ("scanned_ns", "id", "base", "name")


@pytest.fixture
def levels():
    # Images do not hold the whole of a long path.
    with legacy.scratch_directory() as folder:
        source = folder / "source"
        source.mkdir()
        edits.populate(source)
        yield Levels(source, folder, patient=True)


def history(levels, seed, wanted):
    """Make images of some levels with changes between them."""
    dice = random.Random(seed)
    for level in wanted:
        levels.make(level)
        words = [*edits.EDITS, *edits.GROWING, *edits.GROWING]
        some = [
            edits.Edit(dice.choice(words), *(dice.randrange(10**6) for _ in range(3)))
            for _ in range(8)
        ]
        edits.edit(levels.source, some)


def content(path):
    """Return all that a catalogue tells of its only set."""
    with Catalogue.open(path, make=False) as catalogue:
        (known,) = catalogue.sets()
        images = catalogue.images(known.id)
        states = [catalogue.at(known.id, image.id) for image in images]
        plain = [
            {name: value for name, value in image._asdict().items() if name not in GUESSED}
            for image in images
        ]
        return known._replace(id=0), plain, states


def test_what_is_made_again_is_what_was_lost(levels, tmp_path):
    history(levels, 5, (0, 3, 2, 5, 0))
    before = content(levels.catalogue)
    again = tmp_path / "again.sqlite"
    names = [str(image) for image in levels.images]
    random.Random(1).shuffle(names)
    with Catalogue.open(again) as catalogue:
        (made,) = rebuild(catalogue, names)
    after = content(again)
    assert made.images == 5
    assert after[0] == before[0]
    assert after[1] == before[1]
    for now, then in zip(after[2], before[2], strict=True):
        assert now.rows()[:, :-1].tolist() == then.rows()[:, :-1].tolist()
        # Images are dated by the second: more than was surely there before cannot be sure now.
        assert (now.sure <= then.sure).all()
    shutil.copyfile(again, levels.catalogue)
    edits.edit(levels.source, [edits.Edit("create", 1, 1, 1)])
    report = levels.make(9)
    assert report.base is not None
    bring(levels.chain(), tmp_path / "out")
    assert list(map(str, compare_trees(levels.source, tmp_path / "out"))) == []


def test_a_missing_base_is_named(levels, tmp_path):
    history(levels, 6, (0, 1, 2))
    names = [str(levels.images[0]), str(levels.images[2])]
    with Catalogue.open(tmp_path / "again.sqlite") as catalogue:
        with pytest.raises(UsageError, match="is not among the images"):
            rebuild(catalogue, names)
        assert catalogue.sets() == []


def test_making_it_again_replaces_what_was_known(levels):
    history(levels, 7, (0, 1))
    before = content(levels.catalogue)
    with levels.catalog() as catalogue:
        rebuild(catalogue, [str(levels.images[0])])
    _, images, _ = content(levels.catalogue)
    assert images == before[1][:1]


def test_what_is_old_is_surely_there(levels):
    time.sleep(2.1)
    levels.make(0)
    with levels.catalog() as catalogue:
        rebuild(catalogue, [str(levels.images[0])])
    _, _, (state,) = content(levels.catalogue)
    assert state.sure.all()


def test_a_path_that_was_cut_has_to_be_told(tmp_path):
    source = tmp_path / ("long" * 20)
    source.mkdir()
    levels = Levels(source, tmp_path)
    levels.make(0)
    before = content(levels.catalogue)
    with levels.catalog() as catalogue:
        with pytest.raises(UsageError, match="--source tells it"):
            rebuild(catalogue, [str(levels.images[0])])
        rebuild(catalogue, [str(levels.images[0])], source=os.fsencode(source))
    assert content(levels.catalogue)[0] == before[0]

"""Any tree comes back; any damage is survived, and nothing is written elsewhere (DARI-SAF-002)."""

from __future__ import annotations

import os
import random

import pytest
from fuzz.strategies.attributes import settable
from fuzz.strategies.damage import Damage, damage, damages
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit
from support.changes import check_honest, try_one, wood
from test_restore_accepts import check_tree
from test_restore_damage import encoded
from test_restore_run import bring
from test_writer import tree_paths

from darimage.errors import DarimageError, FormatError
from darimage.image.reader import Image
from darimage.sections.security import wrap
from darimage.sources.nt_acls import SAMBA
from darimage.units import RECORD

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(QUIET, max_examples=60)
@given(trees(), st.booleans())
def test_any_tree_comes_back(tree, sequential):
    with legacy.scratch_directory() as folder:
        image = Image.open(bytes(encoded(tree)), sequential=sequential)
        report = bring(image, folder / "out")
        assert [fault.text() for fault in report.faults] == []
        check_tree(tree, os.fsencode(folder / "out"))
        check_nt_acls(tree, os.fsencode(folder / "out"))


def check_nt_acls(tree, out):
    for path, node in tree_paths(tree).items():
        names = os.listxattr(out + path, follow_symlinks=False)
        assert (os.fsdecode(SAMBA) in names) == (node.nt_acl is not None)
        if node.nt_acl is not None:
            value = os.getxattr(out + path, SAMBA, follow_symlinks=False)
            assert value == wrap(node.nt_acl[0])


@settings(QUIET, max_examples=200)
@given(trees(extended=settable()).map(fit), damages, st.booleans())
def test_any_damage_is_survived(tree, what, sequential):
    image = damage(bytes(encoded(tree)), what)
    with legacy.scratch_directory() as folder:
        try:
            bring(Image.open(image, sequential=sequential), folder / "out")
        except DarimageError as error:
            assert str(error)
        assert os.listdir(folder) in (["out"], [])


# -- what comes back as right is right -----------------------------------------------------------


def without_lies(what):
    """Return damage without headers whose CRC is made right again: nothing tells that they lie."""
    return [one._replace(kind="flip") if one.kind == "seal" else one for one in what]


ways = st.sampled_from([{}, {"trust_map": True}, {"sequential": True}])


@settings(QUIET, max_examples=100)
@given(damages.map(without_lies), ways)
def test_what_comes_back_as_right_is_right(what, way):
    """Shows DARI-RST-006, DARI-FLT-001, DARI-FLT-003 and DARI-FLT-004."""
    tree, data = wood()
    with legacy.scratch_directory() as folder:
        try:
            report = bring(Image.open(damage(data, what), **way), folder / "out")
        except FormatError as error:
            assert str(error)
            return
        check_honest(tree, os.fsencode(folder / "out"), report)


@pytest.mark.parametrize("way", [{}, {"trust_map": True}, {"sequential": True}], ids=str)
@pytest.mark.parametrize("kind", ["double", "drop", "blank", "swap", "flip"])
def test_a_change_at_any_place_is_named(kind, way):
    """Shows DARI-FLT-002: one record's fault costs what it lies in."""
    tree, data = wood()
    records = len(data) // RECORD
    for at in random.Random(kind).sample(range(1, records), 6):
        what = [Damage(kind, at, (at * 7) % records, 1)]
        with legacy.scratch_directory() as folder:
            report = bring(Image.open(damage(data, what), **way), folder / "out")
            check_honest(tree, os.fsencode(folder / "out"), report)
            assert report.marked + report.lost + report.left_out <= 12, (kind, at)


@settings(QUIET, max_examples=60)
@given(st.integers(0, 2**32))
def test_a_change_at_random_is_noticed_by_all(number):
    """``make changes`` tries more of them."""
    _, wrong = try_one("any", number)
    assert wrong == []

"""Any tree comes back; any damage is survived, and nothing is written elsewhere (DARI-SAF-002)."""

from __future__ import annotations

import os

import pytest
from fuzz.strategies.attributes import settable
from fuzz.strategies.damage import damage, damages
from fuzz.strategies.trees import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit
from test_restore_accepts import check_tree
from test_restore_damage import encoded
from test_restore_run import bring
from test_writer import tree_paths

from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.sections.security import wrap
from darimage.sources.nt_acls import SAMBA

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

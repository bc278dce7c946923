"""Any tree comes back; any damage is survived, and nothing is written elsewhere (DARI-SAF-002)."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit, settable
from support.strategies import trees
from test_restore_accepts import check_tree
from test_restore_damage import encoded
from test_restore_run import bring
from test_writer import tree_paths

from darimage.errors import DarimageError
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


@st.composite
def damages(draw, size):
    """Changes to an image: bytes, records swapped, copied or cut off."""
    kind = draw(st.sampled_from(["byte", "byte", "swap", "copy", "cut", "zero"]))
    records = size // RECORD
    first, second = (draw(st.integers(0, records - 1)) for _ in range(2))
    return kind, first, second, draw(st.integers(0, RECORD - 1)), draw(st.integers(1, 255))


def damaged(data, kind, first, second, at, value):
    one = slice(first * RECORD, (first + 1) * RECORD)
    two = slice(second * RECORD, (second + 1) * RECORD)
    match kind:
        case "byte":
            data[first * RECORD + at] ^= value
        case "swap":
            data[one], data[two] = data[two], data[one]
        case "copy":
            data[one] = data[two]
        case "zero":
            data[one] = bytes(RECORD)
        case "cut":
            del data[first * RECORD + at :]
    return data


@settings(QUIET, max_examples=200)
@given(trees(extended=settable()).map(fit), st.data(), st.booleans())
def test_any_damage_is_survived(tree, data, sequential):
    image = encoded(tree)
    for _ in range(data.draw(st.integers(1, 3))):
        if len(image) >= RECORD:
            image = damaged(image, *data.draw(damages(len(image))))
    with legacy.scratch_directory() as folder:
        try:
            bring(Image.open(bytes(image), sequential=sequential), folder / "out")
        except DarimageError as error:
            assert str(error)
        assert os.listdir(folder) in (["out"], [])

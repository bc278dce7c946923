"""Images on volumes whose files are damaged, missing, swapped or strange (chapter 35)."""

from __future__ import annotations

import os

import pytest
from fuzz.limits import in_time
from fuzz.profile import examples
from fuzz.strategies.attributes import settable
from fuzz.strategies.images import all_trees
from fuzz.strategies.volume_files import files_of, on_volumes, troubled, troubles, write
from fuzz.targets.bring import check_outside, state
from fuzz.targets.decode import one_line, read
from hypothesis import given
from hypothesis import strategies as st
from support import legacy
from support.attributes import fit
from test_restore_accepts import check_tree

from darimage.cli.info import describe
from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.validate.run import Options, validate
from darimage.validate.verify import verify

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices need root")


def bring(name, folder, *, sequential):
    with Image.open(name, sequential=sequential) as image:
        return restore(image, folder / "out", select(image.names))


def opened(name, work):
    with Image.open(name) as image:
        work(image)


@AS_ROOT
@examples(25)
@given(made=on_volumes(), other=on_volumes(), what=troubles(), named=st.integers(0, 2))
def test_no_trouble_with_volumes_makes_anything_fail(made, other, what, named):
    left = troubled(files_of(made), what, files_of(other))
    with legacy.scratch_directory() as folder, in_time():
        name = write(left, folder / "set")[named]
        (folder / "canary").mkdir()
        (folder / "canary/file").write_bytes(b"here before")
        before = state(folder)
        report = validate([name], Options(evidence=True)).images[0]
        assert report.own_fault is None, report.own_fault
        for told in report.told:
            one_line(told.finding.message)
        works = [
            lambda: [one_line(fault.text()) for fault in verify(name).faults],
            lambda: opened(name, read),
            lambda: opened(name, describe),
            lambda: bring(name, folder, sequential=False),
            lambda: bring(name, folder, sequential=True),
        ]
        for work in works:
            try:
                work()
            except DarimageError as error:
                one_line(error)
        check_outside(folder, before)


@AS_ROOT
@examples(15)
@given(
    made=on_volumes(all_trees(settable()).map(fit)),
    what=troubles(("remove", "swap", "copy", "empty", "shift", "folder")),
)
def test_nothing_is_missing_without_a_word(made, what):
    """Volumes that are not there or not what they should be: all comes back, or it is told."""
    left = troubled(files_of(made), what, {})
    with legacy.scratch_directory() as folder:
        name = write(left, folder / "set")[0]
        try:
            report = bring(name, folder, sequential=False)
        except DarimageError as error:
            one_line(error)
            return
        if not [*report.faults, *report.image_faults]:
            check_tree(made.tree, os.fsencode(folder / "out"))

"""Restores an image; nothing may appear outside the destination (DARI-SAF-002)."""

from __future__ import annotations

import os

from support import legacy

from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.restore.run import restore
from darimage.restore.selection import select
from darimage.validate.verify import verify
from fuzz import seeds as known
from fuzz.mutating import mutate_image
from fuzz.targets.decode import one_line

seeds, mutate = known.all_images, mutate_image
OF_IMAGES = {"format", "incomplete", "lost", "truncated", "unreadable"}
"""Kinds of faults that say something of the image; others are about the file system here."""


def one(data):
    """Restore an image in both ways."""
    for sequential in (False, True):
        with legacy.scratch_directory() as folder:
            canary = folder / "canary"
            canary.mkdir()
            (canary / "file").write_bytes(b"here before")
            before = state(folder)
            report = None
            try:
                with Image.open(data, sequential=sequential) as image:
                    report = restore(image, folder / "out", select(image.names))
            except DarimageError as error:
                one_line(error)
            check_outside(folder, before)
            if report is not None:
                check_report(data, report)


def state(folder):
    """Return what there is besides the destination."""
    found = {}
    for at, directories, files in os.walk(folder):
        if at == str(folder) and "out" in directories:
            directories.remove("out")
        for name in (*directories, *files):
            path = os.path.join(at, name)
            info = os.lstat(path)
            found[path] = (info.st_mode, info.st_uid, info.st_size, info.st_mtime_ns, info.st_nlink)
    return found


def check_outside(folder, before):
    """Check that nothing changed but the destination."""
    assert state(folder) == before, "something outside the destination was changed"
    assert (folder / "canary/file").read_bytes() == b"here before"


def check_report(data, report):
    """Check what is told; an image that is found good has no fault of its own."""
    faults = [*report.faults, *report.image_faults]
    for fault in faults:
        one_line(fault.text())
    told = [fault.text() for fault in faults if fault.kind in OF_IMAGES]
    if told:
        found = verify(data)
        assert not (found.is_dari and found.good), f"found good, but restoring it tells {told}"

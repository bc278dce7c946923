"""Verifies and validates an image; what is found good must also be read without a fault."""

from __future__ import annotations

from support import legacy

from darimage.errors import DarimageError, FormatError
from darimage.image.reader import Image
from darimage.validate.run import Options, validate
from darimage.validate.verify import verify
from fuzz import seeds as known
from fuzz.mutating import mutate_image
from fuzz.targets.decode import one_line, read

seeds, mutate = known.all_images, mutate_image


def one(data):
    """Judge an image."""
    try:
        found = verify(data)
    except DarimageError as error:
        one_line(error)
        found = None
    with legacy.scratch_directory() as folder:
        (folder / "image").write_bytes(data)
        report = validate([str(folder / "image")], Options(evidence=True)).images[0]
    assert report.own_fault is None, report.own_fault
    if found is None:
        return
    for fault in found.faults:
        one_line(fault.text())
    if found.good and not is_of_the_future(data):
        check_readable(data)


def is_of_the_future(data):
    """Tell whether an image needs something that this reader does not know: it is no fault."""
    try:
        Image.open(data).close()
    except FormatError as error:
        return error.requirement == "DARI-VOL-005"
    return False


def check_readable(data):
    """Check that a good image reads without a fault, by its map if it has one."""
    with Image.open(data) as image:
        read(image)
        told = [fault.text() for fault in image.faults]
        assert not told, f"found good, but reading it tells {told}"

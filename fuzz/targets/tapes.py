"""Opens tape containers, reads all of what is in them, and reads them as an image."""

from __future__ import annotations

from itertools import pairwise

from darimage.errors import DarimageError
from darimage.image.reader import Image
from darimage.tapes.aws import Aws
from darimage.tapes.opening import recognised
from darimage.tapes.reading import TapeVolume
from darimage.tapes.simh import E11, Simh
from darimage.volumes.reading import MemoryVolume
from fuzz import seeds as known

FORMS = (Simh(), E11(), Aws())
_READ = 1 << 16


def seeds():
    """Return containers, each behind a byte that chooses the form and which file on the tape."""
    image = min(known.all_images(), key=len)
    return [
        bytes([way]) + _container(FORMS[way % len(FORMS)], image, size)
        for way, size in enumerate((512, 1000, 2048, 10240, 333, 4096))
    ]


def _container(form, image, size):
    made, before = bytearray(), 0
    for at in range(0, len(image), size):
        pieces, before = form.frame(image[at : at + size], before)
        made += b"".join(pieces)
    return bytes(made + form.mark(before))


def one(data):
    """Open a container and read it."""
    if not data:
        return
    form = FORMS[data[0] % len(FORMS)]
    number = (data[0] // len(FORMS)) % 4 or None
    container = MemoryVolume(data[1:], "tape")
    recognised(container)
    try:
        tape = TapeVolume(container, form, number)
    except DarimageError as error:
        assert str(error).startswith("tape: ")
        return
    gaps = tape.missing(0, tape.size)
    assert all(one.end <= other.start for one, other in pairwise(gaps))
    for at in range(0, min(tape.size, 4 * len(data)), _READ):
        assert len(tape.read_at(at, _READ)) == min(_READ, tape.size - at)
    try:
        with Image.open(tape) as image:
            list(image.names.walk())
    except DarimageError as error:
        assert str(error)

"""Opens an image, and reads names, inodes, contents and all that hangs on them."""

from __future__ import annotations

from darimage.errors import DarimageError, FormatError
from darimage.image import contents
from darimage.image.reader import Image
from fuzz import seeds as known
from fuzz.mutating import mutate_image

seeds, mutate = known.all_images, mutate_image
NAMES_MOST = 2000
BYTES_MOST = 1 << 22


def one(data):
    """Read an image in both ways."""
    for sequential in (False, True):
        try:
            with Image.open(data, sequential=sequential) as image:
                read(image)
        except DarimageError as error:
            one_line(error)


def one_line(error):
    """Check what is said."""
    told = str(error)
    assert told, "an error without a word"
    assert "\n" not in told, f"an error of several lines: {told!r}"


def read(image):
    """Read what there is, as far as it is not endless."""
    _ = image.parts, image.sections, image.access_note, image.exists, image.dumped
    for at, (path, _, _) in enumerate(image.names.walk()):
        assert b"\0" not in path
        if at == NAMES_MOST:
            break
    numbers = [image.names.root, *image.names.named().tolist()[:NAMES_MOST]]
    left = BYTES_MOST
    for number in numbers:
        try:
            inode = image.inode(number)
            image.attributes_of(inode)
            if inode.is_symlink:
                contents.read_link(image, inode)
        except FormatError as error:
            one_line(error)
            continue
        if inode.is_file and left > 0:
            left -= read_data(image, inode)
    for acl in list(image.nt_acls)[:NAMES_MOST]:
        try:
            image.nt_acls[acl]
        except FormatError as error:
            one_line(error)
    for base in image.streams.by_base:
        image.streams.of(base)
    for fault in image.faults:
        one_line(fault.text())


def read_data(image, inode):
    """Read a file's data; return how many bytes."""
    done = length = 0
    for offset, piece in contents.read(image, inode, lambda fault: one_line(fault.text())):
        assert offset >= done, "data that goes back"
        done = offset + len(piece)
        assert done <= inode.size, "data behind the end"
        length += len(piece)
        if length > BYTES_MOST:
            break
    return length

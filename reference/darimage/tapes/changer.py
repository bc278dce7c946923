"""A folder of tapes: a changer in its simplest form (DARI-TAP-005).

Tapes are files ``tape001.tap``, ``tape002.tap``, ... An image begins on a fresh tape and goes on on
the next. ``tapes.json`` beside them says which image is on which; what it does not name is none, so
an image that was not finished is never taken for whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from contextlib import suppress
from typing import Any

from darimage.errors import FormatError, StorageError, UsageError
from darimage.tapes.container import ContainerTape
from darimage.tapes.element import Form
from darimage.tapes.names import CATALOGUE, is_changer
from darimage.tapes.sink import Part
from darimage.volumes.writing import FileSink

_VERSION = 1
_SLOT = re.compile(r"tape([0-9]{3,9})\.[a-z]+")
_SIZE_MOST = 1 << 62
_CATALOGUE_MOST = 1 << 28


def images_in(folder: str | os.PathLike[str]) -> list[list[Part]]:
    """Return for each image of a folder of tapes what each tape holds of it.

    Raises:
        FormatError: The catalogue is damaged.
        StorageError: It cannot be read.
    """
    path = os.path.join(folder, CATALOGUE)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_CATALOGUE_MOST)
    except OSError as error:
        raise StorageError.of(error, path) from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is no catalogue of tapes: {error.reason}") from error
    try:
        known = json.loads(text)
        if known["version"] != _VERSION:
            raise FormatError(f"{path}: is of version {known['version']}, not {_VERSION}")
        return [_parts(image["tapes"]) for image in known["images"]]
    except FormatError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"{path}: is no catalogue of tapes: {error}") from error


def _parts(tapes: list[dict[str, Any]]) -> list[Part]:
    """Return what tapes hold of an image, each from where the one before ends."""
    parts, end = [_part(one) for one in tapes], 0
    for part in parts:
        if part.start != end:
            raise ValueError(f"{part.name} begins at {part.start}, not at {end}")
        end += part.size
    if not 0 < end < _SIZE_MOST:
        raise ValueError(f"an image of {end} bytes")
    return parts


def _part(one: dict[str, Any]) -> Part:
    name, *numbers = (one[key] for key in Part._fields)
    if not all(type(number) is int and 0 <= number < _SIZE_MOST for number in numbers):
        raise ValueError(f"{numbers} are no sizes")
    if not isinstance(name, str) or not _SLOT.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a tape")
    return Part(name, *numbers)


class Changer:
    """Brings fresh tapes of a folder.

    Attributes:
        name: Name of the image: the folder and its number.
        fd: The folder.
    """

    def __init__(self, folder: str | os.PathLike[str], form: Form, capacity: int) -> None:
        """Use a folder, which is made if it is not there.

        Args:
            folder: Its name.
            form: Kind of container.
            capacity: Bytes of a tape.

        Raises:
            StorageError: It cannot be used, or another run writes to it.
            FormatError: Its catalogue is damaged.
        """
        self._folder = os.fspath(folder)
        self._form = form
        self._capacity = capacity
        self._slots: list[FileSink] = []
        self._is_whole = False
        try:
            os.makedirs(self._folder, exist_ok=True)
            self.fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self.fd)
            raise StorageError(f"{folder}: another run writes to these tapes") from error
        except OSError as error:
            raise StorageError.of(error, os.fspath(folder)) from error
        self._images = self._known()
        self.name = f"{self._folder.rstrip('/') or '/'}:{len(self._images) + 1}"
        taken = [int(found[1]) for name in os.listdir(self.fd) if (found := _SLOT.fullmatch(name))]
        self._next = max(taken, default=0) + 1

    def _known(self) -> list[dict[str, Any]]:
        if not is_changer(self._folder):
            return []
        images_in(self._folder)
        with open(os.path.join(self._folder, CATALOGUE), encoding="utf-8") as file:
            found: list[dict[str, Any]] = json.load(file)["images"]
        return found

    def load(self, _number: int) -> ContainerTape:
        """Return a fresh tape."""
        name = f"tape{self._next:03}{self._form.suffix}"
        self._next += 1
        slot = FileSink(os.path.join(self._folder, name))
        self._slots.append(slot)
        return ContainerTape(slot.fd, name, self._form, self._capacity)

    def finish(self, parts: list[Part], block: int) -> None:
        """Move the tapes to their places, and enter the image into the catalogue."""
        for slot in self._slots:
            slot.finish()
        image = {
            "image": len(self._images) + 1,
            "bytes": parts[-1].start + parts[-1].size,
            "block": block,
            "tapes": [part._asdict() for part in parts],
        }
        catalogue = FileSink(os.path.join(self._folder, CATALOGUE), overwrite=True)
        try:
            told = {"version": _VERSION, "images": [*self._images, image]}
            catalogue.write_at(0, json.dumps(told, indent=1).encode())
            catalogue.finish()
        except BaseException:
            catalogue.abort()
            raise
        self._is_whole = True
        self._close()

    def abort(self) -> None:
        """Remove what was written."""
        for slot in self._slots if not self._is_whole else []:
            slot.abort()
            with suppress(OSError):
                os.unlink(slot.name)
        self._slots = []
        self._close()

    def _close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def parts_of(folder: str, number: int | None) -> list[Part]:
    """Return what the tapes of a folder hold of an image, by default of the last.

    Raises:
        UsageError: There is no such image.
        FormatError: The catalogue is damaged.
    """
    images = images_in(folder)
    if not images:
        raise UsageError(f"{folder}: the catalogue of the tapes names no image")
    if number is not None and number > len(images):
        raise UsageError(f"{folder}: has no image {number}, only {len(images)}")
    return images[-1 if number is None else number - 1]

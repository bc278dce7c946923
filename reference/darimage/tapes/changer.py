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

_VERSION = 1
_SLOT = re.compile(r"tape([0-9]{3,9})\.[a-z]+")
_BESIDE = ".tapes.partial"
"""The directory that an image is written into; whoever does so has locked the folder."""

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

    They are written into a directory of their own in it. When all are on the disk they are moved to
    their places, and the new catalogue last: with that the image is there (decision 0280).

    Attributes:
        name: Name of the image: the folder and its number.
        fd: The folder.
    """

    def __init__(
        self, folder: str | os.PathLike[str], form: Form, capacity: int, *, mode: int = 0o600
    ) -> None:
        """Use a folder, which is made if it is not there.

        Args:
            folder: Its name.
            form: Kind of container.
            capacity: Bytes of a tape.
            mode: Mode of the tapes; no umask is taken off.

        Raises:
            StorageError: It cannot be used, or another run writes to it.
            FormatError: Its catalogue is damaged.
        """
        self._folder = os.fspath(folder)
        self._form = form
        self._capacity = capacity
        self._mode = mode
        self._tape = -1
        self._is_new = not os.path.lexists(self._folder)
        self._beside = os.path.join(self._folder, _BESIDE)
        try:
            os.makedirs(self._folder, exist_ok=True)
            self.fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError.of(error, self._folder) from error
        try:
            self._begin()
        except OSError as error:
            self._close()
            raise _told(error, self._folder) from error
        except BaseException:
            self._close()
            raise

    def _begin(self) -> None:
        """Keep others away, clear up after them, and make the directory to write into."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StorageError(f"{self._folder}: another run writes to these tapes") from error
        self._images = self._known()
        self.name = f"{self._folder.rstrip('/') or '/'}:{len(self._images) + 1}"
        _undo(self._folder, self._beside)
        # A tape that is known stays so when it is kept elsewhere.
        known = [tape["name"] for image in self._images for tape in image["tapes"]]
        found = filter(None, map(_SLOT.fullmatch, [*os.listdir(self.fd), *known]))
        self._next = 1 + max((int(slot[1]) for slot in found), default=0)
        os.mkdir(self._beside, 0o700)

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
        try:
            self._put_away()
            self._tape = self._create(name)
        except OSError as error:
            raise StorageError.of(error, os.path.join(self._folder, name)) from error
        self._next += 1
        return ContainerTape(self._tape, name, self._form, self._capacity)

    def _create(self, name: str) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(os.path.join(self._beside, name), flags, 0o600)
        if self._mode != 0o600:
            os.fchmod(descriptor, self._mode)
        return descriptor

    def _put_away(self) -> None:
        """Have the tape that was written on the disk, and close it."""
        if self._tape >= 0:
            os.fsync(self._tape)
            os.close(self._tape)
            self._tape = -1

    def finish(self, parts: list[Part], block: int) -> None:
        """Move the tapes to their places, and enter the image into the catalogue."""
        image = {
            "image": len(self._images) + 1,
            "bytes": parts[-1].start + parts[-1].size,
            "block": block,
            "tapes": [part._asdict() for part in parts],
        }
        told = {"version": _VERSION, "images": [*self._images, image]}
        try:
            self._put_away()
            with open(self._create(CATALOGUE), "wb") as file:
                file.write(json.dumps(told, indent=1).encode())
                file.flush()
                os.fsync(file.fileno())
            _sync(self._beside)
            for part in parts:
                self._move(part.name, replaces=False)
            os.fsync(self.fd)
            self._move(CATALOGUE, replaces=True)
            os.fsync(self.fd)
        except OSError as error:
            raise _told(error, self.name) from error
        with suppress(OSError):
            os.rmdir(self._beside)
        self._close()

    def _move(self, name: str, *, replaces: bool) -> None:
        """Move a file to its place."""
        place = os.path.join(self._folder, name)
        if not replaces and os.path.lexists(place):
            raise StorageError(f"{place}: has come there meanwhile, and is not replaced")
        os.rename(os.path.join(self._beside, name), place)

    def abort(self) -> None:
        """Remove what was written, unless the image is there."""
        if self.fd < 0:
            return
        with suppress(OSError):
            _undo(self._folder, self._beside)
        self._close()
        if self._is_new:
            # That of an image that is there is not empty.
            with suppress(OSError):
                os.rmdir(self._folder)

    def _close(self) -> None:
        for descriptor in (self._tape, self.fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._tape = self.fd = -1


def _undo(folder: str, beside: str) -> None:
    """Remove a directory that tapes are written into, and those that were moved out of it.

    As long as the new catalogue is in it, the image is not there.

    Raises:
        OSError: Something cannot be removed; the directory is there, for the next run to do it.
    """
    import shutil

    with suppress(FileNotFoundError):
        held = os.listdir(beside)
        for name in _moving(beside) if CATALOGUE in held else []:
            if name not in held:
                with suppress(FileNotFoundError):
                    os.unlink(os.path.join(folder, name))
        shutil.rmtree(beside)


def _moving(beside: str) -> list[str]:
    """Return the tapes of the image that a directory has the catalogue of."""
    try:
        return [part.name for image in images_in(beside)[-1:] for part in image]
    except FormatError:
        return []  # it was not finished, so nothing was moved


def _told(error: OSError, name: str) -> StorageError:
    return error if isinstance(error, StorageError) else StorageError.of(error, name)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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

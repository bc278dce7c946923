"""The catalogue as a file: reading it, and adding what an image was made of."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from darimage.catalog.seen import STATE, STREAM, Seen
from darimage.catalog.tables import migrate
from darimage.errors import DarimageError, StorageError, UsageError

_WAIT_SECONDS = 300.0
"""How long to wait for another run's transaction, which takes seconds."""

_STEP_SECONDS = 0.05

_AT_ONCE = 1 << 14
"""Rows that are numbers of Python's at a time."""

_ROOT = 2

_NUMBERS = 1 << 32
"""Inode numbers are less."""

_DATES = 1 << 37
"""Dates of images are less, as those that people can read: before the year 6325."""

_COLUMNS = ", ".join(("number", *STATE))


class BackupSet(NamedTuple):
    """A backup set.

    Attributes:
        id: In this catalogue.
        source: Absolute path of its root.
        device: ``st_dev`` of its root.
        highest: Highest inode number that was ever given in it.
    """

    id: int
    source: bytes
    device: int
    highest: int


class CataloguedImage(NamedTuple):
    """An image that the catalogue knows.

    Attributes:
        id: In this catalogue; later images of a set have greater ones.
        date: Seconds since 1970.
        level: 0 to 9.
        name: Where it was written.
        uuid: 16 bytes.
        good: Whether the verdict on it is good.
        base: Id of the image it is relative to; ``None`` if it is full.
        held: Inodes in it.
        scanned_ns: When its tree had been looked at, nanoseconds since 1970.
        bytes: Its length; 0 if that is not known.
    """

    id: int
    date: int
    level: int
    name: bytes
    uuid: bytes
    good: bool
    base: int | None
    held: int
    scanned_ns: int
    bytes: int


_IMAGE = ", ".join(CataloguedImage._fields)


def _can_be(image: CataloguedImage) -> bool:
    """Tell whether an image can be as the catalogue says."""
    numbers = 0 <= image.date < _DATES and 0 <= image.level <= 9 and image.held >= 0
    return numbers and image.scanned_ns >= 0 and len(image.uuid) == 16


class _Waiting(sqlite3.Connection):
    """Waits for other runs a little at a time: a signal to end would wait with it otherwise."""

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        until = time.monotonic() + _WAIT_SECONDS
        while True:
            try:
                return super().execute(*arguments)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(_STEP_SECONDS)


class Catalogue:
    """An open catalogue. Forked processes must not use it."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.name = name
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path, *, make: bool = True) -> Iterator[Self]:
        """Open a catalogue; one that is not there is made, unless ``make`` is off.

        Raises:
            UsageError: It is none, or a newer program's, or is not there.
            StorageError: It cannot be read or written.
        """
        name = os.fspath(path)
        if not make and not path.exists():
            raise UsageError(f"{name}: there is no catalogue")
        with _errors_of(name):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # SQLite would let everybody read it.
            with contextlib.suppress(FileExistsError):
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            # No transaction begins by itself: each is opened where it is wanted.
            connection = sqlite3.connect(path, timeout=0, isolation_level=None, factory=_Waiting)
            with contextlib.closing(connection):
                migrate(connection, name)
                connection.execute("PRAGMA foreign_keys = ON")
                yield cls(connection, name)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Let all that is written inside come about, or nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    # -- reading ------------------------------------------------------------------------------

    def _check(self, good: bool) -> None:
        if not good:
            raise StorageError(f"{self.name}: the catalogue is damaged: a row says what cannot be")

    def sets(self) -> list[BackupSet]:
        """Return all backup sets, sorted by their source."""
        query = "SELECT id, source, device, highest FROM backup_set ORDER BY source, device"
        found = [BackupSet(*row) for row in self._connection.execute(query)]
        self._check(all(one.device >= 0 and _ROOT <= one.highest < _NUMBERS for one in found))
        return found

    def find(self, source: bytes, device: int) -> BackupSet | None:
        """Return the backup set of a directory."""
        found = (one for one in self.sets() if (one.source, one.device) == (source, device))
        return next(found, None)

    def images(self, backup_set: int) -> list[CataloguedImage]:
        """Return the images of a set, oldest first."""
        query = f"SELECT {_IMAGE} FROM image WHERE backup_set = ? ORDER BY date"  # noqa: S608
        found = self._connection.execute(query, (backup_set,))
        images = [CataloguedImage(*row)._replace(good=bool(row[5])) for row in found]
        self._check(all(map(_can_be, images)))
        return images

    def current(self, backup_set: int) -> Seen:
        """Return what was there when the last image was made."""
        return self._seen("backup_set = ? AND until IS NULL", (backup_set,))

    def at(self, backup_set: int, image: int) -> Seen:
        """Return what was there when an image was made."""
        where = "backup_set = ? AND since <= ? AND (until IS NULL OR until > ?)"
        return self._seen(where, (backup_set, image, image))

    def _seen(self, where: str, values: tuple[int, ...]) -> Seen:
        query = f"SELECT {_COLUMNS} FROM inode WHERE {where}"  # noqa: S608
        flat = chain.from_iterable(self._connection.execute(query, values))
        rows = np.fromiter(flat, np.int64).reshape(-1, 1 + len(STATE))
        named = f"SELECT number, stream FROM inode WHERE {where} AND kind = {STREAM}"  # noqa: S608
        return Seen.of(rows, dict(self._connection.execute(named, values)))

    # -- writing ------------------------------------------------------------------------------

    def add_set(self, source: bytes, device: int) -> BackupSet:
        """Add a backup set without images."""
        query = "INSERT INTO backup_set (source, device, highest) VALUES (?, ?, ?)"
        done = self._connection.execute(query, (source, device, _ROOT))
        return BackupSet(int(done.lastrowid or 0), source, device, _ROOT)

    def add_image(self, backup_set: int, image: CataloguedImage, seen: Seen) -> int:
        """Add an image, whose id is given here, and what was there when it was made.

        Returns:
            The id.
        """
        marks = ", ".join("?" * len(image))
        query = f"INSERT INTO image ({_IMAGE}, backup_set) VALUES (NULL, {marks})"  # noqa: S608
        done = self._connection.execute(query, (*image[1:], backup_set))
        number = int(done.lastrowid or 0)
        before = self.current(backup_set)
        columns = tuple(name for name in STATE if name != "kind")
        self._end(backup_set, number, before.pick(before.differs(seen, columns)))
        self._begin(backup_set, number, seen.pick(seen.differs(before, columns)))
        self.raise_highest(backup_set, int(seen.number.max(initial=_ROOT)))
        return number

    def raise_highest(self, backup_set: int, number: int) -> None:
        """Remember that all numbers up to one may have been given."""
        query = "UPDATE backup_set SET highest = max(highest, ?) WHERE id = ?"
        self._connection.execute(query, (number, backup_set))

    def _end(self, backup_set: int, image: int, gone: Seen) -> None:
        query = "UPDATE inode SET until = ? WHERE backup_set = ? AND number = ? AND until IS NULL"
        rows = ((image, backup_set, number) for number in gone.number.tolist())
        self._connection.executemany(query, rows)

    def _begin(self, backup_set: int, image: int, new: Seen) -> None:
        marks = ", ".join("?" * (len(STATE) + 4))
        query = f"INSERT INTO inode ({_COLUMNS}, stream, backup_set, since) VALUES ({marks})"  # noqa: S608
        names = new.streams
        for first in range(0, len(new), _AT_ONCE):
            rows = new.pick(slice(first, first + _AT_ONCE)).rows().tolist()
            found = ((*row, names.get(row[0]), backup_set, image) for row in rows)
            self._connection.executemany(query, found)

    def move_set(self, backup_set: int, source: bytes, device: int) -> None:
        """Give a backup set another directory."""
        query = "UPDATE backup_set SET source = ?, device = ? WHERE id = ?"
        self._connection.execute(query, (source, device, backup_set))

    def forget_name(self, name: bytes) -> None:
        """Forget images of a name, whose file is another now, and all that build on them."""
        if name == b"-":
            return
        for known in self.sets():
            gone = {image.id for image in self.images(known.id) if image.name == name}
            if gone:
                self.forget_images(known.id, gone)

    def forget_set(self, backup_set: int) -> None:
        """Forget a backup set with all its images and numbers."""
        for table in ("inode", "image"):
            self._connection.execute(f"DELETE FROM {table} WHERE backup_set = ?", (backup_set,))  # noqa: S608
        self._connection.execute("DELETE FROM backup_set WHERE id = ?", (backup_set,))

    def forget_images(self, backup_set: int, images: set[int]) -> list[CataloguedImage]:
        """Forget images and all that build on them; numbers stay given.

        Returns:
            The images that were forgotten, oldest first.
        """
        gone = []
        for image in self.images(backup_set):
            if image.id in images or image.base in images:
                images = images | {image.id}
                gone.append(image)
        for image in reversed(gone):
            self._connection.execute("DELETE FROM image WHERE id = ?", (image.id,))
        self._drop_unseen(backup_set)
        return gone

    def _drop_unseen(self, backup_set: int) -> None:
        """Drop states that no image of the catalogue shows any more."""
        left = [image.id for image in self.images(backup_set)]
        query = "DELETE FROM inode WHERE backup_set = ? AND since > ? AND until <= ?"
        for before, after in pairwise([0, *left, 1 << 62]):
            self._connection.execute(query, (backup_set, before, after))


@contextlib.contextmanager
def _errors_of(name: str) -> Iterator[None]:
    """Turn errors of SQLite into those of this package."""
    try:
        yield
    except DarimageError:
        raise
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_NOTADB:
            raise UsageError(f"{name}: is no catalogue") from error
        if code == sqlite3.SQLITE_BUSY:
            raise StorageError(f"{name}: is held by another program") from error
        raise StorageError(f"{name}: {error}") from error
    except UnicodeDecodeError as error:  # the sqlite3 module on text that is none
        raise StorageError(f"{name}: the catalogue is damaged") from error
    except OSError as error:
        raise StorageError.of(error, name) from error

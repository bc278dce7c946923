"""A single tape in a file, which appears whole or not at all."""

from __future__ import annotations

import os

from darimage.errors import StorageError
from darimage.tapes.container import ContainerTape
from darimage.tapes.element import Form
from darimage.tapes.sink import Part
from darimage.volumes.writing import MODE, FileSink


class OneFile:
    """Brings one tape.

    Attributes:
        name: Name of the file.
        fd: The file, beside its place.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        form: Form,
        capacity: int = 0,
        *,
        overwrite: bool = False,
        mode: int = MODE,
    ) -> None:
        """Make the file beside its place.

        Args:
            path: Its name.
            form: Kind of container.
            capacity: Bytes that it may have; 0 for no limit.
            overwrite: A file of that name may be replaced.
            mode: Its mode.

        Raises:
            UsageError: There is a file of that name and ``overwrite`` is not set.
            StorageError: The file cannot be created.
        """
        self._sink = FileSink(path, overwrite=overwrite, mode=mode)
        self.name = self._sink.name
        self._form = form
        self._capacity = capacity

    @property
    def fd(self) -> int:
        """The file that is written."""
        return self._sink.fd

    def load(self, number: int) -> ContainerTape:
        """Return the tape; there is one."""
        if number > 1:
            told = f"{self.name}: the tape is full; a folder of tapes would take the rest"
            raise StorageError(told)
        return ContainerTape(self._sink.fd, self.name, self._form, self._capacity)

    def finish(self, _parts: list[Part], _block: int) -> None:
        """Move the file to its place."""
        self._sink.finish()

    def abort(self) -> None:
        """Remove the file."""
        self._sink.abort()

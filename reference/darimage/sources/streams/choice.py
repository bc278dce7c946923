"""Which form of keeping streams a source has: as the user says, or as it looks."""

from __future__ import annotations

import os
from typing import NamedTuple

from darimage.errors import StorageError, UsageError, check_machine
from darimage.sources.handles import open_directory
from darimage.sources.streams.form import File, Form, FoundStream, Tell
from darimage.sources.streams.ntfs import NtfsWindows, NtfsXattr, is_ntfs, is_windows
from darimage.sources.streams.samba_depot import DIRECTORY, SambaDepot, is_depot
from darimage.sources.streams.samba_xattr import SambaXattr

FORMS = ("auto", "none", "xattr", "depot", "depot-unmarked", "ntfs-3g")
_DEPOTS = ("depot", "depot-unmarked")


class Choice(NamedTuple):
    """What the user says of it.

    Attributes:
        form: One of ``FORMS``.
        depot: Path of the depot; ``None`` for ``.streams`` in the root.
    """

    form: str = "auto"
    depot: str | None = None

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Return what ``FORM`` or ``depot=DIR`` means.

        Raises:
            UsageError: Nothing.
        """
        form, _, path = text.partition("=")
        if form not in FORMS or (path and form not in _DEPOTS):
            told = ", ".join(FORMS).replace("depot,", "depot[=DIR],")
            raise UsageError(f"streams are one of {told}, not {text!r}")
        return cls(form, path or None)


class Several:
    """More than one form at once."""

    def __init__(self, forms: list[Form]) -> None:
        """Take streams by each form, the first to have a name wins."""
        self._forms = forms
        self.takes_all = any(form.takes_all for form in forms)

    def take(
        self, values: dict[bytes, bytes], info: os.stat_result, file: File, tell: Tell
    ) -> list[FoundStream]:
        """Return the streams of an inode; see ``Form.take``."""
        found: dict[bytes, FoundStream] = {}
        for form in self._forms:
            for stream in form.take(values, info, file, tell):
                if stream.name in found:
                    shown = stream.name.decode("utf-8", "backslashreplace")
                    tell("duplicate", f"a second stream {shown!r} left out")
                found.setdefault(stream.name, stream)
        return [found[name] for name in sorted(found)]


def open_depot(choice: Choice, root: int) -> int:
    """Return a descriptor of the depot.

    Raises:
        StorageError: It cannot be opened.
    """
    try:
        if choice.depot is None:
            return open_directory(DIRECTORY, dir_fd=root)
        return open_directory(choice.depot, follow=True)
    except OSError as error:
        raise StorageError.of(error, choice.depot or os.fsdecode(DIRECTORY)) from error


class Streams:
    """The forms of a source, by device: another file system may be mounted in it.

    Attributes:
        depot: The depot, if there is one.
    """

    def __init__(self, choice: Choice, root: int) -> None:
        """Look at a source.

        Args:
            choice: What the user says.
            root: Descriptor of its root.

        Raises:
            StorageError: The depot that the user names is not there.
        """
        self._form = choice.form
        self._root = root
        self.depot: SambaDepot | None = None
        if choice.form in _DEPOTS:
            self.depot = SambaDepot(open_depot(choice, root), marked=choice.form == "depot")
        elif choice.form == "auto":
            self.depot = _depot_of(root)
        self._by_device: dict[int, Form | None] = {}

    def form(self, device: int, file: File) -> Form | None:
        """Return how streams are kept on a device; ``file`` is any file on it."""
        try:
            return self._by_device[device]
        except KeyError:
            found = self._by_device[device] = self._find(file)
            return found

    def _find(self, file: File) -> Form | None:
        if self._form == "none":
            return None
        if self._form == "xattr":
            return SambaXattr()
        if self._form in _DEPOTS:
            return self.depot
        if self._form == "ntfs-3g" or is_ntfs(file):
            return NtfsWindows() if is_windows(file) else NtfsXattr()
        return SambaXattr() if self.depot is None else Several([SambaXattr(), self.depot])

    def unclaimed(self) -> list[bytes]:
        """Return the directories of the depot that are no inode's."""
        return self.depot.unclaimed() if self.depot is not None else []

    def close(self) -> None:
        """Give up what is held."""
        if self.depot is not None:
            self.depot.close()


def _depot_of(root: int) -> SambaDepot | None:
    """Return the depot in a root, if there is what looks like one."""
    try:
        descriptor = open_directory(DIRECTORY, dir_fd=root)
    except OSError as error:
        check_machine(error)
        return None
    if is_depot(descriptor):
        return SambaDepot(descriptor)
    os.close(descriptor)
    return None

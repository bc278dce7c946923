"""Images that build on each other, as one tree (chapter 45)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from darimage.plain.assemble import DIRECTORY, LOST, WHOLE, Inode
from darimage.plain.faults import Faults, Refused
from darimage.plain.inventory import Image
from darimage.plain.rules import ALL, Rules
from darimage.plain.tree import ROOT, Link


class Held(NamedTuple):
    """An inode and the image that it comes from.

    Attributes:
        image: The image.
        inode: What it has.
    """

    image: Image
    inode: Inode


class Chain:
    """Several images as one, or one alone.

    Attributes:
        held: By path, what lies there; an inode with several names is there several times.
        faults: What was found wrong with the images and with the chain.
    """

    def __init__(self, images: Sequence[Image], rules: Rules = ALL) -> None:
        """Put images together, the full one first.

        Raises:
            Refused: They do not make a chain (DARI-INC-009).
        """
        self.faults = Faults()
        self._images, self._rules = list(images), rules
        self.held: dict[bytes, Held] = {}
        if len(self._images) == 1:
            self._alone(self._images[0])
            return
        for one, following in zip(self._images, self._images[1:], strict=False):
            if not rules.keeps("DARI-INC-009", _follows(one, following)):
                raise Refused("chain", "an image does not build on the one before")
        if not rules.keeps("DARI-INC-009", _level(self._images[0]) == 0):
            raise Refused("chain", "the first image is not full")
        self._together()

    def _alone(self, image: Image) -> None:
        for inode in image.inodes.values():
            for path in inode.paths if inode.state < LOST else ():
                self.held[path] = Held(image, inode)

    def _exists(self, number: int) -> bool:
        """Tell whether an inode is in bitmap I of the last image (step 1)."""
        last = self._images[-1]
        if last.existing is None:
            return True
        return number in last.existing

    def _holder(self, number: int) -> Held | None:
        """Return the last image that has an inode in bitmap II (step 2)."""
        for image in reversed(self._images):
            is_held = image.held is None or number in image.held
            inode = image.inodes.get(number)
            if inode is not None and inode.state < LOST:
                return Held(image, inode)
            if is_held and image.held is not None:
                self.faults.report("lost", None, number)
                return None
        return None

    def _together(self) -> None:
        """Build the tree that the chain stands for (steps 3 and 4)."""
        pending, seen = [(ROOT, b"")], {ROOT}
        while pending:
            number, path = pending.pop()
            holder = self._holder(number)
            if holder is None:
                continue
            self.held[path] = holder
            for link in self._entries(number, holder):
                below = path + b"/" + link.name if path else link.name
                child = self._holder(link.inode)
                if child is None:
                    continue
                if child.inode.kind != DIRECTORY:
                    self.held[below] = child
                elif link.inode not in seen:
                    seen.add(link.inode)
                    pending.append((link.inode, below))

    def _entries(self, number: int, holder: Held) -> list[Link]:
        """Return the entries of a directory in its holder; older ones if it is not whole."""
        found = [link for link in holder.image.tree.named if link.directory == number]
        found = [link for link in found if self._exists(link.inode)]
        if not self._rules.follows("DARI-INC-013"):
            names = {link.name for link in found}
            older = [link for image in self._images for link in image.tree.named]
            found += [one for one in older if one.directory == number and one.name not in names]
        if holder.inode.state == WHOLE or not self._rules.follows("DARI-INC-015"):
            return found
        names = {link.name for link in found}
        known = {link.inode for image in self._images for link in image.tree.links}
        for image in reversed(self._images[: self._images.index(holder.image)]):
            for link in image.tree.named:
                fits = link.directory == number and link.name not in names
                if fits and self._exists(link.inode) and link.inode in known:
                    self.faults.report("older-names", None, number)
                    names.add(link.name)
                    found.append(link)
        return found


def _level(image: Image) -> int:
    return int(image.given.first.fields.c_level)


def _follows(one: Image, following: Image) -> bool:
    """Tell whether an image builds on another (DARI-INC-009)."""
    first, second = one.given.first.fields, following.given.first.fields
    ascends = _level(one) < _level(following) and second.c_ddate == first.c_date
    if one.given.is_image != following.given.is_image:
        return False
    if not one.given.is_image:
        return bool(
            ascends and first.c_filesys == second.c_filesys and first.c_host == second.c_host
        )
    return bool(ascends and following.base_uuid == one.uuid)

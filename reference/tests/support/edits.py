"""Changes to a real tree between two backups: anything a user does, drawn as numbers.

An edit is a word and some numbers; what the numbers stand for depends on what is there, so that any
list of edits can be done on any tree.
"""

from __future__ import annotations

import contextlib
import os
import random
import stat
from pathlib import Path
from typing import NamedTuple

from darimage.schema import AclTag
from darimage.sections.security import from_sddl, wrap
from darimage.sections.xattrs import ACL_ACCESS
from support import trees
from support.attributes import acl

BLOCK = 4096
SOME_ACL = acl(
    (AclTag.USER_OBJ, 6),
    (AclTag.USER, 4, 1234),
    (AclTag.GROUP_OBJ, 4),
    (AclTag.MASK, 6),
    (AclTag.OTHER, 0),
)
DESCRIPTORS = [
    from_sddl(text).build()
    for text in ("D:", "O:BAG:SYD:P(A;OICI;FA;;;WD)", "O:SYG:SYD:(D;;FW;;;BG)")
]
ROOM = 24
"""Names a tree has at most, so that it stays quick to dump."""


class Edit(NamedTuple):
    """One change.

    Attributes:
        what: A key of ``EDITS``.
        which: What it is done to, as a number into what is there.
        where: Directory it leads to, likewise.
        dice: Seed of all else: names, sizes, contents.
    """

    what: str
    which: int
    where: int
    dice: int


def edit(root: Path, edits: list[Edit]) -> None:
    """Change a tree."""
    for one in edits:
        EDITS[one.what](os.fsencode(root), one, random.Random(one.dice))


def populate(root: Path) -> None:
    """Begin a tree with some of everything."""
    base = os.fsencode(root)
    for name in (b"a", b"a/deep", b"a/deep/er", b"b", b"c"):
        os.mkdir(os.path.join(base, name))
    dice = random.Random(7)
    for name in (b"one", b"a/two", b"a/deep/three", b"a/deep/er/four", b"b/five", b"b/six"):
        trees.put(os.path.join(base, name), dice.randbytes(dice.choice((0, 10, 1024, 9000))))
    os.link(os.path.join(base, b"one"), os.path.join(base, b"a/one too"))
    os.symlink(b"../one", os.path.join(base, b"b/link"))
    trees.put_sparse(os.path.join(base, b"c/sparse"), 16 * BLOCK, [(5 * BLOCK, b"x" * BLOCK)])


def _folders(root: bytes) -> list[bytes]:
    return sorted(folder for folder, _, _ in os.walk(root))


def _names(root: bytes, *, directories: bool) -> list[bytes]:
    found = []
    for folder, below, files in os.walk(root):
        links = [name for name in below if os.path.islink(os.path.join(folder, name))]
        chosen = [name for name in below if name not in links] if directories else files + links
        found += [os.path.join(folder, name) for name in chosen]
    return sorted(found)


def _folder(root: bytes, one: Edit) -> bytes:
    folders = _folders(root)
    return folders[one.where % len(folders)]


def _pick(names: list[bytes], one: Edit) -> bytes | None:
    return names[one.which % len(names)] if names else None


def _new_name(root: bytes, one: Edit, dice: random.Random) -> bytes | None:
    """Return a free name in a directory, none if the tree is full."""
    if sum(len(below) + len(files) for _, below, files in os.walk(root)) >= ROOM:
        return None
    path = os.path.join(_folder(root, one), dice.choice((b"n", b"m", b"\xff", b"long" * 50)))
    while os.path.lexists(path):
        path += b"%d" % dice.randrange(10)
    return path


def _content(dice: random.Random) -> bytes:
    return dice.randbytes(dice.choice((0, 1, 1023, 1024, 1025, 5000, 600_000)))


def _create(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _new_name(root, one, dice)
    if path is not None:
        trees.put(path, _content(dice))


def _sparse(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _new_name(root, one, dice)
    if path is not None:
        size = dice.randrange(40) * BLOCK
        places = sorted(dice.sample(range(40), 3))
        pieces = [(at * BLOCK, dice.randbytes(BLOCK)) for at in places if at * BLOCK < size]
        trees.put_sparse(path, size, pieces)


def _mkdir(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _new_name(root, one, dice)
    if path is not None:
        os.mkdir(path)


def _special(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _new_name(root, one, dice)
    if path is None:
        return
    if dice.random() < 0.5:
        os.symlink(dice.randbytes(5).hex().encode(), path)
    else:
        os.mkfifo(path)


def _write(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=False), one)
    if path is None or not stat.S_ISREG(os.lstat(path).st_mode):
        return
    with open(path, "r+b") as file:
        if dice.random() < 0.5:
            file.truncate(dice.randrange(5000))
        file.seek(dice.randrange(20) * BLOCK)
        file.write(_content(dice))


def _rename(root: bytes, one: Edit, dice: random.Random) -> None:
    path, new = _pick(_names(root, directories=False), one), _new_name(root, one, dice)
    if path is not None and new is not None:
        os.rename(path, new)


def _replace(root: bytes, one: Edit, dice: random.Random) -> None:
    """Move a file over another."""
    files = _names(root, directories=False)
    if len(files) > 1:
        os.rename(files[one.which % len(files)], files[one.where % len(files)])


def _move(root: bytes, one: Edit, dice: random.Random) -> None:
    """Move a directory to anywhere but into itself."""
    path, new = _pick(_names(root, directories=True), one), _new_name(root, one, dice)
    if path is not None and new is not None and not (new + b"/").startswith(path + b"/"):
        os.rename(path, new)


def _unlink(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=False), one)
    if path is not None:
        os.unlink(path)


def _remove(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=True), one)
    if path is not None:
        trees.remove(Path(os.fsdecode(path)))


def _link(root: bytes, one: Edit, dice: random.Random) -> None:
    path, new = _pick(_names(root, directories=False), one), _new_name(root, one, dice)
    if path is not None and new is not None and not os.path.islink(path):
        os.link(path, new)


def _to_directory(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=False), one)
    if path is not None:
        os.unlink(path)
        os.mkdir(path)
        trees.put(os.path.join(path, b"was a file"), _content(dice))


def _to_file(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=True), one)
    if path is not None:
        trees.remove(Path(os.fsdecode(path)))
        trees.put(path, _content(dice))


def _attributes(root: bytes, one: Edit, dice: random.Random) -> None:
    directories = dice.random() < 0.5
    path = _pick(_names(root, directories=directories), one)
    if path is not None and not os.path.islink(path):
        os.chmod(path, dice.choice((0o600, 0o644, 0o755, 0o700)))
        os.chown(path, dice.randrange(3), dice.randrange(3))


def _touch(root: bytes, one: Edit, dice: random.Random) -> None:
    path = _pick(_names(root, directories=dice.random() < 0.5), one)
    if path is not None:
        when = dice.randrange(10**9) * 10**9 + dice.randrange(10**9)
        os.utime(path, ns=(when, when), follow_symlinks=False)


def _stream(root: bytes, one: Edit, dice: random.Random) -> None:
    """Give a file or directory a stream as Samba keeps it, or change or take away one."""
    path = _pick(_names(root, directories=dice.random() < 0.3), one)
    if path is None or not (os.path.isdir(path) or os.path.isfile(path)) or os.path.islink(path):
        return
    name = b"user.DosStream.%s:$DATA" % dice.choice((b"one", b"two", b"three"))
    with contextlib.suppress(OSError):
        if dice.random() < 0.3:
            os.removexattr(path, name)
        else:
            os.setxattr(path, name, dice.randbytes(dice.randrange(2000)) + b"\0")


def _attribute(root: bytes, one: Edit, dice: random.Random) -> None:
    """Give a file or directory an extended attribute or a POSIX ACL, or take one away."""
    path = _pick(_names(root, directories=dice.random() < 0.3), one)
    if path is None or not (os.path.isdir(path) or os.path.isfile(path)) or os.path.islink(path):
        return
    name = dice.choice((b"user.a", b"user.long", b"trusted.t", ACL_ACCESS))
    values = {b"user.long": dice.randbytes(1500), ACL_ACCESS: SOME_ACL}
    with contextlib.suppress(OSError):
        if dice.random() < 0.3:
            os.removexattr(path, name)
        else:
            os.setxattr(path, name, values.get(name, dice.randbytes(dice.randrange(40))))


def _nt_acl(root: bytes, one: Edit, dice: random.Random) -> None:
    """Give a file or directory an NT ACL as Samba keeps it, or take it away."""
    path = _pick(_names(root, directories=dice.random() < 0.3), one)
    if path is None or not (os.path.isdir(path) or os.path.isfile(path)) or os.path.islink(path):
        return
    with contextlib.suppress(OSError):
        if dice.random() < 0.2:
            os.removexattr(path, b"security.NTACL")
        else:
            os.setxattr(path, b"security.NTACL", wrap(dice.choice(DESCRIPTORS)))


EDITS = {
    "attribute": _attribute,
    "nt acl": _nt_acl,
    "create": _create,
    "sparse": _sparse,
    "mkdir": _mkdir,
    "special": _special,
    "write": _write,
    "rename": _rename,
    "replace": _replace,
    "move": _move,
    "unlink": _unlink,
    "remove": _remove,
    "link": _link,
    "to directory": _to_directory,
    "to file": _to_file,
    "attributes": _attributes,
    "touch": _touch,
    "stream": _stream,
}

GROWING = (
    "stream",
    "attribute",
    "nt acl",
    "create",
    "sparse",
    "mkdir",
    "mkdir",
    "special",
    "write",
    "link",
    "rename",
    "move",
)
"""What keeps a tree from becoming empty."""

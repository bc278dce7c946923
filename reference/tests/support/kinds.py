"""The tree with one of everything: file types, names, modes, owners, times, links."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from support.trees import STAMP_NS, put, stamp, tree

if TYPE_CHECKING:
    from pathlib import Path

#: Names that quoting, globbing, decoding or length checks get wrong.
ODD_NAMES = (
    b"n" * 254,
    "é".encode() * 127,
    "名前".encode(),
    b"\xff\xfe\x80latin\xe9",
    b"\xc3(broken-utf8",
    b"\xf0\x9f\x98",
    b" leading and trailing ",
    b"new\nline",
    b"\n",
    b"tab\tand\rreturn",
    b"\x01\x1b[31m\x7f",
    b"'single' \"double\"",
    b"back\\slash",
    b"-leading-dash",
    b"--",
    b"*",
    b"?[a-z]{x,y}",
    b"$(touch x) `y` ; z & |",
    b"#hash",
    b"~",
    b"...",
    b".hidden",
    b"%s%n%%",
    b"co:lon",
)

#: Names as long as Linux allows. They have a tree of their own: Debian's build of dump 0.4b47 loses
#: them on both sides (its entry length is computed in 8 bits, 255 + 1 becomes 0).
LONGEST_NAMES = (b"n" * 255, "é".encode() * 127 + b"x", b"\xff" * 255)

#: Lengths of symlink targets: inside the inode (< 60), and around one record, up to ext4's limit.
LINK_LENGTHS = (1, 59, 60, 255, 1000, 1023, 1024, 1025, 2048, 4000, 4095)

FILE_MODES = (0o000, 0o400, 0o644, 0o755, 0o1755, 0o2755, 0o4755, 0o6755, 0o7777)
DIRECTORY_MODES = (0o000, 0o500, 0o700, 0o1777, 0o2775, 0o7777)

#: Seconds since 1970: before it, the old 32-bit field's last second, beyond its two readings.
#: `restore` reads it as unsigned (a time of -1 comes back as 2106).
#: ext4 with 256-byte inodes holds 1901-12-13 to 2446-05-10, 64 bits of nanoseconds only to 2262.
TIMES_S = (-(2**31), -1, 0, 1, 2**31 - 1)
TIMES_BEYOND_S = (2**31, 2**32 - 1, 2**32, 9_000_000_000)

#: (type, major, minor); the last three do not fit the old 8-bit numbers. The last minor is the
#: highest that `restore` can make: it keeps device numbers in a signed int.
DEVICES = (
    (stat.S_IFCHR, 1, 3),
    (stat.S_IFBLK, 7, 0),
    (stat.S_IFCHR, 255, 255),
    (stat.S_IFCHR, 136, 300),
    (stat.S_IFBLK, 300, 70_000),
    (stat.S_IFBLK, 4095, 524_287),
)

OWNERS = ((1, 1), (65_535, 65_536), (100_000, 3_000_000_000), (3_000_000_000, 4_294_967_294))


@tree("kinds")
def kinds(root: Path) -> None:
    """Every file type, odd name, mode, owner, time and link.

    Devices and foreign owners are only made when running as root.
    """
    base = os.fsencode(root)
    _names(base)
    _links(base)
    _special(base)
    _modes(base)
    if os.geteuid() == 0:
        _devices(base)
        _owners(base)
    stamp(root)
    _times(base)
    os.utime(root, ns=(STAMP_NS, STAMP_NS))


@tree("beyond")
def beyond(root: Path) -> None:
    """What ext4 holds and the old reader, or 64 bits of nanoseconds, does not.

    A time in 2286, the highest device number (root only), and an ordinary file beside them.
    """
    base = os.fsencode(root) + b"/"
    put(base + b"ordinary", b"today")
    put(base + b"in-2286", b"later")
    os.mkdir(base + b"folder-in-2286")
    if os.geteuid() == 0:
        os.mknod(base + b"highest-device", stat.S_IFBLK | 0o600, os.makedev(4095, 1_048_575))
    stamp(root)
    when = 10_000_000_000 * 10**9
    for name in (b"in-2286", b"folder-in-2286"):
        os.utime(base + name, ns=(when, when))


@tree("names_255")
def names_255(root: Path) -> None:
    """Names of 255 bytes for files and directories, between shorter neighbours."""
    base = os.fsencode(root)
    files = _make(base, b"files")
    folders = _make(base, b"folders")
    put(files + b"a-neighbour", b"neighbour")
    for name in LONGEST_NAMES:
        put(files + name, b"content of " + name)
        os.mkdir(folders + name)
        put(folders + name + b"/" + name, name)
    put(_make(base, b"plain") + b"file", b"untouched")
    stamp(root)


def _make(base: bytes, name: bytes) -> bytes:
    folder = base + b"/" + name
    os.mkdir(folder, 0o755)
    return folder + b"/"


def _names(base: bytes) -> None:
    files = _make(base, b"names")
    folders = _make(base, b"folder-names")
    for name in ODD_NAMES:
        put(files + name, b"content of " + name)
        os.mkdir(folders + name, 0o755)
        put(folders + name + b"/inside", name)
    _make(base, b"empty")


def _links(base: bytes) -> None:
    links = _make(base, b"symlinks")
    for length in LINK_LENGTHS:
        os.symlink(b"t" * length, links + b"%04d" % length)
    os.symlink(b"/etc/passwd", links + b"absolute")
    os.symlink(b"nowhere/at/all", links + b"dangling")
    os.symlink(b"../empty", links + b"to-folder")
    os.symlink(b"loop", links + b"loop")
    os.symlink(b"\xff\xfe\n*", links + b"odd-target")

    first = _make(base, b"hard-a")
    second = _make(base, b"hard-b")
    deeper = _make(base, b"hard-b/deeper")
    put(second + b"one", b"three names\n" * 300)
    os.link(second + b"one", first + b"two")
    os.link(second + b"one", deeper + b"three")
    os.symlink(b"one target", first + b"symlink")
    os.link(first + b"symlink", second + b"symlink-too", follow_symlinks=False)
    os.mkfifo(deeper + b"fifo", 0o640)
    os.link(deeper + b"fifo", first + b"fifo-too")
    put(first + b"empty-file", b"")
    os.link(first + b"empty-file", second + b"empty-file-too")


def _special(base: bytes) -> None:
    special = _make(base, b"special")
    os.mkfifo(special + b"fifo", 0o600)
    os.mknod(special + b"socket", stat.S_IFSOCK | 0o666)
    os.chmod(special + b"socket", 0o751)


def _modes(base: bytes) -> None:
    modes = _make(base, b"modes")
    is_root = os.geteuid() == 0
    for mode in FILE_MODES:
        # Without root a closed file could not be read, nor a closed directory walked or removed.
        put(modes + b"file-%04o" % mode, b"%o" % mode, mode if is_root else mode | 0o400)
    for mode in DIRECTORY_MODES:
        folder = modes + b"dir-%04o" % mode
        os.mkdir(folder)
        put(folder + b"/inside", b"%o" % mode)
        os.chmod(folder, mode if is_root else mode | 0o700)


def _devices(base: bytes) -> None:
    devices = _make(base, b"devices")
    for kind, major, minor in DEVICES:
        letter = b"c" if kind == stat.S_IFCHR else b"b"
        path = devices + b"%b-%d-%d" % (letter, major, minor)
        os.mknod(path, kind | 0o660, os.makedev(major, minor))


def _owners(base: bytes) -> None:
    owners = _make(base, b"owners")
    for uid, gid in OWNERS:
        path = put(owners + b"file-%d-%d" % (uid, gid), b"owned")
        os.chown(path, uid, gid)
        # chown takes setuid away, so it comes last.
        os.chmod(path, 0o6755)
        folder = owners + b"dir-%d-%d" % (uid, gid)
        os.mkdir(folder, 0o750)
        os.chown(folder, uid, gid)
        link = owners + b"link-%d-%d" % (uid, gid)
        os.symlink(b"owned", link)
        os.lchown(link, uid, gid)


def _times(base: bytes) -> None:
    for name, seconds in ((b"times", TIMES_S), (b"times-beyond-32-bit", TIMES_BEYOND_S)):
        times = _make(base, name)
        for second in seconds:
            when = second * 10**9 + 987_654_321
            path = put(times + b"file%d" % second, b"timed")
            folder = times + b"dir%d" % second
            os.mkdir(folder, 0o755)
            for target in (path, folder):
                os.utime(target, ns=(when - 1_000_000, when))
        os.utime(times, ns=(STAMP_NS, STAMP_NS))

"""Streams on disk, as Samba and ntfs-3g keep them, and the two programs themselves as judges.

What is here is written after the documentation of those formats, not with the code under test.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time

import pytest

from support import legacy

ZONE = b"[ZoneTransfer]\r\nZoneId=3\r\n"


def attribute_of(name):
    """Return the attribute that Samba keeps a stream in."""
    return b"user.DosStream." + name + b":$DATA"


def set_xattr_streams(path, streams):
    """Give a file streams as Samba's streams_xattr does, each in one attribute."""
    for name, data in streams.items():
        os.setxattr(path, attribute_of(name), data + b"\0")


def get_xattr_streams(path):
    """Return the streams that Samba would find, long ones put together."""
    names = [os.fsencode(name) for name in os.listxattr(path, follow_symlinks=False)]
    found = {}
    for full in names:
        if full.startswith(b"user.DosStream.") and full.endswith(b":$DATA"):
            *data, count = os.getxattr(path, full)
            raw = full[len(b"user.DosStream.") :]
            rest = [
                os.getxattr(path, b"user.DosStreamExt.%d." % (at + 1) + raw) for at in range(count)
            ]
            found[raw[: -len(b":$DATA")]] = b"".join([bytes(data), *rest])
    return found


def depot_directory(depot, path):
    """Return where the streams of a file are in a depot; the hash is that of its module."""
    info = os.lstat(path)
    key = info.st_dev.to_bytes(8, "little") + info.st_ino.to_bytes(8, "little")
    value = 0x238F13AF * len(key)
    for i, byte in enumerate(key):
        value = (value + (byte << (i * 5 % 24))) & 0xFFFFFFFF
    value = (1103515243 * value + 12345) & 0xFFFFFFFF
    return depot / f"{value & 0xFF:02X}" / f"{value >> 8 & 0xFF:02X}" / key.hex().upper()


def set_depot_streams(depot, path, streams, *, mark=True):
    """Give a file streams as Samba's streams_depot does."""
    folder = depot_directory(depot, path)
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in streams.items():
        (folder / os.fsdecode(b":" + name + b":$DATA")).write_bytes(data)
    if mark:
        os.setxattr(path, "user.SAMBA_STREAMS", b"1")


def get_depot_streams(depot, path):
    """Return the streams of a file in a depot, if it has the mark."""
    folder = depot_directory(depot, path)
    if not folder.exists() or os.getxattr(path, "user.SAMBA_STREAMS") != b"1":
        return {}
    names = [os.fsencode(name) for name in os.listdir(folder)]
    assert all(name.startswith(b":") and name.endswith(b":$DATA") for name in names)
    return {name[1 : -len(b":$DATA")]: (folder / os.fsdecode(name)).read_bytes() for name in names}


@contextlib.contextmanager
def ntfs(interface, size=24 << 20):
    """Mount a new NTFS with ntfs-3g; skip where that is not allowed."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("mounting NTFS needs root and /dev/fuse")
    mkntfs, driver = legacy.program("mkntfs"), legacy.program("ntfs-3g")
    with legacy.scratch_directory() as folder:
        backing, point = folder / "ntfs", folder / "m"
        point.mkdir()
        with backing.open("wb") as file:
            file.truncate(size)
        made = legacy.run([mkntfs, "-F", "-Q", "-q", str(backing)], folder)
        assert made.rc == 0, made.stderr
        command = [driver, "-o", f"streams_interface={interface}", str(backing), str(point)]
        mounted = legacy.run(command, folder)
        if mounted.rc:
            pytest.skip(f"no mounts of ntfs-3g here: {mounted.stderr.strip()}")
        try:
            yield point
        finally:
            for _ in range(50):
                if legacy.run([legacy.program("umount"), str(point)], folder).rc == 0:
                    break
                time.sleep(0.1)


def get_ntfs_streams(path, interface):
    """Return the streams of a file on a mount of ntfs-3g."""
    if interface == "xattr":
        names = [os.fsencode(name) for name in os.listxattr(path)]
        return {name[5:]: os.getxattr(path, name) for name in names if name.startswith(b"user.")}
    names = [name for name in os.getxattr(path, "ntfs.streams.list").split(b"\0") if name]
    found = {}
    for name in names:
        where = os.fsencode(path) + (b"/:" if path.is_dir() else b":") + name
        with open(where, "rb") as file:
            found[name] = file.read()
    return found


_CONFIG = """
[global]
  server role = standalone
  map to guest = Bad User
  guest account = root
  interfaces = lo
  bind interfaces only = yes
  smb ports = {port}
  disable spoolss = yes
  load printers = no
  usershare path =
  pid directory = {home}
  lock directory = {home}
  state directory = {home}
  cache directory = {home}
  private dir = {home}
  ncalrpc dir = {home}/rpc
  smb passwd file = {home}/passwd
  passdb backend = tdbsam:{home}/passdb.tdb
  log file = {home}/log
[share]
  path = {path}
  guest ok = yes
  read only = no
  vfs objects = {module}
"""


class Share:
    """A directory shared by a real Samba, on the loopback interface alone."""

    def __init__(self, port, home):
        self._port = port
        self._home = home

    def run(self, commands):
        """Let smbclient do something; return what it says."""
        command = [legacy.program("smbclient"), "-p", str(self._port), "-N", "//127.0.0.1/share"]
        done = subprocess.run(
            [*command, "-c", commands],
            cwd=self._home,
            capture_output=True,
            check=False,
            timeout=60,
            encoding="utf-8",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        return done.stdout + done.stderr

    def put(self, path, data):
        """Write a file, or a stream as ``file:stream``."""
        (self._home / "data").write_bytes(data)
        said = self.run(f'put data "{path}"')
        assert "putting file" in said, said
        assert "NT_STATUS" not in said, said

    def get(self, path):
        """Read a file, or a stream as ``file:stream``."""
        got = self._home / "got"
        got.unlink(missing_ok=True)
        said = self.run(f'get "{path}" got')
        assert got.exists(), said
        return got.read_bytes()

    def streams(self, path):
        """Return the names of a file's streams."""
        said = self.run(f'allinfo "{path}"')
        return set(re.findall(r"^stream: \[:(.+):\$DATA\]", said, re.MULTILINE))


@contextlib.contextmanager
def share(path, module):
    """Share a directory with a real Samba; skip where there is none."""
    if os.geteuid() != 0:
        pytest.skip("smbd needs root")
    smbd = legacy.program("smbd")
    legacy.program("smbclient")
    with legacy.scratch_directory() as home:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        config = home / "smb.conf"
        config.write_text(_CONFIG.format(port=port, home=home, path=path, module=module))
        # It ends its whole process group: ours, did it not get a session of its own.
        command = [smbd, "-s", config, "-F", "--no-process-group", "-l", home]
        with (home / "output").open("wb") as output:
            daemon = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            found = Share(port, home)
            said = _until_it_answers(found, daemon)
            if "BAD_NETWORK_NAME" in said:
                pytest.skip(f"Samba has no {module} here (Debian package samba-vfs-modules)")
            assert "NT_STATUS" not in said, said
            yield found
        finally:
            daemon.terminate()
            daemon.wait(timeout=30)


def _until_it_answers(found, daemon):
    said = ""
    for _ in range(100):
        assert daemon.poll() is None, "smbd ended"
        said = found.run("ls")
        if "CONNECTION_REFUSED" not in said:
            break
        time.sleep(0.1)
    return said

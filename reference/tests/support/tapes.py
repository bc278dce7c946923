"""Tape containers put together by hand, and the foreign programs that judge them.

Nothing here uses the package: what it writes and what it reads is the other side of each test.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess

import pytest

MARK, BAD_NOTHING = None, "a bad record of nothing"


class Bad(bytes):
    """A block that could not be read."""


def simh(blocks, end=b""):
    """Return a SIMH container of blocks; ``None`` is a file mark."""
    made = bytearray()
    for block in blocks:
        if block is MARK:
            made += bytes(4)
        elif block is BAD_NOTHING:
            made += struct.pack("<II", 8 << 28, 8 << 28)
        else:
            word = struct.pack("<I", len(block) | (8 << 28) * isinstance(block, Bad))
            made += word + block + bytes(len(block) % 2) + word
    return bytes(made) + end


def aws(blocks, chunk=65535):
    """Return an AWSTAPE container of blocks; ``None`` is a file mark."""
    made, before = bytearray(), 0
    for block in blocks:
        if block is MARK:
            made += struct.pack("<HHBB", 0, before, 0x40, 0)
            before = 0
            continue
        for at in range(0, len(block), chunk):
            piece = block[at : at + chunk]
            flags = 0x80 * (at == 0) | 0x20 * (at + chunk >= len(block))
            made += struct.pack("<HHBB", len(piece), before, flags, 0) + piece
            before = len(piece)
    return bytes(made)


FORMS = {"simh": simh, "aws": aws}


def in_blocks(data, size):
    """Return data in blocks of a size; the last may be shorter."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def program(name, package):
    """Return the path of a foreign program, or skip the test."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return path


def mtdump(path):
    """Return what ``mtdump`` sees: lengths of records, ``None`` for marks, up to two together."""
    told = subprocess.run(
        [program("mtdump", "simh"), str(path)], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for line in told.splitlines():
        if length := re.fullmatch(r"Obj \d+, position \d+, record \d+, length = (\d+) .*", line):
            found.append(int(length[1]))
        elif re.fullmatch(r"Obj \d+, position \d+, end of (tape file \d+|logical tape)", line):
            found.append(MARK)
        else:
            assert re.match(r"Processing|End of physical tape", line), line
    return found


def tapemap(path):
    """Return for each file of an AWSTAPE container its blocks and their least and most bytes.

    Chunks of one block count as blocks.
    """
    told = subprocess.run(
        [program("tapemap", "hercules"), str(path)], capture_output=True, text=True, check=True
    ).stdout
    line = r"File \d+: Blocks=(\d+), block size min=(\d+), max=(\d+)"
    return [tuple(map(int, found)) for found in re.findall(line, told)]

"""The worked hexdumps of the specification: their format, and how they are found in spec/*.rst.

A hexdump in the text::

    .. hexdump:: The extension area of a file's header
       :layout: extension/inode_body
       :order: le
       :expect: run_records=3, nlink=1, reserved=x'00*24'

       0000  03 00 00 00 00 00 00 00  | run_records
       0008  00*80                    | the rest is zero

Each line is an offset (hexadecimal, at least four digits, counted from any start), bytes in
hexadecimal, and after a bar a comment. `00*80` stands for eighty zero bytes. The offsets must
follow on from the bytes. In `expect` a value is a number (decimal or 0x), text in double quotes
(zeros may follow it in the field), or bytes as x'...' in the notation of the lines. A bitmap has no
layout: `:inodes: 2, 3` lists its bits instead.

Nothing here needs Sphinx: the same parser serves the docs and the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE = re.compile(r"([0-9a-f]{4,})\s+([0-9a-f*][0-9a-f* ]*?)\s*(?:\|\s*(.*))?", re.IGNORECASE)
_TOKEN = re.compile(r"([0-9a-f]{2})(?:\*([1-9][0-9]*))?", re.IGNORECASE)
_DIRECTIVE = re.compile(r"( *)\.\. hexdump::(.*)")
_OPTION = re.compile(r":([a-z-]+):\s*(.*)")
_EXPECTATION = re.compile(
    r"""\s*(?P<path>[a-z_][\w.\[\]]*)\s*=\s*
        (?:(?P<number>-?\d+|0x[0-9a-f_]+)|"(?P<text>[^"]*)"|x'(?P<bytes>[0-9a-f* ]*)')\s*(?:,|$)""",
    re.VERBOSE | re.IGNORECASE,
)


class HexdumpError(ValueError):
    """A hexdump that is not in the documented format."""


@dataclass(frozen=True)
class Expectation:
    """One field and the value the bytes must hold there.

    Attributes:
        path: The field (`nlink`, `c_dinode.di_db[0]`).
        value: A number, text or bytes.
    """

    path: str
    value: int | str | bytes

    def holds(self, parsed: Any) -> bool:
        """Tells whether the field of a parsed structure has the value."""
        actual = look_up(parsed, self.path)
        if isinstance(self.value, str):
            wanted = self.value.encode()
            return bytes(actual) == wanted.ljust(len(actual), b"\0")
        if isinstance(self.value, bytes):
            return bytes(actual) == self.value
        return int(actual) == self.value


@dataclass(frozen=True)
class Hexdump:
    """One hexdump directive as it stands in a chapter.

    Attributes:
        source: File name and line, for messages.
        title: The directive's argument, may be empty.
        layout: Layout id, or "" if the bytes follow no layout of ksy/.
        order: `le` or `be`.
        expect: What the fields must hold.
        inodes: Of a bitmap, the inodes whose bits are set; None for everything else.
        data: The bytes.
    """

    source: str
    title: str
    layout: str
    order: str
    expect: tuple[Expectation, ...]
    inodes: tuple[int, ...] | None
    data: bytes


def parse_bytes(text: str) -> bytes:
    """Returns the bytes written as `44 41*3 00`.

    Raises:
        HexdumpError: A word is not two hexadecimal digits with an optional `*count`.
    """
    data = bytearray()
    for word in text.split():
        match = _TOKEN.fullmatch(word)
        if match is None:
            raise HexdumpError(f"{word!r} is not a byte such as 4c or a run such as 00*24")
        data += bytes.fromhex(match[1]) * int(match[2] or 1)
    return bytes(data)


def parse_dump(lines: list[str]) -> bytes:
    """Returns the bytes of a dump's lines; blank lines are skipped.

    Raises:
        HexdumpError: A line is not in the format, an offset does not follow, or there are no bytes.
    """
    data = bytearray()
    start: int | None = None
    for line in filter(None, map(str.strip, lines)):
        match = _LINE.fullmatch(line)
        if match is None:
            raise HexdumpError(f"not `OFFSET  bytes  | comment`: {line!r}")
        offset = int(match[1], 16)
        start = offset if start is None else start
        if offset != start + len(data):
            raise HexdumpError(f"offset {match[1]} should be {start + len(data):04x}: {line!r}")
        data += parse_bytes(match[2])
    if not data:
        raise HexdumpError("no bytes")
    return bytes(data)


def parse_expect(text: str) -> tuple[Expectation, ...]:
    """Returns the expectations of an `:expect:` option.

    Raises:
        HexdumpError: The text is not `field=value, ...`.
    """
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _EXPECTATION.match(text, position)
        if match is None:
            raise HexdumpError(f"not `field=value`: {text[position:]!r}")
        found.append(Expectation(match["path"], _value(match)))
        position = match.end()
    return tuple(found)


def _value(match: re.Match[str]) -> int | str | bytes:
    if match["number"] is not None:
        return int(match["number"], 0)
    if match["text"] is not None:
        return match["text"]
    return parse_bytes(match["bytes"])


def look_up(parsed: Any, path: str) -> Any:
    """Returns the value at a path such as `c_dinode.di_db[0]` of parsed mappings and lists.

    Raises:
        HexdumpError: There is no such field.
    """
    value = parsed
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        try:
            value = value[int(index) if index else name]
        except (IndexError, KeyError, TypeError) as error:
            raise HexdumpError(f"no field {path!r}") from error
    return value


def parse_inodes(text: str | None) -> tuple[int, ...] | None:
    """Returns the numbers of an `:inodes:` option, None if there is no such option.

    Raises:
        HexdumpError: The text is not a list of numbers with commas between.
    """
    if text is None:
        return None
    if not re.fullmatch(r"\s*(\d+\s*(,\s*|$))*", text):
        raise HexdumpError(f"not a list of inode numbers: {text!r}")
    return tuple(int(number) for number in re.findall(r"\d+", text))


def check_order(order: str) -> str:
    """Returns the byte order of an `:order:` option, `le` if it is empty.

    Raises:
        HexdumpError: It is neither `le` nor `be`.
    """
    if order not in ("", "le", "be"):
        raise HexdumpError(f"order is le or be, not {order!r}")
    return order or "le"


def find_hexdumps(path: Path) -> Iterator[Hexdump]:
    """Yields the hexdumps of one reStructuredText file.

    Raises:
        HexdumpError: One is not in the format; the message names file and line.
    """
    lines = path.read_text(encoding="utf-8").expandtabs().splitlines()
    for number, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line)
        if match is None:
            continue
        source = f"{path.name}:{number + 1}"
        try:
            yield _hexdump(source, match[2].strip(), _body(lines[number + 1 :], len(match[1])))
        except HexdumpError as error:
            raise HexdumpError(f"{source}: {error}") from None


def _body(lines: list[str], indent: int) -> list[str]:
    body = []
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        body.append(line.strip())
    return body


def _hexdump(source: str, title: str, body: list[str]) -> Hexdump:
    options: dict[str, str] = {}
    last = ""
    content = list(body)
    while content and content[0]:
        line = content.pop(0)
        match = _OPTION.fullmatch(line)
        if match:
            last = match[1]
            options[last] = match[2]
        elif last:
            options[last] += " " + line
        else:
            title += " " + line
    return Hexdump(
        source=source,
        title=title,
        layout=options.get("layout", ""),
        order=check_order(options.get("order", "")),
        expect=parse_expect(options.get("expect", "")),
        inodes=parse_inodes(options.get("inodes")),
        data=parse_dump(content),
    )

"""Reads the requirements out of spec/*.rst: the text of each, and the reasons that follow it.

It knows the markup that the chapters use around requirements; anything else is an error rather
than a garbled sentence. Nothing here needs Sphinx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ksy_layout import Layouts, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
PROFILES = ("dump", "dari-core", "streams", "acl", "xattr", "incremental", "volumes")
CORE = "dari-core"
PARTIES = ("writer", "reader", "validator")

_HEAD = re.compile(r"\.\. req:: (.+)")
_OPTION = re.compile(r"   :(\w+): ?(.*)")
_TITLE = re.compile(r"([=\-~^])\1+")
_LABEL = re.compile(r"\.\. _([\w-]+):\n\n?(.+)\n[=\-~^]+\n")
_ROLE = re.compile(r":([a-z:-]+):`([^`<]*?)(?:\s*<([^>]+)>)?`")
_ITEM = re.compile(r"^(?:\d+\.|-) ", re.MULTILINE)
_OPTIONS = {"id", "level", "binds", "profile", "unseen"}


class SpecError(ValueError):
    """A requirement that is not complete, or markup that is not known."""


@dataclass(frozen=True)
class Requirement:
    """One normative sentence.

    Attributes:
        id: Its id.
        title: What it is called.
        level: How binding it is.
        binds: Whom it binds.
        profile: The profile that it belongs to.
        chapter: Its chapter, a file of spec/ without suffix.
        text: What it says, as plain text with `code` in backticks.
        reason: The paragraphs that explain it, likewise.
        unseen: Why no image shows whether it was obeyed; ``None`` if one can.
    """

    id: str
    title: str
    level: str
    binds: tuple[str, ...]
    profile: str
    chapter: str
    text: str
    reason: tuple[str, ...]
    unseen: str | None

    def as_json(self) -> dict[str, Any]:
        """Returns it as a dictionary for JSON."""
        return {
            **vars(self),
            "binds": list(self.binds),
            "reason": list(self.reason),
        }


class _Block(NamedTuple):
    """Lines between blank lines; a directive takes all that is indented below it."""

    line: int
    lines: list[str]

    @property
    def is_paragraph(self) -> bool:
        """Whether it is text: no directive, no title, nothing indented."""
        first = self.lines[0]
        return not (first.startswith((".. ", " ", "* ")) or _is_title(self.lines))


class Chapters:
    """The chapters of the specification."""

    def __init__(self, folder: Path, layouts: Path) -> None:
        self._paths = sorted(folder.glob("*.rst"))
        self._layouts = Layouts(layouts)
        self._labels = {
            label: title
            for path in self._paths
            for label, title in _LABEL.findall(path.read_text(encoding="utf-8"))
        }

    def requirements(self) -> list[Requirement]:
        """Returns all requirements in the order of the text.

        Raises:
            SpecError: One is not complete, or two have the same id.
        """
        found = [one for path in self._paths for one in self._chapter(path)]
        known: dict[str, str] = {}
        for one in found:
            if one.id in known:
                raise SpecError(f"{one.id} is in {known[one.id]} and again in {one.chapter}")
            known[one.id] = one.chapter
        return found

    def _chapter(self, path: Path) -> Iterator[Requirement]:
        blocks = list(_blocks(path.read_text(encoding="utf-8").splitlines()))
        for at, block in enumerate(blocks):
            head = _HEAD.fullmatch(block.lines[0])
            if head:
                where = f"{path.name}:{block.line}"
                reason = _explaining(blocks[at + 1 :])
                yield self._requirement(where, path.stem, head[1], block.lines[1:], reason)

    def _requirement(
        self, where: str, chapter: str, title: str, lines: list[str], reason: list[str]
    ) -> Requirement:
        options, text = _options(where, lines)
        profile = options.get("profile", CORE)
        binds = tuple(party.strip() for party in options.get("binds", "").split(","))
        wrong = {
            "id": not re.fullmatch(r"DARI-[A-Z]{3}-\d{3}", options.get("id", "")),
            "level": options.get("level") not in LEVELS,
            "binds": not set(binds) <= set(PARTIES),
            "profile": profile not in PROFILES,
            "text": not text,
        }
        for name, is_wrong in wrong.items():
            if is_wrong:
                raise SpecError(f"{where}: `{title}`: {name} is missing or not known")
        unseen = options.get("unseen") or _unseen(binds)
        return Requirement(
            id=options["id"],
            title=title.strip(),
            level=options["level"],
            binds=binds,
            profile=profile,
            chapter=chapter,
            text=self.plain(where, text),
            reason=tuple(self.plain(where, paragraph) for paragraph in reason),
            unseen=None if unseen is None else self.plain(where, unseen),
        )

    def plain(self, where: str, text: str) -> str:
        """Returns text without its markup.

        Raises:
            SpecError: It has a role that is not known.
        """

        def said(match: re.Match[str]) -> str:
            return self._role(where, match[1], match[2].strip(), match[3])

        text = re.sub(r"``([^`]+)``", r"`\1`", _ROLE.sub(said, text))
        text = re.sub(r"\*\*?([^*\s](?:[^*]*[^*\s])?)\*\*?", r"\1", text)
        return one_line(text)

    def _role(self, where: str, role: str, text: str, target: str | None) -> str:
        if role == "need":
            return target or text
        if role == "doc":
            return text if target else f"chapter {text.partition('-')[0]}"
        if role == "ref":
            return text if target else f"“{self._labels.get(text, text)}”"
        if role == "ksy:layout":
            return f"`{text}`"
        if role == "ksy-size":
            size = self._layouts.structure(text).size.fixed
            if size is not None:
                return f"{size} bytes"
        raise SpecError(f"{where}: the role :{role}:`{text}` is not known here")


def _unseen(binds: tuple[str, ...]) -> str | None:
    """Returns why no image shows a requirement that neither writers nor their judges obey."""
    if binds == ("reader",):
        return "It is about what a reader does."
    return "It is about what a validator does." if binds == ("validator",) else None


def _options(where: str, lines: list[str]) -> tuple[dict[str, str], str]:
    """Returns options and text of a directive; an option goes on where lines are indented more."""
    options: dict[str, str] = {}
    last = ""
    for at, line in enumerate(lines):
        option = _OPTION.fullmatch(line)
        if option:
            last = option[1]
            if last not in _OPTIONS or last in options:
                raise SpecError(f"{where}: option :{last}: is not known, or there twice")
            options[last] = option[2].strip()
        elif line.startswith("    ") and last:
            options[last] = f"{options[last]} {line.strip()}"
        else:
            return options, "\n".join(line.strip() for line in lines[at:]).strip()
    return options, ""


def _explaining(blocks: list[_Block]) -> list[str]:
    """Returns the paragraphs that follow a requirement, up to what is no paragraph."""
    found: list[str] = []
    for block in blocks:
        if not block.is_paragraph:
            # A paragraph that announces a table or an example says nothing without it.
            announces = found and found[-1].endswith(":") and not _is_title(block.lines)
            return found[:-1] if announces else found
        text = "\n".join(line.strip() for line in block.lines)
        items = [match.start() for match in _ITEM.finditer(text)]
        if items and items[0] == 0:
            found += [text[a:b] for a, b in zip(items, [*items[1:], None], strict=True)]
        else:
            found.append(text)
    return found


def _is_title(lines: list[str]) -> bool:
    return len(lines) > 1 and bool(_TITLE.fullmatch(lines[1]))


def _blocks(lines: list[str]) -> Iterator[_Block]:
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        end, is_directive = at + 1, lines[at].startswith(".. ")
        while end < len(lines) and (
            lines[end].strip() if not is_directive else _inside(lines, end)
        ):
            end += 1
        yield _Block(at + 1, lines[at:end])
        at = end


def _inside(lines: list[str], at: int) -> bool:
    """Tell whether a line, or the first that is not blank from there on, is indented."""
    rest = next((line for line in lines[at:] if line.strip()), "")
    return rest.startswith("   ")

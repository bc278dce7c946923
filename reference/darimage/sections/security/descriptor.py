"""Security descriptors in self-relative form, [MS-DTYP] 2.4.6 (chapter 76)."""

from __future__ import annotations

from dataclasses import dataclass, field

from darimage.errors import FormatError
from darimage.schema.constants import SdControl
from darimage.sections.fixed import Fixed
from darimage.sections.security.acl import Acl
from darimage.sections.security.sid import Sid

MAX_SIZE = 256 * 1024
"""Bytes of the longest descriptor (DARI-SDE-009): two full ACLs and as much again."""

HEAD = Fixed("security_descriptor/head", "security descriptor", "DARI-SDE-003")
_REVISION = 1
_ALIGN = 4

Span = tuple[int, int]
"""First byte and number of bytes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of a descriptor lie, so that it can be built again byte for byte.

    Attributes:
        spans: Of owner, group, SACL and DACL; None for a part that is not there.
        gaps: First byte and contents of what belongs to no part.
    """

    spans: tuple[Span | None, ...]
    gaps: tuple[tuple[int, bytes], ...] = ()

    @classmethod
    def found(cls, data: bytes, spans: list[Span | None]) -> Placement:
        """Return the placement of parts in a descriptor that was read."""
        gaps = []
        place = HEAD.size
        for start, size in sorted(span for span in spans if span):
            if start > place:
                gaps.append((place, data[place:start]))
            place = max(place, start + size)
        if place < len(data):
            gaps.append((place, data[place:]))
        return cls(tuple(spans), tuple(gaps))

    @classmethod
    def in_order(cls, parts: list[bytes]) -> Placement:
        """Return the placement of parts one behind the other, each at a multiple of 4."""
        spans: list[Span | None] = []
        place = HEAD.size
        for part in parts:
            place += -place % _ALIGN
            spans.append((place, len(part)) if part else None)
            place += len(part)
        return cls(tuple(spans))

    def fits(self, parts: list[bytes]) -> bool:
        """Tell whether parts can lie here: same sizes, and none overwrites another."""
        sizes = [span[1] if span else 0 for span in self.spans]
        if sizes != [len(part) for part in parts]:
            return False
        body = self.fill(parts)
        return all(
            body[span[0] : span[0] + span[1]] == part
            for span, part in zip(self.spans, parts, strict=True)
            if span
        )

    def fill(self, parts: list[bytes]) -> bytes:
        """Return a descriptor's bytes with zeros for the head."""
        placed = [
            (span[0], part) for span, part in zip(self.spans, parts, strict=True) if span
        ] + list(self.gaps)
        body = bytearray(max((at + len(part) for at, part in placed), default=HEAD.size))
        for at, part in placed:
            body[at : at + len(part)] = part
        return bytes(body)


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Who owns something, who may do what with it, and what of that is audited.

    Attributes:
        owner: Its owner, if given.
        group: Its primary group, if given.
        dacl: Who may do what. None with the bit DACL_PRESENT means that everyone may do everything.
        sacl: What is audited, and labels.
        control: ``SdControl`` bits; SELF_RELATIVE is always among them.
        sbz1: Bits of the resource manager.
        placement: Where the parts lay when it was read; not compared, and left aside when the
            parts no longer fit.

    Raises:
        FormatError: The bit SELF_RELATIVE is missing.
    """

    owner: Sid | None = None
    group: Sid | None = None
    dacl: Acl | None = None
    sacl: Acl | None = None
    control: int = SdControl.SELF_RELATIVE
    sbz1: int = 0
    placement: Placement | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.control & SdControl.SELF_RELATIVE:
            raise FormatError("security descriptor not self-relative", requirement="DARI-SDE-001")

    @classmethod
    def parse(cls, data: bytes) -> SecurityDescriptor:
        """Return the descriptor that ``data`` holds, from its first byte to its last.

        Raises:
            FormatError: It is too long, of another form, or a part does not fit.
        """
        if len(data) > MAX_SIZE:
            raise FormatError(
                f"security descriptor of {len(data)} bytes, over {MAX_SIZE}",
                requirement="DARI-SDE-009",
            )
        revision, sbz1, control, *offsets = HEAD.read(data, 0, len(data))
        if revision != _REVISION:
            raise FormatError(
                f"security descriptor of revision {revision}", requirement="DARI-SDE-001"
            )
        for at in offsets:
            if at and not HEAD.size <= at < len(data):
                raise FormatError(
                    f"offset {at} in a security descriptor of {len(data)} bytes",
                    requirement="DARI-SDE-003",
                )
        owner, group = (Sid.parse(data, at) if at else None for at in offsets[:2])
        sacl, dacl = (Acl.parse(data, at) if at else None for at in offsets[2:])
        spans = [
            (at, len(part.build())) if part else None
            for at, part in zip(offsets, (owner, group, sacl, dacl), strict=True)
        ]
        placement = Placement.found(data, spans)
        return cls(owner, group, dacl, sacl, SdControl(control), sbz1, placement)

    def build(self) -> bytes:
        """Return its bytes: those it was read from if nothing was changed.

        Parts of another size than those read are placed anew: owner, group, SACL, DACL.

        Raises:
            FormatError: A number or a list is too large for its field.
        """
        parts = [
            part.build() if part else b"" for part in (self.owner, self.group, self.sacl, self.dacl)
        ]
        placement = self.placement
        if placement is None or not placement.fits(parts):
            placement = Placement.in_order(parts)
        offsets = [span[0] if span else 0 for span in placement.spans]
        head = HEAD.write(_REVISION, self.sbz1, self.control, *offsets)
        return head + placement.fill(parts)[HEAD.size :]

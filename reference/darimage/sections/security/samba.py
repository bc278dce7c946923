"""Samba's wrapper of a descriptor, the extended attribute ``security.NTACL`` (chapter 76).

It is a structure in NDR whose pointers are stand-ins (referents), with the descriptor at its end.
The descriptor's offsets count from the start of the wrapper, not from its own.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from darimage.errors import FormatError
from darimage.sections.fixed import Fixed
from darimage.sections.security.descriptor import HEAD, SecurityDescriptor

PLAIN = 1
"""The version that holds a descriptor alone: no hash that could go out of date."""

HASH_NONE = 0
HASH_SHA256 = 1

_RULE = "DARI-SDE-012"
_HEAD = Fixed("xattr_ntacl/head", "security.NTACL", _RULE)
_V2 = Fixed("xattr_ntacl/hash_v2_head", "security.NTACL", _RULE)
_V2_TIME = Fixed("xattr_ntacl/hash_v2_time", "security.NTACL", _RULE)
_V3 = Fixed("xattr_ntacl/hash_v3_head", "security.NTACL", _RULE)
_V4 = Fixed("xattr_ntacl/hash_v4_head", "security.NTACL", _RULE)
_V4_TAIL = Fixed("xattr_ntacl/hash_v4_tail", "security.NTACL", _RULE)
_REFERENTS = (0x20000, 0x20004)
_PAD = b"\0\0"
_ALIGN = 4
_V2_TELLTALE = 31
"""Byte of version 2 whose highest bit tells its two forms apart (DARI-SDE-016)."""


@dataclass(frozen=True, slots=True)
class NtAcl:
    """What a wrapper holds.

    Attributes:
        descriptor: The descriptor as it is without a wrapper, self-relative.
        version: 1 to 4.
        hash_type: Of versions 3 and 4: 0 none, 1 SHA-256.
        digest: Hash of the descriptor that Samba made of the POSIX ACL; 16 bytes in version 2, 64
            in 3 and 4. Samba drops the NT ACL when it no longer fits. Samba 3 wrote a version 2
            without one.
        description: Of version 4: how it was made (``posix_acl``).
        time: Of version 4 and of that version 2: when it was written, in units of 100 ns since
            1601.
        sys_acl_digest: Of version 4: SHA-256 of the POSIX ACL, 64 bytes.
    """

    descriptor: bytes
    version: int = PLAIN
    hash_type: int = HASH_NONE
    digest: bytes = b""
    description: str = ""
    time: int = 0
    sys_acl_digest: bytes = b""

    def build(self) -> bytes:
        """Return the wrapper, byte for byte what Samba writes for the same contents.

        A descriptor with a part that is not at a multiple of 4 is laid out anew.

        Raises:
            FormatError: The descriptor is not well-formed or has entries of unaligned sizes, the
                version is none of 1 to 4, or a field does not fit.
        """
        front = _HEAD.write(self.version, self.version, _REFERENTS[0]) + self._info()
        return front + _rebased(_aligned(self.descriptor), len(front))

    def _info(self) -> bytes:
        if self.version == 1:
            return b""
        if self.version == 2:
            if not self.digest:
                return _V2_TIME.write(_REFERENTS[1], self.time)
            return _V2.write(_REFERENTS[1], self.digest)
        if self.version == 3:
            return _V3.write(_REFERENTS[1], self.hash_type, self.digest, _PAD)
        if self.version != 4:
            raise FormatError(f"security.NTACL version {self.version}", requirement=_RULE)
        text = self.description.encode()
        if b"\0" in text:
            raise FormatError("security.NTACL description with a NUL", requirement=_RULE)
        front = _V4.write(_REFERENTS[1], self.hash_type, self.digest) + text + b"\0"
        front += bytes(-(_HEAD.size + len(front)) % _ALIGN)
        return front + _V4_TAIL.write(self.time, self.sys_acl_digest)


def wrap(descriptor: bytes, origin: bytes = b"") -> bytes:
    """Return a wrapper: of version 1, the one to restore (DARI-SDE-013), or the one it came in.

    Args:
        descriptor: A self-relative descriptor.
        origin: What ``split`` returned with it: the result is then the value that was split.

    Raises:
        FormatError: The descriptor is not well-formed, or the origin is none.
    """
    if not origin:
        return NtAcl(descriptor).build()
    read_origin(origin)
    return origin + _rebased(descriptor, len(origin))


def split(value: bytes, known: Container[bytes] = ()) -> tuple[bytes, bytes]:
    """Return the descriptor that a wrapper holds, and its origin: the bytes in front of it.

    Args:
        value: A wrapper.
        known: Descriptors that were found well-formed before and are not looked at again.

    Raises:
        FormatError: The version is not known, a part does not fit, or the descriptor is not
            well-formed.
    """
    timed = len(value) > _V2_TELLTALE and not value[_V2_TELLTALE] & 0x80
    _, at = _read_front(value, timed=timed)
    descriptor = _rebased(value[at:], -at)
    if descriptor not in known:
        SecurityDescriptor.parse(descriptor)
    return descriptor, value[:at]


def unwrap(value: bytes) -> NtAcl:
    """Return what a wrapper holds.

    Raises:
        FormatError: As for ``split``.
    """
    descriptor, origin = split(value)
    return replace(read_origin(origin), descriptor=descriptor)


def read_origin(origin: bytes) -> NtAcl:
    """Return what an origin says: a wrapper without its descriptor.

    Raises:
        FormatError: It is not what stands in front of a descriptor.
    """
    timed = len(origin) == _HEAD.size + _V2_TIME.size
    found, at = _read_front(origin, timed=timed)
    if at != len(origin):
        raise FormatError(f"origin of {len(origin)} bytes, not {at}", requirement="DARI-ACL-007")
    return found


def _read_front(value: bytes, *, timed: bool) -> tuple[NtAcl, int]:
    """Return what stands in front of the descriptor, and where that begins.

    Args:
        value: A wrapper, or its origin.
        timed: If it is of version 2, it is the form with a time.
    """
    version, again, referent = _HEAD.read(value, 0, len(value))
    if version != again or not 1 <= version <= 4:
        raise FormatError(f"security.NTACL version {version} ({again})", requirement=_RULE)
    inner, found, at = _read_info(value, version, timed=timed)
    if not referent or not inner:
        raise FormatError("security.NTACL without a descriptor", requirement=_RULE)
    return found, at


def _read_info(value: bytes, version: int, *, timed: bool) -> tuple[int, NtAcl, int]:
    """Return the descriptor's referent, what stands in front of it, and where it begins."""
    at, end = _HEAD.size, len(value)
    if version == 1:
        return 1, NtAcl(b""), at
    if version == 2 and timed:
        referent, time = _V2_TIME.read(value, at, end)
        return referent, NtAcl(b"", 2, time=time), at + _V2_TIME.size
    if version == 2:
        referent, digest = _V2.read(value, at, end)
        return referent, NtAcl(b"", 2, digest=digest), at + _V2.size
    if version == 3:
        referent, hash_type, digest, _ = _V3.read(value, at, end)
        return referent, NtAcl(b"", 3, hash_type, digest), at + _V3.size
    referent, hash_type, digest = _V4.read(value, at, end)
    text, at = _read_text(value, at + _V4.size)
    time, sys_acl = _V4_TAIL.read(value, at, end)
    return referent, NtAcl(b"", 4, hash_type, digest, text, time, sys_acl), at + _V4_TAIL.size


def _read_text(value: bytes, at: int) -> tuple[str, int]:
    """Return the text up to a NUL, and the multiple of 4 behind it."""
    stop = value.find(b"\0", at)
    if stop < 0:
        raise FormatError("security.NTACL description without an end", requirement=_RULE)
    try:
        text = value[at:stop].decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"security.NTACL description: {error}", requirement=_RULE) from error
    stop += 1
    return text, stop + -stop % _ALIGN


def _aligned(data: bytes) -> bytes:
    """Return a descriptor that Samba reads as we do (DARI-SDE-015)."""
    descriptor = SecurityDescriptor.parse(data)
    for acl in (descriptor.dacl, descriptor.sacl):
        if acl and any(len(entry.build()) % _ALIGN for entry in acl.entries):
            raise FormatError(
                "entry whose size is not a multiple of 4: Samba would misread it",
                requirement="DARI-SDE-015",
            )
    spans = descriptor.placement.spans if descriptor.placement else ()
    if any(span and span[0] % _ALIGN for span in spans):
        return replace(descriptor, placement=None).build()
    return data


def _rebased(descriptor: bytes, by: int) -> bytes:
    """Return a descriptor with its offsets, but those that are 0, changed by so much."""
    revision, sbz1, control, *offsets = HEAD.read(descriptor, 0, len(descriptor))
    if any(offset and offset + by < HEAD.size for offset in offsets):
        raise FormatError("security.NTACL with offsets in front of its parts", requirement=_RULE)
    moved = [offset + by if offset else 0 for offset in offsets]
    return HEAD.write(revision, sbz1, control, *moved) + descriptor[HEAD.size :]

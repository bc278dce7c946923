"""The switches: one for each MUST that the plain reader or writer can leave out.

Whether the conformance suite notices is what ``make conformance`` prints. A MUST without a switch
has a reason here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from darimage.plain.breaking import KEPT, Breaking
from darimage.plain.write_switches import WRITER_BREAKS


class Switch(NamedTuple):
    """A rule that can be left out.

    Attributes:
        name: A short name.
        leaves_out: What happens without the rule.
    """

    name: str
    leaves_out: str


_READER = """
CNV-003 one-order: refuses big-endian input
CNV-005 no-reserved-bytes: refuses headers whose spare bytes are not zero
CNV-006 other-crc: computes a CRC with another final value
REC-003 any-magic: takes a record for a header whatever its magic
REC-004 no-checksum: does not look at the sum of headers without a CRC
REC-016 no-run-coding: takes entries above 1 of a dump's hole map for one present block
REC-018 any-dialect: reads compressed dumps and other magics as if they were known
REC-020 no-place: does not report a header whose number alone is wrong
REC-024 all-entries: uses all 512 entries of c_addr
REC-025 any-count: uses the records of an image's impossible hole map
REC-026 new-entries: reads entries and owners of old dumps in the new form
REC-027 no-attribute-records: takes attribute records for the inode's header
REC-028 no-header-crc: looks at the sum of a header alone
REC-029 no-records-crc: takes all records for right
REC-030 any-date: takes headers of other dates
REC-031 no-shift: takes records for in their place whatever their numbers say
REC-032 search-whole-records: looks for headers at whole records only
REC-033 as-they-lie: leaves records where they lie
REC-034 needs-record-0: refuses input without its first record
REC-035 drops-impossible: passes over an inode whose hole map is impossible
EXT-002 no-extension: reads each image as a plain dump
EXT-004 one-version: does not use extension areas of a greater version
EXT-006 any-kind: uses the body of an extension area of another kind
EXT-007 needs-extension: takes no header without the bytes DARI
EXT-008 any-image: takes headers of other images
VOL-004 knows-features: refuses unknown compatible features
VOL-005 any-feature: reads images with unknown incompatible features
VOL-008 no-places: does not compare the places of parts with what lies there
VOL-011 no-cut: does not report that an image is cut
VOL-013 counts-openings: takes continuation headers for data
VOL-019 any-volume: uses volumes of other images
VOL-020 zeros-for-volumes: reads zeros where a volume is missing
VOL-024 order-of-names: puts volumes in the order of their files
VOL-025 needs-volume-1: refuses an image without its first volume
BMP-007 any-length: believes the length of a map
BMP-009 only-what-is-found: does not list what is lost
BMP-010 damaged-maps: uses damaged maps
INC-009 any-chain: puts images together that are no chain
INC-011 unchanged-is-lost: takes what did not change for lost
INC-013 deleted-comes-back: restores what was deleted since the base
INC-015 no-older-names: does not add names of an older image to a damaged directory
DIR-006 unused-entries: uses entries whose d_ino is 0
DIR-007 any-name: uses any name
DIR-011 each-way: gives a directory a path for each entry that names it
DIR-018 last-name: uses both of two entries of one name
DIR-019 first-way: does not look at .. when a directory has two names
DIR-020 drops-unnamed: gives what has no name the path of the root
DIR-021 all-entries: uses all entries of directories that are not whole
DIR-022 any-name-length: uses a name that is longer than its entry
DIR-023 no-dot: does not look for directories whose header is lost
DIR-024 chunks-of-512: reads the entries of dumps in chunks of 512 bytes
FIL-011 old-times: takes times from the old fields
FIL-012 first-device: takes a device's number from di_db[0] alone
FIL-015 substituted-is-right: takes what the writer put zeros for as right
FIL-018 beyond-the-size: uses records beyond the size
FIL-022 next-block: lets each header go on where the one before ended
FIL-023 missing-is-hole: takes missing blocks for holes
FIL-024 any-old-time: takes old times as they are
XAT-004 order-of-image: reads attributes in the byte order of the image, and of any magic
XAT-005 any-first-part: takes attributes of unknown first parts
XAT-006 any-value: does not check values and names of attributes
XAT-007 acl-as-it-is: does not turn POSIX ACLs into the form that Linux shows
XAT-008 list-only: does not read the attributes behind the list
XAT-009 any-attributes: uses attribute records of any kind and number
XAT-014 last-run: uses the last attribute records of a dump's inode alone
XAT-016 no-attributes: restores no extended attributes
XAT-017 capabilities: restores capabilities to a file that has another owner
XAT-019 inode-before: gives attributes to the inode in front of them
XAT-020 any-sum: uses the last of two attributes of one name, and values of any sum
SCT-003 knows-sections: refuses unknown sections
SCT-005 any-payload: believes the size of a payload
SCT-009 any-section-version: uses sections of unknown versions
STR-009 any-stream-name: uses any name of a stream
STR-018 any-stream-directory: uses stream directories that break their rules
STR-019 no-streams: lists no streams
STR-020 any-stream: lists any inode as a stream
STR-021 all-or-none: uses no stream directory of a damaged section
ACL-005 any-span: does not compare counts and spans with the payload
ACL-008 any-origin: uses origins of any length
ACL-013 overlapping-spans: uses spans that share bytes
ACL-015 damaged-acls: uses a damaged copy of the NT ACLs
SDE-002 descriptor-order: reads descriptors in the byte order of the image
SDE-003 any-offset: does not check the offsets of a descriptor
SDE-004 any-sid: does not check SIDs
SDE-005 any-acl: does not check the heads of ACLs
SDE-006 any-entry: does not check the entries of ACLs
SDE-007 knows-entries: leaves out descriptors with entries of unknown types
SDE-009 long-descriptors: takes descriptors of any length
SDE-011 broken-descriptors: does not check descriptors at all
SDE-015 unaligned-entries: takes descriptors with entries whose size is no multiple of 4
END-007 reads-on: looks for headers behind the end of a sound image
END-009 first-end: stops at the first ts_end
FLT-001 silent: reports no fault
FLT-002 all-or-nothing: refuses whatever is damaged
FLT-003 two-outcomes: says done where there are faults
FLT-004 no-states: says of no inode that it is not whole
RST-001 attributes-first: sets the attributes of directories before it fills them
RST-002 directory-alone: restores a directory without what is below it
RST-003 fills-holes: restores holes as blocks of zeros
RST-006 unmarked: restores what is not whole as if it were
RST-007 nothing-lost: does not restore what lies below #lost
SAF-002 follows-links: opens directories through symbolic links
SAF-005 overwrites: overwrites what exists
"""

READER = {
    f"DARI-{line.split(' ', 1)[0]}": Switch(*line.split(" ", 1)[1].split(": ", 1))
    for line in _READER.strip().split("\n")
}
"""The reader's switches by requirement."""

_WALKS = "the plain reader walks; it has no direct access that could go wrong"
_FILES = "the plain reader reads files, not tapes and their containers"
_SUM = "it is kept by keeping the others; there is nothing of its own to leave out"
_NO_NT_ACLS = "the plain reader lists NT ACLs and restores none"

READER_REASONS = {
    "DARI-CNV-001": "whoever counts in other units finds no header at all",
    "DARI-TAP-006": _FILES,
    "DARI-TAP-007": _FILES,
    "DARI-TAP-010": _FILES,
    "DARI-ACL-014": _NO_NT_ACLS,
    "DARI-SDE-013": _NO_NT_ACLS,
    "DARI-OFF-005": _WALKS,
    "DARI-OFF-007": _WALKS,
    "DARI-END-006": _WALKS,
    "DARI-RST-004": _WALKS,
    "DARI-FLT-005": _SUM,
    "DARI-FLT-006": "it is about what a program says to people",
    "DARI-FLT-007": "it is about what a program says to people",
    "DARI-FLT-009": _SUM,
    "DARI-SAF-001": "without it memory runs out, and the machine that tests with it",
    "DARI-SAF-003": "without it nothing ends; the runner's limit of time is the test of it",
}
"""Why a MUST that binds readers has no switch."""

_SOURCE = "it is about what the source of a tree has, and a tree in memory has all of it"
_SET = "it is about the other images of a backup set; the plain writer makes one at a time"
_TAPES = "the plain writer writes files"
_NTACL_SOURCE = "the plain writer takes NT ACLs as they are given, not from extended attributes"

WRITER_REASONS = {
    "DARI-CNV-001": "whoever counts in other units writes no image at all",
    "DARI-TAP-001": _TAPES,
    "DARI-TAP-003": _TAPES,
    "DARI-TAP-004": _TAPES,
    "DARI-INC-001": _SET,
    "DARI-INC-002": _SET,
    "DARI-INC-003": _SET,
    "DARI-INC-005": _SET,
    "DARI-INC-006": _SET,
    "DARI-INC-010": _SET,
    "DARI-DIR-017": "it is that of files, which are laid out by the same lines (DARI-FIL-002)",
    "DARI-FIL-013": _SOURCE,
    "DARI-FIL-014": _SOURCE,
    "DARI-SDE-011": _NTACL_SOURCE,
    "DARI-SDE-012": _NTACL_SOURCE,
    "DARI-SDE-016": _NTACL_SOURCE,
    "DARI-SDE-017": _NTACL_SOURCE,
    "DARI-OFF-003": "what is computed when, nobody sees (DARI-OFF-002 is what comes of it)",
    "DARI-OFF-004": "a comparison that was not made leaves the same bytes",
    "DARI-LIM-001": "the fields have 32 bits, and Construct refuses more",
    "DARI-LIM-002": "the fields have 64 bits, and Construct refuses more",
    "DARI-LIM-003": "an image of that size cannot be made",
}
"""Why a MUST that binds writers has no switch."""

WRITER = {
    requirement: Switch(requirement, told) for requirement, (told, _) in WRITER_BREAKS.items()
}
"""The writer's switches by requirement."""


def reader_off(without: Iterable[str]) -> list[str]:
    """Return the requirements among some that the reader has a switch for."""
    return [one for one in without if one in READER]


def breaking_of(without: Iterable[str]) -> Breaking:
    """Return what the writer breaks of some requirements: the first that it has a switch for."""
    for one in without:
        if one in WRITER_BREAKS:
            return WRITER_BREAKS[one][1]()
    return KEPT

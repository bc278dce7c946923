meta:
  id: xattr_ntacl
  title: Samba's wrapper of a security descriptor
  license: Apache-2.0
  endian: le
doc: |
  Value of the extended attribute `security.NTACL`: the structure xattr_NTACL in Samba's NDR, always
  little-endian. The descriptor comes last, at a multiple of 4, and goes to the end; its offsets
  count from the start of this value (DARI-SDE-012).
seq:
  - id: head
    type: head
    doc: The fixed part.
  - id: info
    type:
      switch-on: head.version
      cases:
        1: hash_none
        2: hash_v2
        3: hash_v3
        4: hash_v4
        _: hash_unknown
    doc: By version.
types:
  head:
    doc: The fixed part.
    seq:
      - id: version
        type: u2le
        doc: 1 to 4.
      - id: info_version
        type: u2le
        doc: The version again; the union's switch.
      - id: info_referent
        type: u4le
        doc: NDR's stand-in for a pointer, not 0; Samba writes 0x20000.
  hash_unknown:
    doc: Any other version.
    seq:
      - id: bytes
        size-eos: true
        doc: Anything.
  hash_none:
    doc: Version 1, a descriptor alone.
    seq:
      - id: descriptor
        size-eos: true
        doc: The descriptor.
  hash_v2_head:
    doc: The fixed part of version 2.
    seq:
      - id: sd_referent
        type: u4le
        doc: Not 0; Samba writes 0x20004.
      - id: digest
        size: 16
        doc: Hash of the ACL that the file system had; unused.
  hash_v2_time:
    doc: The fixed part of version 2 as Samba 3 wrote it (DARI-SDE-016).
    seq:
      - id: sd_referent
        type: u4le
        doc: Not 0.
      - id: time
        type: u8le
        doc: When it was written, in units of 100 ns since 1601.
  hash_v2:
    doc: Version 2.
    seq:
      - id: head
        type: hash_v2_head
        doc: The fixed part.
      - id: descriptor
        size-eos: true
        doc: The descriptor.
  hash_v3_head:
    doc: The fixed part of version 3.
    seq:
      - id: sd_referent
        type: u4le
        doc: Not 0; Samba writes 0x20004.
      - id: hash_type
        type: u2le
        doc: 0 none, 1 SHA-256.
      - id: digest
        size: 64
        doc: Hash of the ACL that the file system had, zeros behind it.
      - id: pad
        size: 2
        doc: Zero.
  hash_v3:
    doc: Version 3.
    seq:
      - id: head
        type: hash_v3_head
        doc: The fixed part.
      - id: descriptor
        size-eos: true
        doc: The descriptor.
  hash_v4_head:
    doc: What is fixed in version 4 in front of the description.
    seq:
      - id: sd_referent
        type: u4le
        doc: Not 0; Samba writes 0x20004.
      - id: hash_type
        type: u2le
        doc: 0 none, 1 SHA-256.
      - id: digest
        size: 64
        doc: Hash of the ACL that the file system had, zeros behind it.
  hash_v4:
    doc: Version 4.
    seq:
      - id: head
        type: hash_v4_head
        doc: What is fixed in front.
      - id: tail
        size-eos: true
        doc: |
          The description in UTF-8 with a NUL, zeros to a multiple of 4, a hash_v4_tail and the
          descriptor.
  hash_v4_tail:
    doc: What is fixed in version 4 behind the description.
    seq:
      - id: time
        type: u8le
        doc: When it was written, in units of 100 ns since 1601.
      - id: sys_acl_digest
        size: 64
        doc: SHA-256 of the POSIX ACL, zeros behind it.

meta:
  id: record
  title: Header record of a dump stream
  license: Apache-2.0
  endian: le
  imports:
    - extension
doc: |
  One header record, 1,024 bytes: the old `s_spcl` with the DARI extension area in its last 96
  bytes. Every part of an image opens with one (DARI-REC-001).
-enums-of:
  c_type: c_type
  c_magic: magic
-python-enums:
  c_type: {class: CType, doc: What a header opens (DARI-REC-005).}
  magic: {class: Magic, doc: 'Values of ``c_magic`` (DARI-REC-003, DARI-REC-018).'}
  flags: {class: DrFlag, flags: true, doc: 'Bits of ``c_flags`` (DARI-REC-013).'}
  extattributes: {class: ExtAttributes, doc: 'Values of ``c_extattributes``.'}
seq:
  - id: c_type
    type: s4
    doc: What this header opens (DARI-REC-005).
  - id: c_date
    type: u4
    doc: Time of the dump, seconds since 1970; equal in every header of an image (DARI-REC-007).
  - id: c_ddate
    type: u4
    doc: Time of the dump this one is relative to; 0 in a full dump (DARI-REC-008).
  - id: c_volume
    type: s4
    doc: Volume number, from 1 (DARI-REC-009).
  - id: c_tapea
    type: u4
    doc: This header's own record number modulo 2^32 (DARI-REC-006).
  - id: c_inumber
    type: u4
    doc: Inode number; 0 where the record has none (DARI-REC-010).
  - id: c_magic
    type: u4
    doc: 60012 (DARI-REC-003).
  - id: c_checksum
    type: u4
    doc: Makes the 256 words of the record sum to 84446 modulo 2^32; computed last (DARI-REC-004).
  - id: c_dinode
    type: dinode
    doc: The inode; zero where the record has none.
  - id: c_count
    type: s4
    doc: Entries used in c_addr; records of a bitmap (DARI-REC-011).
  - id: c_addr
    size: 512
    doc: One byte a record; 1 the record follows, 0 it is a hole; all zero in a bitmap's header (DARI-REC-012).
  - id: c_label
    size: 16
    doc: Label of the dump, NUL padded.
  - id: c_level
    type: s4
    doc: Dump level, 0 to 9; 0 is full.
  - id: c_filesys
    size: 64
    doc: Path the dump was made of, NUL padded, cut at 63 bytes.
  - id: c_dev
    size: 64
    doc: Device the dump was made of, NUL padded.
  - id: c_host
    size: 64
    doc: Host the dump was made on, NUL padded.
  - id: c_flags
    type: u4
    doc: DR flags (DARI-REC-013).
  - id: c_firstrec
    type: u4
    doc: Record number of this volume's first record modulo 2^32.
  - id: c_ntrec
    type: s4
    doc: Blocking factor, records a tape block (DARI-REC-014).
  - id: c_extattributes
    type: s4
    doc: Kind of extended attributes that follow (with DR flag extattributes); else 0.
  - id: c_spare
    size: 24
    doc: Zero. NetBSD and OpenBSD read dates here (DARI-REC-015).
  - id: extension
    type: extension
    doc: The extension area; all zero in a plain dump (DARI-EXT-001).
types:
  dinode:
    doc: The old 128-byte inode.
    seq:
      - id: di_mode
        type: u2
        doc: File type and permissions, as st_mode.
      - id: di_nlink
        type: s2
        doc: Names of this inode in the image, at most 32767; 0 in a section or stream file (DARI-FIL-009).
      - id: di_ouid
        type: u2
        doc: Low 16 bits of the owner (old readers).
      - id: di_ogid
        type: u2
        doc: Low 16 bits of the group (old readers).
      - id: di_size
        type: u8
        doc: Size in bytes.
      - id: di_atime
        type: timeval
        doc: Last access.
      - id: di_mtime
        type: timeval
        doc: Last modification.
      - id: di_ctime
        type: timeval
        doc: Last change of the inode.
      - id: di_db
        type: u4
        repeat: expr
        repeat-expr: 12
        doc: di_rdev is di_db[0], the device number of a device (DARI-FIL-012); the rest 0.
      - id: di_ib
        type: u4
        repeat: expr
        repeat-expr: 3
        doc: Zero.
      - id: di_flags
        type: u4
        doc: Inode flags of a regular file or directory, as FS_IOC_GETFLAGS (DARI-FIL-016).
      - id: di_blocks
        type: u4
        doc: Zero; others put the blocks held here.
      - id: di_gen
        type: u4
        doc: Zero; others put the generation number here.
      - id: di_uid
        type: u4
        doc: Owner.
      - id: di_gid
        type: u4
        doc: Group.
      - id: di_spare
        type: u4
        repeat: expr
        repeat-expr: 2
        doc: Zero.
  timeval:
    doc: A time in the old form.
    seq:
      - id: tv_sec
        type: u4
        doc: Seconds since 1970, the low 32 bits (DARI-FIL-011).
      - id: tv_usec
        type: s4
        doc: Microseconds, 0 to 999999; BSD systems write and read nanoseconds (DARI-FIL-024).
enums:
  c_type:
    1: {id: ts_tape, doc: Volume header.}
    2: {id: ts_inode, doc: An inode's first header.}
    3: {id: ts_bits, doc: 'Bitmap II: the inodes in this image.'}
    4: {id: ts_addr, doc: A further header of the inode before.}
    5: {id: ts_end, doc: End of the image.}
    6: {id: ts_clri, doc: 'Bitmap I: the inodes that exist.'}
  magic:
    60011: {id: ofs, doc: Old file system; not read.}
    60012: {id: nfs, doc: 'The one written and read (DARI-REC-003).'}
    424935705: {id: ufs2, doc: FreeBSD 5 and later; not read.}
  flags:
    0x1: {id: dr_newheader, doc: Set in ts_tape only.}
    0x2: {id: dr_newinodefmt, doc: 'Set in every header: 4.4BSD directory entries, 32-bit owners.'}
    0x80: {id: dr_compressed, doc: Compressed by Linux dump; not read.}
    0x100: {id: dr_metaonly, doc: The inode has no data records.}
    0x8000: {id: dr_extattributes, doc: The records hold extended attributes.}
  extattributes:
    0: {id: ext_regular, doc: None.}
    1: {id: ext_macosfndrinfo, doc: Finder information.}
    2: {id: ext_macosresfork, doc: Resource fork.}
    3: {id: ext_xattr, doc: Linux extended attributes.}

meta:
  id: extension
  title: DARI extension area of a header record
  license: Apache-2.0
  endian: le
doc: |
  Bytes 928 to 1023 of every header record. Old readers keep nothing there; a reader that knows
  DARI finds the sixteen bytes below and a body by kind (DARI-EXT-001). Every body but that of a
  volume header begins with the first four bytes of `image_uuid`, which lie at the same place there.
-enums-of:
  kind: kind
-python-enums:
  kind: {class: Kind, doc: Kind of an extension area (DARI-EXT-003).}
  section: {class: Section, doc: Which section (DARI-SCT-002).}
  verdict: {class: Verdict, doc: Whether the offset map was found true while writing (DARI-END-003).}
  inode_flags: {class: InodeFlag, flags: true, doc: 'Flags of an inode (DARI-FIL-014, DARI-FIL-020).'}
  compat: {class: Compat, flags: true, doc: Features a reader may ignore (DARI-VOL-004).}
  incompat: {class: Incompat, flags: true, doc: Features a reader must know (DARI-VOL-005).}
seq:
  - id: magic
    size: 4
    -valid: DARI
    doc: The bytes `DARI`, in both byte orders (DARI-EXT-002).
  - id: kind
    type: u1
    doc: What the body holds (DARI-EXT-003).
  - id: version
    type: u1
    doc: Version of the extension area; 1 (DARI-EXT-004).
  - id: flags
    type: u2
    doc: Flags of the kind; undefined ones are 0 (DARI-EXT-005).
  - id: header_crc32c
    type: u4
    doc: CRC-32C of this record, c_checksum and this field taken as zero (DARI-REC-028).
  - id: records_crc32c
    type: u4
    doc: CRC-32C of the records that follow under this header; 0 if there are none (DARI-REC-029).
  - id: body
    size: 80
    type:
      switch-on: kind
      cases:
        1: volume_body
        2: inode_body
        3: section_body
        4: end_body
        5: bitmap_body
        _: raw_body
    doc: By kind.
types:
  volume_body:
    doc: Body in ts_tape. A record number of 0 says that the part is not in the image.
    seq:
      - id: image_uuid
        size: 16
        doc: Identity of the image, RFC 9562 byte order, equal on all volumes (DARI-VOL-003).
      - id: records_per_volume
        type: u8
        doc: Capacity of a volume in records; 0 for an image on one volume (DARI-VOL-006).
      - id: total_records
        type: u8
        doc: Records of the image on all volumes, padding included (DARI-VOL-007).
      - id: stream_directories
        type: u8
        doc: Record number of part 5.
      - id: nt_acls_front
        type: u8
        doc: Record number of part 6.
      - id: offset_map
        type: u8
        doc: Record number of part 7.
      - id: files
        type: u8
        doc: Record number of part 8.
      - id: nt_acls_trailing
        type: u8
        doc: Record number of part 9.
      - id: feature_compat
        type: u2
        doc: Features a reader may ignore (DARI-VOL-004).
      - id: feature_incompat
        type: u2
        doc: Features a reader must know or refuse the image (DARI-VOL-005).
      - id: c_date_epoch
        type: s2
        doc: Bits 32 to 47 of the 64-bit c_date, signed (DARI-VOL-009).
      - id: c_ddate_epoch
        type: s2
        doc: Bits 32 to 47 of the 64-bit c_ddate, signed (DARI-VOL-009).
  inode_body:
    doc: Body in the ts_inode and ts_addr records of an inode.
    seq:
      - id: image_id
        size: 4
        doc: The first four bytes of image_uuid (DARI-EXT-008).
      - id: base_inode
        type: u4
        doc: The inode this stream or stream directory belongs to; 0 for none.
      - id: run_records
        type: u8
        doc: Records of the inode's whole run, headers, data and attributes (DARI-FIL-006).
      - id: first_block
        type: u8
        doc: Number within the file of the record c_addr[0] stands for (DARI-FIL-007).
      - id: stream_directory
        type: u4
        doc: This inode's stream directory; 0 for none.
      - id: nlink
        type: u4
        doc: Names of this inode in the image, not cut at 32767 (DARI-FIL-009).
      - id: atime_ns
        type: s8
        doc: Last access, nanoseconds since 1970 (DARI-FIL-011).
      - id: mtime_ns
        type: s8
        doc: Last modification, likewise.
      - id: ctime_ns
        type: s8
        doc: Last change of the inode, likewise.
      - id: birthtime_ns
        type: s8
        doc: Creation, likewise; 0 if unknown.
      - id: source_inode
        type: u8
        doc: Inode number in the source, as its st_ino; 0 if unknown (DARI-INC-004).
      - id: source_device
        type: u4
        doc: Device the source had this inode on, its st_dev modulo 2^32; 0 if unknown (DARI-INC-004).
      - id: attribute_records
        type: u4
        doc: Records of extended attributes that end the run, their header included (DARI-XAT-003).
  section_body:
    doc: Body in the records of a section (DARI-SCT-001).
    seq:
      - id: image_id
        size: 4
        doc: The first four bytes of image_uuid (DARI-EXT-008).
      - id: section
        type: u4
        doc: Which section.
      - id: section_version
        type: u4
        doc: Version of the payload's layout; 1.
      - id: reserved_1
        type: u4
        doc: Zero.
      - id: payload_size
        type: u8
        doc: Bytes of payload; equal to di_size.
      - id: run_records
        type: u8
        doc: Records of the section, headers and data.
      - id: first_block
        type: u8
        doc: Number within the payload of the record c_addr[0] stands for.
      - id: reserved_2
        size: 40
        doc: Zero.
  end_body:
    doc: Body in ts_end (DARI-END-001).
    seq:
      - id: image_id
        size: 4
        doc: The first four bytes of image_uuid (DARI-EXT-008).
      - id: verdict
        type: u4
        doc: Whether the offset map was found true while writing (DARI-END-003).
      - id: files_written
        type: u8
        doc: Inodes in part 8.
      - id: mismatches
        type: u8
        doc: Inodes of part 8 not found at their place in the map.
      - id: substituted
        type: u8
        doc: Inodes some of whose data could not be read and was replaced by zeros (DARI-FIL-014).
      - id: offset_map_sha256
        size: 32
        doc: SHA-256 of the offset map's payload.
      - id: attributed
        type: u8
        doc: Inodes, directories among them, with extended attributes (DARI-END-008).
      - id: reserved
        size: 8
        doc: Zero.
  bitmap_body:
    doc: Body in ts_clri and ts_bits (DARI-BMP-006).
    seq:
      - id: image_id
        size: 4
        doc: The first four bytes of image_uuid (DARI-EXT-008).
      - id: highest_inode
        type: u4
        doc: Highest inode number set; 0 if none.
      - id: bits_set
        type: u8
        doc: Bits that are set.
      - id: base_uuid
        size: 16
        doc: The image_uuid of the image that this one is relative to; zero in a full image (DARI-INC-008).
      - id: reserved
        size: 48
        doc: Zero.
  raw_body:
    doc: Body of a kind this reader does not know.
    seq:
      - id: bytes
        size: 80
        doc: Anything.
enums:
  kind:
    1: {id: volume, doc: In ts_tape.}
    2: {id: inode, doc: In ts_inode and ts_addr of an inode.}
    3: {id: section, doc: In ts_inode and ts_addr of a section (inode 1).}
    4: {id: end, doc: In ts_end.}
    5: {id: bitmap, doc: In ts_clri and ts_bits.}
  section:
    1: {id: stream_directories, doc: Part 5.}
    2: {id: nt_acls_front, doc: Part 6.}
    3: {id: offset_map, doc: Part 7.}
    4: {id: nt_acls_trailing, doc: Part 9.}
  verdict:
    0: {id: unverified, doc: The writer did not compare.}
    1: {id: good, doc: Every inode was found where the map says.}
    2: {id: bad, doc: At least one was not.}
  inode_flags:
    0x1: {id: inode_substituted, doc: Some data records under this header hold zeros for data that could not be read.}
    0x4: {id: inode_end_is_hole, doc: 'The last block of the file, all zero and under this header, stands for a hole (DARI-FIL-020).'}
  compat:
    0x1: {id: nt_acls, doc: Parts 6 and 9 are in the image.}
    0x2: {id: streams, doc: Part 5 and stream inodes are in the image.}
    0x4: {id: xattrs, doc: Inodes carry extended attributes.}
    0x8: {id: incremental, doc: Bitmap I and bitmap II differ in meaning; the image needs its base.}
  incompat:
    0x1: {id: volumes, doc: The image is cut into volumes with continuation headers.}

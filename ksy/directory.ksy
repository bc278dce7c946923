meta:
  id: directory
  title: Contents of a directory
  license: Apache-2.0
  endian: le
doc: Entries one after another to the end of di_size; in an image none crosses a 512-byte chunk (DARI-DIR-004).
seq:
  - id: entries
    type: entry
    repeat: eos
    doc: The entries.
types:
  entry_head:
    doc: The fixed part of an entry.
    seq:
      - id: d_ino
        type: u4
        doc: Inode number; 0 marks an unused entry (DARI-DIR-006).
      - id: d_reclen
        type: u2
        doc: Bytes of this entry, a multiple of 4 (DARI-DIR-005).
      - id: d_type
        type: u1
        doc: 'File type as DT_*: st_mode shifted right by 12; 0 unknown.'
      - id: d_namlen
        type: u1
        doc: Bytes of the name, without the NUL.
  entry:
    doc: One 4.4BSD directory entry.
    seq:
      - id: head
        type: entry_head
        doc: The fixed part.
      - id: d_name
        size: head.d_namlen
        doc: The name; any bytes but `/` and NUL (DARI-DIR-007).
      - id: pad
        size: head.d_reclen - 8 - head.d_namlen
        doc: A NUL and zeros up to d_reclen.
  old_entry_head:
    doc: The fixed part of an entry in a dump without dr_newinodefmt (DARI-REC-026).
    seq:
      - id: d_ino
        type: u4
        doc: Inode number; 0 marks an unused entry (DARI-DIR-006).
      - id: d_reclen
        type: u2
        doc: Bytes of this entry, a multiple of 4.
      - id: d_namlen
        type: u2
        doc: Bytes of the name, without the NUL.
  old_entry:
    doc: One directory entry of 4.2BSD, with 16 bits for the length of its name.
    seq:
      - id: head
        type: old_entry_head
        doc: The fixed part.
      - id: d_name
        size: head.d_namlen
        doc: The name; any bytes but `/` and NUL (DARI-DIR-007).
      - id: pad
        size: head.d_reclen - 8 - head.d_namlen
        doc: A NUL and zeros up to d_reclen.

meta:
  id: nt_acls
  title: Payload of the NT ACL sections
  license: Apache-2.0
  endian: le
doc: |
  A table from inode to descriptor and origin, where each of these lies, and their bytes
  (DARI-ACL-001).
seq:
  - id: head
    type: head
    doc: Counts.
  - id: table
    type: row
    repeat: expr
    repeat-expr: head.rows
    doc: One row an inode that has a descriptor, ascending by inode.
  - id: index
    type: span
    repeat: expr
    repeat-expr: head.descriptors
    doc: Where each distinct descriptor lies.
  - id: origin_index
    type: span
    repeat: expr
    repeat-expr: head.origins
    doc: Where each distinct origin lies.
  - id: heap
    size: head.heap_size
    doc: The self-relative descriptors, then the origins, each at a multiple of 8.
types:
  head:
    doc: Counts.
    seq:
      - id: rows
        type: u4
        doc: Rows of the table.
      - id: descriptors
        type: u4
        doc: Distinct descriptors.
      - id: origins
        type: u4
        doc: Distinct origins.
      - id: reserved
        type: u4
        doc: Zero.
      - id: heap_size
        type: u8
        doc: Bytes of the heap.
  row:
    doc: An inode, its descriptor, and what that was wrapped in.
    seq:
      - id: inode
        type: u4
        doc: Inode number.
      - id: descriptor
        type: u4
        doc: Number of its descriptor in the index, from 0.
      - id: origin
        type: u4
        doc: Number of its origin in the origin index, from 1; 0 for none (DARI-ACL-007).
      - id: reserved
        type: u4
        doc: Zero.
  span:
    doc: Place of one descriptor or origin in the heap.
    seq:
      - id: offset
        type: u8
        doc: First byte, within the heap.
      - id: size
        type: u8
        doc: Bytes.

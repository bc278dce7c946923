meta:
  id: nt_acls
  title: Payload of the NT ACL sections
  license: Apache-2.0
  endian: le
doc: A table from inode to descriptor, the descriptors' index, and their bytes (DARI-ACL-001).
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
  - id: heap
    size: head.heap_size
    doc: The self-relative descriptors, each at a multiple of 8.
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
      - id: heap_size
        type: u8
        doc: Bytes of the heap.
  row:
    doc: An inode and its descriptor.
    seq:
      - id: inode
        type: u4
        doc: Inode number.
      - id: descriptor
        type: u4
        doc: Number of its descriptor in the index, from 0.
  span:
    doc: Place of one descriptor in the heap.
    seq:
      - id: offset
        type: u8
        doc: First byte, within the heap.
      - id: size
        type: u8
        doc: Bytes.

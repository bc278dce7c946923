meta:
  id: offset_map
  title: Payload of the offset map section
  license: Apache-2.0
  endian: le
doc: One element for each inode number from 0 to the highest in bitmap I (DARI-OFF-001).
seq:
  - id: elements
    type: element
    repeat: eos
    doc: Element i is inode i.
types:
  element:
    doc: Where one inode lies.
    seq:
      - id: offset
        type: u8
        doc: Byte address of the inode's ts_inode header; 0 for none (DARI-OFF-002).

meta:
  id: xattrs
  title: Payload of attribute records
  license: Apache-2.0
  endian: le
doc: |
  Extended attributes of one inode as ext4 keeps them (DARI-XAT-001), and behind these, in an image,
  those that do not fit there (DARI-XAT-008). Each integer names its byte order, because these
  structures are little-endian in images of either order (DARI-XAT-004).
-python-enums:
  magic: {class: XattrMagic, doc: Forms of a list of extended attributes (DARI-XAT-004).}
  name_index: {class: XattrIndex, doc: First parts of attribute names (DARI-XAT-005).}
  acl_tag: {class: AclTag, flags: true, doc: Whom an entry of a POSIX ACL is about (DARI-XAT-007).}
seq:
  - id: head
    type: head
    doc: Which form it is.
  - id: body
    size-eos: true
    doc: |
      In the form `block` a block_rest first; then entries, 4 zero bytes that end them, and values.
types:
  head:
    doc: Begins a list of either form.
    -enums-of:
      magic: magic
    seq:
      - id: magic
        type: u4le
        doc: Which form it is.
  block_rest:
    doc: The rest of the header of the form `block`.
    seq:
      - id: refcount
        type: u4le
        doc: Inodes of a file system that share the block; 1.
      - id: blocks
        type: u4le
        doc: Blocks of a file system it takes; 1.
      - id: hash
        type: u4le
        doc: Of no use outside of a file system; 0.
      - id: checksum
        type: u4le
        doc: Likewise.
      - id: reserved
        size: 12
        doc: Zero.
  entry:
    doc: An attribute. Its name follows, then zeros to a multiple of 4.
    -enums-of:
      name_index: name_index
    seq:
      - id: name_size
        type: u1
        doc: Bytes of the name without its first part.
      - id: name_index
        type: u1
        doc: First part of the name (DARI-XAT-005).
      - id: value_offset
        type: u2le
        doc: |
          Where the value begins, from the start of the payload in the form `block`, from the end
          of the magic in the form `inode`.
      - id: value_inode
        type: u4le
        doc: Inode of a file system that holds the value; 0 for none (DARI-XAT-006).
      - id: value_size
        type: u4le
        doc: Bytes of the value.
      - id: hash
        type: u4le
        doc: Of no use outside of a file system; 0.
  acl_head:
    doc: Begins a POSIX ACL.
    seq:
      - id: version
        type: u4le
        doc: 1 within a list; 2 in the value that Linux shows to programs (DARI-XAT-007).
  acl_short:
    doc: An entry of a POSIX ACL of version 1 that names nobody.
    -enums-of:
      tag: acl_tag
    seq:
      - id: tag
        type: u2le
        doc: Whom it is about.
      - id: permissions
        type: u2le
        doc: Read 4, write 2, execute 1.
  acl_entry:
    doc: Any entry of version 2, and one of version 1 that names somebody.
    -enums-of:
      tag: acl_tag
    seq:
      - id: tag
        type: u2le
        doc: Whom it is about.
      - id: permissions
        type: u2le
        doc: Read 4, write 2, execute 1.
      - id: id
        type: u4le
        doc: Number of the user or group; 0xFFFFFFFF in an entry that names nobody.
  more_head:
    doc: |
      An attribute behind the list. Its name in full and its value follow, then zeros to a multiple
      of 4 (DARI-XAT-008).
    seq:
      - id: name_size
        type: u2le
        doc: Bytes of the name; 0 ends them.
      - id: reserved
        type: u2le
        doc: Zero.
      - id: value_size
        type: u4le
        doc: Bytes of the value.
enums:
  magic:
    0xEA020000: {id: block, doc: 'A block of ext4. The only form in an image (DARI-XAT-001).'}
    0xEA020001: {id: inode, doc: What ext4 keeps in the inode itself; in plain dumps.}
  name_index:
    1: {id: user, doc: '`user.`'}
    2: {id: acl_access, doc: '`system.posix_acl_access`, all of it; in the form of DARI-XAT-007.'}
    3: {id: acl_default, doc: '`system.posix_acl_default`, likewise.'}
    4: {id: trusted, doc: '`trusted.`'}
    5: {id: lustre, doc: '`lustre.`; in plain dumps.'}
    6: {id: security, doc: '`security.`'}
    7: {id: system, doc: '`system.`; in plain dumps. `system.data` is no attribute.'}
  acl_tag:
    0x01: {id: user_obj, doc: The owner.}
    0x02: {id: user, doc: A user by number.}
    0x04: {id: group_obj, doc: The group.}
    0x08: {id: group, doc: A group by number.}
    0x10: {id: mask, doc: 'The most that users by number, the group and groups by number get.'}
    0x20: {id: other, doc: Everybody else.}

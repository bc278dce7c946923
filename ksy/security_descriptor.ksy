meta:
  id: security_descriptor
  title: Security descriptor in self-relative form
  license: Apache-2.0
  endian: le
doc: |
  SECURITY_DESCRIPTOR of [MS-DTYP] 2.4.6 (DARI-SDE-001). Each integer names its byte order, because
  these structures are little-endian in images of either order (DARI-SDE-002).
-python-enums:
  control: {class: SdControl, flags: true, doc: Control bits of a security descriptor (DARI-SDE-001).}
  ace_type: {class: AceType, doc: Types of access control entries (DARI-SDE-007).}
  ace_flags: {class: AceFlag, flags: true, doc: Flags of an access control entry.}
  object_flags: {class: ObjectFlag, flags: true, doc: Which GUIDs an object entry holds (DARI-SDE-006).}
seq:
  - id: head
    type: head
    doc: The fixed part.
  - id: body
    size-eos: true
    doc: Owner, group and the two ACLs in any order, wherever the offsets of the head say.
types:
  head:
    doc: The fixed part. Offsets are bytes from the start of the head; 0 says that there is none.
    -enums-of:
      control: control
    seq:
      - id: revision
        type: u1
        doc: 1 (DARI-SDE-001).
      - id: sbz1
        type: u1
        doc: Bits of the resource manager if control says so, else zero.
      - id: control
        type: u2le
        doc: What is present and how it came about.
      - id: offset_owner
        type: u4le
        doc: The owner, a SID (DARI-SDE-003).
      - id: offset_group
        type: u4le
        doc: The primary group, a SID.
      - id: offset_sacl
        type: u4le
        doc: The system ACL, what is audited.
      - id: offset_dacl
        type: u4le
        doc: The discretionary ACL, who may do what.
  sid_head:
    doc: The fixed part of a SID.
    seq:
      - id: revision
        type: u1
        doc: 1 (DARI-SDE-004).
      - id: sub_authority_count
        type: u1
        doc: Sub-authorities, at most 15.
      - id: identifier_authority
        size: 6
        doc: A number of 48 bits, most significant byte first, alone in all these structures.
  sid:
    doc: A security identifier, [MS-DTYP] 2.4.2.2 (DARI-SDE-004).
    seq:
      - id: head
        type: sid_head
        doc: The fixed part.
      - id: sub_authority
        type: u4le
        repeat: expr
        repeat-expr: head.sub_authority_count
        doc: The sub-authorities; the last is the relative identifier.
  acl_head:
    doc: The fixed part of an ACL.
    seq:
      - id: acl_revision
        type: u1
        doc: 2, or 4 if there are object entries (DARI-SDE-005).
      - id: sbz1
        type: u1
        doc: Zero.
      - id: acl_size
        type: u2le
        doc: Bytes of the ACL, this head and unused bytes at its end included.
      - id: ace_count
        type: u2le
        doc: Entries.
      - id: sbz2
        type: u2le
        doc: Zero.
  acl:
    doc: An access control list, [MS-DTYP] 2.4.5 (DARI-SDE-005).
    seq:
      - id: head
        type: acl_head
        doc: The fixed part.
      - id: body
        size: head.acl_size - 8
        type: acl_body
        doc: The entries.
  acl_body:
    doc: The rest of an ACL.
    seq:
      - id: aces
        type: ace
        repeat: expr
        repeat-expr: _parent.head.ace_count
        doc: The entries, one behind the other.
      - id: unused
        size-eos: true
        doc: Anything; kept (DARI-SDE-008).
  ace_head:
    doc: The fixed part of an entry, [MS-DTYP] 2.4.4.1.
    -enums-of:
      ace_type: ace_type
      ace_flags: ace_flags
    seq:
      - id: ace_type
        type: u1
        doc: Type, which tells the body's layout.
      - id: ace_flags
        type: u1
        doc: Inheritance and auditing.
      - id: ace_size
        type: u2le
        doc: Bytes of the entry, this head included (DARI-SDE-006).
  ace:
    doc: An access control entry, [MS-DTYP] 2.4.4 (DARI-SDE-006).
    seq:
      - id: head
        type: ace_head
        doc: The fixed part.
      - id: body
        size: head.ace_size - 4
        type:
          switch-on: head.ace_type
          cases:
            0x00: plain_ace
            0x01: plain_ace
            0x02: plain_ace
            0x03: plain_ace
            0x05: object_ace
            0x06: object_ace
            0x07: object_ace
            0x08: object_ace
            0x09: plain_ace
            0x0a: plain_ace
            0x0b: object_ace
            0x0c: object_ace
            0x0d: plain_ace
            0x0e: plain_ace
            0x0f: object_ace
            0x10: object_ace
            0x11: plain_ace
            0x12: plain_ace
            0x13: plain_ace
            0x14: plain_ace
            0x15: plain_ace
            _: raw_ace
        doc: By type.
  plain_ace_head:
    doc: The fixed part of the body of an entry without GUIDs.
    seq:
      - id: mask
        type: u4le
        doc: Access rights; of a mandatory label, its policy.
  plain_ace:
    doc: |
      Body of an entry without GUIDs: allowed, denied, audit and alarm ([MS-DTYP] 2.4.4.2, .4, .10),
      the same as callbacks (.6, .7, .12), mandatory label (.13), resource attribute (.15), scoped
      policy (.16).
    seq:
      - id: head
        type: plain_ace_head
        doc: The fixed part.
      - id: sid
        type: sid
        doc: Whom it is about.
      - id: application_data
        size-eos: true
        doc: Of a callback its condition, of a resource attribute the claim, else mostly nothing.
  object_ace_head:
    doc: The fixed part of the body of an object entry.
    -enums-of:
      flags: object_flags
    seq:
      - id: mask
        type: u4le
        doc: Access rights.
      - id: flags
        type: u4le
        doc: Which GUIDs follow.
  object_ace:
    doc: Body of an object entry, [MS-DTYP] 2.4.4.3, .5, .11, and of their callbacks, .8, .9, .14.
    seq:
      - id: head
        type: object_ace_head
        doc: The fixed part.
      - id: object_type
        size: (head.flags & 1) * 16
        doc: GUID of the class, property or right, if flagged ([MS-DTYP] 2.3.4.2).
      - id: inherited_object_type
        size: (head.flags & 2) * 8
        doc: GUID of the class of objects that inherit the entry, if flagged.
      - id: sid
        type: sid
        doc: Whom it is about.
      - id: application_data
        size-eos: true
        doc: As in `plain_ace`.
  raw_ace:
    doc: Body of an entry of a type not known here (DARI-SDE-007).
    seq:
      - id: bytes
        size-eos: true
        doc: Anything.
enums:
  control:
    0x0001: {id: owner_defaulted, doc: The owner came from a default.}
    0x0002: {id: group_defaulted, doc: The group came from a default.}
    0x0004: {id: dacl_present, doc: 'There is a DACL; with offset 0, one that allows everything.'}
    0x0008: {id: dacl_defaulted, doc: The DACL came from a default.}
    0x0010: {id: sacl_present, doc: There is a SACL.}
    0x0020: {id: sacl_defaulted, doc: The SACL came from a default.}
    0x0040: {id: dacl_trusted, doc: The DACL came from a trusted source.}
    0x0080: {id: server_security, doc: An ACL for a server was asked for.}
    0x0100: {id: dacl_auto_inherit_req, doc: The DACL shall be passed on to children; SDDL AR.}
    0x0200: {id: sacl_auto_inherit_req, doc: The SACL shall be passed on to children; SDDL AR.}
    0x0400: {id: dacl_auto_inherited, doc: The DACL was made by inheritance; SDDL AI.}
    0x0800: {id: sacl_auto_inherited, doc: The SACL was made by inheritance; SDDL AI.}
    0x1000: {id: dacl_protected, doc: The DACL inherits nothing; SDDL P.}
    0x2000: {id: sacl_protected, doc: The SACL inherits nothing; SDDL P.}
    0x4000: {id: rm_control_valid, doc: '`sbz1` holds bits of the resource manager.'}
    0x8000: {id: self_relative, doc: 'The form described here; always set (DARI-SDE-001).'}
  ace_type:
    0x00: {id: access_allowed, doc: SDDL A.}
    0x01: {id: access_denied, doc: SDDL D.}
    0x02: {id: system_audit, doc: SDDL AU.}
    0x03: {id: system_alarm, doc: SDDL AL; reserved.}
    0x04: {id: access_allowed_compound, doc: Reserved; its body is not known here.}
    0x05: {id: access_allowed_object, doc: SDDL OA.}
    0x06: {id: access_denied_object, doc: SDDL OD.}
    0x07: {id: system_audit_object, doc: SDDL OU.}
    0x08: {id: system_alarm_object, doc: SDDL OL; reserved.}
    0x09: {id: access_allowed_callback, doc: SDDL XA.}
    0x0a: {id: access_denied_callback, doc: SDDL XD.}
    0x0b: {id: access_allowed_callback_object, doc: SDDL ZA.}
    0x0c: {id: access_denied_callback_object, doc: SDDL has no letters for it.}
    0x0d: {id: system_audit_callback, doc: SDDL XU.}
    0x0e: {id: system_alarm_callback, doc: Reserved; SDDL has no letters for it.}
    0x0f: {id: system_audit_callback_object, doc: SDDL has no letters for it.}
    0x10: {id: system_alarm_callback_object, doc: Reserved; SDDL has no letters for it.}
    0x11: {id: system_mandatory_label, doc: SDDL ML.}
    0x12: {id: system_resource_attribute, doc: SDDL RA.}
    0x13: {id: system_scoped_policy_id, doc: SDDL SP.}
    0x14: {id: system_process_trust_label, doc: SDDL TL.}
    0x15: {id: system_access_filter, doc: SDDL FL.}
  ace_flags:
    0x01: {id: object_inherit, doc: Files below inherit it; SDDL OI.}
    0x02: {id: container_inherit, doc: Directories below inherit it; SDDL CI.}
    0x04: {id: no_propagate_inherit, doc: Only the next level inherits it; SDDL NP.}
    0x08: {id: inherit_only, doc: It does not count for this object itself; SDDL IO.}
    0x10: {id: inherited, doc: It was inherited; SDDL ID.}
    0x20: {id: critical, doc: It must not be removed; SDDL CR.}
    0x40: {id: successful_access, doc: Audit what succeeds; SDDL SA.}
    0x80: {id: failed_access, doc: Audit what fails; SDDL FA.}
  object_flags:
    0x1: {id: object_type_present, doc: The field object_type is there.}
    0x2: {id: inherited_object_type_present, doc: The field inherited_object_type is there.}

# Generated from ksy/security_descriptor.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO
from enum import IntEnum


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class SecurityDescriptor(KaitaiStruct):
    """SECURITY_DESCRIPTOR of [MS-DTYP] 2.4.6 (DARI-SDE-001). Each integer names its byte order, because
    these structures are little-endian in images of either order (DARI-SDE-002).
    """

    class AceFlags(IntEnum):
        object_inherit = 1
        container_inherit = 2
        no_propagate_inherit = 4
        inherit_only = 8
        inherited = 16
        critical = 32
        successful_access = 64
        failed_access = 128

    class AceType(IntEnum):
        access_allowed = 0
        access_denied = 1
        system_audit = 2
        system_alarm = 3
        access_allowed_compound = 4
        access_allowed_object = 5
        access_denied_object = 6
        system_audit_object = 7
        system_alarm_object = 8
        access_allowed_callback = 9
        access_denied_callback = 10
        access_allowed_callback_object = 11
        access_denied_callback_object = 12
        system_audit_callback = 13
        system_alarm_callback = 14
        system_audit_callback_object = 15
        system_alarm_callback_object = 16
        system_mandatory_label = 17
        system_resource_attribute = 18
        system_scoped_policy_id = 19
        system_process_trust_label = 20
        system_access_filter = 21

    class Control(IntEnum):
        owner_defaulted = 1
        group_defaulted = 2
        dacl_present = 4
        dacl_defaulted = 8
        sacl_present = 16
        sacl_defaulted = 32
        dacl_trusted = 64
        server_security = 128
        dacl_auto_inherit_req = 256
        sacl_auto_inherit_req = 512
        dacl_auto_inherited = 1024
        sacl_auto_inherited = 2048
        dacl_protected = 4096
        sacl_protected = 8192
        rm_control_valid = 16384
        self_relative = 32768

    class ObjectFlags(IntEnum):
        object_type_present = 1
        inherited_object_type_present = 2
    def __init__(self, _io, _parent=None, _root=None):
        super(SecurityDescriptor, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.head = SecurityDescriptor.Head(self._io, self, self._root)
        self.body = self._io.read_bytes_full()


    def _fetch_instances(self):
        pass
        self.head._fetch_instances()

    class Ace(KaitaiStruct):
        """An access control entry, [MS-DTYP] 2.4.4 (DARI-SDE-006)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.Ace, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = SecurityDescriptor.AceHead(self._io, self, self._root)
            _on = self.head.ace_type
            if _on == 0:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 1:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 10:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 11:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 12:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 13:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 14:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 15:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 16:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 17:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 18:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 19:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 2:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 20:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 21:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 3:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            elif _on == 5:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 6:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 7:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 8:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.ObjectAce(_io__raw_body, self, self._root)
            elif _on == 9:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.PlainAce(_io__raw_body, self, self._root)
            else:
                pass
                self._raw_body = self._io.read_bytes(self.head.ace_size - 4)
                _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
                self.body = SecurityDescriptor.RawAce(_io__raw_body, self, self._root)


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()
            _on = self.head.ace_type
            if _on == 0:
                pass
                self.body._fetch_instances()
            elif _on == 1:
                pass
                self.body._fetch_instances()
            elif _on == 10:
                pass
                self.body._fetch_instances()
            elif _on == 11:
                pass
                self.body._fetch_instances()
            elif _on == 12:
                pass
                self.body._fetch_instances()
            elif _on == 13:
                pass
                self.body._fetch_instances()
            elif _on == 14:
                pass
                self.body._fetch_instances()
            elif _on == 15:
                pass
                self.body._fetch_instances()
            elif _on == 16:
                pass
                self.body._fetch_instances()
            elif _on == 17:
                pass
                self.body._fetch_instances()
            elif _on == 18:
                pass
                self.body._fetch_instances()
            elif _on == 19:
                pass
                self.body._fetch_instances()
            elif _on == 2:
                pass
                self.body._fetch_instances()
            elif _on == 20:
                pass
                self.body._fetch_instances()
            elif _on == 21:
                pass
                self.body._fetch_instances()
            elif _on == 3:
                pass
                self.body._fetch_instances()
            elif _on == 5:
                pass
                self.body._fetch_instances()
            elif _on == 6:
                pass
                self.body._fetch_instances()
            elif _on == 7:
                pass
                self.body._fetch_instances()
            elif _on == 8:
                pass
                self.body._fetch_instances()
            elif _on == 9:
                pass
                self.body._fetch_instances()
            else:
                pass
                self.body._fetch_instances()


    class AceHead(KaitaiStruct):
        """The fixed part of an entry, [MS-DTYP] 2.4.4.1."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.AceHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.ace_type = self._io.read_u1()
            self.ace_flags = self._io.read_u1()
            self.ace_size = self._io.read_u2le()


        def _fetch_instances(self):
            pass


    class Acl(KaitaiStruct):
        """An access control list, [MS-DTYP] 2.4.5 (DARI-SDE-005)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.Acl, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = SecurityDescriptor.AclHead(self._io, self, self._root)
            self._raw_body = self._io.read_bytes(self.head.acl_size - 8)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = SecurityDescriptor.AclBody(_io__raw_body, self, self._root)


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()
            self.body._fetch_instances()


    class AclBody(KaitaiStruct):
        """The rest of an ACL."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.AclBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.aces = []
            for i in range(self._parent.head.ace_count):
                self.aces.append(SecurityDescriptor.Ace(self._io, self, self._root))

            self.unused = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            for i in range(len(self.aces)):
                pass
                self.aces[i]._fetch_instances()



    class AclHead(KaitaiStruct):
        """The fixed part of an ACL."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.AclHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.acl_revision = self._io.read_u1()
            self.sbz1 = self._io.read_u1()
            self.acl_size = self._io.read_u2le()
            self.ace_count = self._io.read_u2le()
            self.sbz2 = self._io.read_u2le()


        def _fetch_instances(self):
            pass


    class Head(KaitaiStruct):
        """The fixed part. Offsets are bytes from the start of the head; 0 says that there is none."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.revision = self._io.read_u1()
            self.sbz1 = self._io.read_u1()
            self.control = self._io.read_u2le()
            self.offset_owner = self._io.read_u4le()
            self.offset_group = self._io.read_u4le()
            self.offset_sacl = self._io.read_u4le()
            self.offset_dacl = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class ObjectAce(KaitaiStruct):
        """Body of an object entry, [MS-DTYP] 2.4.4.3, .5, .11, and of their callbacks, .8, .9, .14."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.ObjectAce, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = SecurityDescriptor.ObjectAceHead(self._io, self, self._root)
            self.object_type = self._io.read_bytes((self.head.flags & 1) * 16)
            self.inherited_object_type = self._io.read_bytes((self.head.flags & 2) * 8)
            self.sid = SecurityDescriptor.Sid(self._io, self, self._root)
            self.application_data = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()
            self.sid._fetch_instances()


    class ObjectAceHead(KaitaiStruct):
        """The fixed part of the body of an object entry."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.ObjectAceHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.mask = self._io.read_u4le()
            self.flags = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class PlainAce(KaitaiStruct):
        """Body of an entry without GUIDs: allowed, denied, audit and alarm ([MS-DTYP] 2.4.4.2, .4, .10),
        the same as callbacks (.6, .7, .12), mandatory label (.13), resource attribute (.15), scoped
        policy (.16).
        """
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.PlainAce, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = SecurityDescriptor.PlainAceHead(self._io, self, self._root)
            self.sid = SecurityDescriptor.Sid(self._io, self, self._root)
            self.application_data = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()
            self.sid._fetch_instances()


    class PlainAceHead(KaitaiStruct):
        """The fixed part of the body of an entry without GUIDs."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.PlainAceHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.mask = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class RawAce(KaitaiStruct):
        """Body of an entry of a type not known here (DARI-SDE-007)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.RawAce, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.bytes = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass


    class Sid(KaitaiStruct):
        """A security identifier, [MS-DTYP] 2.4.2.2 (DARI-SDE-004)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.Sid, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = SecurityDescriptor.SidHead(self._io, self, self._root)
            self.sub_authority = []
            for i in range(self.head.sub_authority_count):
                self.sub_authority.append(self._io.read_u4le())



        def _fetch_instances(self):
            pass
            self.head._fetch_instances()
            for i in range(len(self.sub_authority)):
                pass



    class SidHead(KaitaiStruct):
        """The fixed part of a SID."""
        def __init__(self, _io, _parent=None, _root=None):
            super(SecurityDescriptor.SidHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.revision = self._io.read_u1()
            self.sub_authority_count = self._io.read_u1()
            self.identifier_authority = self._io.read_bytes(6)


        def _fetch_instances(self):
            pass




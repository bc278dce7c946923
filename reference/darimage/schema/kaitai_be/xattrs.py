# Generated from ksy/xattrs.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO
from enum import IntEnum


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class Xattrs(KaitaiStruct):
    """Extended attributes of one inode as ext4 keeps them (DARI-XAT-001), and behind these, in an image,
    those that do not fit there (DARI-XAT-008). Each integer names its byte order, because these
    structures are little-endian in images of either order (DARI-XAT-004).
    """

    class AclTag(IntEnum):
        user_obj = 1
        user = 2
        group_obj = 4
        group = 8
        mask = 16
        other = 32

    class Magic(IntEnum):
        block = 3925999616
        inode = 3925999617

    class NameIndex(IntEnum):
        user = 1
        acl_access = 2
        acl_default = 3
        trusted = 4
        lustre = 5
        security = 6
        system = 7
    def __init__(self, _io, _parent=None, _root=None):
        super(Xattrs, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.head = Xattrs.Head(self._io, self, self._root)
        self.body = self._io.read_bytes_full()


    def _fetch_instances(self):
        pass
        self.head._fetch_instances()

    class AclEntry(KaitaiStruct):
        """Any entry of version 2, and one of version 1 that names somebody."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.AclEntry, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.tag = self._io.read_u2le()
            self.permissions = self._io.read_u2le()
            self.id = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class AclHead(KaitaiStruct):
        """Begins a POSIX ACL."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.AclHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.version = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class AclShort(KaitaiStruct):
        """An entry of a POSIX ACL of version 1 that names nobody."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.AclShort, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.tag = self._io.read_u2le()
            self.permissions = self._io.read_u2le()


        def _fetch_instances(self):
            pass


    class BlockRest(KaitaiStruct):
        """The rest of the header of the form `block`."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.BlockRest, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.refcount = self._io.read_u4le()
            self.blocks = self._io.read_u4le()
            self.hash = self._io.read_u4le()
            self.checksum = self._io.read_u4le()
            self.reserved = self._io.read_bytes(12)


        def _fetch_instances(self):
            pass


    class Entry(KaitaiStruct):
        """An attribute. Its name follows, then zeros to a multiple of 4."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.Entry, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.name_size = self._io.read_u1()
            self.name_index = self._io.read_u1()
            self.value_offset = self._io.read_u2le()
            self.value_inode = self._io.read_u4le()
            self.value_size = self._io.read_u4le()
            self.hash = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class Head(KaitaiStruct):
        """Begins a list of either form."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.magic = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class MoreHead(KaitaiStruct):
        """An attribute behind the list. Its name in full and its value follow, then zeros to a multiple
        of 4 (DARI-XAT-008).
        """
        def __init__(self, _io, _parent=None, _root=None):
            super(Xattrs.MoreHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.name_size = self._io.read_u2le()
            self.reserved = self._io.read_u2le()
            self.value_size = self._io.read_u4le()


        def _fetch_instances(self):
            pass




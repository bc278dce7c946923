# Generated from ksy/nt_acls.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class NtAcls(KaitaiStruct):
    """A table from inode to descriptor and origin, where each of these lies, and their bytes
    (DARI-ACL-001).
    """
    def __init__(self, _io, _parent=None, _root=None):
        super(NtAcls, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.head = NtAcls.Head(self._io, self, self._root)
        self.table = []
        for i in range(self.head.rows):
            self.table.append(NtAcls.Row(self._io, self, self._root))

        self.index = []
        for i in range(self.head.descriptors):
            self.index.append(NtAcls.Span(self._io, self, self._root))

        self.origin_index = []
        for i in range(self.head.origins):
            self.origin_index.append(NtAcls.Span(self._io, self, self._root))

        self.heap = self._io.read_bytes(self.head.heap_size)


    def _fetch_instances(self):
        pass
        self.head._fetch_instances()
        for i in range(len(self.table)):
            pass
            self.table[i]._fetch_instances()

        for i in range(len(self.index)):
            pass
            self.index[i]._fetch_instances()

        for i in range(len(self.origin_index)):
            pass
            self.origin_index[i]._fetch_instances()


    class Head(KaitaiStruct):
        """Counts."""
        def __init__(self, _io, _parent=None, _root=None):
            super(NtAcls.Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.rows = self._io.read_u4be()
            self.descriptors = self._io.read_u4be()
            self.origins = self._io.read_u4be()
            self.reserved = self._io.read_u4be()
            self.heap_size = self._io.read_u8be()


        def _fetch_instances(self):
            pass


    class Row(KaitaiStruct):
        """An inode, its descriptor, and what that was wrapped in."""
        def __init__(self, _io, _parent=None, _root=None):
            super(NtAcls.Row, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.inode = self._io.read_u4be()
            self.descriptor = self._io.read_u4be()
            self.origin = self._io.read_u4be()
            self.reserved = self._io.read_u4be()


        def _fetch_instances(self):
            pass


    class Span(KaitaiStruct):
        """Place of one descriptor or origin in the heap."""
        def __init__(self, _io, _parent=None, _root=None):
            super(NtAcls.Span, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.offset = self._io.read_u8be()
            self.size = self._io.read_u8be()


        def _fetch_instances(self):
            pass




# Generated from ksy/directory.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class Directory(KaitaiStruct):
    """Entries one after another to the end of di_size; in an image none crosses a 512-byte chunk (DARI-DIR-004)."""
    def __init__(self, _io, _parent=None, _root=None):
        super(Directory, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.entries = []
        i = 0
        while not self._io.is_eof():
            self.entries.append(Directory.Entry(self._io, self, self._root))
            i += 1



    def _fetch_instances(self):
        pass
        for i in range(len(self.entries)):
            pass
            self.entries[i]._fetch_instances()


    class Entry(KaitaiStruct):
        """One 4.4BSD directory entry."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Directory.Entry, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = Directory.EntryHead(self._io, self, self._root)
            self.d_name = self._io.read_bytes(self.head.d_namlen)
            self.pad = self._io.read_bytes((self.head.d_reclen - 8) - self.head.d_namlen)


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()


    class EntryHead(KaitaiStruct):
        """The fixed part of an entry."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Directory.EntryHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.d_ino = self._io.read_u4le()
            self.d_reclen = self._io.read_u2le()
            self.d_type = self._io.read_u1()
            self.d_namlen = self._io.read_u1()


        def _fetch_instances(self):
            pass


    class OldEntry(KaitaiStruct):
        """One directory entry of 4.2BSD, with 16 bits for the length of its name."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Directory.OldEntry, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = Directory.OldEntryHead(self._io, self, self._root)
            self.d_name = self._io.read_bytes(self.head.d_namlen)
            self.pad = self._io.read_bytes((self.head.d_reclen - 8) - self.head.d_namlen)


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()


    class OldEntryHead(KaitaiStruct):
        """The fixed part of an entry in a dump without dr_newinodefmt (DARI-REC-026)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Directory.OldEntryHead, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.d_ino = self._io.read_u4le()
            self.d_reclen = self._io.read_u2le()
            self.d_namlen = self._io.read_u2le()


        def _fetch_instances(self):
            pass




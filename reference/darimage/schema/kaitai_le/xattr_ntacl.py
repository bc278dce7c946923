# Generated from ksy/xattr_ntacl.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class XattrNtacl(KaitaiStruct):
    """Value of the extended attribute `security.NTACL`: the structure xattr_NTACL in Samba's NDR, always
    little-endian. The descriptor comes last, at a multiple of 4, and goes to the end; its offsets
    count from the start of this value (DARI-SDE-012).
    """
    def __init__(self, _io, _parent=None, _root=None):
        super(XattrNtacl, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.head = XattrNtacl.Head(self._io, self, self._root)
        _on = self.head.version
        if _on == 1:
            pass
            self.info = XattrNtacl.HashNone(self._io, self, self._root)
        elif _on == 2:
            pass
            self.info = XattrNtacl.HashV2(self._io, self, self._root)
        elif _on == 3:
            pass
            self.info = XattrNtacl.HashV3(self._io, self, self._root)
        elif _on == 4:
            pass
            self.info = XattrNtacl.HashV4(self._io, self, self._root)
        else:
            pass
            self.info = XattrNtacl.HashUnknown(self._io, self, self._root)


    def _fetch_instances(self):
        pass
        self.head._fetch_instances()
        _on = self.head.version
        if _on == 1:
            pass
            self.info._fetch_instances()
        elif _on == 2:
            pass
            self.info._fetch_instances()
        elif _on == 3:
            pass
            self.info._fetch_instances()
        elif _on == 4:
            pass
            self.info._fetch_instances()
        else:
            pass
            self.info._fetch_instances()

    class HashNone(KaitaiStruct):
        """Version 1, a descriptor alone."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashNone, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.descriptor = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass


    class HashUnknown(KaitaiStruct):
        """Any other version."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashUnknown, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.bytes = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass


    class HashV2(KaitaiStruct):
        """Version 2."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV2, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = XattrNtacl.HashV2Head(self._io, self, self._root)
            self.descriptor = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()


    class HashV2Head(KaitaiStruct):
        """The fixed part of version 2."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV2Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.sd_referent = self._io.read_u4le()
            self.digest = self._io.read_bytes(16)


        def _fetch_instances(self):
            pass


    class HashV2Time(KaitaiStruct):
        """The fixed part of version 2 as Samba 3 wrote it (DARI-SDE-016)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV2Time, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.sd_referent = self._io.read_u4le()
            self.time = self._io.read_u8le()


        def _fetch_instances(self):
            pass


    class HashV3(KaitaiStruct):
        """Version 3."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV3, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = XattrNtacl.HashV3Head(self._io, self, self._root)
            self.descriptor = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()


    class HashV3Head(KaitaiStruct):
        """The fixed part of version 3."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV3Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.sd_referent = self._io.read_u4le()
            self.hash_type = self._io.read_u2le()
            self.digest = self._io.read_bytes(64)
            self.pad = self._io.read_bytes(2)


        def _fetch_instances(self):
            pass


    class HashV4(KaitaiStruct):
        """Version 4."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV4, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.head = XattrNtacl.HashV4Head(self._io, self, self._root)
            self.tail = self._io.read_bytes_full()


        def _fetch_instances(self):
            pass
            self.head._fetch_instances()


    class HashV4Head(KaitaiStruct):
        """What is fixed in version 4 in front of the description."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV4Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.sd_referent = self._io.read_u4le()
            self.hash_type = self._io.read_u2le()
            self.digest = self._io.read_bytes(64)


        def _fetch_instances(self):
            pass


    class HashV4Tail(KaitaiStruct):
        """What is fixed in version 4 behind the description."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.HashV4Tail, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.time = self._io.read_u8le()
            self.sys_acl_digest = self._io.read_bytes(64)


        def _fetch_instances(self):
            pass


    class Head(KaitaiStruct):
        """The fixed part."""
        def __init__(self, _io, _parent=None, _root=None):
            super(XattrNtacl.Head, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.version = self._io.read_u2le()
            self.info_version = self._io.read_u2le()
            self.info_referent = self._io.read_u4le()


        def _fetch_instances(self):
            pass




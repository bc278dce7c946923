# Generated from ksy/offset_map.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class OffsetMap(KaitaiStruct):
    """One element for each inode number from 0 to the highest in bitmap I (DARI-OFF-001)."""
    def __init__(self, _io, _parent=None, _root=None):
        super(OffsetMap, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.elements = []
        i = 0
        while not self._io.is_eof():
            self.elements.append(OffsetMap.Element(self._io, self, self._root))
            i += 1



    def _fetch_instances(self):
        pass
        for i in range(len(self.elements)):
            pass
            self.elements[i]._fetch_instances()


    class Element(KaitaiStruct):
        """Where one inode lies."""
        def __init__(self, _io, _parent=None, _root=None):
            super(OffsetMap.Element, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.offset = self._io.read_u8le()


        def _fetch_instances(self):
            pass




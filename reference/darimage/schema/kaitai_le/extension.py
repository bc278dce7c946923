# Generated from ksy/extension.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO
from enum import IntEnum


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class Extension(KaitaiStruct):
    """Bytes 928 to 1023 of every header record. Old readers keep nothing there; a reader that knows
    DARI finds the sixteen bytes below and a body by kind (DARI-EXT-001). Every body but that of a
    volume header begins with the first four bytes of `image_uuid`, which lie at the same place there.
    """

    class Compat(IntEnum):
        nt_acls = 1
        streams = 2
        xattrs = 4
        incremental = 8

    class Incompat(IntEnum):
        volumes = 1

    class InodeFlags(IntEnum):
        inode_substituted = 1
        inode_end_is_hole = 4

    class Kind(IntEnum):
        volume = 1
        inode = 2
        section = 3
        end = 4
        bitmap = 5

    class Section(IntEnum):
        stream_directories = 1
        nt_acls_front = 2
        offset_map = 3
        nt_acls_trailing = 4

    class Verdict(IntEnum):
        unverified = 0
        good = 1
        bad = 2
    def __init__(self, _io, _parent=None, _root=None):
        super(Extension, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.magic = self._io.read_bytes(4)
        self.kind = self._io.read_u1()
        self.version = self._io.read_u1()
        self.flags = self._io.read_u2le()
        self.header_crc32c = self._io.read_u4le()
        self.records_crc32c = self._io.read_u4le()
        _on = self.kind
        if _on == 1:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.VolumeBody(_io__raw_body, self, self._root)
        elif _on == 2:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.InodeBody(_io__raw_body, self, self._root)
        elif _on == 3:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.SectionBody(_io__raw_body, self, self._root)
        elif _on == 4:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.EndBody(_io__raw_body, self, self._root)
        elif _on == 5:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.BitmapBody(_io__raw_body, self, self._root)
        else:
            pass
            self._raw_body = self._io.read_bytes(80)
            _io__raw_body = KaitaiStream(BytesIO(self._raw_body))
            self.body = Extension.RawBody(_io__raw_body, self, self._root)


    def _fetch_instances(self):
        pass
        _on = self.kind
        if _on == 1:
            pass
            self.body._fetch_instances()
        elif _on == 2:
            pass
            self.body._fetch_instances()
        elif _on == 3:
            pass
            self.body._fetch_instances()
        elif _on == 4:
            pass
            self.body._fetch_instances()
        elif _on == 5:
            pass
            self.body._fetch_instances()
        else:
            pass
            self.body._fetch_instances()

    class BitmapBody(KaitaiStruct):
        """Body in ts_clri and ts_bits (DARI-BMP-006)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.BitmapBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.image_id = self._io.read_bytes(4)
            self.highest_inode = self._io.read_u4le()
            self.bits_set = self._io.read_u8le()
            self.base_uuid = self._io.read_bytes(16)
            self.reserved = self._io.read_bytes(48)


        def _fetch_instances(self):
            pass


    class EndBody(KaitaiStruct):
        """Body in ts_end (DARI-END-001)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.EndBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.image_id = self._io.read_bytes(4)
            self.verdict = self._io.read_u4le()
            self.files_written = self._io.read_u8le()
            self.mismatches = self._io.read_u8le()
            self.substituted = self._io.read_u8le()
            self.offset_map_sha256 = self._io.read_bytes(32)
            self.attributed = self._io.read_u8le()
            self.reserved = self._io.read_bytes(8)


        def _fetch_instances(self):
            pass


    class InodeBody(KaitaiStruct):
        """Body in the ts_inode and ts_addr records of an inode."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.InodeBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.image_id = self._io.read_bytes(4)
            self.base_inode = self._io.read_u4le()
            self.run_records = self._io.read_u8le()
            self.first_block = self._io.read_u8le()
            self.stream_directory = self._io.read_u4le()
            self.nlink = self._io.read_u4le()
            self.atime_ns = self._io.read_s8le()
            self.mtime_ns = self._io.read_s8le()
            self.ctime_ns = self._io.read_s8le()
            self.birthtime_ns = self._io.read_s8le()
            self.source_inode = self._io.read_u8le()
            self.source_device = self._io.read_u4le()
            self.attribute_records = self._io.read_u4le()


        def _fetch_instances(self):
            pass


    class RawBody(KaitaiStruct):
        """Body of a kind this reader does not know."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.RawBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.bytes = self._io.read_bytes(80)


        def _fetch_instances(self):
            pass


    class SectionBody(KaitaiStruct):
        """Body in the records of a section (DARI-SCT-001)."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.SectionBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.image_id = self._io.read_bytes(4)
            self.section = self._io.read_u4le()
            self.section_version = self._io.read_u4le()
            self.reserved_1 = self._io.read_u4le()
            self.payload_size = self._io.read_u8le()
            self.run_records = self._io.read_u8le()
            self.first_block = self._io.read_u8le()
            self.reserved_2 = self._io.read_bytes(40)


        def _fetch_instances(self):
            pass


    class VolumeBody(KaitaiStruct):
        """Body in ts_tape. A record number of 0 says that the part is not in the image."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Extension.VolumeBody, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.image_uuid = self._io.read_bytes(16)
            self.records_per_volume = self._io.read_u8le()
            self.total_records = self._io.read_u8le()
            self.stream_directories = self._io.read_u8le()
            self.nt_acls_front = self._io.read_u8le()
            self.offset_map = self._io.read_u8le()
            self.files = self._io.read_u8le()
            self.nt_acls_trailing = self._io.read_u8le()
            self.feature_compat = self._io.read_u2le()
            self.feature_incompat = self._io.read_u2le()
            self.c_date_epoch = self._io.read_s2le()
            self.c_ddate_epoch = self._io.read_s2le()


        def _fetch_instances(self):
            pass




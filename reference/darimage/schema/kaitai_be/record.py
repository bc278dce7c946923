# Generated from ksy/record.ksy by `make generate`. Do not edit.
# type: ignore

import kaitaistruct
from kaitaistruct import KaitaiStruct, KaitaiStream, BytesIO
from . import extension
from enum import IntEnum


if getattr(kaitaistruct, 'API_VERSION', (0, 9)) < (0, 11):
    raise Exception("Incompatible Kaitai Struct Python API: 0.11 or later is required, but you have %s" % (kaitaistruct.__version__))

class Record(KaitaiStruct):
    """One header record, 1,024 bytes: the old `s_spcl` with the DARI extension area in its last 96
    bytes. Every part of an image opens with one (DARI-REC-001).
    """

    class CType(IntEnum):
        ts_tape = 1
        ts_inode = 2
        ts_bits = 3
        ts_addr = 4
        ts_end = 5
        ts_clri = 6

    class Extattributes(IntEnum):
        ext_regular = 0
        ext_macosfndrinfo = 1
        ext_macosresfork = 2
        ext_xattr = 3

    class Flags(IntEnum):
        dr_newheader = 1
        dr_newinodefmt = 2
        dr_compressed = 128
        dr_metaonly = 256
        dr_extattributes = 32768

    class Magic(IntEnum):
        ofs = 60011
        nfs = 60012
        ufs2 = 424935705
    def __init__(self, _io, _parent=None, _root=None):
        super(Record, self).__init__(_io)
        self._parent = _parent
        self._root = _root or self
        self._read()

    def _read(self):
        self.c_type = self._io.read_s4be()
        self.c_date = self._io.read_u4be()
        self.c_ddate = self._io.read_u4be()
        self.c_volume = self._io.read_s4be()
        self.c_tapea = self._io.read_u4be()
        self.c_inumber = self._io.read_u4be()
        self.c_magic = self._io.read_u4be()
        self.c_checksum = self._io.read_u4be()
        self.c_dinode = Record.Dinode(self._io, self, self._root)
        self.c_count = self._io.read_s4be()
        self.c_addr = self._io.read_bytes(512)
        self.c_label = self._io.read_bytes(16)
        self.c_level = self._io.read_s4be()
        self.c_filesys = self._io.read_bytes(64)
        self.c_dev = self._io.read_bytes(64)
        self.c_host = self._io.read_bytes(64)
        self.c_flags = self._io.read_u4be()
        self.c_firstrec = self._io.read_u4be()
        self.c_ntrec = self._io.read_s4be()
        self.c_extattributes = self._io.read_s4be()
        self.c_spare = self._io.read_bytes(24)
        self.extension = extension.Extension(self._io)


    def _fetch_instances(self):
        pass
        self.c_dinode._fetch_instances()
        self.extension._fetch_instances()

    class Dinode(KaitaiStruct):
        """The old 128-byte inode."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Record.Dinode, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.di_mode = self._io.read_u2be()
            self.di_nlink = self._io.read_s2be()
            self.di_ouid = self._io.read_u2be()
            self.di_ogid = self._io.read_u2be()
            self.di_size = self._io.read_u8be()
            self.di_atime = Record.Timeval(self._io, self, self._root)
            self.di_mtime = Record.Timeval(self._io, self, self._root)
            self.di_ctime = Record.Timeval(self._io, self, self._root)
            self.di_db = []
            for i in range(12):
                self.di_db.append(self._io.read_u4be())

            self.di_ib = []
            for i in range(3):
                self.di_ib.append(self._io.read_u4be())

            self.di_flags = self._io.read_u4be()
            self.di_blocks = self._io.read_u4be()
            self.di_gen = self._io.read_u4be()
            self.di_uid = self._io.read_u4be()
            self.di_gid = self._io.read_u4be()
            self.di_spare = []
            for i in range(2):
                self.di_spare.append(self._io.read_u4be())



        def _fetch_instances(self):
            pass
            self.di_atime._fetch_instances()
            self.di_mtime._fetch_instances()
            self.di_ctime._fetch_instances()
            for i in range(len(self.di_db)):
                pass

            for i in range(len(self.di_ib)):
                pass

            for i in range(len(self.di_spare)):
                pass



    class Timeval(KaitaiStruct):
        """A time in the old form."""
        def __init__(self, _io, _parent=None, _root=None):
            super(Record.Timeval, self).__init__(_io)
            self._parent = _parent
            self._root = _root
            self._read()

        def _read(self):
            self.tv_sec = self._io.read_u4be()
            self.tv_usec = self._io.read_s4be()


        def _fetch_instances(self):
            pass




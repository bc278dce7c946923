# Generated from ksy/record.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *
from .extension import extension
import enum

class record__c_type(enum.IntEnum):
	ts_tape = 1
	ts_inode = 2
	ts_bits = 3
	ts_addr = 4
	ts_end = 5
	ts_clri = 6

class record__extattributes(enum.IntEnum):
	ext_regular = 0
	ext_macosfndrinfo = 1
	ext_macosresfork = 2
	ext_xattr = 3

class record__flags(enum.IntEnum):
	dr_newheader = 1
	dr_newinodefmt = 2
	dr_compressed = 128
	dr_metaonly = 256
	dr_extattributes = 32768

class record__magic(enum.IntEnum):
	ofs = 60011
	nfs = 60012
	ufs2 = 424935705

record__dinode = Struct(
	'di_mode' / Int16ul,
	'di_nlink' / Int16sl,
	'di_ouid' / Int16ul,
	'di_ogid' / Int16ul,
	'di_size' / Int64ul,
	'di_atime' / LazyBound(lambda: record__timeval),
	'di_mtime' / LazyBound(lambda: record__timeval),
	'di_ctime' / LazyBound(lambda: record__timeval),
	'di_db' / Array(12, Int32ul),
	'di_ib' / Array(3, Int32ul),
	'di_flags' / Int32ul,
	'di_blocks' / Int32ul,
	'di_gen' / Int32ul,
	'di_uid' / Int32ul,
	'di_gid' / Int32ul,
	'di_spare' / Array(2, Int32ul),
)

record__timeval = Struct(
	'tv_sec' / Int32ul,
	'tv_usec' / Int32sl,
)

record = Struct(
	'c_type' / Int32sl,
	'c_date' / Int32ul,
	'c_ddate' / Int32ul,
	'c_volume' / Int32sl,
	'c_tapea' / Int32ul,
	'c_inumber' / Int32ul,
	'c_magic' / Int32ul,
	'c_checksum' / Int32ul,
	'c_dinode' / LazyBound(lambda: record__dinode),
	'c_count' / Int32sl,
	'c_addr' / FixedSized(512, GreedyBytes),
	'c_label' / FixedSized(16, GreedyBytes),
	'c_level' / Int32sl,
	'c_filesys' / FixedSized(64, GreedyBytes),
	'c_dev' / FixedSized(64, GreedyBytes),
	'c_host' / FixedSized(64, GreedyBytes),
	'c_flags' / Int32ul,
	'c_firstrec' / Int32ul,
	'c_ntrec' / Int32sl,
	'c_extattributes' / Int32sl,
	'c_spare' / FixedSized(24, GreedyBytes),
	'extension' / LazyBound(lambda: extension),
)

_schema = record

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
	'di_mode' / Int16ub,
	'di_nlink' / Int16sb,
	'di_ouid' / Int16ub,
	'di_ogid' / Int16ub,
	'di_size' / Int64ub,
	'di_atime' / LazyBound(lambda: record__timeval),
	'di_mtime' / LazyBound(lambda: record__timeval),
	'di_ctime' / LazyBound(lambda: record__timeval),
	'di_db' / Array(12, Int32ub),
	'di_ib' / Array(3, Int32ub),
	'di_flags' / Int32ub,
	'di_blocks' / Int32ub,
	'di_gen' / Int32ub,
	'di_uid' / Int32ub,
	'di_gid' / Int32ub,
	'di_spare' / Array(2, Int32ub),
)

record__timeval = Struct(
	'tv_sec' / Int32ub,
	'tv_usec' / Int32sb,
)

record = Struct(
	'c_type' / Int32sb,
	'c_date' / Int32ub,
	'c_ddate' / Int32ub,
	'c_volume' / Int32sb,
	'c_tapea' / Int32ub,
	'c_inumber' / Int32ub,
	'c_magic' / Int32ub,
	'c_checksum' / Int32ub,
	'c_dinode' / LazyBound(lambda: record__dinode),
	'c_count' / Int32sb,
	'c_addr' / FixedSized(512, GreedyBytes),
	'c_label' / FixedSized(16, GreedyBytes),
	'c_level' / Int32sb,
	'c_filesys' / FixedSized(64, GreedyBytes),
	'c_dev' / FixedSized(64, GreedyBytes),
	'c_host' / FixedSized(64, GreedyBytes),
	'c_flags' / Int32ub,
	'c_firstrec' / Int32ub,
	'c_ntrec' / Int32sb,
	'c_extattributes' / Int32sb,
	'c_spare' / FixedSized(24, GreedyBytes),
	'extension' / LazyBound(lambda: extension),
)

_schema = record

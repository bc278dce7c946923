# Generated from ksy/extension.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *
import enum

class extension__compat(enum.IntEnum):
	nt_acls = 1
	streams = 2
	xattrs = 4
	incremental = 8

class extension__incompat(enum.IntEnum):
	volumes = 1

class extension__inode_flags(enum.IntEnum):
	inode_substituted = 1
	inode_data_crc = 2
	inode_end_is_hole = 4

class extension__kind(enum.IntEnum):
	volume = 1
	inode = 2
	section = 3
	end = 4
	bitmap = 5

class extension__section(enum.IntEnum):
	stream_directories = 1
	nt_acls_front = 2
	offset_map = 3
	nt_acls_trailing = 4

class extension__verdict(enum.IntEnum):
	unverified = 0
	good = 1
	bad = 2

extension__bitmap_body = Struct(
	'bits_set' / Int64ul,
	'highest_inode' / Int32ul,
	'map_crc32c' / Int32ul,
	'base_uuid' / FixedSized(16, GreedyBytes),
	'reserved' / FixedSized(56, GreedyBytes),
)

extension__end_body = Struct(
	'verdict' / Int32ul,
	'reserved_1' / Int32ul,
	'files_written' / Int64ul,
	'mismatches' / Int64ul,
	'substituted' / Int64ul,
	'offset_map_sha256' / FixedSized(32, GreedyBytes),
	'attributed' / Int64ul,
	'reserved_2' / FixedSized(16, GreedyBytes),
)

extension__inode_body = Struct(
	'run_records' / Int64ul,
	'first_block' / Int64ul,
	'base_inode' / Int32ul,
	'stream_directory' / Int32ul,
	'atime_ns' / Int64sl,
	'mtime_ns' / Int64sl,
	'ctime_ns' / Int64sl,
	'birthtime_ns' / Int64sl,
	'nlink' / Int32ul,
	'data_crc32c' / Int32ul,
	'source_device' / Int64ul,
	'source_inode' / Int64ul,
	'attribute_records' / Int32ul,
	'reserved' / FixedSized(4, GreedyBytes),
)

extension__raw_body = Struct(
	'bytes' / FixedSized(88, GreedyBytes),
)

extension__section_body = Struct(
	'section' / Int32ul,
	'section_version' / Int32ul,
	'payload_size' / Int64ul,
	'run_records' / Int64ul,
	'first_block' / Int64ul,
	'payload_crc32c' / Int32ul,
	'reserved' / FixedSized(52, GreedyBytes),
)

extension__volume_body = Struct(
	'image_uuid' / FixedSized(16, GreedyBytes),
	'feature_compat' / Int32ul,
	'feature_incompat' / Int32ul,
	'records_per_volume' / Int64ul,
	'total_records' / Int64ul,
	'stream_directories' / Int64ul,
	'nt_acls_front' / Int64ul,
	'offset_map' / Int64ul,
	'files' / Int64ul,
	'nt_acls_trailing' / Int64ul,
	'c_date_epoch' / Int32sl,
	'c_ddate_epoch' / Int32sl,
)

extension = Struct(
	'magic' / FixedSized(4, GreedyBytes),
	'kind' / Int8ub,
	'version' / Int8ub,
	'flags' / Int16ul,
	'body' / Switch(this.kind, {1: FixedSized(88, LazyBound(lambda: extension__volume_body)), 2: FixedSized(88, LazyBound(lambda: extension__inode_body)), 3: FixedSized(88, LazyBound(lambda: extension__section_body)), 4: FixedSized(88, LazyBound(lambda: extension__end_body)), 5: FixedSized(88, LazyBound(lambda: extension__bitmap_body)), }, default=FixedSized(88, LazyBound(lambda: extension__raw_body))),
)

_schema = extension

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
	'bits_set' / Int64ub,
	'highest_inode' / Int32ub,
	'map_crc32c' / Int32ub,
	'base_uuid' / FixedSized(16, GreedyBytes),
	'reserved' / FixedSized(56, GreedyBytes),
)

extension__end_body = Struct(
	'verdict' / Int32ub,
	'reserved_1' / Int32ub,
	'files_written' / Int64ub,
	'mismatches' / Int64ub,
	'substituted' / Int64ub,
	'offset_map_sha256' / FixedSized(32, GreedyBytes),
	'attributed' / Int64ub,
	'reserved_2' / FixedSized(16, GreedyBytes),
)

extension__inode_body = Struct(
	'run_records' / Int64ub,
	'first_block' / Int64ub,
	'base_inode' / Int32ub,
	'stream_directory' / Int32ub,
	'atime_ns' / Int64sb,
	'mtime_ns' / Int64sb,
	'ctime_ns' / Int64sb,
	'birthtime_ns' / Int64sb,
	'nlink' / Int32ub,
	'data_crc32c' / Int32ub,
	'source_device' / Int64ub,
	'source_inode' / Int64ub,
	'attribute_records' / Int32ub,
	'reserved' / FixedSized(4, GreedyBytes),
)

extension__raw_body = Struct(
	'bytes' / FixedSized(88, GreedyBytes),
)

extension__section_body = Struct(
	'section' / Int32ub,
	'section_version' / Int32ub,
	'payload_size' / Int64ub,
	'run_records' / Int64ub,
	'first_block' / Int64ub,
	'payload_crc32c' / Int32ub,
	'reserved' / FixedSized(52, GreedyBytes),
)

extension__volume_body = Struct(
	'image_uuid' / FixedSized(16, GreedyBytes),
	'feature_compat' / Int32ub,
	'feature_incompat' / Int32ub,
	'records_per_volume' / Int64ub,
	'total_records' / Int64ub,
	'stream_directories' / Int64ub,
	'nt_acls_front' / Int64ub,
	'offset_map' / Int64ub,
	'files' / Int64ub,
	'nt_acls_trailing' / Int64ub,
	'c_date_epoch' / Int32sb,
	'c_ddate_epoch' / Int32sb,
)

extension = Struct(
	'magic' / FixedSized(4, GreedyBytes),
	'kind' / Int8ub,
	'version' / Int8ub,
	'flags' / Int16ub,
	'body' / Switch(this.kind, {1: FixedSized(88, LazyBound(lambda: extension__volume_body)), 2: FixedSized(88, LazyBound(lambda: extension__inode_body)), 3: FixedSized(88, LazyBound(lambda: extension__section_body)), 4: FixedSized(88, LazyBound(lambda: extension__end_body)), 5: FixedSized(88, LazyBound(lambda: extension__bitmap_body)), }, default=FixedSized(88, LazyBound(lambda: extension__raw_body))),
)

_schema = extension

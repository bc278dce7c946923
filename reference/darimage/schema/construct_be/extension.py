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
	'image_id' / FixedSized(4, GreedyBytes),
	'highest_inode' / Int32ub,
	'bits_set' / Int64ub,
	'base_uuid' / FixedSized(16, GreedyBytes),
	'reserved' / FixedSized(48, GreedyBytes),
)

extension__end_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'verdict' / Int32ub,
	'files_written' / Int64ub,
	'mismatches' / Int64ub,
	'substituted' / Int64ub,
	'offset_map_sha256' / FixedSized(32, GreedyBytes),
	'attributed' / Int64ub,
	'reserved' / FixedSized(8, GreedyBytes),
)

extension__inode_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'base_inode' / Int32ub,
	'run_records' / Int64ub,
	'first_block' / Int64ub,
	'stream_directory' / Int32ub,
	'nlink' / Int32ub,
	'atime_ns' / Int64sb,
	'mtime_ns' / Int64sb,
	'ctime_ns' / Int64sb,
	'birthtime_ns' / Int64sb,
	'source_inode' / Int64ub,
	'source_device' / Int32ub,
	'attribute_records' / Int32ub,
)

extension__raw_body = Struct(
	'bytes' / FixedSized(80, GreedyBytes),
)

extension__section_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'section' / Int32ub,
	'section_version' / Int32ub,
	'reserved_1' / Int32ub,
	'payload_size' / Int64ub,
	'run_records' / Int64ub,
	'first_block' / Int64ub,
	'reserved_2' / FixedSized(40, GreedyBytes),
)

extension__volume_body = Struct(
	'image_uuid' / FixedSized(16, GreedyBytes),
	'records_per_volume' / Int64ub,
	'total_records' / Int64ub,
	'stream_directories' / Int64ub,
	'nt_acls_front' / Int64ub,
	'offset_map' / Int64ub,
	'files' / Int64ub,
	'nt_acls_trailing' / Int64ub,
	'feature_compat' / Int16ub,
	'feature_incompat' / Int16ub,
	'c_date_epoch' / Int16sb,
	'c_ddate_epoch' / Int16sb,
)

extension = Struct(
	'magic' / FixedSized(4, GreedyBytes),
	'kind' / Int8ub,
	'version' / Int8ub,
	'flags' / Int16ub,
	'header_crc32c' / Int32ub,
	'records_crc32c' / Int32ub,
	'body' / Switch(this.kind, {1: FixedSized(80, LazyBound(lambda: extension__volume_body)), 2: FixedSized(80, LazyBound(lambda: extension__inode_body)), 3: FixedSized(80, LazyBound(lambda: extension__section_body)), 4: FixedSized(80, LazyBound(lambda: extension__end_body)), 5: FixedSized(80, LazyBound(lambda: extension__bitmap_body)), }, default=FixedSized(80, LazyBound(lambda: extension__raw_body))),
)

_schema = extension

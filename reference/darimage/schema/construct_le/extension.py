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
	'highest_inode' / Int32ul,
	'bits_set' / Int64ul,
	'base_uuid' / FixedSized(16, GreedyBytes),
	'reserved' / FixedSized(48, GreedyBytes),
)

extension__end_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'verdict' / Int32ul,
	'files_written' / Int64ul,
	'mismatches' / Int64ul,
	'substituted' / Int64ul,
	'offset_map_sha256' / FixedSized(32, GreedyBytes),
	'attributed' / Int64ul,
	'reserved' / FixedSized(8, GreedyBytes),
)

extension__inode_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'base_inode' / Int32ul,
	'run_records' / Int64ul,
	'first_block' / Int64ul,
	'stream_directory' / Int32ul,
	'nlink' / Int32ul,
	'atime_ns' / Int64sl,
	'mtime_ns' / Int64sl,
	'ctime_ns' / Int64sl,
	'birthtime_ns' / Int64sl,
	'source_inode' / Int64ul,
	'source_device' / Int32ul,
	'attribute_records' / Int32ul,
)

extension__raw_body = Struct(
	'bytes' / FixedSized(80, GreedyBytes),
)

extension__section_body = Struct(
	'image_id' / FixedSized(4, GreedyBytes),
	'section' / Int32ul,
	'section_version' / Int32ul,
	'reserved_1' / Int32ul,
	'payload_size' / Int64ul,
	'run_records' / Int64ul,
	'first_block' / Int64ul,
	'reserved_2' / FixedSized(40, GreedyBytes),
)

extension__volume_body = Struct(
	'image_uuid' / FixedSized(16, GreedyBytes),
	'records_per_volume' / Int64ul,
	'total_records' / Int64ul,
	'stream_directories' / Int64ul,
	'nt_acls_front' / Int64ul,
	'offset_map' / Int64ul,
	'files' / Int64ul,
	'nt_acls_trailing' / Int64ul,
	'feature_compat' / Int16ul,
	'feature_incompat' / Int16ul,
	'c_date_epoch' / Int16sl,
	'c_ddate_epoch' / Int16sl,
)

extension = Struct(
	'magic' / FixedSized(4, GreedyBytes),
	'kind' / Int8ub,
	'version' / Int8ub,
	'flags' / Int16ul,
	'header_crc32c' / Int32ul,
	'records_crc32c' / Int32ul,
	'body' / Switch(this.kind, {1: FixedSized(80, LazyBound(lambda: extension__volume_body)), 2: FixedSized(80, LazyBound(lambda: extension__inode_body)), 3: FixedSized(80, LazyBound(lambda: extension__section_body)), 4: FixedSized(80, LazyBound(lambda: extension__end_body)), 5: FixedSized(80, LazyBound(lambda: extension__bitmap_body)), }, default=FixedSized(80, LazyBound(lambda: extension__raw_body))),
)

_schema = extension

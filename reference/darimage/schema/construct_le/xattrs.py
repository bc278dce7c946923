# Generated from ksy/xattrs.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *
import enum

class xattrs__acl_tag(enum.IntEnum):
	user_obj = 1
	user = 2
	group_obj = 4
	group = 8
	mask = 16
	other = 32

class xattrs__magic(enum.IntEnum):
	block = 3925999616
	inode = 3925999617

class xattrs__name_index(enum.IntEnum):
	user = 1
	acl_access = 2
	acl_default = 3
	trusted = 4
	lustre = 5
	security = 6
	system = 7

xattrs__acl_entry = Struct(
	'tag' / Int16ul,
	'permissions' / Int16ul,
	'id' / Int32ul,
)

xattrs__acl_head = Struct(
	'version' / Int32ul,
)

xattrs__acl_short = Struct(
	'tag' / Int16ul,
	'permissions' / Int16ul,
)

xattrs__block_rest = Struct(
	'refcount' / Int32ul,
	'blocks' / Int32ul,
	'hash' / Int32ul,
	'checksum' / Int32ul,
	'reserved' / FixedSized(12, GreedyBytes),
)

xattrs__entry = Struct(
	'name_size' / Int8ub,
	'name_index' / Int8ub,
	'value_offset' / Int16ul,
	'value_inode' / Int32ul,
	'value_size' / Int32ul,
	'hash' / Int32ul,
)

xattrs__head = Struct(
	'magic' / Int32ul,
)

xattrs__more_head = Struct(
	'name_size' / Int16ul,
	'reserved' / Int16ul,
	'value_size' / Int32ul,
)

xattrs = Struct(
	'head' / LazyBound(lambda: xattrs__head),
	'body' / GreedyBytes,
)

_schema = xattrs

# Generated from ksy/xattr_ntacl.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *

xattr_ntacl__hash_none = Struct(
	'descriptor' / GreedyBytes,
)

xattr_ntacl__hash_unknown = Struct(
	'bytes' / GreedyBytes,
)

xattr_ntacl__hash_v2 = Struct(
	'head' / LazyBound(lambda: xattr_ntacl__hash_v2_head),
	'descriptor' / GreedyBytes,
)

xattr_ntacl__hash_v2_head = Struct(
	'sd_referent' / Int32ul,
	'digest' / FixedSized(16, GreedyBytes),
)

xattr_ntacl__hash_v2_time = Struct(
	'sd_referent' / Int32ul,
	'time' / Int64ul,
)

xattr_ntacl__hash_v3 = Struct(
	'head' / LazyBound(lambda: xattr_ntacl__hash_v3_head),
	'descriptor' / GreedyBytes,
)

xattr_ntacl__hash_v3_head = Struct(
	'sd_referent' / Int32ul,
	'hash_type' / Int16ul,
	'digest' / FixedSized(64, GreedyBytes),
	'pad' / FixedSized(2, GreedyBytes),
)

xattr_ntacl__hash_v4 = Struct(
	'head' / LazyBound(lambda: xattr_ntacl__hash_v4_head),
	'tail' / GreedyBytes,
)

xattr_ntacl__hash_v4_head = Struct(
	'sd_referent' / Int32ul,
	'hash_type' / Int16ul,
	'digest' / FixedSized(64, GreedyBytes),
)

xattr_ntacl__hash_v4_tail = Struct(
	'time' / Int64ul,
	'sys_acl_digest' / FixedSized(64, GreedyBytes),
)

xattr_ntacl__head = Struct(
	'version' / Int16ul,
	'info_version' / Int16ul,
	'info_referent' / Int32ul,
)

xattr_ntacl = Struct(
	'head' / LazyBound(lambda: xattr_ntacl__head),
	'info' / Switch(this.head.version, {1: LazyBound(lambda: xattr_ntacl__hash_none), 2: LazyBound(lambda: xattr_ntacl__hash_v2), 3: LazyBound(lambda: xattr_ntacl__hash_v3), 4: LazyBound(lambda: xattr_ntacl__hash_v4), }, default=LazyBound(lambda: xattr_ntacl__hash_unknown)),
)

_schema = xattr_ntacl

# Generated from ksy/nt_acls.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *

nt_acls__head = Struct(
	'rows' / Int32ul,
	'descriptors' / Int32ul,
	'origins' / Int32ul,
	'reserved' / Int32ul,
	'heap_size' / Int64ul,
)

nt_acls__row = Struct(
	'inode' / Int32ul,
	'descriptor' / Int32ul,
	'origin' / Int32ul,
	'reserved' / Int32ul,
)

nt_acls__span = Struct(
	'offset' / Int64ul,
	'size' / Int64ul,
)

nt_acls = Struct(
	'head' / LazyBound(lambda: nt_acls__head),
	'table' / Array(this.head.rows, LazyBound(lambda: nt_acls__row)),
	'index' / Array(this.head.descriptors, LazyBound(lambda: nt_acls__span)),
	'origin_index' / Array(this.head.origins, LazyBound(lambda: nt_acls__span)),
	'heap' / FixedSized(this.head.heap_size, GreedyBytes),
)

_schema = nt_acls

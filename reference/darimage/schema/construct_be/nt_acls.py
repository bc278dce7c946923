# Generated from ksy/nt_acls.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *

nt_acls__head = Struct(
	'rows' / Int32ub,
	'descriptors' / Int32ub,
	'origins' / Int32ub,
	'reserved' / Int32ub,
	'heap_size' / Int64ub,
)

nt_acls__row = Struct(
	'inode' / Int32ub,
	'descriptor' / Int32ub,
	'origin' / Int32ub,
	'reserved' / Int32ub,
)

nt_acls__span = Struct(
	'offset' / Int64ub,
	'size' / Int64ub,
)

nt_acls = Struct(
	'head' / LazyBound(lambda: nt_acls__head),
	'table' / Array(this.head.rows, LazyBound(lambda: nt_acls__row)),
	'index' / Array(this.head.descriptors, LazyBound(lambda: nt_acls__span)),
	'origin_index' / Array(this.head.origins, LazyBound(lambda: nt_acls__span)),
	'heap' / FixedSized(this.head.heap_size, GreedyBytes),
)

_schema = nt_acls

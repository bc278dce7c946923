# Generated from ksy/directory.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *

directory__entry = Struct(
	'head' / LazyBound(lambda: directory__entry_head),
	'd_name' / FixedSized(this.head.d_namlen, GreedyBytes),
	'pad' / FixedSized((this.head.d_reclen - 8) - this.head.d_namlen, GreedyBytes),
)

directory__entry_head = Struct(
	'd_ino' / Int32ub,
	'd_reclen' / Int16ub,
	'd_type' / Int8ub,
	'd_namlen' / Int8ub,
)

directory__old_entry = Struct(
	'head' / LazyBound(lambda: directory__old_entry_head),
	'd_name' / FixedSized(this.head.d_namlen, GreedyBytes),
	'pad' / FixedSized((this.head.d_reclen - 8) - this.head.d_namlen, GreedyBytes),
)

directory__old_entry_head = Struct(
	'd_ino' / Int32ub,
	'd_reclen' / Int16ub,
	'd_namlen' / Int16ub,
)

directory = Struct(
	'entries' / GreedyRange(LazyBound(lambda: directory__entry)),
)

_schema = directory

# Generated from ksy/offset_map.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *

offset_map__element = Struct(
	'offset' / Int64ul,
)

offset_map = Struct(
	'elements' / GreedyRange(LazyBound(lambda: offset_map__element)),
)

_schema = offset_map

# Generated from ksy/security_descriptor.ksy by `make generate`. Do not edit.
from construct import *
from construct.lib import *
import enum

class security_descriptor__ace_flags(enum.IntEnum):
	object_inherit = 1
	container_inherit = 2
	no_propagate_inherit = 4
	inherit_only = 8
	inherited = 16
	critical = 32
	successful_access = 64
	failed_access = 128

class security_descriptor__ace_type(enum.IntEnum):
	access_allowed = 0
	access_denied = 1
	system_audit = 2
	system_alarm = 3
	access_allowed_compound = 4
	access_allowed_object = 5
	access_denied_object = 6
	system_audit_object = 7
	system_alarm_object = 8
	access_allowed_callback = 9
	access_denied_callback = 10
	access_allowed_callback_object = 11
	access_denied_callback_object = 12
	system_audit_callback = 13
	system_alarm_callback = 14
	system_audit_callback_object = 15
	system_alarm_callback_object = 16
	system_mandatory_label = 17
	system_resource_attribute = 18
	system_scoped_policy_id = 19
	system_process_trust_label = 20
	system_access_filter = 21

class security_descriptor__control(enum.IntEnum):
	owner_defaulted = 1
	group_defaulted = 2
	dacl_present = 4
	dacl_defaulted = 8
	sacl_present = 16
	sacl_defaulted = 32
	dacl_trusted = 64
	server_security = 128
	dacl_auto_inherit_req = 256
	sacl_auto_inherit_req = 512
	dacl_auto_inherited = 1024
	sacl_auto_inherited = 2048
	dacl_protected = 4096
	sacl_protected = 8192
	rm_control_valid = 16384
	self_relative = 32768

class security_descriptor__object_flags(enum.IntEnum):
	object_type_present = 1
	inherited_object_type_present = 2

security_descriptor__ace = Struct(
	'head' / LazyBound(lambda: security_descriptor__ace_head),
	'body' / Switch(this.head.ace_type, {0: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 1: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 10: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 11: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 12: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 13: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 14: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 15: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 16: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 17: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 18: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 19: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 2: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 20: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 21: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 3: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), 5: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 6: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 7: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 8: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__object_ace)), 9: FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__plain_ace)), }, default=FixedSized(this.head.ace_size - 4, LazyBound(lambda: security_descriptor__raw_ace))),
)

security_descriptor__ace_head = Struct(
	'ace_type' / Int8ub,
	'ace_flags' / Int8ub,
	'ace_size' / Int16ul,
)

security_descriptor__acl = Struct(
	'head' / LazyBound(lambda: security_descriptor__acl_head),
	'body' / FixedSized(this.head.acl_size - 8, LazyBound(lambda: security_descriptor__acl_body)),
)

security_descriptor__acl_body = Struct(
	'aces' / Array(this._.head.ace_count, LazyBound(lambda: security_descriptor__ace)),
	'unused' / GreedyBytes,
)

security_descriptor__acl_head = Struct(
	'acl_revision' / Int8ub,
	'sbz1' / Int8ub,
	'acl_size' / Int16ul,
	'ace_count' / Int16ul,
	'sbz2' / Int16ul,
)

security_descriptor__head = Struct(
	'revision' / Int8ub,
	'sbz1' / Int8ub,
	'control' / Int16ul,
	'offset_owner' / Int32ul,
	'offset_group' / Int32ul,
	'offset_sacl' / Int32ul,
	'offset_dacl' / Int32ul,
)

security_descriptor__object_ace = Struct(
	'head' / LazyBound(lambda: security_descriptor__object_ace_head),
	'object_type' / FixedSized((this.head.flags & 1) * 16, GreedyBytes),
	'inherited_object_type' / FixedSized((this.head.flags & 2) * 8, GreedyBytes),
	'sid' / LazyBound(lambda: security_descriptor__sid),
	'application_data' / GreedyBytes,
)

security_descriptor__object_ace_head = Struct(
	'mask' / Int32ul,
	'flags' / Int32ul,
)

security_descriptor__plain_ace = Struct(
	'head' / LazyBound(lambda: security_descriptor__plain_ace_head),
	'sid' / LazyBound(lambda: security_descriptor__sid),
	'application_data' / GreedyBytes,
)

security_descriptor__plain_ace_head = Struct(
	'mask' / Int32ul,
)

security_descriptor__raw_ace = Struct(
	'bytes' / GreedyBytes,
)

security_descriptor__sid = Struct(
	'head' / LazyBound(lambda: security_descriptor__sid_head),
	'sub_authority' / Array(this.head.sub_authority_count, Int32ul),
)

security_descriptor__sid_head = Struct(
	'revision' / Int8ub,
	'sub_authority_count' / Int8ub,
	'identifier_authority' / FixedSized(6, GreedyBytes),
)

security_descriptor = Struct(
	'head' / LazyBound(lambda: security_descriptor__head),
	'body' / GreedyBytes,
)

_schema = security_descriptor

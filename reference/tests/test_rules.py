"""The registry of rules: names, requirements, what readers tell, and rules that are off."""

from __future__ import annotations

import ast
import inspect
import re
from importlib import resources

import pytest
from support.images import encode, headers_of, poke, sample, small_plain

from darimage.schema import CType
from darimage.validate.contexts.tree import BROKEN, IN_CONSEQUENCE
from darimage.validate.registry import requirements
from darimage.validate.rules import TOPICS, all_rules, checked, decoded, of_scope
from darimage.validate.rules import rule as registry
from darimage.validate.rules.rule import Rule, Scope
from darimage.validate.verify import verify

RULES = all_rules()
ID = re.compile(r"DARI-[A-Z]{3}-\d{3}")


def test_each_rule_has_a_name_and_a_requirement():
    assert len(RULES) > 200
    for name, rule in RULES.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z0-9]+(-[a-z0-9]+)*", name)
        assert rule.requirement in requirements()
        assert rule.profile == requirements()[rule.requirement].profile
        assert rule.told
    assert sum(map(len, checked().values())) == len(RULES)


def test_a_name_is_given_once():
    rule = next(iter(RULES.values()))
    with pytest.raises(ValueError, match=rule.name):
        registry.enter(rule)


def test_every_topic_has_rules_and_every_rule_a_topic():
    places = {topic.__name__ for topic in TOPICS}
    assert {rule.broken.__module__ for rule in RULES.values()} == places


def test_rules_are_small():
    """One function a requirement, or a sentence of it."""
    for topic in TOPICS:
        for node in ast.walk(ast.parse(inspect.getsource(topic))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 20, node.name


def told_by(module):
    """Return the requirements that the code of a module, not its comments, names."""
    package, _, name = f"darimage.{module}".rpartition(".")
    tree = ast.parse(resources.files(package).joinpath(f"{name}.py").read_text())
    found = (str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant))
    named = {one for one in found if ID.fullmatch(one)} - set(IN_CONSEQUENCE)
    return {BROKEN.get(one, one) for one in named}


def test_what_readers_tell_is_what_the_table_says():
    modules = {module for names in decoded.DECODERS.values() for module in names.split()}
    told = {module: told_by(module) for module in modules}
    for module, one in decoded.ELSEWHERE.items():
        assert one in told[module]
        told[module].remove(one)
    for requirement, names in decoded.DECODERS.items():
        assert {module for module in modules if requirement in told[module]} == set(names.split())
    assert set().union(*told.values()) == decoded.DECODERS.keys()


def test_a_fault_without_a_known_requirement_has_a_rule():
    assert decoded.of(None).requirement == decoded.NO_IMAGE
    assert isinstance(decoded.of("DARI-INC-002"), Rule)


def test_a_rule_that_is_off_finds_nothing():
    data = sample_with_two_faults()
    found = {rule for rule, _ in verify(data).told}
    assert found == {"header.ddate", "header.firstrec"}
    for rule in found:
        assert {name for name, _ in verify(data, off={rule}).told} == found - {rule}


def files_of(data):
    """Return the first headers of all but the root."""
    return [at for at, c_type, inode in headers_of(data) if c_type == CType.TS_INODE and inode > 2]


def sample_with_two_faults():
    data = encode(sample())
    at = files_of(data)[0]
    return poke(poke(data, at, 8, "<I", 3), at, 892, "<I", 4)


def test_no_more_of_a_rule_are_kept_than_asked_for():
    data = encode(sample())
    for at in files_of(data):
        data = poke(data, at, 8, "<I", 3)
    whole, some = verify(data), verify(data, most=1)
    assert whole.fault_count == some.fault_count > 3
    assert (len(some.told), some.untold) == (1, {"header.ddate": some.fault_count - 1})


def test_of_plain_dumps_less_is_asked():
    assert {r.name for r in of_scope(Scope.IMAGE, plain=True)} < {
        r.name for r in of_scope(Scope.IMAGE)
    }
    assert verify(small_plain()).good

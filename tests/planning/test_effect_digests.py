"""Effect digests: exactly what apply can send or remember, and nothing else."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from planfiles import parsed, unit_of, written
from random_examples import examples
from strategies import plans
from world import World, line, messages, order

from reconcile.errors import StalePlan, UsageError
from reconcile.model.address import Address
from reconcile.model.digest import Hasher
from reconcile.model.plan import (
    Action,
    Effect,
    LinkChange,
    Plan,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.source import Source
from reconcile.planning.effect_digests import effect_digest, require_effects, with_effect_digests
from reconcile.planning.plan_file import content_digest, dump, load

QUICK = examples(15)
KEY = Hasher(b"k" * 32)


def altered(value: Any) -> Iterator[Any]:
    """Every value that differs from this one in one place; for a record, in one attribute."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for other in altered(getattr(value, field.name)):
                yield replace(value, **{field.name: other})
    elif isinstance(value, tuple):
        for at, one in enumerate(value):
            for other in altered(one):
                members = (*value[:at], other, *value[at + 1 :])
                yield type(value)(*members) if hasattr(value, "_fields") else members
        if any(isinstance(one, tuple) or is_dataclass(one) for one in value):
            yield value[1:]
    else:
        yield _other(value)


def _other(value: Any) -> Any:
    match value:
        case Enum():
            return next(one for one in type(value) if one is not value)
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value + "x"
    return Address("order", "someone")


def digest(unit: UnitChange, plan: Plan) -> str:
    """A unit's effect digest."""
    return effect_digest(unit, plan.target, KEY)


@QUICK
@given(plans())
def test_every_part_of_an_effect_is_covered(plan: Plan) -> None:
    """Whatever of it differs, wherever it is: another value, flag, association, or none."""
    for unit in plan.units:
        usual = digest(unit, plan)
        for at, change in enumerate(unit.changes):
            for other in altered(change.effect):
                changed = RecordChange(**{f.name: getattr(other, f.name) for f in fields(Effect)})
                members = (*unit.changes[:at], changed, *unit.changes[at + 1 :])
                both = change.is_remembered and changed.is_remembered
                assert (digest(replace(unit, changes=members), plan) == usual) is both
        assert digest(replace(unit, others=unit.others + 1), plan) != usual
        if unit.changes:
            first = unit.changes[0].is_remembered
            assert (digest(replace(unit, changes=unit.changes[1:]), plan) == usual) is first
        account = replace(plan.target, portal_id=plan.target.portal_id + 1)
        assert effect_digest(unit, account, KEY) != usual


@QUICK
@given(plans())
def test_nothing_else_is_covered(plan: Plan) -> None:
    """Titles, explanations, pins and what the state refreshes can differ.

    Only a record of which nothing but the state changes counts as soon as there is a why to show.
    """
    beside = {field.name for field in fields(RecordChange)} - {f.name for f in fields(Effect)}
    assert beside >= {"title", "why", "unreachable", "state", "keep", "kept_links"}
    for unit in plan.units:
        usual = digest(unit, plan)
        for at, change in enumerate(unit.changes):
            for name in beside:
                for other in altered(getattr(change, name)):
                    changed = replace(change, **{name: other})
                    members = (*unit.changes[:at], changed, *unit.changes[at + 1 :])
                    same = change.is_remembered == changed.is_remembered
                    assert (digest(replace(unit, changes=members), plan) == usual) is same
        for name in ("manifest", "definitions", "effect_digest"):
            assert digest(replace(unit, **{name: "other"}), plan) == usual
        # What is held back or left alone is not part of what was reviewed.
        assert digest(replace(unit, held=unit.changes, left_alone=()), plan) == usual


@QUICK
@given(plans())
def test_the_content_digest_is_of_effects_account_and_settings(plan: Plan) -> None:
    """Not of clocks, pins, counts, or what else the plan says."""
    usual = content_digest(plan)
    beside = {
        "lineage": "x",
        "unchanged": 99_999,
        "undeclared": (Address("order", "left"),),
        "unchecked": ("x",),
        "in_doubt": (Address("order", "left"),),
        "resolved": (Address("order", "left"),),
        "serial": 99_999,
        "paths": ("x",),
        "source": Source("a" * 40),
    }
    for name, value in beside.items():
        assert content_digest(replace(plan, **{name: value})) == usual, name
    for name in ("target", "identities", "limits", "allowed", "reverts", "manage", "keyed"):
        for other in altered(getattr(plan, name)):
            assert content_digest(replace(plan, **{name: other})) != usual, name
    assert content_digest(replace(plan, allowed=("prune=1",))) != usual
    for at, unit in enumerate(plan.units):
        fewer = (*plan.units[:at], *plan.units[at + 1 :])
        assert (content_digest(replace(plan, units=fewer)) != usual) is bool(unit.effective)


def test_what_others_set_as_declared_changes_no_digest(world: World) -> None:
    """Only the state learns that a value is as declared now: reviews before it stay valid."""
    world.converge(order("A", memo="1"), order("B", memo="1", weight="1"), order("C", memo="1"))
    declared = (order("A", memo="2"), order("B", memo="1", weight="2"), order("C", memo="1"))
    world.edit("orders", world.id_of("orders", "B"), weight="2")
    before = world.plan(*declared)
    assert [str(change.address) for change in before.records()] == ["order/A", "order/B"]
    (learned,) = (change for change in before.records() if change.is_remembered)
    assert str(learned.address) == "order/B"
    alone = replace(before, units=before.units[:1])
    assert content_digest(before) == content_digest(alone)
    assert world.apply(world.plan(order("A", memo="1"), *declared[1:])).complete
    after = world.plan(*declared)
    assert [str(change.address) for change in after.records()] == ["order/A"]
    assert content_digest(after) == content_digest(before)
    assert after.units[0].effect_digest == before.units[0].effect_digest


def test_a_line_that_is_only_remembered_changes_no_digest(world: World) -> None:
    """The order's effects are what they were, whatever the state learns of its lines."""
    lines = [line("A:1", name="Mug", price="5")]
    world.converge(order("A", lines, memo="1"))
    without = world.plan(order("A", lines, memo="2"))
    more = [line("A:1", name="Mug", price="5", quantity="2")]
    world.edit("line_items", world.id_of("line_items", "A:1"), quantity="2")
    beside = world.plan(order("A", more, memo="2"))
    assert len(beside.units[0].changes) == 2
    assert beside.units[0].effect_digest == without.units[0].effect_digest


def test_an_effect_cannot_pass_for_what_is_only_remembered(world: World) -> None:
    """A plan file that calls an update a refresh is refused: the digest has the update in it."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    planned = world.plan(order("A", memo="2"), order("B", memo="2"))
    lines = parsed(b"".join(dump(planned, version="0", created="2026-01-02T03:04:05Z")))
    (change,) = unit_of(lines, "A")["changes"]
    change["action"], change["keep"] = "adopt", [["memo", "2"]]
    del change["fields"]
    forged, _ = load(written(lines))
    assert [one.is_remembered for one in forged.records()] == [True, False]
    world.forget_calls()
    with pytest.raises(StalePlan, match="the effect digest of order/A is not that of its changes"):
        world.apply(forged)
    assert world.writes() == []


@pytest.mark.parametrize("part", ["fields", "links"])
def test_what_is_only_remembered_carries_no_write(world: World, part: str) -> None:
    """A refresh with something to send is no plan, since no digest would cover that."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    world.edit("orders", world.id_of("orders", "B"), memo="2")
    planned = world.plan(order("A", memo="1", weight="7"), order("B", memo="2"))
    update, refresh = planned.records()
    assert refresh.is_remembered
    link = LinkChange(
        add=True, to="company", id="501", address=None, types=(("HUBSPOT_DEFINED", 509),)
    )
    given = {"fields": update.fields, "links": (link,)}[part]
    forged = replace(refresh, keep=(), kept_links=(), **{part: given})
    units = (planned.units[0], replace(planned.units[1], changes=(forged,)))
    world.forget_calls()
    with pytest.raises(UsageError, match="adopt does not write that"):
        world.apply(replace(planned, units=units))
    assert world.writes() == []


def test_a_refresh_cannot_take_a_protection_away(world: World) -> None:
    """No digest covers what the state remembers, so it is compared with the manifest."""
    protect = {"protect": "true"}
    world.converge(order("A", memo="1", lifecycle=protect))
    world.edit("orders", world.id_of("orders", "A"), memo="2")
    planned = world.plan(order("A", memo="2", lifecycle=protect))
    (refresh,) = planned.records()
    assert refresh.is_remembered
    unit = replace(planned.units[0], changes=(replace(refresh, protect=False),))
    report = world.apply(replace(planned, units=(unit,)), saved=True)
    assert messages(report) == {
        "order/A": "its manifest declares otherwise what the plan would remember; plan again"
    }
    assert world.apply(planned, saved=True).complete


def test_a_digest_needs_the_key() -> None:
    """Who does not have it cannot try out which phone number a digest is of."""
    change = RecordChange(Address("order", "A"), Action.CREATE)
    unit, target = UnitChange(Address("order", "A"), (change,)), TargetPin("t", 1, "SANDBOX")
    keys = (KEY, Hasher(b"another key of the state"), None)
    assert len({effect_digest(unit, target, key) for key in keys}) == len(keys)


def test_the_applier_gets_effects_alone(world: World) -> None:
    """An altered value is refused before anything is sent, whatever the file's digests say."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    planned = world.plan(order("A", memo="2"), order("B", memo="2"))
    assert planned.keyed
    lines = parsed(b"".join(dump(planned, version="0", created="2026-01-02T03:04:05Z")))
    (field,) = unit_of(lines, "A")["changes"][0]["fields"]
    field["after"] = "3"
    forged, footer = load(written(lines))
    assert footer.content == content_digest(planned)
    world.forget_calls()
    with pytest.raises(StalePlan, match="the effect digest of order/A is not that of its changes"):
        world.apply(forged)
    assert world.writes() == []


def test_another_key_is_another_plan(world: World) -> None:
    """A plan whose digests cannot be checked with the state's key is not applied."""
    world.converge(order("A", memo="1"))
    planned = world.plan(order("A", memo="2"))
    units = with_effect_digests(planned.units, planned.target, Hasher(b"another key of the state"))
    other = replace(planned, units=units)
    assert content_digest(other) != content_digest(planned)
    with pytest.raises(StalePlan, match="another key of the state"):
        require_effects(other, KEY)
    with pytest.raises(StalePlan, match="another key of the state"):
        world.apply(other)
    assert world.apply(planned).complete

"""Every fault on every call that writes, in every world the reference leaves open."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from scene import after, before, is_right
from world import World, explained

from reconcile.errors import ReconcileError
from reconcile.model.outcome import Status
from reconcile.model.plan import Action, Plan, Reason
from reconcile.recovery.runs import unfinished
from reconcile.sandbox import Switches, faults
from reconcile.sandbox.faults import Fault

ORDERS = 8

WRITES = {
    "orders/batch/upsert": "*/orders/batch/upsert",
    "orders/batch/update": "*/orders/batch/update",
    "line_items/batch/create": "*/line_items/batch/create",
    "line_items/batch/update": "*/line_items/batch/update",
    "carts/batch/upsert": "*/carts/batch/upsert",
    "patch": "*/objects/carts/*",
    "associate": "*/associations/*/batch/create",
    "dissociate": "*/associations/*/batch/labels/archive",
}

FAULTS: dict[str, tuple[Fault, dict[str, int]]] = {
    "closed before": (faults.CloseBefore(), {"nth": 1}),
    "closed during": (faults.CloseDuring(), {"nth": 1}),
    "closed after commit": (faults.CloseAfterCommit(), {"nth": 1}),
    "closed after commit, always": (faults.CloseAfterCommit(), {"times": 12}),
    "reset after commit": (faults.CloseAfterCommit(resets=True), {"nth": 1}),
    "gateway after commit": (faults.GatewayAfterCommit(502), {"nth": 1}),
    "gateway after commit, twice": (faults.GatewayAfterCommit(504), {"times": 2}),
    "empty, committed": (faults.EmptyResults(committed=True), {"nth": 1}),
    "empty, not committed": (faults.EmptyResults(committed=False), {"nth": 1}),
    "truncated": (faults.TruncatedJson(), {"nth": 1}),
    "no JSON": (faults.InvalidJson(), {"nth": 1}),
    "delivered twice": (faults.DeliverTwice(), {"nth": 1}),
    "503 for long": (faults.Refuse(503), {"times": 5}),
    "500 once": (faults.Refuse(500), {"nth": 1}),
    "423": (faults.Refuse(423), {"times": 2}),
    "477": (faults.Refuse(477), {"times": 2}),
    "429": (faults.Refuse(429), {"times": 3}),
    "429 daily": (faults.Refuse(429, shape="daily"), {"nth": 1}),
    "associations lost": (faults.LoseAssociations(), {"nth": 1}),
}

WORLDS = {
    "as the evidence suggests": Switches(),
    "the other way round": Switches(
        archived_unique_value="reserved",
        unique_values_case_folded=True,
        unique_values_trimmed=True,
        unique_values_normalised=True,
        trace_ids_rescue_batch_update=True,
        batch_read_follows_merges=False,
        create_associations="half_done",
        second_parent="moved",
        numbers_read_back="as_sent",
        cleared_reads_back="by_endpoint",
        unique_conflict_has_tokens=True,
        not_found_has_category=False,
        updated_at_drifts=False,
        shuffle_seed=7,
    ),
}

WITHIN = "lines without unique properties"
WORLDS[WITHIN] = Switches(line_items_may_have_unique_properties=False)

LAGS: dict[str, Fault] = {
    "stale reads": faults.StaleReads(1.0),
    "lagging keys": faults.LaggingKeys(1.0),
    "lagging associations": faults.LaggingLinks(1.0),
}


PLAIN = frozenset(name for name, (fault, _) in FAULTS.items() if isinstance(fault, faults.Refuse))
"""Faults that are the same in every world: nothing was done, and the answer says so."""

TWICE = ("delivered twice", "line_items/batch/create", WITHIN)
"""What nobody can prevent: without a unique property HubSpot makes the lines twice."""

CASES = [
    pytest.param(switches, name, call, id=f"{name}-{call}-{world}")
    for world, switches in WORLDS.items()
    for name in FAULTS
    for call in WRITES
    if not (name in PLAIN and switches != Switches()) and (name, call, world) != TWICE
]


def _settings() -> Iterator[tuple[str, Switches]]:
    """Each value of each switch, one at a time, that is not the default."""
    for field in fields(Switches):
        kind = get_type_hints(Switches)[field.name]
        values = get_args(kind) if get_origin(kind) is Literal else (not field.default,)
        if kind is bool or get_origin(kind) is Literal:
            for value in values:
                if value != field.default:
                    yield f"{field.name}={value}", Switches(**{field.name: value})


SETTINGS = dict(_settings())


def changed(build: Callable[..., World], switches: Switches) -> World:
    """Return a world that was converged once, with manifests that say something else now."""
    lines_have_keys = switches.line_items_may_have_unique_properties
    identity = {} if lines_have_keys else {"line_item": "within_parent:name"}
    world = build(switches=switches, identity=identity)
    world.converge(*before(ORDERS))
    world.declare(*after(ORDERS))
    return world


def blames_nobody(plan: Plan) -> None:
    """Nobody has edited anything in HubSpot, so no plan may say so."""
    reasons = {field.reason for change in plan.records() for field in change.fields}
    assert not reasons & {Reason.DRIFT, Reason.BOTH}


def goes_on(world: World) -> None:
    """Apply again, as a person would, until there is nothing to do."""
    for _ in range(8):
        plan = world.plan(in_doubt=True)
        blames_nobody(plan)
        if plan.empty and not unfinished(world.store):
            return
        with suppress(ReconcileError):
            world.apply()
    raise AssertionError("there is always something left to do")


@pytest.mark.matrix(keep=12)
@pytest.mark.parametrize(("switches", "name", "call"), CASES)
def test_a_fault_of_a_write(
    build: Callable[..., World], switches: Switches, name: str, call: str
) -> None:
    """Nothing is lost, made twice or half made, and nobody is blamed."""
    world = changed(build, switches)
    fault, when = FAULTS[name]
    method = "PATCH" if call == "patch" else "POST"
    world.sandbox.faults.add(fault, path=WRITES[call], method=method, **when)
    with suppress(ReconcileError):
        world.apply()
    goes_on(world)
    is_right(world, after(ORDERS))


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("switches", WORLDS.values(), ids=WORLDS)
@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("name", ["closed after commit", "truncated", "delivered twice"])
def test_a_fault_while_reads_lag(
    build: Callable[..., World], switches: Switches, lag: str, name: str
) -> None:
    """Nor where reads show what was a moment ago."""
    world = changed(build, switches)
    fault, when = FAULTS[name]
    world.sleep(2)
    world.sandbox.faults.add(LAGS[lag])
    world.sandbox.faults.add(fault, writes=True, **when)
    with suppress(ReconcileError):
        world.apply()
    world.sleep(5)
    world.sandbox.faults.clear()
    goes_on(world)
    is_right(world, after(ORDERS))


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("switches", SETTINGS.values(), ids=SETTINGS)
def test_every_open_fact_on_its_own(build: Callable[..., World], switches: Switches) -> None:
    """Whatever HubSpot turns out to do, an answer that gets lost changes nothing."""
    world = changed(build, switches)
    for call in ("*/batch/upsert", "*/line_items/batch/create", "*/batch/update"):
        world.sandbox.faults.add(faults.CloseAfterCommit(), path=call, nth=1)
    with suppress(ReconcileError):
        world.apply()
    goes_on(world)
    is_right(world, after(ORDERS))


def test_lines_that_are_made_twice_are_told(build: Callable[..., World]) -> None:
    """At once and by every plan, until somebody has archived the one too many; none is lost."""
    name, call, switches = TWICE
    world = changed(build, WORLDS[switches])
    fault, when = FAULTS[name]
    world.sandbox.faults.add(fault, path=WRITES[call], method="POST", **when)
    report = world.apply()
    twice = [one for one in report.outcomes if one.status is Status.CONFLICT]
    made = [one for one in report.outcomes if one.action is Action.CREATE and one.id]
    lines = [one for one in made if one.address.kind == "line_item"]
    assert twice == lines != []
    plan = world.plan()
    assert {one.address for one in plan.records()} == {one.address for one in twice}
    assert {one.action for one in plan.records()} == {Action.CONFLICT}
    assert all(one.id in why for one, why in zip(twice, _reasons(plan), strict=True))
    # It may be the one that the state knows: the other one is taken for it then.
    for one, why in zip(twice, _reasons(plan), strict=True):
        (other,) = set(re.findall(r"[0-9]{8,}", why)) - {one.id}
        world.archive("line_items", one.id if one.address.key.startswith("N") else other)
    goes_on(world)
    stored = world.dump("line_items")
    assert len(stored) == sum(len(one.get("line_items", ())) for one in after(ORDERS))


def _reasons(plan: Plan) -> list[str]:
    return [explained(change) for change in plan.records()]

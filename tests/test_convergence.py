"""Apply, plan again: nothing to do. The first promise, over real and over random input."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st
from random_examples import examples
from strategies import FOREIGN, OTHERS, Others, manifests
from world import (
    COMPANIES,
    EMAILS,
    KEY,
    KIND_OBJECTS,
    ORIGIN,
    World,
    incomplete,
    same_key,
)

from reconcile import workflow
from reconcile.manifests import load
from reconcile.model.plan import Action, Plan
from reconcile.planning.plan_file import content_digest
from reconcile.project import load_settings
from reconcile.session import connect

EXAMPLES = Path(__file__).parent.parent / "examples"
PROPERTY = examples(
    30,
    # Shrinking runs whole worlds, for minutes; the failing example is printed as it was found.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_northwind_converges(tmp_path: Path) -> None:
    """830 orders, their lines and the carts: applied once, then nothing, and no write call."""
    example = EXAMPLES / "northwind"
    chosen = load_settings(example, target=None, environ={})
    units = load(chosen.manifests, root=chosen.root)
    with World(tmp_path / "world", seed=example / "sandbox-seed.json") as world:
        for object_ in KIND_OBJECTS.values():
            world.define_key(object_)
        with connect(world.settings, world.environ, "write") as session:
            plan = workflow.plan(session, units)
            assert incomplete(workflow.apply(session, plan, ORIGIN)) == ()
            world.forget_calls()
            again = workflow.plan(session, units)
            assert again.units == ()
            assert sum(1 for _ in plan.records()) == again.unchanged
            workflow.apply(session, again, ORIGIN)
            assert world.writes() == []
            assert content_digest(again) == content_digest(workflow.plan(session, units))


@PROPERTY
@given(documents=manifests(), others=OTHERS)
def test_any_manifests_converge_from_any_start(
    template: Path, documents: list[dict[str, Any]], others: Others
) -> None:
    """Whatever HubSpot holds: one apply reaches what is declared and touches nothing else."""
    with temporary(template) as world:
        furnish(world, others)
        before, links = snapshot(world), world.dump_links()

        world.converge(*documents)

        check_declared(world, documents, before)
        check_undeclared(world, documents, before)
        assert links <= world.dump_links()
        no_more_writes(world)


@pytest.mark.long
@PROPERTY
@given(first=manifests(), second=manifests(), data=st.data())
def test_any_edit_on_either_side_converges(
    template: Path,
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    """New manifests meet a record set that others edited, with the state or without."""
    with temporary(template) as world:
        furnish(world, Others())
        world.converge(*first)
        meddle(world, data)
        if data.draw(st.booleans(), "state lost"):
            restore_keys(world)
            world.lose_state()
        before = snapshot(world)

        world.converge(*second)

        check_declared(world, second, before)
        check_undeclared(world, second, before)
        no_more_writes(world)


@pytest.mark.long
@PROPERTY
@given(first=manifests(), second=manifests(), data=st.data())
def test_an_apply_does_what_the_plan_said_and_leaves_the_rest_as_it_was(
    template: Path,
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    """Nothing is let in: the next plan holds back and leaves alone the same, and nothing else."""
    with temporary(template) as world:
        furnish(world, Others())
        world.converge(*first)
        meddle(world, data)
        before, links = snapshot(world), world.dump_links()

        plan = world.plan(*second, allow={})
        report = world.apply(plan)

        assert set(incomplete(report)) <= {
            (str(change.address), "conflict", "")
            for change in plan.records()
            if change.action is Action.CONFLICT
        }
        check_written(world, plan, before, links)
        again = world.plan(allow={})
        assert not again.acts
        assert waiting(again) == waiting(plan)
        world.forget_calls()
        report = world.apply(again)
        assert (report.held, report.still_held) == ((), len(waiting(again)[0]))
        assert world.writes() == []
        everything = world.plan()
        assert incomplete(world.apply(everything)) == tuple(
            (str(change.address), "conflict", "")
            for change in everything.records()
            if change.action is Action.CONFLICT
        )


@pytest.mark.long
@PROPERTY
@given(first=manifests(), data=st.data())
def test_any_removal_and_rename_converges(
    template: Path, first: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Absent, forgotten, renamed, no longer declared: one apply, and then nothing is left."""
    with temporary(template) as world:
        furnish(world, Others())
        world.converge(*first)
        fates = {
            document["key"]: data.draw(st.sampled_from(Fate), f"what becomes of {document['key']}")
            for document in first
        }
        second = [*decided(first, fates), {"kind": "order", "key": "LAST"}]
        ids = {key: world.by_key(object_, key) for object_, key in declared(first)}
        known = not data.draw(st.booleans(), "state lost")
        if not known:
            world.lose_state()
        prune = data.draw(st.booleans(), "prune")
        before = snapshot(world)

        plan = world.plan(*second, prune=prune)
        assert incomplete(world.apply(plan)) == ()
        again = world.plan(prune=prune)
        assert again.units == ()

        live = {id_ for object_ in KIND_OBJECTS.values() for id_ in world.dump(object_)}
        for object_, key in declared(first):
            fate = fates.get(key) or fates[key.rpartition(":")[0]]
            goes = fate is Fate.ABSENT or (fate is Fate.DROPPED and prune and known)
            stays_undeclared = {str(a).partition("/")[2] for a in again.undeclared}
            assert (ids[key] not in live) is (goes and key not in stays_undeclared)
            if fate is Fate.FORGOTTEN:
                assert before[object_][ids[key]] == world.dump(object_)[ids[key]]
            if fate is Fate.RENAMED and key in fates:
                assert world.dump(object_)[ids[key]][KEY] == f"{key}!"
        no_more_writes(world)


class Fate(Enum):
    """What becomes of a declared record."""

    KEPT = "kept"
    ABSENT = "absent"
    FORGOTTEN = "forget"
    RENAMED = "renamed"
    DROPPED = "dropped"


def decided(documents: Sequence[dict[str, Any]], fates: Mapping[str, Fate]) -> list[dict[str, Any]]:
    """The documents as their fates have them, pointing at each other as they may."""
    found = []
    for document in documents:
        key, fate = document["key"], fates[document["key"]]
        one = {name: value for name, value in document.items() if name != "associations"}
        links = {
            word: kept
            for word, references in document.get("associations", {}).items()
            if (kept := [new for old in references if (new := _pointing(old, fates))])
        }
        if links:
            one["associations"] = links
        if fate is Fate.RENAMED:
            one |= {"key": f"{key}!", "moved_from": key}
        elif fate in (Fate.ABSENT, Fate.FORGOTTEN):
            one["lifecycle"] = {"state": fate.value}
        if fate is not Fate.DROPPED:
            found.append(one)
    return found


def _pointing(reference: dict[str, str], fates: Mapping[str, Fate]) -> dict[str, str]:
    """A reference to what is there afterwards, under its new key; nothing where it is not."""
    named = [fate for key, fate in fates.items() if same_key(reference.get("key"), key)]
    fate = named[0] if named else Fate.KEPT
    if fate is Fate.ABSENT:
        return {}
    return reference | ({"key": f"{reference['key']}!"} if fate is Fate.RENAMED else {})


@contextmanager
def temporary(template: Path) -> Iterator[World]:
    """A fresh world for each example."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        World(Path(folder), template=template) as world,
    ):
        patch.setattr("reconcile.applying.rereads.WAITS", (0.0, 0.0))
        yield world


def furnish(world: World, others: Others) -> None:
    """Put into the account what others have there already."""
    foreign = world.make("orders", FOREIGN, memo="theirs")
    orders = [foreign]
    for (object_, key), values in sorted(others.keyed.items()):
        made = world.make(object_, key, **values)
        orders += [made] if object_ == "orders" else []
    for object_, found in sorted(others.unkeyed.items()):
        for values in found:
            world.make(object_, **values)
    for number in range(others.lines_on_orders):
        foreign_line = world.make("line_items", name=f"theirs {number}")
        world.link(("line_items", foreign_line), ("orders", orders[-1]))
    contacts = sorted(world.dump("contacts"))
    for number in range(others.contact_links):
        world.link(("orders", orders[-1]), ("contacts", contacts[number]))
    if others.labels:
        company = ("companies", COMPANIES[0])
        world.link(("orders", orders[-1]), company, ("HUBSPOT_DEFINED", 509))


def meddle(world: World, data: st.DataObject) -> None:
    """Let others edit, clear keys and tear associations apart."""
    for object_ in KIND_OBJECTS.values():
        for id_ in sorted(world.dump(object_)):
            match data.draw(st.integers(0, 5), "what becomes of a record"):
                case 0:
                    world.edit(object_, id_, memo="meddled", topics="")
                case 1 if world.dump(object_)[id_].get(KEY) != FOREIGN:
                    world.edit(object_, id_, **{KEY: data.draw(st.sampled_from(["", f"Z{id_}"]))})
                case 2 if object_ == "line_items":
                    for order in world.links((object_, id_), "orders"):
                        world.unlink((object_, id_), ("orders", order))
                case 3 if object_ == "orders":
                    for contact in world.links((object_, id_), "contacts"):
                        world.unlink((object_, id_), ("contacts", contact))
                case _:
                    pass


def restore_keys(world: World) -> None:
    """Give records their keys back: without state and without key nobody can know them."""
    with world.session() as session:
        state = session.state()
        for _, record, entry in list(state.entries()):
            world.edit(KIND_OBJECTS[record.kind], entry.id, **{KEY: entry.key})


Snapshot = Mapping[str, Mapping[str, Mapping[str, str]]]


def snapshot(world: World) -> Snapshot:
    """Every record's stored values."""
    objects = (*KIND_OBJECTS.values(), "contacts", "companies")
    return {object_: world.dump(object_) for object_ in objects}


def declared(documents: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Each declared record by object and key."""
    found = {}
    for document in documents:
        found[KIND_OBJECTS[document["kind"]], document["key"]] = document
        for line in document.get("line_items", ()):
            found["line_items", line["key"]] = line
    return found


def check_declared(world: World, documents: Sequence[dict[str, Any]], before: Snapshot) -> None:
    """Each record exists once, with the values HubSpot makes of those declared."""
    for (object_, key), document in declared(documents).items():
        id_ = world.by_key(object_, key)
        values = world.dump(object_)[id_]
        former = before[object_].get(id_)
        wanted = as_stored(world, object_, document.get("properties", {}))
        for name in document.get("lifecycle", {}).get("ignore", ()):
            if former is not None:
                wanted[name] = in_order(name, former.get(name, ""))
        assert wanted == {name: in_order(name, values.get(name, "")) for name in wanted}
        for name in (former or {}).keys() - wanted.keys() - COMPUTED - {KEY}:
            assert (former or {})[name] == values.get(name)
        for parent in [d for d in documents if key in [n["key"] for n in d.get("line_items", ())]]:
            above = KIND_OBJECTS[parent["kind"]]
            assert {world.by_key(above, parent["key"])} == set(world.links((object_, id_), above))


COMPUTED = {"amount", "hs_is_closed", "hs_closed_date", "hs_position_on_quote"}


def waiting(plan: Plan) -> tuple[list[Any], list[Any]]:
    """What a plan holds back and leaves alone: each field as it is shown, with its reason."""
    held = [
        (str(change.address), change.action, change.id, change.fields, change.state)
        for unit in plan.units
        for change in unit.held
    ]
    left = [
        (str(one.address), one.fields, [(link.to, link.id) for link in one.links])
        for unit in plan.units
        for one in unit.left_alone
    ]
    return held, left


def check_written(
    world: World, plan: Plan, before: Snapshot, links: frozenset[tuple[Any, ...]]
) -> None:
    """The account has what the plan says, and is otherwise as it was."""
    after = snapshot(world)
    writes = {
        (KIND_OBJECTS[change.address.kind], change.id): {f.name: f.after for f in change.fields}
        for change in plan.records()
        if change.id and change.action is Action.UPDATE
    }
    for object_, records in before.items():
        for id_, values in records.items():
            written = writes.get((object_, id_), {})
            stored = after[object_][id_]
            for name in (values.keys() | stored.keys()) - COMPUTED - written.keys():
                assert values.get(name) == stored.get(name), (object_, id_, name)
    made = Counter(
        KIND_OBJECTS[change.address.kind]
        for change in plan.records()
        if change.action is Action.CREATE
    )
    new = {object_: len(after[object_].keys() - before[object_].keys()) for object_ in after}
    assert Counter({object_: number for object_, number in new.items() if number}) == made
    touched = {change.id for change in plan.records() if change.links}
    touched |= {
        id_ for object_, records in after.items() for id_ in records.keys() - before[object_]
    }
    for _, one, _, other, *_ in links ^ world.dump_links():
        assert {one, other} & touched


def as_stored(world: World, object_: str, properties: Mapping[str, str]) -> dict[str, str]:
    """What the account makes of values: another record gets them and is looked at."""
    sent = {
        name: world.stages.get(value, value) if name.startswith("hs_pipeline") else value
        for name, value in properties.items()
    }
    scratch = world.make(object_, **sent)
    stored = world.dump(object_)[scratch]
    world.archive(object_, scratch)
    return {name: in_order(name, stored.get(name, "")) for name in properties}


def in_order(name: str, value: str) -> str:
    """A multi-select's options have no order, but are stored in the order sent."""
    return ";".join(sorted(value.split(";"))) if name == "topics" else value


def check_undeclared(world: World, documents: Sequence[dict[str, Any]], before: Snapshot) -> None:
    """Nobody else's record has changed, and none is gone or new."""
    ours = {(object_, world.by_key(object_, key)) for object_, key in declared(documents)}
    for object_, records in snapshot(world).items():
        others = {id_: v for id_, v in records.items() if (object_, id_) not in ours}
        former = {id_: v for id_, v in before[object_].items() if (object_, id_) not in ours}
        assert former == others
    assert set(EMAILS) <= {values["email"] for values in world.dump("contacts").values()}


def no_more_writes(world: World) -> None:
    """Another apply reads and does nothing else."""
    world.forget_calls()
    assert world.apply().outcomes == ()
    assert world.writes() == []

"""A record that a document is bound to is not archived or orphaned by another address."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from held import guards, held
from world import KEY, ORIGIN, World, actions, explained, line, messages, order, statuses

from reconcile import workflow
from reconcile.model.outcome import Report
from reconcile.model.plan import Action, Plan
from reconcile.planning.plan_file import dump, load
from reconcile.workflow import plan_steps

Document = Mapping[str, Any]
Adopt = Callable[[str], Mapping[str, str]]

BY_ID_OR_PROPERTY = [
    pytest.param(lambda record: {"id": record}, id="by id"),
    pytest.param(lambda _: {"hs_sku": "mug"}, id="by property"),
]
INDEXED = 60.0
"""Seconds after which search shows what was written."""


def exact(key: str, lines: Iterable[Document] = (), **more: Any) -> Document:
    """An order whose lines are exact."""
    return {**order(key, lines, memo="1", **more), "lines": "exact"}


def added(world: World, key: str = "A", **properties: str) -> str:
    """Somebody adds a line item to an order by hand; its id."""
    record = world.make("line_items", **{"name": "Extra", "hs_sku": "MUG", **properties})
    world.link(("line_items", record), ("orders", world.id_of("orders", key)))
    return record


def adopting(key: str, adopt: Mapping[str, str]) -> Document:
    """A line item that takes over an existing one."""
    return {**line(key, name="Extra"), "adopt": adopt}


def absent(key: str) -> Document:
    """An order that is to be archived."""
    return order(key, lifecycle={"state": "absent"})


def plan_one(world: World, key: str, **allow: int) -> Plan:
    """A plan of one order, as PATHS or a selection leave over, while all others are declared."""
    units = world.units()
    some = [unit for unit in units if unit.address.key == key]
    texts = [f"{name}={number}" for name, number in allow.items()]
    with world.session() as session:
        return workflow.plan(session, some, declared=units, allow=texts)


def apply_saved(world: World, plan: Plan) -> Report:
    """Apply a saved plan: it is compared with what is declared by now."""
    read, _ = load(b"".join(dump(plan, version="1", created="2026-11-30T00:00:00Z")))
    assert read == plan
    with world.session() as session:
        return workflow.apply(
            session, read, ORIGIN, declared=world.units(), who="test", sleep=world.sleep
        )


def why(plan: Plan, address: str) -> str:
    """Why a record of a plan is in conflict."""
    (change,) = (one for one in plan.records() if str(one.address) == address)
    assert change.action is Action.CONFLICT
    return explained(change)


# Line items that others added


@pytest.mark.parametrize("adopt", BY_ID_OR_PROPERTY)
def test_a_line_that_a_document_adopts_is_not_foreign(world: World, adopt: Adopt) -> None:
    """Whether or not that document is planned with it."""
    world.converge(exact("A"), order("B", memo="1"))
    record = added(world)
    world.declare(exact("A"), order("B", [adopting("N", adopt(record))], memo="1"))
    assert plan_one(world, "A").units == ()
    (address,) = actions(world.plan(allow={}))
    assert address == "line_item/N"


def test_chunks_do_not_matter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line under an order of one chunk is adopted by a document of another one."""
    world.converge(exact("A"), order("B", memo="1"))
    record = added(world)
    item = {
        "kind": "line_item",
        "key": "S",
        "parent": {"order": {"id": world.id_of("orders", "A")}},
        "adopt": {"id": record},
        "properties": {"name": "Extra"},
    }
    world.declare(exact("A"), order("B", memo="1"), item)
    whole = world.plan(allow={})
    assert actions(whole) == {"line_item/S": "update"}
    monkeypatch.setattr(plan_steps, "CHUNK", 1)
    assert world.plan(allow={}) == whole


def test_a_line_whose_key_is_its_id_is_not_foreign(build: Callable[..., World]) -> None:
    """Nor one with a former key, when the state is lost."""
    world = build(identity={"line_item": "id"})
    world.converge(exact("A"), order("B", memo="1"))
    record = added(world)
    world.declare(exact("A"), order("B", [line(record, name="Extra")], memo="1"))
    assert plan_one(world, "A").units == ()


def test_a_line_with_a_former_key_is_not_foreign(world: World) -> None:
    """Its document has another key by now, and the state is lost."""
    world.converge(exact("A"), order("B", memo="1"))
    added(world, **{KEY: "OLD"})
    world.lose_state()
    world.declare(exact("A"), order("B", [{**line("NEW"), "moved_from": "OLD"}], memo="1"))
    assert plan_addresses(plan_one(world, "A")) == {"order/A"}


def test_an_adoption_that_is_carried_out_claims_nothing_more(world: World) -> None:
    """What others add with the same value is foreign."""
    world.converge(order("B", memo="1"))
    item = added(world, "B")
    world.converge(exact("A"), order("B", [adopting("N", {"hs_sku": "MUG"})], memo="1"))
    assert world.id_of("line_items", "N") == item
    added(world, "A")
    assert guards(world.plan(allow={})) == {"foreign": 1}


def test_what_a_line_in_conflict_may_be_is_not_foreign(world: World) -> None:
    """Two line items have the value that it adopts by; somebody has to choose one of them."""
    world.converge(exact("A"))
    both = sorted((added(world), added(world)))
    plan = world.plan(exact("A", [adopting("N", {"hs_sku": "MUG"})]), allow={})
    assert ", ".join(both) in why(plan, "line_item/N")
    assert (guards(plan), len(list(plan.records()))) == ({}, 1)


def test_a_line_that_is_found_within_its_parent_is_not_foreign(
    build: Callable[..., World],
) -> None:
    """Its document stands by itself, is not planned, and was never applied."""
    world = build(identity={"line_item": "within_parent:hs_sku"})
    world.converge(exact("A"), order("B", memo="1"))
    parent = {"order": {"id": world.id_of("orders", "A")}}
    added(world)
    added(world, hs_sku="CUP")
    item = {"kind": "line_item", "key": "S", "parent": parent, **sku("mug")}
    new = line("N", hs_sku="CUP")
    world.declare(exact("A"), order("B", [new], memo="1"), item)
    (change,) = held(plan_one(world, "A")).values()
    assert world.dump("line_items")[change.id]["hs_sku"] == "CUP"


def test_a_line_is_replaced_by_one_with_the_same_value(build: Callable[..., World]) -> None:
    """It is not found by the value, since the state has it under the address that goes."""
    world = build(identity={"line_item": "within_parent:hs_sku"})
    world.converge(order("A", [line("L", hs_sku="MUG")], memo="1"))
    gone = {"key": "L", "lifecycle": {"state": "absent"}}
    plan = world.plan(order("A", [gone, line("N", hs_sku="MUG")], memo="1"), allow={})
    assert actions(plan) == {"line_item/L": "archive", "line_item/N": "create"}


def test_duplicates_within_a_parent_are_not_foreign(build: Callable[..., World]) -> None:
    """The state is lost, and nothing tells which of two lines was applied."""
    world = build(identity={"line_item": "within_parent:hs_sku"})
    world.converge(exact("A", [line("L", hs_sku="MUG")]))
    world.lose_state()
    added(world)
    plan = world.plan(allow={})
    assert plan_addresses(plan) == {"order/A", "line_item/L"}
    assert "have the same hs_sku" in why(plan, "line_item/L")


@pytest.mark.parametrize(
    "how", [{"identity": {"line_item": "within_parent:hs_sku"}}, {"stamp": "false"}]
)
def test_a_forgotten_line_is_not_foreign(build: Callable[..., World], how: dict[str, Any]) -> None:
    """Only the state led to its record; as long as git says forget, it stays."""
    world = build(**how)
    world.converge(order("A", memo="1"))
    added(world)
    world.converge(exact("A", [{**adopting("L", {"hs_sku": "MUG"}), **sku("MUG")}]))
    forgotten = {"key": "L", "lifecycle": {"state": "forget"}}
    world.declare(exact("A", [forgotten]))
    assert world.apply(world.plan(allow={})).complete
    assert world.plan(allow={}).units == ()
    assert guards(world.plan(exact("A"), allow={})) == {"foreign": 1}


def test_a_foreign_line_under_two_exact_parents_is_one_conflict(world: World) -> None:
    """The plan can be saved and applied, and everything else of it is done."""
    cart = {"kind": "cart", "key": "K", "properties": {"memo": "1"}, "lines": "exact"}
    world.converge(exact("A"), cart, order("B", memo="1"))
    record = added(world)
    world.link(("line_items", record), ("carts", world.id_of("carts", "K")))
    plan = world.plan(exact("A"), cart, order("B", memo="2"), allow={})
    assert actions(plan) == {f"line_item/id:{record}": "conflict", "order/B": "update"}
    assert "it belongs to order " in why(plan, f"line_item/id:{record}")
    assert statuses(apply_saved(world, plan))["order/B"] == "done"
    assert world.record("orders", "B")["memo"] == "2"


def test_a_foreign_line_under_one_order_with_two_documents_is_one_conflict(
    build: Callable[..., World],
) -> None:
    """Both want exact lines."""
    world = build(stamp="false")
    record = world.make("orders", memo="1")
    item = world.make("line_items", name="Extra")
    world.link(("line_items", item), ("orders", record))
    world.converge(order("A", memo="1", adopt={"id": record}))
    world.sleep(INDEXED)
    plan = world.plan(
        exact("A", adopt={"id": record}), exact("B", adopt={"memo": "1"}), allow={"foreign": 1}
    )
    assert actions(plan)[f"line_item/id:{item}"] == "conflict"
    load(b"".join(dump(plan, version="1", created="2026-11-30T00:00:00Z")))


def test_what_may_not_be_archived_is_only_counted(world: World) -> None:
    """With a `manage` that does not list archiving, the lines are as good as open."""
    world.converge(exact("A", [line("L", name="x")]))
    added(world)
    for kinds in ({"line_item": ["name"]}, {"line_item": ["name"], "archive": True}, {}):
        world.manage(order=["memo"], **kinds)
        lines = [line("L", name="x")] if "line_item" in kinds else []
        plan = world.plan(exact("A", lines), allow={})
        assert guards(plan) == ({"foreign": 1} if "archive" in kinds else {})
        assert plan.others == (0 if "archive" in kinds else len(lines))


def sku(value: str) -> dict[str, dict[str, str]]:
    """The properties of a line item with a SKU."""
    return {"properties": {"name": "Extra", "hs_sku": value}}


def plan_addresses(plan: Plan) -> set[str]:
    """The addresses of what a plan changes or holds back."""
    return {*actions(plan), *held(plan)}


# Absent and pruned records


@pytest.mark.parametrize(
    "adopt", [lambda record: {"id": record}, lambda _: {"hs_order_name": "one"}]
)
@pytest.mark.parametrize("alone", [False, True])
def test_what_another_document_adopts_is_not_archived(
    build: Callable[..., World], adopt: Adopt, *, alone: bool
) -> None:
    """The natural attempt to rename: the conflict names the other document, and the way."""
    world = build(stamp="false")
    record = world.make("orders", memo="1", hs_order_name="One")
    world.converge(order("A", memo="1", adopt={"id": record}))
    world.sleep(INDEXED)
    world.declare(absent("A"), order("B", memo="1", adopt=adopt(record)))
    plan = plan_one(world, "A") if alone else world.plan(allow={})
    said = why(plan, "order/A")
    assert f"record {record} is bound to order/B too" in said
    assert "declare order/B with moved_from: A" in said
    world.apply(plan)
    assert record in world.dump("orders")


def test_what_another_document_adopts_is_not_pruned(world: World) -> None:
    """Neither an order with its lines, nor a line item alone."""
    world.converge(order("A", [line("L", name="x")], memo="1"), order("K", [line("M", name="y")]))
    first, item = world.id_of("orders", "A"), world.id_of("line_items", "M")
    other = order("B", memo="1", adopt={"id": first})
    plan = world.plan(other, order("K", [adopting("N", {"id": item})]), prune=True)
    assert "is bound to order/B too" in why(plan, "order/A")
    assert "order/A is in conflict" in why(plan, "line_item/L")
    assert "is bound to line_item/N too" in why(plan, "line_item/M")
    world.apply(plan)
    assert (world.keys("orders"), world.keys("line_items")) == (
        {"A": 1, "K": 1},
        {"L": 1, "M": 1},
    )


def test_what_the_state_has_under_two_addresses_is_archived_under_none(
    build: Callable[..., World],
) -> None:
    """Unless both go."""
    world = build(stamp="false")
    record = world.make("orders", memo="1")
    world.converge(order("A", memo="1", adopt={"id": record}))
    with world.session() as session:
        state = session.state(writing=True)
        a = world.units()[0].address
        entry = state.unit(a)[a.folded()]
        b = a._replace(key="B")
        state.begin(session.account.portal_id)
        state.put(b, b, replace(entry, key="B"))
        state.flush()
    plan = world.plan(absent("A"), allow={})
    assert "is bound to order/B too" in why(plan, "order/A")
    both = world.plan(absent("A"), order("B", lifecycle={"state": "forget"}), allow={})
    assert actions(both) == {"order/A": "archive", "order/B": "forget"}
    assert world.apply(both).complete
    assert world.dump("orders") == {}


def test_values_of_lines_elsewhere_do_not_keep_a_line(world: World) -> None:
    """A line item is adopted from its own parent only."""
    world.converge(order("A", [line("L", name="x", hs_sku="MUG")], memo="1"), order("B", memo="1"))
    added(world, "B")
    gone = {"key": "L", "lifecycle": {"state": "absent"}}
    other = order("B", [adopting("N", {"hs_sku": "MUG"})], memo="1")
    plan = world.plan(order("A", [gone], memo="1"), other, allow={})
    assert actions(plan) == {"line_item/L": "archive", "line_item/N": "update"}
    new = order("C", [adopting("N", {"hs_sku": "MUG"})], memo="1")
    plan = world.plan(order("A", [gone], memo="1"), order("B", memo="1"), new, allow={})
    assert actions(plan)["line_item/L"] == "archive"


@pytest.mark.parametrize("adopt", BY_ID_OR_PROPERTY)
def test_an_order_stays_over_a_line_that_a_document_adopts(world: World, adopt: Adopt) -> None:
    """Whether or not that document is planned with it: the line would have no parent."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    record = added(world)
    world.declare(absent("A"), order("B", [adopting("N", adopt(record))], memo="1"))
    for plan in (plan_one(world, "A"), world.plan(allow={})):
        assert "line_item/N is under it" in why(plan, "order/A")
        world.apply(plan)
    assert world.keys("orders") == {"A": 1, "B": 1}


def test_an_order_stays_over_a_line_whose_key_is_declared_elsewhere(world: World) -> None:
    """The state is lost, and the document of the line is not planned."""
    world.converge(order("A", [line("L", name="x")], memo="1"), order("B", memo="1"))
    world.lose_state()
    world.declare(absent("A"), order("B", [line("L", name="x")], memo="1"))
    plan = plan_one(world, "A", **{"adopt-update": 1})
    assert "line_item/L is under it" in why(plan, "order/A")


def test_a_plan_that_archives_nothing_reads_nothing_more(world: World) -> None:
    """Calls are the same with and without lines of others and adoptions."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    world.forget_calls()
    world.plan(allow={})
    before = [one.path for one in world.sandbox.requests()]
    added(world)
    own = world.id_of("orders", "B")
    world.declare(order("A", memo="1"), order("B", memo="1", adopt={"id": own}))
    world.forget_calls()
    world.plan(allow={})
    assert [one.path for one in world.sandbox.requests()] == before


# What has changed when a saved plan is applied


def renamed(world: World) -> list[Document]:
    """The order got another key in git."""
    del world
    return [order("B", memo="1"), order("A9", lines(), memo="1", moved_from="A")]


def moved(world: World) -> list[Document]:
    """A line item is in another order."""
    del world
    return [order("B", lines()[:1], memo="1")]


def adopted(world: World) -> list[Document]:
    """Another document adopts a line item."""
    item = world.id_of("line_items", "L1")
    return [order("B", [adopting("N", {"id": item})], memo="1")]


def lines() -> list[Document]:
    """The line items of the order that goes."""
    return [line("L1", name="x"), line("L2", name="y")]


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("since", [renamed, moved, adopted])
def test_what_is_declared_since_planning_is_not_archived(
    world: World, since: Callable[[World], list[Document]], *, prune: bool
) -> None:
    """The order goes as a whole or not at all."""
    world.converge(order("A", lines(), memo="1"), order("B", memo="1"))
    going = [] if prune else [absent("A")]
    plan = world.plan(order("B", memo="1"), *going, prune=prune)
    assert set(actions(plan).values()) == {Action.ARCHIVE}
    world.declare(*since(world), *(going if since is not renamed else []))
    report = apply_saved(world, plan)
    assert "done" not in statuses(report).values()
    assert any(text.endswith("plan again") for text in messages(report).values())
    assert world.keys("orders") == {"A": 1, "B": 1}
    assert world.keys("line_items") == {"L1": 1, "L2": 1}


@pytest.mark.parametrize(
    "adopt",
    [
        pytest.param(None, id="by key"),
        *BY_ID_OR_PROPERTY,
    ],
)
def test_an_order_stays_over_a_line_that_is_declared_since(
    world: World, adopt: Adopt | None
) -> None:
    """Archiving the order would leave that line without a parent."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    record = added(world, **({KEY: "N"} if adopt is None else {}))
    plan = world.plan(absent("A"), order("B", memo="1"), allow={})
    assert actions(plan) == {"order/A": "archive"}
    item = line("N", name="Extra") if adopt is None else adopting("N", adopt(record))
    world.declare(absent("A"), order("B", [item], memo="1"))
    report = apply_saved(world, plan)
    assert messages(report) == {
        "order/A": "line_item/N is bound to a line item under it since planning; plan again"
    }
    assert world.keys("orders") == {"A": 1, "B": 1}


@pytest.mark.parametrize(
    "how", [{"identity": {"line_item": "within_parent:hs_sku"}}, {"stamp": "false"}, {}]
)
@pytest.mark.parametrize("applied", [True, False])
def test_a_foreign_line_that_has_a_document_since_is_not_archived(
    build: Callable[..., World], how: dict[str, Any], *, applied: bool
) -> None:
    """Nor one that somebody applied, by an apply that knows nothing of the manifests."""
    world = build(**how)
    world.converge(exact("A"))
    record = added(world)
    plan = world.plan(allow={"foreign": 1})
    item = {
        "kind": "line_item",
        "key": "S",
        "parent": {"order": {"id": world.id_of("orders", "A")}},
        "adopt": {"id": record},
        **sku("MUG"),
    }
    world.declare(exact("A"), item)
    if applied:
        assert world.apply(world.plan(allow={})).complete
    report = world.apply(plan) if applied else apply_saved(world, plan)
    assert messages(report) == {
        f"line_item/id:{record}": "line_item/S is bound to it since planning; plan again"
    }
    assert record in world.dump("line_items")


@pytest.mark.parametrize("value", [{"quantity": "3"}, {"price": "9.5"}, {"memo": ""}])
def test_a_foreign_line_that_was_edited_since_is_not_archived(
    world: World, value: dict[str, str]
) -> None:
    """Whatever was edited of it, also what had no value, or has none now: the plan showed that."""
    world.converge(exact("A"))
    record = added(world, quantity="2", memo="x")
    plan = world.plan(allow={"foreign": 1})
    (change,) = plan.records()
    shown = {field.name: field.before for field in change.fields}
    assert shown == {KEY: "", "hs_sku": "MUG", "memo": "x", "name": "Extra", "quantity": "2"}
    world.edit("line_items", record, **value)
    (message,) = messages(world.apply(plan)).values()
    (name,) = value
    assert f"changed in HubSpot since planning: {name} was " in message
    assert record in world.dump("line_items")

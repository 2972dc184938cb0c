"""Line items that belong to another record than the order or cart that declares them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from proxy import Proxy
from world import KEY, Document, World, actions, cart, changes, explained, incomplete, line, order

from reconcile.errors import HubSpotError
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action
from reconcile.planning.plan_file import content_digest, dump, load
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.sandbox import Switches
from reconcile.sandbox.scopes import ALL_SCOPES

ABSENT = {"state": "absent"}
FOREIGN = ("deals", "quotes", "invoices", "subscriptions")
PARENTS = (*FOREIGN, "orders", "carts")
WORDS = {
    "deals": "deal",
    "quotes": "quote",
    "invoices": "invoice",
    "subscriptions": "subscription",
    "orders": "order",
    "carts": "cart",
}
LINES = [f"unique:{KEY}", "id", "within_parent:hs_sku"]
READS = "/crm/v4/associations/line_items/"


def owner_of(world: World, object_: str, *lines: str) -> str:
    """Somebody's record that has line items; its id."""
    owner = world.make(object_)
    for one in lines:
        world.link(("line_items", one), (object_, owner))
    return owner


def sku(world: World, id_: str) -> Document:
    """Declare a line item by whatever finds it: its key, its id or its SKU."""
    by_id = world.identity.get("line_item") == "id"
    return line(id_ if by_id else "L", hs_sku="L", name="ours")


def under(world: World, key: str) -> set[str]:
    """The line items of an order."""
    return set(world.links(("orders", world.id_of("orders", key)), "line_items"))


def asked(world: World) -> Counter[str]:
    """The kinds of parents that line items were asked for since the last ``forget_calls``."""
    paths = (call.path for call in world.sandbox.requests())
    return Counter(
        path.removeprefix(READS).partition("/")[0] for path in paths if path.startswith(READS)
    )


def without(world: World, *objects: str) -> None:
    """Give the project a token that may not read some objects."""
    lacking = {f"crm.objects.{object_}.read" for object_ in objects}
    world.environ["TOKEN"] = world.sandbox.add_token(ALL_SCOPES - lacking)


def test_the_types_of_foreign_parents_are_those_of_the_account(world: World) -> None:
    """The data names the types that HubSpot has between line items and what they belong to."""
    owners = kinds()["line_item"].owners
    assert [one.object for one in owners.values()] == [
        *("orders", "carts"),
        *FOREIGN,
    ]
    with world.session() as session:
        for word, one in owners.items():
            for name in (one.object, one.object_type):
                (label,) = session.hubspot.definitions.labels("line_items", name)
                assert (label.type_id, one.to) == (one.type_id, word)


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("object_", PARENTS)
@pytest.mark.parametrize("identity", LINES[:2])
def test_a_line_of_another_record_is_not_taken_over(
    build: Callable[..., World], object_: str, identity: str
) -> None:
    """It is neither updated nor associated, and a hint says what to do."""
    world = build(identity={"line_item": identity})
    item = world.make("line_items", "L", hs_sku="L", name="theirs")
    owner = owner_of(world, object_, item)
    before = world.dump_links()
    plan = world.plan(order("A", [sku(world, item)], memo="1"))
    (change,) = [one for one in plan.records() if one.address.kind == "line_item"]
    assert change.action is Action.CONFLICT
    named = f"{WORDS[object_]} {owner}"
    assert explained(change) == (
        f"it belongs to {named} in HubSpot\n"
        f"remove it from the manifests, or remove it from {named} there"
    )
    world.apply(plan)
    assert world.keys("orders")["A"] == 1
    assert world.dump("line_items")[item]["name"] == "theirs"
    assert world.dump_links() == before


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("object_", FOREIGN)
@pytest.mark.parametrize("identity", LINES)
def test_a_line_that_two_records_share_is_not_taken_over(
    build: Callable[..., World], object_: str, identity: str
) -> None:
    """A line item of the declared order is left alone if another record has it too."""
    world = build(identity={"line_item": identity})
    item = world.make("line_items", "L", hs_sku="L", name="theirs")
    parent = world.make("orders", "A")
    world.link(("line_items", item), ("orders", parent))
    owner = owner_of(world, object_, item)
    plan = world.plan(order("A", [sku(world, item)]))
    (change,) = [one for one in plan.records() if one.address.kind == "line_item"]
    assert change.action is Action.CONFLICT
    assert explained(change).startswith(f"it belongs to {WORDS[object_]} {owner} in HubSpot\n")
    world.apply(plan)
    assert world.dump("line_items")[item]["name"] == "theirs"


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("object_", PARENTS)
def test_a_line_that_lost_its_order_is_not_taken_from_another_record(
    world: World, object_: str
) -> None:
    """It is given back to its order only while it belongs to nobody."""
    world.converge(order("A", [line("A:1", name="x")]))
    item, here = world.id_of("line_items", "A:1"), world.id_of("orders", "A")
    world.unlink(("line_items", item), ("orders", here))
    owner = owner_of(world, object_, item)
    plan = world.plan()
    assert actions(plan) == {"line_item/A:1": Action.CONFLICT}
    assert f"it belongs to {WORDS[object_]} {owner} in" in explained(changes(plan)["line_item/A:1"])
    world.apply(plan)
    assert under(world, "A") == set()
    world.unlink(("line_items", item), (object_, owner))
    assert actions(world.plan()) == {"line_item/A:1": Action.ASSOCIATE}


@pytest.mark.matrix
@pytest.mark.parametrize("object_", PARENTS)
@pytest.mark.parametrize("how", ["absent", "line absent", "prune"])
@pytest.mark.parametrize("identity", [LINES[0], LINES[2]])
def test_a_line_that_another_record_has_too_is_not_archived(
    build: Callable[..., World], object_: str, how: str, identity: str
) -> None:
    """Nor is its order; letting go of it is offered, and works."""
    world = build(identity={"line_item": identity})
    lines = [line("A:1", hs_sku="1", name="x"), line("A:2", hs_sku="2", name="y")]
    world.converge(order("A", lines), order("B"))
    item = next(i for i, values in world.dump("line_items").items() if values["name"] == "x")
    owner = owner_of(world, object_, item)
    left = {
        "absent": [order("A", lifecycle=ABSENT), order("B")],
        "line absent": [order("A", [{"key": "A:1", "lifecycle": ABSENT}, lines[1]]), order("B")],
        "prune": [order("B")],
    }[how]
    plan = world.plan(*left, prune=how == "prune")
    conflicts = {"line_item/A:1"} if how == "line absent" else {*actions(plan)}
    assert actions(plan) == dict.fromkeys(conflicts, Action.CONFLICT)
    assert conflicts <= {"order/A", "line_item/A:1", "line_item/A:2"}
    named = f"{WORDS[object_]} {owner}"
    assert explained(changes(plan)["line_item/A:1"]) == (
        f"it belongs to {named} in HubSpot\n"
        f"stop managing it with lifecycle: {{state: forget}}, or remove it from {named} there"
    )
    world.apply(plan)
    assert set(world.dump("line_items")) >= {item}
    assert world.keys("orders")["A"] == 1

    forgotten = [{"key": "A:1", "lifecycle": {"state": "forget"}}, lines[1]]
    assert incomplete(world.apply(world.plan(order("A", forgotten), order("B")))) == ()
    assert item in world.dump("line_items")


@pytest.mark.parametrize("object_", ["orders", "carts"])
def test_a_line_that_another_order_has_too_is_not_updated(world: World, object_: str) -> None:
    """Both orders' money would change."""
    world.converge(order("A", [line("A:1", name="x")]))
    owner = owner_of(world, object_, world.id_of("line_items", "A:1"))
    assert world.plan().empty
    plan = world.plan(order("A", [line("A:1", name="y")]))
    assert actions(plan) == {"line_item/A:1": Action.CONFLICT}
    assert f"it belongs to {WORDS[object_]} {owner} in" in explained(changes(plan)["line_item/A:1"])


def test_two_other_records_are_both_named(world: World) -> None:
    """Each kind of foreign parent is a conflict."""
    item = world.make("line_items", "L", name="theirs")
    deal, quote = owner_of(world, "deals", item), owner_of(world, "quotes", item)
    why = explained(changes(world.plan(order("A", [line("L", name="x")])))["line_item/L"])
    assert why.startswith(f"it belongs to deal {deal}, quote {quote} in HubSpot\n")


def test_a_line_under_somebody_elses_order_may_belong_to_a_deal(world: World) -> None:
    """Standalone line items are looked at like nested ones."""
    parent, item = world.make("orders", "THEIRS"), world.make("line_items", "L", name="theirs")
    world.link(("line_items", item), ("orders", parent))
    owner_of(world, "deals", item)
    standing = {
        "kind": "line_item",
        "key": "L",
        "parent": {"order": {"key": "THEIRS"}},
        "properties": {"name": "ours"},
    }
    assert actions(world.plan(standing)) == {"line_item/L": Action.CONFLICT}


def test_only_lines_that_would_change_are_asked_for_their_parents(world: World) -> None:
    """An unchanged or new line costs nothing, an updated one no call for foreign parents."""
    several = [f"A:{n}" for n in range(130)]

    def declared(name: str) -> Document:
        return order("A", [line(key, name=name) for key in several])

    world.declare(declared("x"))
    world.forget_calls()
    world.plan()
    assert asked(world) == {}
    world.converge(declared("x"))
    world.forget_calls()
    assert world.plan().empty
    assert asked(world) == {}
    world.plan(declared("y"))
    assert asked(world) == {"orders": 1, "carts": 1}
    world.forget_calls()
    assert Action.ARCHIVE in actions(world.plan(order("A", lifecycle=ABSENT))).values()
    assert asked(world) == dict.fromkeys(PARENTS, 1)
    world.lose_state()
    world.forget_calls()
    world.plan(declared("x"))
    assert asked(world) == dict.fromkeys(PARENTS, 1)


@pytest.mark.parametrize("shape", ["private_app", "oauth"])
def test_a_missing_scope_is_a_warning_that_names_it(
    build: Callable[..., World], shape: Any
) -> None:
    """Whatever can be looked at is; the plan says what was not, in every form and when saved."""
    world = build(switches=Switches(missing_scopes_shape=shape))
    one, two = (world.make("line_items", key, name="theirs") for key in ("L", "M"))
    owner_of(world, "quotes", one)
    deal = owner_of(world, "deals", two)
    without(world, "quotes", "subscriptions")
    plan = world.plan(order("A", [line("L", name="x"), line("M", name="x")]))
    assert actions(plan) == {
        "order/A": Action.CREATE,
        "line_item/L": Action.UPDATE,
        "line_item/M": Action.CONFLICT,
    }
    assert f"deal {deal}" in explained(changes(plan)["line_item/M"])
    quotes, subscriptions = plan.unchecked
    assert quotes == (
        "it could not be checked whether line items belong to quotes: "
        "the token lacks the scope crm.objects.quotes.read (HTTP 403)"
    )
    assert "crm.objects.subscriptions.read" in subscriptions
    assert f"`warning: {quotes}`" in markdown(plan)
    assert quotes in to_json(plan, personal=False)
    saved, footer = load(b"".join(dump(plan, version="1", created="2026-01-01T00:00:00+00:00")))
    assert (saved, footer.content) == (plan, content_digest(plan))

    world.forget_calls()
    report = world.apply(plan)
    assert report.unchecked == plan.unchecked
    assert [s for a, s, _ in incomplete(report) if a == "line_item/L"] == []
    assert asked(world)["quotes"] == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Unable to infer object type from: invoices"),
        (404, "Unable to infer object type from: invoices"),
        (403, "You do not have permissions to view this object type"),
    ],
)
def test_an_account_without_such_objects_is_no_failure(
    build: Callable[..., World], status: int, message: str
) -> None:
    """What HubSpot answers for objects that an account does not have is not known."""
    world = build(proxy=Proxy)
    world.make("line_items", "L", name="theirs")
    world.proxy.hook = lambda _, path, __: (
        (status, {"status": "error", "message": message}) if "/invoices/" in path else None
    )
    plan = world.plan(order("A", [line("L", name="x")]))
    assert actions(plan)["line_item/L"] is Action.UPDATE
    (said,) = plan.unchecked
    assert message in said
    assert ("crm.objects.invoices.read" in said) is (status == 403)


@pytest.mark.parametrize(("object_", "status"), [("invoices", 404), ("orders", 403)])
def test_other_failures_of_reading_parents_end_the_plan(
    build: Callable[..., World], object_: str, status: int
) -> None:
    """A wrong path reveals nothing about the account, and orders and carts are ours to read."""
    world = build(proxy=Proxy)
    world.make("line_items", "L", name="theirs")
    world.proxy.hook = lambda _, path, __: (
        (status, {"status": "error", "message": "no"}) if f"line_items/{object_}/" in path else None
    )
    with pytest.raises(HubSpotError, match=f"HTTP {status}"):
        world.plan(order("A", [line("L", name="x")]))


def test_a_cart_is_asked_like_an_order(world: World) -> None:
    """A cart's line item that a quote has is left alone, and so is the cart."""
    world.converge(cart("C", [line("C:1", name="x")]))
    owner_of(world, "quotes", world.id_of("line_items", "C:1"))
    plan = world.plan(cart("C", lifecycle=ABSENT))
    assert set(actions(plan).values()) == {Action.CONFLICT}

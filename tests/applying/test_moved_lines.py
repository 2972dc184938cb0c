"""Line items that somebody moves to another record between the plan and the write."""

from collections import Counter
from collections.abc import Callable

import pytest
from proxy import Proxy
from world import (
    KEY,
    Document,
    World,
    actions,
    cart,
    changes,
    explained,
    incomplete,
    line,
    messages,
    order,
    statuses,
)

from reconcile.model.plan import Action, Plan
from reconcile.planning.cost import calls
from reconcile.sandbox import Switches
from reconcile.sandbox.scopes import ALL_SCOPES

ABSENT = {"state": "absent"}
WORDS = {
    "orders": "order",
    "carts": "cart",
    "deals": "deal",
    "quotes": "quote",
    "invoices": "invoice",
    "subscriptions": "subscription",
}
OWN = ("orders", "carts")
READS = "/crm/v4/associations/"


def gone(key: str) -> Document:
    """Declare an order that is not to be there."""
    return order(key, lifecycle=ABSENT)


def a_line(world: World, key: str) -> tuple[str, str]:
    """Return a line item's object and id."""
    return "line_items", world.id_of("line_items", key)


def an_order(world: World, key: str) -> tuple[str, str]:
    """Return an order's object and id."""
    return "orders", world.id_of("orders", key)


def move(world: World, item: tuple[str, str], start: tuple[str, str], end: tuple[str, str]) -> None:
    """Let somebody move a line item from one record to another."""
    world.unlink(item, start)
    world.link(item, end)


def parents(world: World, item: tuple[str, str]) -> set[tuple[str, str]]:
    """Return every record that a line item belongs to."""
    return {(object_, one) for object_ in WORDS for one in world.links(item, object_)}


def asked(world: World, start: str = "line_items") -> Counter[str]:
    """Return which associations were read in batches since the last ``forget_calls``."""
    paths = (call.path for call in world.sandbox.requests())
    prefix = f"{READS}{start}/"
    return Counter(
        path.removeprefix(prefix).removesuffix("/batch/read")
        for path in paths
        if path.startswith(prefix) and path.endswith("/batch/read")
    )


@pytest.fixture
def archiving(world: World) -> tuple[World, Plan]:
    """Return a world with a plan that archives O-55 with its two lines, beside O-6."""
    lines = [line("O-55:1", name="x"), line("O-55:2", name="y")]
    world.converge(order("O-55", lines), order("O-6"))
    plan = world.plan(gone("O-55"), order("O-6"))
    assert set(actions(plan).values()) == {Action.ARCHIVE}
    return world, plan


def test_a_line_that_moved_to_another_order_is_not_archived(
    archiving: tuple[World, Plan],
) -> None:
    """The saved plan leaves it where it is now, and says so like a fresh one."""
    world, plan = archiving
    item, here, there = a_line(world, "O-55:1"), an_order(world, "O-55"), an_order(world, "O-6")
    move(world, item, here, there)
    report = world.apply(plan)
    assert statuses(report) == {
        "order/O-55": "skipped",
        "line_item/O-55:1": "conflict",
        "line_item/O-55:2": "skipped",
    }
    said = f"it now belongs to order {there[1]} in HubSpot"
    assert messages(report)["line_item/O-55:1"] == said
    assert not report.complete
    assert parents(world, item) == {there}
    assert world.keys("line_items") == {"O-55:1": 1, "O-55:2": 1}
    why = explained(changes(world.plan())["line_item/O-55:1"])
    assert why.startswith(f"it belongs to order {there[1]} in HubSpot")


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("object_", WORDS)
@pytest.mark.parametrize("shared", [False, True], ids=["moved", "shared"])
def test_a_line_that_another_record_got_is_not_archived(
    archiving: tuple[World, Plan], object_: str, *, shared: bool
) -> None:
    """Whatever kind of record that is, and whether or not the order has it still."""
    world, plan = archiving
    item, here = a_line(world, "O-55:1"), an_order(world, "O-55")
    owner = object_, world.make(object_)
    world.link(item, owner)
    if not shared:
        world.unlink(item, here)
    report = world.apply(plan)
    assert statuses(report)["line_item/O-55:1"] == "conflict"
    assert messages(report)["line_item/O-55:1"] == (
        f"it now belongs to {WORDS[object_]} {owner[1]}{' too' if shared else ''} in HubSpot"
    )
    assert item[1] in world.dump("line_items")
    assert world.keys("orders")["O-55"] == 1


def test_a_line_that_left_its_order_is_not_archived(archiving: tuple[World, Plan]) -> None:
    """Somebody may be about to put it elsewhere; a fresh plan decides anew."""
    world, plan = archiving
    item, here = a_line(world, "O-55:1"), an_order(world, "O-55")
    world.unlink(item, here)
    report = world.apply(plan)
    assert messages(report)["line_item/O-55:1"] == (
        f"it no longer belongs to order {here[1]} in HubSpot"
    )
    assert item[1] in world.dump("line_items")
    assert incomplete(world.apply(world.plan())) == ()
    assert item[1] not in world.dump("line_items")


def test_a_line_of_nobody_that_somebody_takes_is_not_archived(
    archiving: tuple[World, Plan],
) -> None:
    """A plan that saw it without any parent holds for that alone."""
    world, _ = archiving
    item, here = a_line(world, "O-55:1"), an_order(world, "O-55")
    world.unlink(item, here)
    plan = world.plan()
    assert actions(plan)["line_item/O-55:1"] is Action.ARCHIVE
    world.link(item, here)
    report = world.apply(plan)
    assert statuses(report)["line_item/O-55:1"] == "conflict"
    assert f"it now belongs to order {here[1]} in" in messages(report)["line_item/O-55:1"]


def test_a_line_whose_order_was_merged_into_another_is_not_archived(
    archiving: tuple[World, Plan],
) -> None:
    """A merge moves the lines along, under a new id."""
    world, plan = archiving
    item = a_line(world, "O-55:1")
    into = world.merge("orders", world.id_of("orders", "O-6"), world.id_of("orders", "O-55"))
    report = world.apply(plan)
    assert {one for one, _ in statuses(report).items()} == set(actions(plan))
    assert "done" not in statuses(report).values()
    assert f"it now belongs to order {into} in" in messages(report)["line_item/O-55:1"]
    assert parents(world, item) == {("orders", into)}


def test_a_plan_that_is_applied_again_looks_at_parents_again(watched: World) -> None:
    """Going on with a run is no leave to archive what moved since it stopped."""
    watched.converge(order("A", [line("A:1", name="x")]), order("B"))
    plan = watched.plan(gone("A"), order("B"))
    watched.proxy.hook = lambda _, path, __: (
        (401, {"status": "error", "message": "expired"})
        if path.endswith("/batch/archive")
        else None
    )
    assert "done" not in statuses(watched.apply(plan)).values()
    watched.proxy.hook = None
    item, there = a_line(watched, "A:1"), an_order(watched, "B")
    move(watched, item, an_order(watched, "A"), there)
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "skipped", "line_item/A:1": "conflict"}
    assert parents(watched, item) == {there}


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("several", [1, 3])
@pytest.mark.parametrize("object_", OWN)
def test_a_line_that_moved_is_not_updated(world: World, several: int, object_: str) -> None:
    """By whichever endpoint; the others are."""
    keys = [f"A:{n}" for n in range(several)]
    world.converge(order("A", [line(key, name="x") for key in keys]), order("B"))
    plan = world.plan(order("A", [line(key, name="y") for key in keys]), order("B"))
    item, owner = a_line(world, "A:0"), (object_, world.make(object_))
    move(world, item, an_order(world, "A"), owner)
    report = world.apply(plan)
    assert incomplete(report) == (
        (
            "line_item/A:0",
            "conflict",
            f"it now belongs to {WORDS[object_]} {owner[1]} in HubSpot",
        ),
    )
    names = {v[KEY]: v["name"] for v in world.dump("line_items").values()}
    assert names == dict.fromkeys(keys, "y") | {"A:0": "x"}
    assert parents(world, item) == {owner}


def test_a_line_that_left_its_order_is_not_updated(world: World) -> None:
    """The plan did not say that it would be given back."""
    world.converge(order("A", [line("A:1", name="x")]))
    plan = world.plan(order("A", [line("A:1", name="y")]))
    world.unlink(a_line(world, "A:1"), an_order(world, "A"))
    assert statuses(world.apply(plan)) == {"line_item/A:1": "conflict"}
    assert world.record("line_items", "A:1")["name"] == "x"
    assert actions(world.plan()) == {"line_item/A:1": Action.UPDATE}
    assert incomplete(world.apply()) == ()


def test_a_line_whose_order_was_merged_is_not_updated(build: Callable[..., World]) -> None:
    """Whichever way batch reads answer for the order's former id."""
    for follows in (True, False):
        world = build(switches=Switches(batch_read_follows_merges=follows))
        world.converge(order("A", [line("A:1", name="x")]), order("B"))
        plan = world.plan(order("A", [line("A:1", name="y")]), order("B"))
        world.merge("orders", world.id_of("orders", "B"), world.id_of("orders", "A"))
        assert statuses(world.apply(plan)) == {"line_item/A:1": "conflict"}
        assert world.record("line_items", "A:1")["name"] == "x"


def test_a_line_is_not_made_under_an_order_that_is_gone_since(world: World) -> None:
    """Whether the order is unchanged, or changed by the plan too."""
    for memo in ("1", "2"):
        world.converge(order(f"A{memo}", memo="1"))
        plan = world.plan(order(f"A{memo}", [line(f"A{memo}:1", name="x")], memo=memo))
        world.archive(*an_order(world, f"A{memo}"))
        assert "done" not in statuses(world.apply(plan)).values()
        assert world.dump("line_items") == {}


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("object_", WORDS)
@pytest.mark.parametrize("edit", ["x", "theirs"], ids=["as declared", "otherwise"])
def test_a_line_that_another_record_got_is_not_taken_over(
    world: World, object_: str, edit: str
) -> None:
    """Nor is it recorded as ours where nothing was to be written."""
    item = "line_items", world.make("line_items", "A:1", name=edit)
    world.link(item, ("orders", world.make("orders", "A")))
    plan = world.plan(order("A", [line("A:1", name="x")]))
    assert changes(plan)["line_item/A:1"].adopts
    owner = object_, world.make(object_)
    world.link(item, owner)
    report = world.apply(plan)
    assert statuses(report) == {"order/A": "done", "line_item/A:1": "conflict"}
    assert f"it now belongs to {WORDS[object_]} {owner[1]} too in" in str(messages(report))
    assert world.dump("line_items")[item[1]]["name"] == edit
    with world.session() as session:
        assert {str(a) for _, a, _ in session.state().entries()} == {"order/a"}


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("object_", WORDS)
@pytest.mark.parametrize("name", ["x", "y"], ids=["associated", "updated too"])
def test_a_line_that_somebody_took_is_not_given_to_its_order(
    world: World, object_: str, name: str
) -> None:
    """It would have two parents then."""
    world.converge(order("A", [line("A:1", name="x")]))
    item = a_line(world, "A:1")
    world.unlink(item, an_order(world, "A"))
    plan = world.plan(order("A", [line("A:1", name=name)]))
    owner = object_, world.make(object_)
    world.link(item, owner)
    report = world.apply(plan)
    assert statuses(report) == {"line_item/A:1": "conflict"}
    assert f"it now belongs to {WORDS[object_]} {owner[1]} in" in str(messages(report))
    assert parents(world, item) == {owner}
    assert world.record("line_items", "A:1")["name"] == "x"


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("object_", WORDS)
def test_a_line_that_somebody_takes_while_it_is_written_gets_no_second_parent(
    watched: World, object_: str
) -> None:
    """What is associated last is looked at last, too."""
    watched.converge(order("A", [line("A:1", name="x")]))
    item = a_line(watched, "A:1")
    watched.unlink(item, an_order(watched, "A"))
    plan = watched.plan(order("A", [line("A:1", name="y")]))
    owner = object_, watched.make(object_)

    def take(method: str, _: str, __: object) -> None:
        if method == "PATCH":
            watched.link(item, owner)

    watched.proxy.hook = take
    report = watched.apply(plan)
    assert statuses(report) == {"line_item/A:1": "conflict"}
    assert parents(watched, item) == {owner}
    watched.proxy.hook = None
    assert actions(watched.plan()) == {"line_item/A:1": Action.CONFLICT}


def test_a_new_line_that_somebody_moves_at_once_gets_no_second_parent(
    build: Callable[..., World],
) -> None:
    """That it is not under its order does not always mean that its create lost it."""
    world = build(proxy=Proxy)
    world.converge(order("A"), order("B"))
    plan = world.plan(order("A", [line("A:1", name="x")]), order("B"))
    there = an_order(world, "B")
    moved: list[str] = []

    def take(_: str, path: str, __: object) -> None:
        if path.endswith("/line_items/orders/batch/read") and not moved:
            item = a_line(world, "A:1")
            moved.append(item[1])
            move(world, item, an_order(world, "A"), there)

    world.proxy.hook = take
    report = world.apply(plan)
    assert moved
    assert statuses(report) == {"line_item/A:1": "conflict"}
    assert parents(world, a_line(world, "A:1")) == {there}


def test_what_moves_in_the_very_moment_of_the_write_is_not_seen(watched: World) -> None:
    """HubSpot has no conditional writes: between the re-check and the write a gap remains."""
    watched.converge(order("A", [line("A:1", name="x")]), order("B"))
    plan = watched.plan(gone("A"), order("B"))
    item, here, there = a_line(watched, "A:1"), an_order(watched, "A"), an_order(watched, "B")

    def take(_: str, path: str, __: object) -> None:
        if path.endswith("/line_items/batch/archive"):
            move(watched, item, here, there)

    watched.proxy.hook = take
    assert incomplete(watched.apply(plan)) == ()
    assert watched.dump("line_items") == {}


def test_an_order_under_which_somebody_added_a_line_stays(world: World) -> None:
    """The plan shows how many lines of others are left without their order: not one more."""
    world.converge(order("A", [line("A:1", name="x")]), order("B", [line("B:1", name="x")]))
    for key in "AB":
        world.link(("line_items", world.make("line_items", name="there")), an_order(world, key))
    plan = world.plan(gone("A"), gone("B"))
    assert [unit.others for unit in plan.units] == [1, 1]
    for _ in range(2):
        world.link(("line_items", world.make("line_items", name="new")), an_order(world, "A"))
    report = world.apply(plan)
    assert statuses(report) == {
        "order/A": "conflict",
        "line_item/A:1": "skipped",
        "order/B": "done",
        "line_item/B:1": "done",
    }
    said = "2 line items were added under it in HubSpot since planning"
    assert messages(report)["order/A"] == said
    assert world.keys("orders") == {"A": 1}
    assert incomplete(world.apply(world.plan())) == ()
    assert world.dump("orders") == {}


def test_a_cart_under_which_somebody_added_a_line_stays(world: World) -> None:
    """One line item is spoken of as one."""
    world.converge(cart("C", memo="1"))
    plan = world.plan(cart("C", lifecycle=ABSENT))
    there = "carts", world.id_of("carts", "C")
    world.link(("line_items", world.make("line_items", name="new")), there)
    assert messages(world.apply(plan)) == {
        "cart/C": "1 line item was added under it in HubSpot since planning"
    }
    assert world.keys("carts") == {"C": 1}


def test_a_missing_scope_lets_the_apply_go_on_and_is_said(world: World) -> None:
    """The token that applies may have fewer scopes than the one that planned."""
    world.converge(order("A", [line("A:1", name="x")]), order("B", [line("B:1", name="x")]))
    plan = world.plan(gone("A"), gone("B"))
    assert plan.unchecked == ()
    deal = "deals", world.make("deals")
    world.link(a_line(world, "B:1"), deal)
    lacking = {"crm.objects.quotes.read"}
    world.environ["TOKEN"] = world.sandbox.add_token(ALL_SCOPES - lacking)
    report = world.apply(plan)
    assert [address for address, *_ in incomplete(report)] == ["order/B", "line_item/B:1"]
    assert report.unchecked == (
        "it could not be checked whether line items belong to quotes: "
        "the token lacks the scope crm.objects.quotes.read (HTTP 403)",
    )


def test_an_update_asks_once_for_each_kind_of_parent_and_batch(world: World) -> None:
    """Orders and carts alone; an archive asks for every kind, and what is under the order.

    An order that goes with its line items is looked at before any of them, and once more later.
    """
    several = [f"A:{n}" for n in range(130)]

    def declared(name: str) -> Document:
        return order("A", [line(key, name=name) for key in several])

    world.converge(declared("x"))
    plan = world.plan(declared("y"))
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    assert asked(world) == {"orders": 2, "carts": 2}
    assert abs(calls(plan) - len(world.sandbox.requests())) <= 2

    plan = world.plan(gone("A"))
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    assert asked(world) == dict.fromkeys(WORDS, 4)
    assert asked(world, "orders") == {"line_items": 2}
    assert abs(calls(plan) - len(world.sandbox.requests())) <= 2


def test_adopting_and_giving_back_are_estimated_with_all_their_reads(world: World) -> None:
    """All kinds of parents are asked, and once more where the association is made."""
    document = order("A", [line("A:1", name="x"), line("A:2", name="y")])
    world.converge(document)
    world.lose_state()
    world.unlink(a_line(world, "A:2"), an_order(world, "A"))
    plan = world.plan(document)
    world.forget_calls()
    assert incomplete(world.apply(plan)) == ()
    # The two reads of what stands, before and after, are of the orders alone.
    assert asked(world) == dict.fromkeys(WORDS, 2) | {"orders": 4}
    assert abs(calls(plan) - len(world.sandbox.requests())) <= 2

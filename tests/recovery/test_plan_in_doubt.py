"""What a plan says of units to which an interrupted run has in-doubt writes: they are left out."""

import json
from collections.abc import Callable

import pytest
from proxy import DROP, Proxy
from world import Document, World, actions, line, messages, order, statuses

from reconcile import workflow
from reconcile.model.address import Address
from reconcile.planning.plan_file import dump, load
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.plan_lines import plan_lines
from reconcile.render.plan_view import view
from reconcile.sandbox import Switches
from tests.recovery.interrupting import leave_unfinished

IN_DOUBT = (Address("order", "A"), Address("order", "B"))


@pytest.fixture
def interrupted(watched: World) -> World:
    """A project whose run was interrupted while orders A and B were sent."""
    leave_unfinished(watched)
    watched.proxy.hook = None
    return watched


def test_only_units_in_doubt_are_left_out(interrupted: World) -> None:
    """A new order is planned; the two in doubt are named first, with the way out."""
    plan = interrupted.plan(order("A"), order("B"), order("C", [line("C:1")]), in_doubt=True)
    assert plan.in_doubt == IN_DOUBT
    assert actions(plan) == {"order/C": "create", "line_item/C:1": "create"}
    text = [line.text() for line in plan_lines(view(plan, personal=True))]
    assert text[2:4] == [
        "Left out, because an interrupted run wrote to them and the outcome is not known yet: "
        "order/A, order/B",
        "  hint: `reconcile resume` continues that run; any apply first finds out what became of "
        "its writes",
    ]
    assert text[-2] == "Plan: 1 order, 1 line item to create; 2 units left out (in doubt)."


def test_a_plan_of_nothing_else_does_not_say_no_changes(interrupted: World) -> None:
    """Nobody knows yet whether there are changes."""
    plan = interrupted.plan(order("A"), order("B"), in_doubt=True)
    assert plan.empty
    seen = view(plan, personal=True)
    assert seen.footer == "Plan: 2 units left out (in doubt)."
    shown = markdown(plan)
    assert shown.index("order/A, order/B") < shown.index(seen.footer)
    assert json.loads(to_json(plan, personal=True))["in_doubt"] == ["order/A", "order/B"]


def test_a_plan_file_keeps_what_is_left_out(interrupted: World) -> None:
    """`show` names the units as `plan` did."""
    plan = interrupted.plan(order("A"), order("B"), in_doubt=True)
    data = b"".join(dump(plan, version="0", created="2026-01-01T00:00:00+00:00"))
    assert load(data)[0].in_doubt == IN_DOUBT


def test_what_refers_to_a_record_that_may_come_is_left_out_too(watched: World) -> None:
    """A cart of an order that does not show waits for it; so does what refers to the cart."""
    leave_unfinished(watched, carried_out=False)
    watched.proxy.hook = None
    cart = {"kind": "cart", "key": "T", "associations": {"order": [{"key": "A"}]}}
    other = order("D", associations={"cart": [{"key": "T"}]})
    plan = watched.plan(order("A"), order("B"), cart, other, order("E"), in_doubt=True)
    assert plan.in_doubt == (Address("cart", "T"), *IN_DOUBT, Address("order", "D"))
    assert actions(plan) == {"order/E": "create"}


def test_a_renamed_unit_in_doubt_is_left_out(interrupted: World) -> None:
    """The unit is known by its former address."""
    plan = interrupted.plan(order("A2", moved_from="A"), order("B"), in_doubt=True)
    assert plan.in_doubt == (Address("order", "A2"), Address("order", "B"))


def test_an_apply_of_the_rest_resolves_what_was_left_out(interrupted: World) -> None:
    """Applying such a plan first finds out what became of the writes; the next plan has them."""
    interrupted.apply(interrupted.plan(order("A"), order("B"), order("C"), in_doubt=True))
    assert interrupted.plan().in_doubt == ()
    interrupted.converge(order("A"), order("B"), order("C"))
    assert interrupted.keys("orders") == {"A": 1, "B": 1, "C": 1}


def within_parent(build: Callable[..., World]) -> World:
    """Return a project with orders A and B, line items found within them by ``hs_sku``."""
    world = build(
        identity={"line_item": "within_parent:hs_sku"},
        proxy=Proxy,
        switches=Switches(line_items_may_have_unique_properties=False),
    )
    world.converge(order("A"), order("B"))
    return world


def item() -> Document:
    """Return the line item that is declared under one order and then under the other."""
    return line("L", hs_sku="1", name="Mug")


def test_a_line_in_doubt_that_is_moved_in_git_is_made_once(build: Callable[..., World]) -> None:
    """Both orders wait: the one under which it was sent, and the one it is declared under now."""
    world = within_parent(build)
    world.declare(order("A", [item()]), order("B"))

    def lose(_: str, path: str, __: object) -> str | None:
        if path.endswith("line_items/batch/create"):
            world.proxy.hook = lambda *_: (403, {"category": "INVALID_AUTHENTICATION"})
            return DROP
        return None

    world.proxy.hook = lose
    assert world.apply().resumable
    world.proxy.hook = None
    plan = world.plan(order("A"), order("B", [item()]), in_doubt=True)
    assert (plan.units, plan.in_doubt) == ((), (Address("order", "A"), Address("order", "B")))
    assert world.apply(plan).left_out == plan.in_doubt
    assert "line_item/L" in statuses(world.apply())
    assert len(world.ever("line_items")) == 1
    world.converge(order("A", [item()]), order("B"))
    assert len(world.ever("line_items")) == 1


def test_a_line_that_the_state_has_elsewhere_is_not_made(build: Callable[..., World]) -> None:
    """A plan from before another apply made the record under another order is stale for it."""
    world = within_parent(build)
    older = world.plan(order("A"), order("B", [item()]))
    world.converge(order("A", [item()]), order("B"))
    report = world.apply(older)
    assert messages(report)["line_item/L"] == "the state has changed since planning; plan again"
    assert len(world.ever("line_items")) == 1


def test_some_paths_wait_for_what_they_refer_to_beside_them(watched: World) -> None:
    """A cart that is planned alone waits for the order that may not exist."""
    leave_unfinished(watched, carried_out=False)
    watched.proxy.hook = None
    cart = {"kind": "cart", "key": "T", "associations": {"order": [{"key": "A"}]}}
    watched.declare(order("A"), order("B"), cart)
    everything = watched.units()
    (some,) = [unit for unit in everything if unit.address.kind == "cart"]
    with watched.session() as session:
        plan = workflow.plan(session, [some], declared=everything)
    assert (plan.units, plan.in_doubt) == ((), (Address("cart", "T"),))

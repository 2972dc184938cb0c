"""Applying beside drift that is left alone: it costs nothing, and is remembered as it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from proxy import DROP
from world import (
    COMPANIES,
    EMAILS,
    KEY,
    Document,
    World,
    actions,
    changes,
    drifted,
    held,
    incomplete,
    line,
    messages,
    order,
    statuses,
)

import reconcile
from reconcile.applying import rereads
from reconcile.applying.readback import NOT_SHOWN
from reconcile.model.address import Address
from reconcile.model.plan import Action, Plan, Reason
from reconcile.model.records import LastApplied
from reconcile.sandbox.faults import Edit, StoreAs

A = Address("order", "A")
PAYER = ("HUBSPOT_DEFINED", 509)


def entry(world: World, address: Address = A, unit: Address = A) -> LastApplied:
    """Return what the state has of a record."""
    with world.session() as session:
        return session.state().unit(unit)[address.folded()]


def memory(world: World) -> tuple[object, ...]:
    """Return what the state has of order A, but for the run that wrote it and the whole's hash."""
    one = entry(world)
    return one.value_hashes["memo"], one.links, one.parent, one.key, one.id


def drifting(world: World, *, memo: str = "theirs") -> None:
    """Order A is applied with a contact; then others edit one field and remove the contact."""
    world.converge(declared("1"))
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, memo=memo)
    contact = next(iter(world.links(("orders", id_), "contacts")))
    world.unlink(("orders", id_), ("contacts", contact))


def declared(total: str) -> Document:
    """Return order A, of which git changes the total alone."""
    contacts = {"contact": [{"email": EMAILS[0]}]}
    return order("A", memo="ours", hs_external_order_id=total, associations=contacts)


def left(plan: Plan) -> dict[str, list[str]]:
    """Return what a plan leaves alone, and see that it holds nothing back."""
    assert held(plan) == {}
    return drifted(plan)


def lose_answer(world: World, path: str) -> None:
    """Have the next write under a path carried out and its answer lost; nothing answers later."""
    down: list[str] = []

    def hook(method: str, called: str, _: object) -> str | tuple[int, object] | None:
        if down:
            return 503, {"status": "error", "message": "Down for maintenance"}
        if method == "PATCH" and path in called:
            down.append(called)
            return DROP
        return None

    world.proxy.hook = hook


def without(id_: str) -> Callable[[str, str, object], tuple[int, object] | None]:
    """Return a hook of the proxy: once an order is written, no read finds it any more."""
    written: list[str] = []

    def hook(method: str, path: str, _: object) -> tuple[int, object] | None:
        if method == "PATCH" and "/orders/" in path:
            written.append(path)
        if written and path.endswith("/orders/batch/read"):
            return 200, {"status": "COMPLETE", "results": []}
        if written and method == "GET" and path.endswith(f"/orders/{id_}"):
            return 404, {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone"}
        return None

    return hook


def test_what_is_left_alone_stays_remembered_byte_for_byte(world: World) -> None:
    """Both hashes of the field, and the association, are those of the apply that wrote them."""
    drifting(world)
    before = memory(world)
    for total in ("2", "3"):
        plan = world.plan(declared(total), allow={})
        assert [field.name for field in changes(plan)["order/A"].fields] == ["hs_external_order_id"]
        assert left(plan) == {"order/A": ["memo", "contact"]}
        report = world.apply(plan)
        assert report.complete
        assert memory(world) == before
        assert left(world.plan(allow={})) == {"order/A": ["memo", "contact"]}
        assert world.plan(allow={}).empty
    assert world.record("orders", "A")["memo"] == "theirs"
    assert world.links(("orders", world.id_of("orders", "A")), "contacts") == {}


def test_a_rewritten_value_that_drifts_keeps_what_hubspot_made_of_it(world: World) -> None:
    """Put back by whoever edited it, it is as declared again."""
    world.sandbox.faults.add(StoreAs({"memo": "rue de la paix"}), writes=True)
    world.converge(order("A", memo="Rue  de la Paix ", hs_tags="1"))
    world.sandbox.faults.clear()
    hashes = entry(world).value_hashes["memo"]
    assert hashes.read not in ("", hashes.written)
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, memo="theirs")
    world.apply(world.plan(order("A", memo="Rue  de la Paix ", hs_tags="2"), allow={}))
    assert entry(world).value_hashes["memo"] == hashes
    world.edit("orders", id_, memo="rue de la paix")
    assert world.plan(allow={}).units == ()


def test_drift_beside_a_change_costs_no_call_and_no_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the declared value to show, and nothing is reported of it."""
    waited: list[float] = []
    monkeypatch.setattr(world, "sleep", waited.append)
    world.converge(declared("1"))
    waited.clear()
    plain = world.apply(world.plan(declared("2"), allow={}))
    assert waited == [rereads.WAITS[0]]
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, memo="theirs")
    waited.clear()
    report = world.apply(world.plan(declared("3"), allow={}))
    assert waited == [rereads.WAITS[0]]
    assert report.calls == plain.calls
    (outcome,) = report.outcomes
    assert (outcome.status.value, outcome.message) == ("done", "")
    assert (outcome.not_persisted, outcome.rewrites, outcome.overwrites) == ((), (), ())
    assert report.complete


def test_editing_what_is_left_alone_before_the_apply_changes_nothing(world: World) -> None:
    """The re-check reads what is to be written, and no more than that."""
    drifting(world)
    before = memory(world)
    plan = world.plan(declared("2"), allow={})
    id_ = world.id_of("orders", "A")
    world.edit("orders", id_, memo="theirs again")
    assert statuses(world.apply(plan)) == {"order/A": "done"}
    assert memory(world) == before
    assert world.record("orders", "A")["memo"] == "theirs again"
    assert left(world.plan(allow={})) == {"order/A": ["memo", "contact"]}


def test_drift_that_goes_away_before_the_apply_is_as_declared(world: World) -> None:
    """Somebody puts it back, and the next plan says nothing of it."""
    drifting(world)
    plan = world.plan(declared("2"), allow={})
    world.edit("orders", world.id_of("orders", "A"), memo="ours")
    assert statuses(world.apply(plan)) == {"order/A": "done"}
    assert left(world.plan(allow={})) == {"order/A": ["contact"]}


def test_an_edit_right_after_the_write_is_drift_for_ever_after(watched: World) -> None:
    """HubSpot never showed what was written; a run that is resumed does not stumble over that."""

    def document(memo: str, total: str, name: str) -> Document:
        return order("A", [line("A:1", name=name)], memo=memo, hs_external_order_id=total)

    watched.converge(document("old", "1", "x"))
    id_ = watched.id_of("orders", "A")
    edit = Edit(f"orders/{KEY}=A", {"memo": "theirs"}, after=True)
    watched.sandbox.faults.add(edit, method="PATCH", times=1)
    report = watched.apply(watched.plan(document("ours", "1", "x")))
    assert statuses(report) == {"order/A": "conflict"}
    hashes = entry(watched).value_hashes["memo"]
    assert hashes.read == ""
    plan = watched.plan(document("ours", "2", "y"), allow={})
    assert left(plan) == {"order/A": ["memo"]}
    lose_answer(watched, "/orders/")
    assert watched.apply(plan).resumable
    watched.proxy.hook = None
    watched.recover()
    report = watched.apply(plan)
    assert statuses(report) == {"order/A": "done", "line_item/A:1": "done"}
    assert entry(watched).value_hashes["memo"] == hashes
    assert left(watched.plan(allow={})) == {"order/A": ["memo"]}
    assert watched.record("orders", "A")["memo"] == "theirs"
    assert watched.record("orders", "A")["id"] == id_


def test_a_label_that_others_removed_is_left_alone(world: World) -> None:
    """It stays ours, so that taking it out of the manifest is no news either."""

    def document(memo: str) -> Document:
        payer = {"company": [{"id": COMPANIES[0], "label": "Payer"}]}
        return order("A", memo=memo, associations=payer)

    world.converge(document("1"))
    id_ = world.id_of("orders", "A")
    world.unlink(("orders", id_), ("companies", COMPANIES[0]))
    for memo in ("2", "3"):
        plan = world.plan(document(memo), allow={})
        assert left(plan) == {"order/A": ["company"]}
        assert incomplete(world.apply(plan)) == ()
    assert world.links(("orders", id_), "companies") == {}
    assert incomplete(world.apply(world.plan(order("A", memo="3"), allow={}))) == ()
    assert world.plan(allow={}).units == ()


def test_a_change_of_a_line_item_that_lost_its_order_is_held_back(world: World) -> None:
    """Git changes a value of it, and others took it out: both sides have moved."""
    world.converge(order("A", [line("A:1", name="x", price="1")], memo="1"))
    item, id_ = world.id_of("line_items", "A:1"), world.id_of("orders", "A")
    world.unlink(("line_items", item), ("orders", id_))
    assert left(world.plan(allow={})) == {"line_item/A:1": ["order"]}
    assert left(world.plan(order("A", [line("A:1", name="x", price="1")], memo="2"), allow={})) == {
        "line_item/A:1": ["order"]
    }
    plan = world.plan(order("A", [line("A:1", name="y", price="1")], memo="2"), allow={})
    assert held(plan) == {"order/A": Action.UPDATE, "line_item/A:1": Action.UPDATE}
    before = entry(world)
    world.forget_calls()
    report = world.apply(plan)
    assert (report.held, report.outcomes, world.writes()) == (
        tuple(map(Address.parse, held(plan))),
        (),
        [],
    )
    assert entry(world) == before
    plan = world.plan(allow={"both": 1})
    assert statuses(world.apply(plan)) == {"order/A": "done", "line_item/A:1": "done"}
    assert world.links(("line_items", item), "orders").keys() == {id_}
    assert world.plan(allow={}).units == ()


def test_a_line_item_that_others_moved_is_not_updated_under_its_new_order(world: World) -> None:
    """It is another order's now, which git does not mean."""
    world.converge(order("A", [line("A:1", name="x")]), order("B"))
    item = world.id_of("line_items", "A:1")
    world.unlink(("line_items", item), ("orders", world.id_of("orders", "A")))
    world.link(("line_items", item), ("orders", world.id_of("orders", "B")))
    assert left(world.plan(allow={})) == {"line_item/A:1": ["order"]}
    plan = world.plan(order("A", [line("A:1", name="y")]), order("B"), allow={})
    assert actions(plan) == {"line_item/A:1": Action.CONFLICT}


def test_resolving_a_write_in_doubt_keeps_what_is_left_alone(watched: World) -> None:
    """What HubSpot shows of the record is not what the apply was to remember of it."""
    drifting(watched)
    before = memory(watched)
    plan = watched.plan(declared("2"), allow={})
    lose_answer(watched, "/orders/")
    assert watched.apply(plan).resumable
    watched.proxy.hook = None
    watched.recover()
    assert memory(watched) == before
    assert watched.record("orders", "A")["hs_external_order_id"] == "2"
    assert left(watched.plan(allow={})) == {"order/A": ["memo", "contact"]}


@pytest.mark.parametrize("memo", ["1", "2"])
def test_drift_of_at_most_no_record_is_left_alone(world: World, memo: str, tmp_path: Path) -> None:
    """A program computes the number: beside what is held back too, and in a saved plan."""
    world.converge(*(order(key, memo="1", weight="1") for key in "AB"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs", weight="9")
    world.edit("orders", world.id_of("orders", "B"), weight="9")
    world.declare(*(order(key, memo=memo, weight="1") for key in "AB"))
    with reconcile.open(world.folder, environ=world.environ).connect() as account:
        plan = account.plan(allow={"drift": 0})
        assert plan == account.plan()
    assert "order/B" in drifted(plan.data)
    plan.save(tmp_path / "saved")
    assert reconcile.load_plan(tmp_path / "saved").data == plan.data


@pytest.mark.parametrize("shown", ["shown later", "edited"])
def test_a_write_that_no_read_shows_keeps_what_is_left_alone(watched: World, shown: str) -> None:
    """What was written is not known then; what was not is still the drift that it was."""
    drifting(watched)
    before = memory(watched)
    id_ = watched.id_of("orders", "A")
    plan = watched.plan(declared("2"), allow={})
    watched.proxy.hook = without(id_)
    report = watched.apply(plan)
    watched.proxy.hook = None
    assert messages(report) == {"order/A": NOT_SHOWN}
    assert memory(watched) == before
    if shown == "shown later":
        plan = watched.plan(allow={})
        assert actions(plan) == {"order/A": Action.ADOPT}
        assert left(plan) == {"order/A": ["memo", "contact"]}
        assert watched.apply(plan).complete
        assert memory(watched) == before
        assert left(watched.plan(allow={})) == {"order/A": ["memo", "contact"]}
        return
    watched.edit("orders", id_, hs_external_order_id="theirs")
    plan = watched.plan(allow={})
    assert held(plan) == {"order/A": Action.UPDATE}
    assert drifted(plan) == {"order/A": ["memo", "contact"]}
    (change,) = plan.units[0].held
    assert {one.name: one.reason for one in change.fields} == {
        "hs_external_order_id": Reason.UNKNOWN
    }
    assert watched.apply(watched.plan(allow={"unknown": 1})).complete
    assert memory(watched) == before
    assert watched.record("orders", "A")["memo"] == "theirs"


def test_putting_back_after_a_write_that_no_read_shows(watched: World) -> None:
    """The state knows that value, so that a plan may say who changed it."""
    drifting(watched)
    watched.proxy.hook = without(watched.id_of("orders", "A"))
    watched.apply(watched.plan(declared("2"), allow={}))
    watched.proxy.hook = None
    assert incomplete(watched.apply(watched.plan(allow={"drift": 1}))) == ()
    assert watched.record("orders", "A")["memo"] == "ours"
    assert watched.plan(allow={}).units == ()


def test_an_archive_after_a_write_that_no_read_shows_is_held_back(watched: World) -> None:
    """Nobody has looked at the values that would go."""
    watched.converge(order("A", weight="1"))
    watched.proxy.hook = without(watched.id_of("orders", "A"))
    watched.apply(watched.plan(order("A", weight="2"), allow={}))
    watched.proxy.hook = None
    watched.declare(order("A", lifecycle={"state": "absent"}))
    assert held(watched.plan(allow={})) == {"order/A": Action.ARCHIVE}
    assert actions(watched.plan(allow={"unknown": 1})) == {"order/A": Action.ARCHIVE}

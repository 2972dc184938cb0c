"""Guards: values of others that no plan overwrites unless somebody allows it."""

import json
import re
from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

import pytest
from held import guards, held, holds
from world import KEY, World, actions, changes, explained, incomplete, line, order, statuses

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions, Property
from reconcile.model.explanation import Explanation
from reconcile.model.plan import (
    Action,
    FieldChange,
    LinkChange,
    Plan,
    Reason,
    RecordChange,
    TargetPin,
    UnitChange,
)
from reconcile.model.records import Link
from reconcile.planning.assemble import assemble
from reconcile.planning.changes import as_conflict
from reconcile.project import load_settings
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.state.hash_key import VARIABLE

ABSENT = {"state": "absent"}
OTHER = order("OTHER", memo="x")


def reasons(plan: Plan, address: str) -> dict[str, Reason]:
    """Return the reasons by property."""
    return {field.name: field.reason for field in changes(plan)[address].fields}


# The hash key


def _delete(world: World) -> None:
    (world.settings.local_folder / "key").unlink()


def _replace(world: World) -> None:
    (world.settings.local_folder / "key").write_bytes(b"k" * 32)


def _override(world: World) -> None:
    world.environ[VARIABLE] = "another key, long enough"


LOSSES = pytest.mark.parametrize("lose", [_delete, _replace, _override])


@LOSSES
def test_without_the_hash_key_others_edits_wait_for_the_guard(
    world: World, lose: Callable[[World], None]
) -> None:
    """Then it is unknown who changed a value, even if the manifest did."""
    world.converge(order("DRIFTED", memo="1"), order("BOTH", memo="1"), order("EDITED", memo="1"))
    for key in ("DRIFTED", "BOTH"):
        world.edit("orders", world.id_of("orders", key), memo="theirs")
    lose(world)

    plan = world.plan(
        order("DRIFTED", memo="1"), order("BOTH", memo="2"), order("EDITED", memo="2", weight="3")
    )

    found = {field.reason for change in plan.records() for field in change.fields}
    assert found == {Reason.UNKNOWN}
    assert guards(plan) == {"unknown": 3}
    holds(world, plan, "unknown")
    assert world.record("orders", "DRIFTED")["memo"] == "theirs"


@LOSSES
def test_an_apply_makes_hashes_anew_and_reasons_known(
    world: World, lose: Callable[[World], None]
) -> None:
    """Records that are as declared need no leave, and later edits count as drift again."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"), OTHER)
    lose(world)
    plan = world.plan(allow={})
    assert set(actions(plan).values()) == {Action.ADOPT}
    assert guards(plan) == {}
    assert world.apply(plan).complete
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    plan = world.plan()
    assert reasons(plan, "order/A") == {"memo": Reason.DRIFT}
    assert guards(plan) == {}


def test_what_one_apply_left_alone_stays_unknown(world: World) -> None:
    """An apply of some records with a new key makes no hashes for the others."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    for key in ("A", "B"):
        world.edit("orders", world.id_of("orders", key), memo="theirs")
    _delete(world)
    world.apply(world.plan(order("A", memo="1")))
    plan = world.plan(order("A", memo="1"), order("B", memo="2"))
    assert reasons(plan, "order/B") == {"memo": Reason.UNKNOWN}
    assert guards(plan) == {"unknown": 1}


@LOSSES
def test_what_is_archived_without_the_hash_key_waits_for_the_guard(
    world: World, lose: Callable[[World], None]
) -> None:
    """The plan shows the values that go, and an edit after planning stops it."""
    world.converge(order("A", memo="1"), OTHER)
    record = world.id_of("orders", "A")
    world.edit("orders", record, memo="theirs")
    lose(world)

    plan = world.plan(order("A", lifecycle=ABSENT), OTHER)

    assert reasons(plan, "order/A") == {KEY: Reason.CHANGE, "memo": Reason.UNKNOWN}
    assert guards(plan) == {"unknown": 1}
    holds(world, plan, "unknown")
    world.edit("orders", record, memo="theirs too")
    assert statuses(world.apply(plan))["order/A"] == "conflict"
    assert record in world.dump("orders")


def test_a_record_that_was_never_read_back_is_judged_by_its_history(watched: World) -> None:
    """What it holds by the time it shows may be somebody's: history shows whether it is ours."""
    watched.declare(order("A", memo="1"), OTHER)

    def leave_out(method: str, path: str, answer: Any) -> Any:
        """HubSpot does not show the new record for a while."""
        if not path.endswith("/orders/batch/read"):
            return answer
        shown = [one for one in answer["results"] if one["properties"].get("memo") != "1"]
        return answer | {"results": shown}

    def deny(method: str, path: str, body: Any) -> tuple[int, Any] | None:
        """Nor where it is asked for that record alone."""
        alone = method == "GET" and re.fullmatch(r".*/orders/(\d+|A)", path)
        return (404, {"status": "error", "message": "resource not found"}) if alone else None

    watched.proxy.edit, watched.proxy.hook = leave_out, deny
    assert statuses(watched.apply())["order/A"] == "unknown"
    watched.proxy.edit = watched.proxy.hook = None
    watched.edit("orders", watched.id_of("orders", "A"), memo="theirs")
    watched.recover()

    plan = watched.plan()

    assert reasons(plan, "order/A") == {"memo": Reason.DRIFT}


def test_no_setting_lets_unknown_records_in(world: World) -> None:
    """Who changed the value is unknown, so it is not drift that the project file may put back."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), memo="theirs")
    _delete(world)
    project = world.folder / "reconcile.yaml"
    text = json.loads(project.read_text()) | {"drift": {"order": {"memo": "revert"}}}
    project.write_text(json.dumps(text))
    world.settings = load_settings(world.folder, target=None, environ=world.environ)
    assert held(world.plan(allow={})).keys() == {"order/A"}
    holds(world, world.plan(), "unknown")


# Values that reconcile has never seen


def test_a_value_set_by_others_before_its_property_was_managed_needs_leave(world: World) -> None:
    """Whoever adds the property to the manifest cannot know that somebody had set it."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), hs_tags="HUMAN")

    plan = world.plan(order("A", memo="1", hs_tags="git"))

    assert reasons(plan, "order/A") == {"hs_tags": Reason.UNSEEN}
    assert guards(plan) == {"adopt-update": 1}
    holds(world, plan, "adopt-update")
    assert world.record("orders", "A")["hs_tags"] == "HUMAN"
    assert incomplete(world.apply(plan)) == ()
    assert world.plan().empty


def test_an_empty_property_is_managed_without_leave(world: World) -> None:
    """Nothing is overwritten; and what holds the declared value already is left as it is."""
    world.converge(order("A", memo="1"), order("B", memo="1"))
    world.edit("orders", world.id_of("orders", "B"), hs_tags="git")
    plan = world.plan(order("A", memo="1", hs_tags="git"), order("B", memo="1", hs_tags="git"))
    assert reasons(plan, "order/A") == {"hs_tags": Reason.CHANGE}
    assert changes(plan)["order/B"].action is Action.ADOPT
    assert guards(plan) == {}


def test_a_value_never_seen_is_not_cleared_without_leave(world: World) -> None:
    """Declaring a property empty overwrites as well."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), hs_tags="HUMAN")
    plan = world.plan(order("A", memo="1", hs_tags=""))
    assert reasons(plan, "order/A") == {"hs_tags": Reason.UNSEEN}
    holds(world, plan, "adopt-update")


def test_a_property_that_was_managed_once_is_new_again(world: World) -> None:
    """The state has no hash of an unmanaged value, so it is unknown who changed it meanwhile."""
    world.converge(order("A", memo="1", hs_tags="git"))
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), hs_tags="HUMAN")
    plan = world.plan(order("A", memo="1", hs_tags="git"))
    assert reasons(plan, "order/A") == {"hs_tags": Reason.UNSEEN}
    holds(world, plan, "adopt-update")


def test_a_property_that_is_not_ignored_any_more_is_new(world: World) -> None:
    """Others were free to change it while it was ignored."""
    world.converge(order("A", memo="1", lifecycle={"ignore": ["memo"]}))
    world.edit("orders", world.id_of("orders", "A"), memo="HUMAN")
    plan = world.plan(order("A", memo="1"))
    assert reasons(plan, "order/A") == {"memo": Reason.UNSEEN}
    holds(world, plan, "adopt-update")


def test_of_an_adopted_record_only_values_count(world: World) -> None:
    """Filling what is empty takes nothing from anybody."""
    world.make("orders", "EMPTY")
    world.make("orders", "HELD", memo="theirs")
    plan = world.plan(order("EMPTY", memo="ours"), order("HELD", memo="ours", weight="1"))
    assert reasons(plan, "order/EMPTY") == {"memo": Reason.CHANGE}
    assert reasons(plan, "order/HELD") == {"memo": Reason.UNSEEN, "weight": Reason.CHANGE}
    assert guards(plan) == {"adopt-update": 1}


def test_a_key_that_its_manifest_moves_is_no_value_of_others(world: World) -> None:
    """The manifest names the former one; values beside it count as everywhere."""
    world.make("orders", "OLD", memo="theirs")
    moved = {"moved_from": "OLD"}
    plan = world.plan(order("NEW", **moved))
    assert reasons(plan, "order/NEW") == {KEY: Reason.CHANGE}
    assert guards(plan) == {}
    assert guards(world.plan(order("NEW", memo="ours", **moved))) == {"adopt-update": 1}


@pytest.mark.parametrize("how", ["id", "within_parent"])
def test_however_records_are_found_values_never_seen_need_leave(
    build: Callable[..., World], how: str
) -> None:
    """The rule is about values, and not about keys."""
    if how == "id":
        world = build(identity={"order": "id"})
        record = world.make("orders", memo="theirs")
        document, address = order(record, memo="ours"), f"order/{record}"
    else:
        world = build(identity={"line_item": "within_parent:hs_sku"})
        world.converge(order("A"))
        item = world.make("line_items", hs_sku="1", memo="theirs")
        world.link(("line_items", item), ("orders", world.id_of("orders", "A")))
        document = order("A", [line("A:1", hs_sku="1", memo="ours")])
        address = "line_item/A:1"
    plan = world.plan(document)
    assert reasons(plan, address) == {"memo": Reason.UNSEEN}
    holds(world, plan, "adopt-update")


def test_a_record_that_was_never_applied_is_not_archived_without_leave(world: World) -> None:
    """Its key may be a slip, and nothing of it was ever looked at."""
    record = world.make("orders", "A", memo="theirs")
    plan = world.plan(order("A", lifecycle=ABSENT), OTHER)
    assert guards(plan) == {"adopt-update": 1}
    holds(world, plan, "adopt-update")
    assert record in world.dump("orders")


def test_every_output_says_that_a_value_was_never_seen(world: World) -> None:
    """In JSON by the reason's name, elsewhere in words."""
    world.converge(order("A", memo="1"))
    world.edit("orders", world.id_of("orders", "A"), hs_tags="HUMAN")
    plan = world.plan(order("A", memo="1", hs_tags="git"), allow={})
    data = json.loads(to_json(plan, personal=True))
    assert data["resource_changes"] == []
    assert data["held_back"][0]["change"]["reasons"] == {"hs_tags": "unseen"}
    text = markdown(plan)
    assert "hs_tags  HUMAN -> git  # unseen: a value in HubSpot that reconcile has never" in text
    assert "# held back: adopt-update" in text
    assert "to let them in, plan with `--allow adopt-update=1`" in text


# What is held in conflict


def test_a_line_held_in_conflict_trips_no_guard(world: World) -> None:
    """A line to recreate is not created while its order is in conflict."""
    world.converge(order("A", [line("A:1", name="x")], memo="1"))
    world.archive("line_items", world.id_of("line_items", "A:1"))
    world.archive("orders", world.id_of("orders", "A"))
    plan = world.plan(recreate=["line_item/A:1"])
    assert set(actions(plan).values()) == {Action.CONFLICT}
    assert guards(plan) == {}
    assert "create again" not in markdown(plan)


def test_an_association_that_cannot_be_made_adopts_nothing(world: World) -> None:
    """An order whose only change is held counts as a conflict and as nothing else."""
    world.converge(order("CART-ORDER"), {"kind": "cart", "key": "C", "properties": {"memo": "x"}})
    world.archive("carts", world.id_of("carts", "C"))
    world.make("orders", "A", memo="1")
    plan = world.plan(
        {"kind": "cart", "key": "C", "properties": {"memo": "x"}},
        order("A", memo="1", associations={"cart": [{"key": "C"}]}),
    )
    change = changes(plan)["order/A"]
    assert change.action is Action.CONFLICT
    assert not change.adopts
    assert change.keep == ()
    assert statuses(world.apply(plan)) == {"cart/C": "conflict", "order/A": "conflict"}
    assert "cannot be associated" in explained(changes(world.plan())["order/A"])


def test_a_held_change_keeps_only_what_says_which_record_it_is() -> None:
    """Whatever is ever added to a change is left out, and no guard counts it."""
    address = Address("order", "A")
    whole = RecordChange(
        address,
        Action.UPDATE,
        id="7",
        title="t",
        fields=(FieldChange("memo", "1", "2", Reason.UNSEEN),),
        links=(LinkChange(True, "contact", "1", None, (), ""),),  # noqa: FBT003
        parent=address,
        parent_id="8",
        adopts=True,
        rekey=True,
        recreates=True,
        why=(Explanation("before"),),
        keep=(("weight", "1"),),
        kept_links=(Link("contact", "2", 507),),
        ignore=("gift",),
        state="digest",
        protect=True,
        moved_from="B",
        pruned=True,
    )
    stays = {"address", "id", "title", "parent", "parent_id", "state", "protect", "moved_from"}
    stays.add("pruned")
    found = as_conflict(whole, Explanation("why"))
    assert (found.action, explained(found), found.unreachable) == (Action.CONFLICT, "why", False)
    for field in fields_of(RecordChange):
        if field.name in stays:
            assert getattr(found, field.name) == getattr(whole, field.name)
        elif field.name not in {"action", "why"}:
            assert getattr(found, field.name) == field.default
    assert as_conflict(RecordChange(address, Action.CREATE), Explanation("why")).unreachable


def test_no_guard_counts_a_conflict() -> None:
    """Whatever a plan says of a record that is left alone."""
    address = Address("order", "A")
    field = FieldChange("memo", "1", "2", Reason.UNKNOWN)
    change = RecordChange(
        address,
        Action.CONFLICT,
        fields=(field, replace(field, name="gift", reason=Reason.UNSEEN)),
        adopts=True,
        rekey=True,
        recreates=True,
        pruned=True,
    )
    properties = {"order": {name: Property(name, "string") for name in ("memo", "gift")}}
    plan = assemble(
        [UnitChange(address, (change,))],
        target=TargetPin("t", 1, "STANDARD"),
        lineage="",
        identities={},
        unchanged=0,
        undeclared=(),
        limits={},
        definitions=Definitions(properties),
    )
    assert guards(plan) == {}

"""Records whose values are defaults: planned, applied, and changed by editing one line."""

import json
from typing import Any

from world import World, actions, changes, incomplete

from reconcile.model.plan import Action

DEFAULTS = {
    "order": {
        "properties": {"memo": "top", "channel": "web"},
        "associations": {"company": [{"id": "501"}]},
    },
    "line_item": {"properties": {"memo": "line"}},
}


def write(world: World, name: str, *documents: Any) -> None:
    """Write a manifest."""
    path = world.folder / "manifests" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n---\n".join(json.dumps(one, indent=1) for one in documents))


def give(world: World, folder: str = "", **kinds: Any) -> None:
    """Write the defaults of a folder."""
    write(world, f"{folder}defaults.yaml", {"kind": "defaults", **kinds})


def shop(world: World) -> None:
    """Declare three orders: one inherits all, one has a folder's defaults, one its own values."""
    give(world, **DEFAULTS)
    lines = [{"key": "A:1", "properties": {"name": "Tea"}}]
    write(world, "a.yaml", {"kind": "order", "key": "A", "line_items": lines})
    give(world, "eu/", order={"properties": {"memo": "eu"}})
    write(world, "eu/b.yaml", {"kind": "order", "key": "B", "unmanaged": ["channel"]})
    own = {"memo": "own", "channel": "shop"}
    write(world, "c.yaml", {"kind": "order", "key": "C", "properties": own})


def values(world: World, key: str) -> tuple[str | None, str | None]:
    """Return what an order of the account holds."""
    found = world.record("orders", key)
    return found["memo"], found["channel"]


def test_what_defaults_give_is_applied_and_stays(world: World) -> None:
    """The account has the resolved values and associations, and the next plan is empty."""
    shop(world)
    assert incomplete(world.apply()) == ()
    assert {key: values(world, key) for key in "ABC"} == {
        "A": ("top", "web"),
        "B": ("eu", None),
        "C": ("own", "shop"),
    }
    assert world.record("line_items", "A:1")["memo"] == "line"
    for key in "ABC":
        assert [*world.links(("orders", world.id_of("orders", key)), "companies")] == ["501"]
    assert world.plan().units == ()


def test_an_edited_default_changes_exactly_what_inherits_it(world: World) -> None:
    """A nearer default, a value of its own or ``unmanaged`` keep a record out of the plan."""
    shop(world)
    world.apply()
    edited = {**DEFAULTS["order"], "properties": {"memo": "new", "channel": "shop"}}
    give(world, **{**DEFAULTS, "order": edited})
    plan = world.plan()
    assert actions(plan) == {"order/A": Action.UPDATE}
    assert {field.name for field in changes(plan)["order/A"].fields} == {"memo", "channel"}
    world.apply(plan)
    assert world.plan().units == ()
    give(world, **DEFAULTS | {"order": edited, "line_item": {"properties": {"memo": "x"}}})
    assert actions(world.plan()) == {"line_item/A:1": Action.UPDATE}


def test_a_removed_default_ends_what_it_managed(world: World) -> None:
    """Values stay as they are, unmanaged; associations that the default made are removed."""
    shop(world)
    world.apply()
    give(world, line_item=DEFAULTS["line_item"])
    write(world, "eu/b.yaml", {"kind": "order", "key": "B"})
    assert incomplete(world.apply()) == ()
    assert {key: values(world, key) for key in "ABC"} == {
        "A": ("top", "web"),
        "B": ("eu", None),
        "C": ("own", "shop"),
    }
    for key in "ABC":
        assert not world.links(("orders", world.id_of("orders", key)), "companies")
    assert world.plan().units == ()


def test_moving_a_value_into_the_defaults_changes_nothing(world: World) -> None:
    """It makes no difference where a value stands."""
    write(world, "a.yaml", {"kind": "order", "key": "A", "properties": {"memo": "x"}})
    world.apply()
    write(world, "a.yaml", {"kind": "order", "key": "A"})
    give(world, order={"properties": {"memo": "x"}})
    assert world.plan().units == ()


def test_a_conflict_names_the_defaults_line(world: World) -> None:
    """What the account does not take is in conflict for each record that inherits it."""
    shop(world)
    world.apply()
    wrong = {
        "properties": {"memo": "top", "channel": "street"},
        "associations": {"company": [{"id": "999"}]},
        "lifecycle": {"ignore": ["nothing"]},
    }
    give(world, **{**DEFAULTS, "order": wrong})
    plan = changes(world.plan())
    places = {
        address: [str(one.location) for one in change.why] for address, change in plan.items()
    }
    file = "manifests/defaults.yaml"
    channel, company, ignore = f"{file}:6:15", f"{file}:10:5", f"{file}:16:14"
    assert places == {
        "order/A": [channel, company, ignore],
        "order/B": [company, ignore],
        "order/C": [company, ignore],
    }

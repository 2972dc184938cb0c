"""Applies killed beside what others changed: what is left alone and held back stays so, and known.

What is remembered of it must be what it was, wherever the run died: else the next plan would take
what others did for a change of the manifest, and undo it.
"""

import random
from collections.abc import Callable

import pytest
from scene import Scene, save_plan
from world import EMAILS, Document, World, drifted, held, line, order

from reconcile.model.address import Address

ORDERS = 6

POINTS = [
    *(f"append:{n}:{when}" for n in range(2, 9) for when in ("before", "after")),
    *(f"call:{n}:after" for n in range(5, 16)),
    "write:2:after",
    "write:4:after",
    "write:5:before",
]


def declared(stage: str, memo: str) -> list[Document]:
    """Return orders of which git changes one value each, and of the first one's memo, too.

    Every third gets another contact besides.
    """
    return [
        order(
            f"O-{n}",
            [line(f"O-{n}:1", name="thing", price="2", quantity=stage, description="d")],
            memo=memo if n == 0 else "ours",
            hs_external_order_id=stage,
            associations={
                "contact": [{"email": EMAILS[0]}]
                + ([{"email": EMAILS[1]}] if n % 3 == 1 and stage != "1" else [])
            },
        )
        for n in range(ORDERS)
    ]


def others_change(world: World) -> None:
    """Others edit every order and its line, and take away its contact."""
    for n in range(ORDERS):
        id_ = world.id_of("orders", f"O-{n}")
        world.edit("orders", id_, memo=f"theirs {n}")
        world.edit("line_items", world.id_of("line_items", f"O-{n}:1"), description="theirs")
        for contact in world.links(("orders", id_), "contacts"):
            world.unlink(("orders", id_), ("contacts", contact))


def memory(world: World) -> dict[str, object]:
    """Return what the state has of all that others changed, and of the order that is held back."""
    found: dict[str, object] = {}
    with world.session() as session:
        state = session.state()
        contact = next(i for i, one in world.dump("contacts").items() if one["email"] == EMAILS[0])
        for _, address, entry in state.entries():
            name = "memo" if address.kind == "order" else "description"
            ours = {link for link in entry.links if link.id == contact}
            found[str(address)] = entry.value_hashes[name], ours, entry.parent
        for key in ("O-0", "O-0:1"):
            address = Address("line_item" if ":" in key else "order", key)
            found[f"all of {key}"] = state.unit(Address("order", "O-0"))[address.folded()]
    return found


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("point", POINTS)
def test_what_others_changed_is_left_alone_after_a_kill(
    build: Callable[..., World], point: str
) -> None:
    """Git's changes are made, those of others stand, and the next plan says of them the same."""
    world = build()
    world.converge(*declared("1", "ours"))
    others_change(world)
    world.declare(*declared("2", "new"))
    before = memory(world)
    plan = world.plan(allow={})
    left, holding = drifted(plan), held(plan)
    assert holding.keys() == {"order/O-0", "line_item/O-0:1"}
    assert len(left) == 2 * ORDERS

    scene = Scene(world, allow={})
    save_plan(scene)
    ended = scene.run("apply", "plan.bin", crash=point)
    assert ended.killed or ended.code == 5, ended.err
    scene.finish(random.Random(point), crashes=1)

    assert memory(world) == before
    again = world.plan(allow={})
    assert list(again.records()) == []
    assert (drifted(again), held(again)) == (left, holding)
    for n in range(ORDERS):
        values = world.record("orders", f"O-{n}")
        assert values["memo"] == f"theirs {n}"
        assert values["hs_external_order_id"] == ("2" if n else "1")
        item = world.record("line_items", f"O-{n}:1")
        assert (item["description"], item["quantity"]) == ("theirs", "2" if n else "1")
        contacts = world.links(("orders", str(values["id"])), "contacts")
        assert len(contacts) == (1 if n % 3 == 1 else 0)

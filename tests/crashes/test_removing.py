"""Archives, forgetting and renames, killed at a chosen point or under faults, then gone on with."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from scene import Scene, before, save_plan
from test_faults import FAULTS, LAGS, WORLDS, goes_on
from world import KEY, Document, World, cart, held, line, order

from reconcile.errors import ReconcileError
from reconcile.recovery.runs import unfinished

ORDERS = 12
POINTS = [
    *(f"append:{n}:after" for n in range(2, 18)),
    *(f"call:{n}:after" for n in range(13, 32, 6)),
    *(f"write:{n}:after" for n in range(3, 28, 8)),
]
"""From before the first write until the end: about half of them fall into the archives."""

ARCHIVES = {
    "orders": "*/orders/batch/archive",
    "carts": "*/carts/batch/archive",
    "line items": "*/line_items/batch/archive",
}


def lines(n: int) -> list[Document]:
    """The lines of an order, as scene.before has them."""
    return [line(f"O-{n}:{i}", name=f"thing {i}", price="2", quantity="3") for i in (1, 2)]


def removed(orders: int) -> list[Document]:
    """Of every four orders one is absent, one forgotten, one renamed and one edited."""
    documents: list[Document] = [
        cart(f"C-{n}", lifecycle={"state": "absent"}) for n in range(orders // 10)
    ]
    for n in range(orders):
        match n % 4:
            case 0:
                documents.append(order(f"O-{n}", lifecycle={"state": "absent"}))
            case 1:
                documents.append(order(f"O-{n}", lifecycle={"state": "forget"}))
            case 2:
                renamed = dict(line(f"R-{n}:1", name="thing 1", price="2", quantity="3"))
                renamed["moved_from"] = f"O-{n}:1"
                both = [renamed, lines(n)[1]]
                documents.append(order(f"R-{n}", both, memo=f"first {n}", moved_from=f"O-{n}"))
            case _:
                documents.append(order(f"O-{n}", lines(n), memo="second"))
    return documents


def is_removed(world: World, orders: int) -> None:
    """What was to go is gone, once; the rest is there, and remembered where it is managed."""
    kept = {n: f"R-{n}" if n % 4 == 2 else f"O-{n}" for n in range(orders) if n % 4}
    assert world.keys("orders") == dict.fromkeys(kept.values(), 1)
    found = {f"{kept[n]}:1" for n in kept} | {f"O-{n}:2" for n in kept}
    assert world.keys("line_items") == dict.fromkeys(found, 1)
    assert world.keys("carts") == {}
    assert len(world.ever("orders")) == orders
    assert len(world.ever("line_items")) == 2 * orders + orders // 10
    by_key = {values[KEY]: id_ for id_, values in world.dump("orders").items()}
    items = world.dump("line_items")
    for n, key in kept.items():
        under = {items[i][KEY] for i in world.links(("orders", by_key[key]), "line_items")}
        assert under == {f"{key}:1", f"O-{n}:2"}
    managed = {n: key for n, key in kept.items() if n % 4 != 1}
    wanted = {f"order/{key}".casefold() for key in managed.values()}
    with world.session() as session:
        entries = list(session.state().entries())
    roots = {str(address).casefold() for _, address, _ in entries if address.kind == "order"}
    assert roots == wanted
    assert {str(unit).casefold() for unit, _, _ in entries} == wanted
    assert len(entries) == 3 * len(managed)


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project that was converged once, and the program."""
    world = build()
    world.converge(*before(ORDERS))
    return Scene(world)


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("point", POINTS)
def test_removing_some(scene: Scene, point: str) -> None:
    """Killed while archiving, forgetting and renaming."""
    scene.world.declare(*removed(ORDERS))
    save_plan(scene)
    ended = scene.run("apply", "plan.bin", crash=point)
    assert ended.killed or ended.code == 0, ended.err
    scene.blames_nobody()
    scene.finish(random.Random(point), crashes=1)
    is_removed(scene.world, ORDERS)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("point", POINTS[::4])
def test_pruning(scene: Scene, point: str) -> None:
    """Killed while archiving what nothing declares; then the same plan again, or its run."""
    world = scene.world
    documents = [one for one in before(ORDERS) if int(one["key"].partition("-")[2]) % 2]
    world.declare(*documents)
    number = len(held(world.plan(prune=True, allow={})))
    assert number == 3 * ORDERS // 2 + 2
    ended = scene.run("plan", "--prune", "--out", "plan.bin", "--allow", f"prune={number}")
    assert ended.code == 0, ended.err
    go = ("apply", "plan.bin")
    ended = scene.run(*go, crash=point)
    assert ended.killed or ended.code == 0, ended.err
    scene.blames_nobody()
    for _ in range(4):
        ended = scene.run(*random.Random(point).choice([("resume",), go]))
        if world.plan(prune=True, in_doubt=True).empty and not unfinished(world.store):
            break
    assert world.plan(prune=True).empty, (ended.out, ended.err)
    assert world.keys("orders") == {one["key"]: 1 for one in documents}
    assert len(world.dump("line_items")) == ORDERS
    assert world.dump("carts") == {}
    assert len(world.ever("orders")) == ORDERS


@pytest.fixture(params=WORLDS.values(), ids=WORLDS)
def changed(build: Callable[..., World], request: pytest.FixtureRequest) -> World:
    """Return a world that was converged once, with manifests that say what is to go."""
    world = build(switches=request.param)
    world.converge(*before(ORDERS))
    world.declare(*removed(ORDERS))
    return world


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("call", ARCHIVES)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_an_archive(changed: World, call: str, name: str) -> None:
    """Nothing stays, nothing else goes, and nobody is blamed."""
    fault, when = FAULTS[name]
    changed.sandbox.faults.add(fault, path=ARCHIVES[call], method="POST", **when)
    with suppress(ReconcileError):
        changed.apply()
    goes_on(changed)
    is_removed(changed, ORDERS)


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("name", ["closed after commit", "delivered twice"])
def test_a_fault_while_reads_lag(changed: World, lag: str, name: str) -> None:
    """Nor where reads show what was a moment ago."""
    fault, when = FAULTS[name]
    changed.sleep(2)
    changed.sandbox.faults.add(LAGS[lag])
    changed.sandbox.faults.add(fault, writes=True, **when)
    with suppress(ReconcileError):
        changed.apply()
    changed.sleep(5)
    changed.sandbox.faults.clear()
    goes_on(changed)
    is_removed(changed, ORDERS)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("name", ["closed after commit, always", "503 for long", "truncated"])
def test_a_fault_of_a_rename(changed: World, name: str) -> None:
    """The record has the new key or the former one, and the state goes with it."""
    fault, when = FAULTS[name]
    changed.sandbox.faults.add(fault, path="*/batch/update", method="POST", **when)
    with suppress(ReconcileError):
        changed.apply()
    goes_on(changed)
    is_removed(changed, ORDERS)


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("point", POINTS[1::4])
def test_a_plan_before_recovery_plans_what_is_not_in_doubt(scene: Scene, point: str) -> None:
    """What recovery finds adds the units that were left out, and changes no other."""
    world = scene.world
    world.declare(*removed(ORDERS))
    save_plan(scene)
    scene.run("apply", "plan.bin", crash=point)
    before = world.plan(in_doubt=True)
    world.recover()
    units = {unit.address: unit for unit in world.plan().units}
    assert units == {unit.address: unit for unit in before.units} | {
        address: unit for address, unit in units.items() if address in before.in_doubt
    }

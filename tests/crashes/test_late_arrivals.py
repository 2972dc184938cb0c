"""What a holder sent arrives after others have taken its lock, and are done."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import pytest
import servers
from forked import Program
from proxy import Proxy
from scene import LEASE, Scene, save_plan
from test_two_at_once import stopped
from world import Document, World, line, order

from reconcile.applying.journal_lines import encode_line, read_line
from reconcile.applying.journal_reader import open_runs
from reconcile.applying.run_head import LOGS
from reconcile.recovery.runs import unfinished
from reconcile.stores.logs import Log

MANY = 6


def lines(many: int, *, price: str = "1") -> Document:
    """One order, and its lines, which are identified by name only."""
    return order("O-1", [line(f"O-1:{n}", name=f"thing {n}", price=price) for n in range(many)])


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project whose line items have no key, with a saved plan of more of them."""
    scene = Scene(build(identity={"line_item": "within_parent:name"}))
    scene.world.converge(lines(1))
    scene.world.declare(lines(MANY))
    save_plan(scene)
    return scene


def take_over(scene: Scene) -> None:
    """Break the lock of the process that holds it, and carry out its plan to the end."""
    refused = scene.run("apply", "plan.bin")
    assert refused.code == 4, refused.err
    broken = scene.run("lock", "break", refused.err.rpartition("lock break ")[2].split("`")[0])
    assert broken.code == 0, broken.err
    other = scene.run("apply", "plan.bin")
    assert other.code == 0, other.err
    assert scene.world.plan().empty


def test_a_holder_that_wakes_creates_no_lines(scene: Scene) -> None:
    """It asks for the lock again when it is connected, and all others were done meanwhile."""
    with stopped(scene, "lines:1:before") as hanging:
        take_over(scene)
        scene.world.forget_calls()
        hanging.send_signal(signal.SIGCONT)
        _, err = hanging.communicate(timeout=60)
        assert "this run may have lost the lock" in err
        assert scene.world.writes() == []
    assert len(scene.world.dump("line_items")) == MANY
    assert scene.world.plan().empty


def late_first_line(scene: Scene) -> tuple[str, bytes]:
    """Have a run killed when its journal has one line; its name, and the line."""
    assert scene.run("apply", "plan.bin", crash="append:2:before").killed
    (run,) = open_runs(scene.world.store)
    ((_, first),) = Log(scene.world.store, LOGS + run).entries()
    return run, first


def test_a_first_line_that_arrives_late_blocks_nobody(scene: Scene) -> None:
    """The run that it is of was forgotten with its plan, so there is nothing to do about it."""
    run, first = late_first_line(scene)
    scene.world.declare(lines(MANY, price="2"))
    assert scene.run("apply", "--auto-approve").code == 0
    Log(scene.world.store, LOGS + run).append(0, first)
    for command in (("plan",), ("status",), ("resume",), ("state", "list")):
        ended = scene.run(*command)
        assert (ended.code, ended.err.count("unfinished")) == (0, 0), ended.err
    scene.world.declare(lines(MANY, price="3"))
    ended = scene.run("apply", "--auto-approve")
    assert ended.code == 0, ended.err
    assert open_runs(scene.world.store) == []
    assert scene.world.plan().empty


def test_a_run_that_had_begun_nothing_can_be_resumed(scene: Scene) -> None:
    """As long as its plan is kept."""
    late_first_line(scene)
    assert "0 of" in scene.run("status").out
    ended = scene.run("resume")
    assert ended.code == 0, ended.err
    assert scene.world.plan().empty
    assert len(scene.world.dump("line_items")) == MANY


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("position", ["1", "2", "3"])
def test_a_later_line_that_arrives_alone_blocks_nobody(scene: Scene, position: str) -> None:
    """It belongs to a journal that was dropped."""
    run, first = late_first_line(scene)
    scene.world.declare(lines(MANY, price="2"))
    assert scene.run("apply", "--auto-approve").code == 0
    late = encode_line(run, int(position), read_line(run, 0, first))
    Log(scene.world.store, LOGS + run).append(int(position), late)
    for command in (("plan",), ("status",), ("resume",)):
        ended = scene.run(*command)
        assert ended.code == 0, ended.err


def test_a_lost_plan_of_a_run_with_intents_is_an_error(scene: Scene) -> None:
    """What was begun is resolved with it, so nobody goes on as if it had not been."""
    assert scene.run("apply", "plan.bin", crash="lines:1:before").killed
    store = scene.world.store
    for name in list(store.names("plans/")):
        store.remove(name)
    ended = scene.run("plan")
    assert ended.code == 1
    assert "of the unfinished run" in ended.err


@pytest.fixture(scope="module")
def seaweedfs() -> Iterator[servers.Server]:
    """Start SeaweedFS."""
    with servers.seaweedfs() as running:
        yield running


@pytest.mark.servers
@pytest.mark.parametrize("point", ["entry:1:before", "entry:2:before", "entry:3:before"])
def test_a_bucket_takes_a_line_of_a_holder_that_wakes(
    build: Callable[..., World],
    seaweedfs: servers.Server,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    """S3 cannot refuse it; it blocks nobody, and nothing is sent because of it."""
    for name, value in seaweedfs.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LEASE", str(LEASE))
    within = {"line_item": "within_parent:name"}
    scene = Scene(build(store=f"{seaweedfs.url}/{token_hex(4)}", identity=within))
    scene.world.converge(lines(1))
    scene.world.declare(lines(MANY))
    save_plan(scene)
    with stopped(scene, point) as hanging:
        other = scene.run("apply", "plan.bin", "--lock-timeout", str(20 * LEASE))
        assert other.code == 0, other.err
        scene.world.forget_calls()
        hanging.send_signal(signal.SIGCONT)
        _, err = hanging.communicate(timeout=60)
        assert "this run may have lost the lock" in err
    assert scene.world.writes() == []
    for command in (("plan",), ("status",), ("resume",)):
        ended = scene.run(*command)
        assert ended.code == 0, ended.err
    scene.world.declare(lines(MANY, price="2"))
    ended = scene.run("apply", "--auto-approve", "--lock-timeout", str(20 * LEASE))
    assert ended.code == 0, ended.err
    assert not unfinished(scene.world.store)
    assert len(scene.world.dump("line_items")) == MANY
    assert scene.world.plan().empty


class Holding(Proxy):
    """A proxy that keeps one request for a while, as a network can after its sender has died."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self.ending = ""
        self.held = threading.Event()
        self.let_go = threading.Event()
        self.hook = self._keep

    def _keep(self, _: str, path: str, __: Any) -> None:
        if self.ending and path.endswith(self.ending):
            self.ending = ""
            self.held.set()
            self.let_go.wait(60)


@contextmanager
def killed_while_held(world: World, ending: str) -> Iterator[None]:
    """Apply in a process that is killed while its request is on the way; it arrives later."""
    world.proxy.ending = ending
    environment = os.environ | world.environ
    environment.pop("CI", None)
    process = Program("apply", "--auto-approve", cwd=world.folder, environ=environment)
    try:
        assert world.proxy.held.wait(60)
        process.close()
        yield
    finally:
        process.close()
        world.proxy.let_go.set()


def arriving_after(world: World, seconds: float, ending: str) -> Callable[[float], None]:
    """A sleep in which the held request arrives, once so many seconds have been slept in all."""
    sleep, slept = world.sleep, 0.0

    def sleeping(duration: float) -> None:
        nonlocal slept
        slept += duration
        sleep(duration)
        if slept >= seconds and not world.proxy.let_go.is_set():
            arrive(world, ending)

    return sleeping


def arrive(world: World, ending: str) -> None:
    """Let the held request go on, and see that it has been answered."""
    before = len(world.proxy.to("POST", ending))
    world.proxy.let_go.set()
    for _ in range(600):
        if len(world.proxy.to("POST", ending)) > before:
            return
        threading.Event().wait(0.05)
    raise AssertionError("it was not answered")


def test_an_update_of_a_dead_run_that_arrives_late_is_waited_for(
    build: Callable[..., World],
) -> None:
    """So it cannot put older values over what the next run has written."""
    world = build(proxy=Holding)
    ending = "/orders/batch/update"
    world.converge(*(order(f"O-{n}", memo="first") for n in (1, 2)))
    world.declare(*(order(f"O-{n}", memo="second") for n in (1, 2)))
    with killed_while_held(world, ending):
        world.sleep = arriving_after(world, 10.0, ending)  # type: ignore[method-assign]
        world.declare(*(order(f"O-{n}", memo="third") for n in (1, 2)))
        world.apply()
        if not world.proxy.let_go.is_set():
            arrive(world, ending)
    assert {one["memo"] for one in world.dump("orders").values()} == {"third"}
    assert world.plan().empty


def test_a_create_of_a_dead_run_that_arrives_late_is_waited_for(
    build: Callable[..., World],
) -> None:
    """Orders with a key are not made twice anyway; nor do they keep the dead run's values."""
    world = build(proxy=Holding)
    ending = "/orders/batch/upsert"
    world.declare(order("O-1", memo="first"))
    with killed_while_held(world, ending):
        world.sleep = arriving_after(world, 10.0, ending)  # type: ignore[method-assign]
        world.declare(order("O-1", memo="second"))
        world.apply()
        if not world.proxy.let_go.is_set():
            arrive(world, ending)
    assert [one["memo"] for one in world.dump("orders").values()] == ["second"]
    assert world.plan().empty


def test_what_shows_already_is_not_waited_for(build: Callable[..., World]) -> None:
    """The usual end of a run that was killed: HubSpot has carried out what it sent."""
    scene = Scene(build())
    scene.world.declare(*[order(f"O-{n}", memo="first") for n in range(3)])
    save_plan(scene)
    assert scene.run("apply", "plan.bin", crash="upsert:1:after").killed
    slept: list[float] = []
    sleep = scene.world.sleep

    def sleeping(seconds: float) -> None:
        slept.append(seconds)
        sleep(seconds)

    scene.world.sleep = sleeping  # type: ignore[method-assign]
    scene.world.apply()
    assert sum(slept) < 10
    assert scene.world.plan().empty

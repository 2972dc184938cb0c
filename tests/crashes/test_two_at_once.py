"""Two applies at once: one waits, or the one that hangs loses its lock and sends nothing more."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from forked import Program
from scene import Scene, after, before, is_right, save_plan
from world import World

from reconcile.recovery.runs import unfinished

ORDERS = 12
STOPS = [
    *(f"append:{n}:{when}" for n in (1, 2, 3, 5, 8) for when in ("before", "after")),
    *(f"call:{n}:{when}" for n in (5, 13, 14, 16, 19) for when in ("before", "after")),
    "write:2:before",
]


@contextmanager
def stopped(scene: Scene, point: str) -> Iterator[Program]:
    """An apply that stands still at a point, with the lock in its hands, until it is continued."""
    marker = scene.world.folder / "stopped"
    environment = os.environ | scene.world.environ
    environment |= {"STOP_AT": point, "STOP_FILE": str(marker), "NO_COLOR": "1"}
    environment.pop("CI", None)
    process = Program("apply", "plan.bin", cwd=scene.world.folder, environ=environment)
    try:
        wait_for(marker, process)
        yield process
    finally:
        process.close()


def wait_for(marker: Path, process: Program) -> None:
    """Wait until the process stands still. The marker is written just before."""
    while not marker.exists():
        assert process.poll() is None, process.communicate(0)
        time.sleep(0.02)
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.02)


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project that was converged once, with a saved plan of something else."""
    scene = Scene(build())
    scene.world.converge(*before(ORDERS))
    scene.world.declare(*after(ORDERS))
    save_plan(scene)
    return scene


@pytest.mark.matrix(keep=3)
@pytest.mark.parametrize("point", STOPS)
def test_a_holder_that_hangs(scene: Scene, point: str) -> None:
    """Its lock is broken, another applies; continued, it sends nothing and changes no state."""
    with stopped(scene, point) as hanging:
        refused = scene.run("apply", "plan.bin")
        assert refused.code == 4
        if "is hung" in refused.err:  # with the turn to write, which nothing can take from it
            hanging.send_signal(signal.SIGKILL)
        else:
            number = refused.err.rpartition("lock break ")[2].split("`")[0]
            broken = scene.run("lock", "break", number)
            assert broken.code == 0, broken.err
        other = scene.run("apply", "plan.bin")
        assert other.code in (0, 5), other.err
        scene.world.forget_calls()
        hanging.send_signal(signal.SIGCONT)
        _, err = hanging.communicate(timeout=60)
        if hanging.returncode != -signal.SIGKILL:
            assert hanging.returncode in (1, 5)  # 1 where nothing was sent yet
            assert "this run may have lost the lock" in err
        # At most one call was past its last look at the lock: the one it stood before.
        assert len(scene.world.writes()) <= 1
    scene.world.apply()
    scene.world.apply()
    assert scene.world.plan().empty
    assert not unfinished(scene.world.store)
    is_right(scene.world, after(ORDERS))


def test_the_second_waits_when_told_to(scene: Scene) -> None:
    """``--lock-timeout`` waits for the other to end."""
    with ExitStack() as stack:
        first = stack.enter_context(stopped(scene, "call:13:before"))
        environment = os.environ | scene.world.environ
        environment.pop("CI", None)
        waiting = ("apply", "plan.bin", "--lock-timeout", "30")
        second = Program(*waiting, cwd=scene.world.folder, environ=environment)
        stack.callback(second.close)
        time.sleep(1.0)
        assert second.poll() is None
        first.send_signal(signal.SIGCONT)
        assert "Apply complete" in first.communicate(timeout=60)[0]
        assert "Already applied by run" in second.communicate(timeout=60)[0]
    is_right(scene.world, after(ORDERS))

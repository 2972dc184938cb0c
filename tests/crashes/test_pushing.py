"""`state push` killed on its way: run again it completes, and the lock left behind is no wall."""

from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
import servers
from scene import LEASE, Scene
from world import World, line, order

EVERYWHERE = ["write:1:after", "copy:1:after", "write:2:after"]
ONE_BY_ONE = ["write:5:after", "append:2:after"]
"""Points within a copy that is written blob by blob, as PostgreSQL does not."""

SHARED = [
    *((servers.postgresql, point) for point in EVERYWHERE),
    *((servers.seaweedfs, point) for point in (*EVERYWHERE, *ONE_BY_ONE)),
]
URL = "${env:STORE}"


@pytest.fixture
def scene(build: Callable[..., World]) -> Scene:
    """Return a project with a state in its own folder, and the program."""
    scene = Scene(build(target=f"t{token_hex(4)}"))
    scene.world.converge(*(order(f"O-{n}", [line(f"O-{n}:1", name="x")]) for n in range(3)))
    return scene


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """Return the server that a test names."""
    with request.param() as running:
        yield running


def push_until_done(scene: Scene, point: str) -> None:
    """Have a push killed, meet its lock, and push again; the state is whole where it is then."""
    killed = scene.run("state", "push", URL, crash=point)
    assert killed.killed, killed
    again = scene.run("state", "push", URL)
    if again.code != 0:
        assert again.code == 4, again.err
        assert f"reconcile lock show '{URL}'" in again.err
        again = scene.run("state", "push", URL, "--lock-timeout", str(5 * LEASE))
    assert again.code == 0, again.err
    assert URL in (scene.world.folder / "reconcile.yaml").read_text()
    plan = scene.run("plan")
    assert "No changes." in plan.out, plan.err
    assert "The audit log is intact." in scene.run("audit", "verify").out


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("point", EVERYWHERE + ONE_BY_ONE)
def test_a_killed_push_is_repeated(
    scene: Scene, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a folder, whose lock ends with its process."""
    monkeypatch.setenv("STORE", f"file:{scene.world.folder / 'elsewhere'}")
    push_until_done(scene, point)


@pytest.mark.servers
@pytest.mark.parametrize(("server", "point"), SHARED, indirect=["server"])
def test_a_killed_push_to_a_shared_store_is_repeated(
    scene: Scene, server: servers.Server, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock outlives the dead process: --lock-timeout waits for its end, and takes over."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORE", server.url)
    push_until_done(scene, point)


@pytest.mark.servers
@pytest.mark.parametrize("server", [servers.postgresql, servers.seaweedfs], indirect=True)
def test_the_lock_of_a_killed_push_is_broken_by_its_url(
    scene: Scene, server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever does not want to wait for its end; the audit log has it, in either store."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STORE", server.url)
    monkeypatch.setattr("scene.LEASE", 20.0)
    assert scene.run("state", "push", URL, crash="write:1:after").killed
    shown = scene.run("lock", "show", URL).out
    assert "doing state push" in shown
    command = shown.rpartition("reconcile lock break ")[2].strip()
    number = command.partition(" ")[0]
    assert command == f"{number} '{URL}'"
    broken = scene.run("lock", "break", number, URL)
    assert broken.code == 0, broken.err
    pushed = scene.run("state", "push", URL)
    assert pushed.code == 0, pushed.err
    assert URL in (scene.world.folder / "reconcile.yaml").read_text()
    assert "lock broken" in scene.run("audit", "log").out
    assert "No changes." in scene.run("plan").out

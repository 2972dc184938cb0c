"""Crashes with the state in PostgreSQL and in a bucket: what is begun outlives the machine."""

import random
from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest
import servers
from scene import Scene, after, before, is_right, save_plan
from world import World

ORDERS = 12
POINTS = [
    *(f"append:{n}:{when}" for n in (1, 2, 4, 7, 9) for when in ("before", "after")),
    *(f"call:{n}:after" for n in (5, 6, 8, 11)),
]

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module", params=[servers.postgresql, servers.seaweedfs])
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """Return each server in turn."""
    with request.param() as running:
        yield running


@pytest.fixture
def scene(
    build: Callable[..., World], server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    """Return a project whose state is on the server, and the program."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    url = server.url
    if url.startswith("s3://"):
        url += f"/{token_hex(4)}"
        return Scene(build(store=url))
    return Scene(build(store=url, target=f"t{token_hex(4)}"))


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_with_a_shared_store(scene: Scene, point: str) -> None:
    """Killed, gone on with after the lease, killed again: nothing lost, nothing twice."""
    scene.world.converge(*before(ORDERS))
    scene.world.declare(*after(ORDERS))
    save_plan(scene)
    ended = scene.run("apply", "plan.bin", crash=point)
    assert ended.killed or ended.code == 0, ended.err
    scene.blames_nobody()
    scene.finish(random.Random(point), crashes=1)
    is_right(scene.world, after(ORDERS))

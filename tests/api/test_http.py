"""Programs that carry out the requests themselves: `reconcile.open(..., http=...)`."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from plain import NO_TLS
from world import World

import reconcile


class Recorder(httpx.BaseTransport):
    """A company's transport: forwards to httpx's own, and keeps what it forwarded."""

    def __init__(self, seen: list[tuple[str, str]]) -> None:
        self._seen = seen
        self._inner = httpx.HTTPTransport(verify=NO_TLS)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Forward a request."""
        self._seen.append((request.method, request.url.path))
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()


@contextmanager
def forwarding(seen: list[tuple[str, str]]) -> Iterator[httpx.MockTransport]:
    """A transport that answers out of another client, and shows nothing of its connection."""
    with httpx.Client(trust_env=False, verify=NO_TLS) as client:
        turn = threading.Lock()

        def forward(request: httpx.Request) -> httpx.Response:
            with turn:
                seen.append((request.method, request.url.path))
            answer = client.request(
                request.method, request.url, content=request.content, headers=request.headers
            )
            return httpx.Response(answer.status_code, json=answer.json() if answer.content else "")

        yield httpx.MockTransport(forward)


def declared(count: int = 3) -> list[dict[str, object]]:
    """Return orders with a line item each."""
    return [
        reconcile.order(
            f"A{number}",
            {"hs_total_price": "30.00"},
            lines=[reconcile.line_item(f"A{number}:1", {"name": "Mug", "quantity": 2})],
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("kind", ["httpx's own", "around it", "without trace events"])
def test_every_call_goes_through_the_given_transport(world: World, kind: str) -> None:
    """A plan and an apply are the same whoever carries their calls out, and as many calls."""
    seen: list[tuple[str, str]] = []
    with forwarding(seen) as forward:
        http = {
            "httpx's own": lambda: httpx.HTTPTransport(verify=NO_TLS),
            "around it": lambda: Recorder(seen),
            "without trace events": lambda: forward,
        }[kind]
        project = reconcile.open(world.folder, environ=world.environ, http=http)
        world.forget_calls()
        with project.connect() as account:
            plan = account.plan(units=declared())
            assert world.writes() == []
            report = account.apply(plan)
            assert report.complete
            assert account.plan(units=declared()).empty
    arrived = Counter((one.method, one.path) for one in world.sandbox.requests())
    assert arrived
    if kind != "httpx's own":
        assert Counter(seen) == arrived, seen
    assert world.keys("orders") == {"A0": 1, "A1": 1, "A2": 1}
    assert world.keys("line_items") == {"A0:1": 1, "A1:1": 1, "A2:1": 1}


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (httpx.ReadError("reset"), None),
        (httpx.ConnectError("no"), None),
        (OSError(5, "x"), OSError),
    ],
)
def test_a_create_whose_transport_fails_is_not_made_twice(
    world: World, failure: Exception, raised: type[Exception] | None
) -> None:
    """Whatever it raises after HubSpot carried the create out, the next apply finds the records."""
    failing = [failure]

    class Failing(Recorder):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            if request.url.path.endswith("/line_items/batch/create") and failing:
                answer.read()
                raise failing.pop()
            return answer

    project = reconcile.open(world.folder, environ=world.environ, http=lambda: Failing([]))
    with project.connect() as account:
        plan = account.plan(units=declared())
        if raised:
            with pytest.raises(raised):
                account.apply(plan)
        else:
            assert account.apply(plan).complete
        assert world.keys("orders") == {"A0": 1, "A1": 1, "A2": 1}
        account.recover()
        assert account.apply(account.plan(units=declared())).complete
        assert account.plan(units=declared()).empty
    assert world.keys("orders") == {"A0": 1, "A1": 1, "A2": 1}
    assert world.keys("line_items") == {"A0:1": 1, "A1:1": 1, "A2:1": 1}


def test_a_transport_is_not_taken_for_its_maker(world: World) -> None:
    """The mistake is named at once, not in the first call."""
    transport = httpx.HTTPTransport(verify=NO_TLS)
    with pytest.raises(reconcile.UsageError, match="a function that returns a transport"):
        reconcile.open(world.folder, environ=world.environ, http=transport)  # type: ignore[arg-type]


def test_an_embedded_sandbox_is_reached_through_it_too(tmp_path: Path) -> None:
    """So a recording is complete, whatever the target is."""
    (tmp_path / "reconcile.yaml").write_text(
        "version: 1\nmanifests: [m]\ntargets: {local: {sandbox: true}}\n"
    )
    seen: list[tuple[str, str]] = []
    with reconcile.open(tmp_path, environ={}, http=lambda: Recorder(seen)).connect():
        assert seen

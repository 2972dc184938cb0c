"""What goes on after a restart: the data, the day's calls, the time; and what begins anew."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from reconcile.sandbox import Clock, Sandbox

ORDERS = "/crm/v3/objects/orders"
NOON = datetime(2026, 8, 21, 12, 0, tzinfo=UTC)


def client_of(sandbox: Sandbox) -> httpx.Client:
    """Return a client with the full-scope token."""
    return httpx.Client(base_url=sandbox.url, headers={"Authorization": f"Bearer {sandbox.token}"})


def used(client: httpx.Client) -> dict[str, int]:
    """Return the day's counters."""
    daily = client.get("/_sandbox/limits").json()["daily"]
    return {name: one["used"] for name, one in daily.items()}


def test_the_days_calls_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daily limit does not begin anew with a server, but with the account's day."""
    path = tmp_path / "sandbox.db"
    for turn in range(3):
        clock = Clock(NOON + timedelta(hours=turn))
        with Sandbox(path, plan="starter", clock=clock) as sandbox, client_of(sandbox) as client:
            assert used(client) == {"app": 10 * turn, "associations": turn}
            for _ in range(10):
                assert client.get(ORDERS).status_code == 200
            client.get("/crm/v4/objects/orders/1/associations/contacts")
    clock = Clock(NOON + timedelta(hours=3))
    with Sandbox(path, plan="starter", clock=clock) as sandbox, client_of(sandbox) as client:
        plan = sandbox.limits.plan
        assert plan is not None
        monkeypatch.setattr(sandbox.limits, "plan", replace(plan, daily=31))
        assert [client.get(ORDERS).status_code for _ in range(2)] == [200, 429]
    clock = Clock(NOON + timedelta(hours=12))
    with Sandbox(path, plan="starter", clock=clock) as sandbox, client_of(sandbox) as client:
        assert client.get(ORDERS).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "249999"


def test_cleared_counts_stay_cleared(tmp_path: Path) -> None:
    """Counts that a test cleared do not come back."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        client.get(ORDERS)
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        assert used(client)["app"] == 1
        client.delete("/_sandbox/limits")
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        assert used(client)["app"] == 0


def test_windows_begin_anew(tmp_path: Path) -> None:
    """The rolling windows are a server's own: they are over in ten seconds anyway."""
    path = tmp_path / "sandbox.db"
    for _ in range(2):
        with (
            Sandbox(path, plan="starter", clock=Clock(NOON)) as sandbox,
            client_of(sandbox) as client,
        ):
            assert [client.get(ORDERS).status_code for _ in range(101)] == [200] * 100 + [429]


def test_time_does_not_go_back(tmp_path: Path) -> None:
    """A clock that was advanced stays so much ahead, so that no record lies in the future."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        client.post("/_sandbox/clock", json={"advance": 86400 * 30})
        made = client.post(ORDERS, json={"properties": {"hs_tags": "a"}}).json()
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        now = client.get("/_sandbox/clock").json()["now"]
        assert datetime.fromisoformat(now) >= datetime.fromisoformat(made["createdAt"])
        sandbox.clock.advance(5)
        assert client.post(f"{ORDERS}/search", json={}).json()["total"] == 1
    with Sandbox(path, clock=Clock(NOON)) as sandbox:
        assert sandbox.clock.now_ms() == NOON.timestamp() * 1000  # a test's own clock is its own
    Sandbox.reset(path)
    with Sandbox(path) as sandbox:
        assert sandbox.clock.ahead == 0


def test_a_killed_servers_counts(tmp_path: Path) -> None:
    """A damaged file of counts costs the counts, never a start."""
    path = tmp_path / "sandbox.db"
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        client.get(ORDERS)
    (tmp_path / "sandbox.db-requests").write_bytes(b"no database at all, but long enough " * 99)
    with Sandbox(path) as sandbox, client_of(sandbox) as client:
        assert used(client)["app"] == 0

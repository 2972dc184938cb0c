"""The clock, and the limits of calls, minutes of them, by a clock that is driven."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Clock, Sandbox, Switches

NOON = datetime(2026, 8, 21, 12, 0, tzinfo=UTC)
ORDERS = "/crm/v3/objects/orders"
LINKS = "/crm/v4/objects/orders/1/associations/contacts"
LIMIT = "X-HubSpot-RateLimit-"


@dataclass
class Account:
    """A sandbox whose clock stands still until it is advanced."""

    sandbox: Sandbox
    http: httpx.Client

    def calls(self, number: int, path: str = ORDERS) -> list[int]:
        """Make calls at one moment; return their statuses."""
        return [self.http.get(path).status_code for _ in range(number)]

    def searches(self, number: int) -> list[int]:
        """Make searches at one moment; return their statuses."""
        return [self.http.post(f"{ORDERS}/search", json={}).status_code for _ in range(number)]

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.sandbox.clock.advance(seconds)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """Return what opens an account on a plan."""
    with ExitStack() as stack:

        def open_account(plan: str | None, *, at: datetime = NOON, **switches: Any) -> Account:
            sandbox = stack.enter_context(
                Sandbox(
                    tmp_path / f"{plan}.db",
                    plan=plan,
                    clock=Clock(at),
                    switches=Switches(**switches),
                )
            )
            headers = {"Authorization": f"Bearer {sandbox.token}"}
            client = httpx.Client(base_url=sandbox.url, headers=headers)
            return Account(sandbox, stack.enter_context(client))

        yield open_account


def test_everything_tells_the_clocks_time(account: Callable[..., Account]) -> None:
    """Records, definitions, batches and the log carry the time of the sandbox's clock."""
    one = account(None)
    made = one.http.post(ORDERS, json={"properties": {}}).json()
    assert made["createdAt"] == "2026-08-21T12:00:00Z"
    assert one.http.post("/_sandbox/clock", json={"advance": 90.5}).json() == {
        "now": "2026-08-21T12:01:30.500Z"
    }
    body = {"inputs": [{"id": made["id"], "properties": {"hs_tags": "a"}}]}
    batch = one.http.post(f"{ORDERS}/batch/update", json=body).json()
    assert batch["completedAt"] == batch["results"][0]["updatedAt"] == "2026-08-21T12:01:30.500Z"
    assert one.sandbox.requests()[-1].at == "2026-08-21T12:01:30.500Z"
    assert one.http.get("/_sandbox/clock").json() == {"now": "2026-08-21T12:01:30.500Z"}


@pytest.mark.parametrize("advance", [-1, "x", None, 1e12, "NaN", [1]])
def test_the_clock_refuses_nonsense(account: Callable[..., Account], advance: object) -> None:
    """Time cannot go back, and what is not a number of seconds is 400."""
    one = account(None)
    answer = one.http.post("/_sandbox/clock", json={"advance": advance})
    assert answer.status_code == 400
    assert one.sandbox.clock.now_ms() == NOON.timestamp() * 1000


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    ("plan", "most"), [("starter", 100), ("pro", 190), ("enterprise", 190), ("addon", 250)]
)
def test_minutes_at_the_limit(account: Callable[..., Account], plan: str, most: int) -> None:
    """Every app has a rolling window of ten seconds: a slot is free ten seconds after its call."""
    one = account(plan)
    for _ in range(3):
        assert one.calls(most - 50) == [200] * (most - 50)
        one.advance(4)
        assert one.calls(51) == [200] * 50 + [429]
        one.advance(5.999)
        assert one.calls(1) == [429]
        one.advance(0.001)  # ten seconds after the first calls, six after the others
        assert one.calls(most - 49) == [200] * (most - 50) + [429]
        one.advance(10)
    assert one.sandbox.limits.worst() > most


def test_a_limiter_can_be_judged(account: Callable[..., Account]) -> None:
    """The worst window is counted by the server, with the refused calls, plan or no plan."""
    one = account(None)
    for _ in range(5):
        one.calls(40)
        one.advance(3)
    pools = one.http.get("/_sandbox/limits").json()["pools"]
    assert [(pool["pool"], pool["worst"], pool["refused"]) for pool in pools] == [("app", 160, 0)]
    assert one.sandbox.limits.worst("app") == 160
    assert one.http.delete("/_sandbox/limits").status_code == 204
    assert one.http.get("/_sandbox/limits").json()["pools"] == []


def test_the_window_is_the_apps_own(account: Callable[..., Account]) -> None:
    """Two private apps of an account have a window each, and share the daily quota."""
    one = account("starter")
    other = {"Authorization": f"Bearer {one.sandbox.add_token(['crm.objects.orders.read'])}"}
    assert one.calls(101)[-1] == 429
    answer = one.http.get(ORDERS, headers=other)
    assert answer.status_code == 200
    assert answer.headers[f"{LIMIT}Remaining"] == "99"
    assert answer.headers[f"{LIMIT}Daily-Remaining"] == str(250_000 - 101)


def test_headers_tell_what_is_left(account: Callable[..., Account]) -> None:
    """Answers, errors too, tell the window and the day; the deprecated pair is a tenth."""
    one = account("pro")
    one.calls(1)
    answer = one.http.get(f"{ORDERS}/1")
    assert answer.status_code == 404
    told = {
        name.removeprefix(LIMIT.lower()): value
        for name, value in answer.headers.items()
        if name.startswith(LIMIT.lower())
    }
    assert told == {
        "daily": "625000",
        "daily-remaining": "624998",
        "interval-milliseconds": "10000",
        "max": "190",
        "remaining": "188",
        "secondly": "19",
        "secondly-remaining": "17",
    }
    assert "x-hubspot-correlation-id" in answer.headers


def test_no_plan_refuses_nothing(account: Callable[..., Account]) -> None:
    """Without a plan nothing is refused, and the headers are those of limits nobody reaches."""
    one = account(None)
    assert one.calls(300) == [200] * 300
    headers = one.http.get(ORDERS).headers
    assert headers[f"{LIMIT}Interval-Milliseconds"] == "10000"
    assert headers[f"{LIMIT}Max"] == "1000000"
    assert headers[f"{LIMIT}Remaining"] == str(1_000_000 - 301)
    assert headers[f"{LIMIT}Daily"] == "250000"
    assert headers[f"{LIMIT}Daily-Remaining"] == str(250_000 - 301)
    searched = one.http.post(f"{ORDERS}/search", json={}).headers
    assert f"{LIMIT}Max" not in searched
    assert searched[f"{LIMIT}Daily-Remaining"] == str(250_000 - 302)


def test_ten_secondly_body(account: Callable[..., Account]) -> None:
    """The window's 429 has errorType, policyName and groupName, and no category."""
    one = account("starter")
    one.calls(100)
    answer = one.http.get(ORDERS)
    body = answer.json()
    app, portal = body.pop("groupName").split(":")[-2:]
    assert (app.isdecimal(), int(portal)) == (True, one.sandbox.portal_id)
    assert body.pop("correlationId") == answer.headers["X-HubSpot-Correlation-Id"]
    assert body == {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
    }
    assert answer.headers[f"{LIMIT}Remaining"] == "0"
    assert "Retry-After" not in answer.headers


def test_searches(account: Callable[..., Account]) -> None:
    """Five searches a second for the account; a body and headers without the interval's."""
    one = account("pro")
    assert one.searches(6) == [200] * 5 + [429]
    answer = one.http.post(f"{ORDERS}/search", json={})
    body = answer.json()
    del body["correlationId"]
    assert body == {
        "status": "error",
        "message": "You have reached your secondly limit.",
        "category": "RATE_LIMITS",
    }
    assert f"{LIMIT}Max" not in answer.headers
    assert answer.headers[f"{LIMIT}Daily-Remaining"] == str(625_000 - 5)
    assert one.http.get(ORDERS).headers[f"{LIMIT}Remaining"] == "189"
    one.advance(0.999)
    assert one.searches(1) == [429]
    one.advance(0.001)
    assert one.searches(5) == [200] * 5


def test_associations_have_their_own_pool(account: Callable[..., Account]) -> None:
    """Association calls take nothing from the app's window or day, and have 150 on Pro."""
    one = account("pro")
    assert one.calls(151, LINKS) == [200] * 150 + [429]
    answer = one.http.get(ORDERS)
    assert answer.headers[f"{LIMIT}Remaining"] == "189"
    assert answer.headers[f"{LIMIT}Daily-Remaining"] == str(625_000 - 1)
    told = one.http.get(LINKS).headers
    assert (told[f"{LIMIT}Max"], told[f"{LIMIT}Daily"]) == ("150", "500000")


@pytest.mark.parametrize(("switch", "most"), [("app", "190"), ("absent", None)])
def test_other_worlds_of_association_headers(
    account: Callable[..., Account], switch: str, most: str | None
) -> None:
    """Whose headers association answers carry is unverified, so it is a switch."""
    one = account("pro", association_rate_headers=switch)
    assert one.http.get(LINKS).headers.get(f"{LIMIT}Max") == most


def test_v3_associations_may_count_with_the_app(account: Callable[..., Account]) -> None:
    """The pool of v3 association calls is unverified, so it is a switch."""
    one = account("pro", v3_associations_have_the_pool=False)
    one.http.get("/crm/v3/objects/orders/1/associations/contacts")
    assert one.http.get(ORDERS).headers[f"{LIMIT}Remaining"] == "188"


def test_refused_calls_may_count(account: Callable[..., Account]) -> None:
    """Where refused calls take slots, hammering keeps the window shut."""
    one = account("starter", refused_calls_count=True)
    one.calls(150)
    one.advance(9.5)
    one.calls(100)
    one.advance(0.5)
    assert one.calls(1) == [429]


@pytest.mark.parametrize(("switch", "wait"), [("seconds", "10"), ("milliseconds", "10000")])
def test_retry_after_may_be_sent(account: Callable[..., Account], switch: str, wait: str) -> None:
    """A 429 carries no Retry-After; notes that say otherwise disagree about its unit."""
    one = account("starter", rate_limit_retry_after=switch)
    one.calls(100)
    assert one.http.get(ORDERS).headers["Retry-After"] == wait


def test_daily_quota(account: Callable[..., Account], monkeypatch: pytest.MonkeyPatch) -> None:
    """The daily quota is 429 DAILY until the account's midnight; usage tells the same count."""
    one = account("starter", account_time_zone="Europe/Berlin")  # noon in UTC is 14:00 there
    assert one.sandbox.limits.plan is not None
    monkeypatch.setattr(one.sandbox.limits, "plan", replace(one.sandbox.limits.plan, daily=30))
    one.calls(20)
    used = one.http.get("/account-info/v3/api-usage/daily/private-apps").json()["results"][0]
    assert (used["usageLimit"], used["currentUsage"]) == (30, 20)
    assert used["resetsAt"] == "2026-08-21T22:00:00Z"
    assert one.calls(10) == [200] * 9 + [429]
    answer = one.http.get(ORDERS)
    body = answer.json()
    assert (body["policyName"], body["errorType"]) == ("DAILY", "RATE_LIMIT")
    assert body["message"] == "You have reached your daily limit."
    assert body["requestId"]
    assert answer.headers[f"{LIMIT}Daily-Remaining"] == "0"
    one.advance(10 * 3600 - 1)
    assert one.calls(1) == [429]
    one.advance(1)
    assert one.calls(1) == [200]


def test_account_details_tell_the_zone(account: Callable[..., Account]) -> None:
    """The account's time zone and its offset are told, in summer time."""
    details = account(None, account_time_zone="America/New_York").http.get(
        "/account-info/v3/details"
    )
    told = [details.json()[name] for name in ("timeZone", "utcOffset", "utcOffsetMilliseconds")]
    assert told == ["America/New_York", "-04:00", -4 * 3_600_000]


def test_public_app(account: Callable[..., Account]) -> None:
    """A public app has 110 calls and is told nothing of the day."""
    one = account("oauth")
    assert one.calls(111)[-2:] == [200, 429]
    assert f"{LIMIT}Daily" not in one.http.get(ORDERS).headers


def test_wrong_tokens_and_own_routes_count_for_nobody(account: Callable[..., Account]) -> None:
    """A call without a valid token, and those to the sandbox itself, take no slot."""
    one = account("starter")
    for _ in range(120):
        one.http.get("/_sandbox/limits")
        one.http.get(ORDERS, headers={"Authorization": "Bearer nobody"})
    assert one.http.get(ORDERS).headers[f"{LIMIT}Remaining"] == "99"


def test_unknown_plan(tmp_path: Path) -> None:
    """A plan that does not exist is refused at once."""
    with pytest.raises(ValueError, match="unknown plan"):
        Sandbox(tmp_path / "a.db", plan="platinum")

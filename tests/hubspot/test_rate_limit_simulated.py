"""Minutes of calls in virtual time, judged by the sandbox's own count of what arrives.

The whole way of a call is under test: transport, limits, repeats. Latencies are drawn anew for
each call, split by chance between the way there and the way back.
"""

import random
from dataclasses import replace

import pytest
from virtual import EPOCH, Account, World, caller

from reconcile.errors import RateLimited
from reconcile.sandbox.rules.rate_limits import PLANS, PoolName

READ = "/crm/v3/objects/orders/batch/read"
LINKS = "/crm/v4/associations/orders/contacts/batch/read"
SEARCH = "/crm/v3/objects/orders/search"
MINUTES = 150.0

LIMITS = {"starter": 100, "pro": 190, "addon": 250}
each_plan = pytest.mark.parametrize("plan", LIMITS)
each_crew = pytest.mark.parametrize("workers", [1, 4, 16])


def wild(rng: random.Random, now: float) -> float:
    """Quick, usual and slow minutes, and some calls that take seconds."""
    usual = (0.03, 0.2, 0.6)[int(now // 50) % 3]
    return usual * rng.lognormvariate(0, 0.7) + (3.0 if rng.random() < 0.01 else 0.0)


def usual(rng: random.Random, _: float) -> float:
    """Around 0.15 s."""
    return 0.15 * rng.lognormvariate(0, 0.5)


@pytest.mark.matrix(keep=2)
@each_plan
@each_crew
def test_no_window_is_ever_exceeded(plan: str, workers: int) -> None:
    """As the server counts: not one refusal in minutes of wildly varying latencies."""
    world = World()
    account = Account(world, plan, latency=wild, seed=workers)
    world.run(*[caller(world, account.transport(LIMITS[plan]), READ, MINUTES)] * workers)
    assert account.limits.worst("app") <= LIMITS[plan]
    assert account.statuses.keys() == {200}


@pytest.mark.matrix(keep=2)
@each_plan
@each_crew
def test_95_percent_of_the_allowance_is_used(plan: str, workers: int) -> None:
    """Wherever the workers could send half as much again, at up to a quarter second a call."""
    limit = LIMITS[plan]
    mean = min(0.25, workers * 10 / limit / 1.5)

    def latency(rng: random.Random, now: float) -> float:
        return mean * rng.uniform(0.5, 1.5) * (1.0 if int(now // 30) % 2 else 0.7)

    world = World()
    account = Account(world, plan, latency=latency)
    world.run(*[caller(world, account.transport(limit), READ, MINUTES)] * workers)
    assert account.limits.worst("app") <= limit
    assert account.taken(since=10, until=MINUTES) >= 0.95 * limit * (MINUTES - 10) / 10


def test_slots_cost_their_latency() -> None:
    """A slot frees after the reply: at a second a call, ten elevenths of the allowance are used."""
    world = World()
    account = Account(world, "starter", latency=lambda *_: 1.0)
    world.run(*[caller(world, account.transport(100), READ, MINUTES)] * 16)
    assert account.limits.worst("app") <= 100
    assert account.taken(since=10, until=MINUTES) == pytest.approx(14 * 100 * 10 / 11, rel=0.03)


@pytest.mark.parametrize("refused_calls_count", [False, True])
def test_two_clients_of_one_app_share_its_limit(*, refused_calls_count: bool) -> None:
    """Each sees the other in HubSpot's headers: hardly a refusal, and both get on."""
    world = World()
    account = Account(world, "pro", latency=usual, refused_calls_count=refused_calls_count)
    clients = [account.transport(190) for _ in range(2)]
    world.run(*[caller(world, client, READ, MINUTES) for client in clients for _ in range(4)])
    assert account.statuses[429] <= 0.01 * account.statuses[200]
    assert account.taken(since=10, until=MINUTES) >= 0.95 * 19 * (MINUTES - 10)
    assert min(sum(client.calls.values()) for client in clients) >= 0.4 * account.statuses[200]


@pytest.mark.parametrize("refused_calls_count", [False, True])
def test_a_client_without_manners_is_made_room_for(*, refused_calls_count: bool) -> None:
    """Something else sends 60 calls in 10 s with our token: ours are the 130 that remain."""
    world = World()
    account = Account(world, "pro", latency=usual, refused_calls_count=refused_calls_count)

    def other() -> None:
        while world.now < MINUTES:
            account.serve("one", READ)
            world.sleep(1 / 6)

    ours = account.transport(190)
    world.run(other, *[caller(world, ours, READ, MINUTES)] * 4)
    assert account.statuses[429] <= 0.01 * account.statuses[200]
    assert account.taken(since=10, until=MINUTES) >= 0.93 * 19 * (MINUTES - 10)


def test_another_app_has_a_limit_of_its_own() -> None:
    """The window is per app (reference §3): two tokens get 190 each."""
    world = World()
    account = Account(world, "pro", latency=usual)
    clients = [account.transport(190, app=app) for app in ("one", "two")]
    world.run(*[caller(world, client, READ, MINUTES) for client in clients for _ in range(5)])
    assert account.statuses.keys() == {200}
    for app in ("one", "two"):
        assert account.taken(app, since=10, until=MINUTES) >= 0.95 * 19 * (MINUTES - 10)


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize(
    ("plan", "headers", "share"),
    [
        ("starter", "own", 0.95),
        ("starter", "absent", 0.95),
        # Both limits are 100: nothing shows that the headers are about the other one.
        ("starter", "app", 0.7),
        ("pro", "own", 0.95),
        ("pro", "absent", 0.95),
        ("pro", "app", 0.95),
    ],
)
def test_pools_are_apart(plan: str, headers: str, share: float) -> None:
    """Objects, associations and searches at once, each up to its own limit, none beyond.

    Whatever limit the headers of association calls are about.
    """
    world = World()
    account = Account(world, plan, latency=usual, association_rate_headers=headers)
    client = account.transport(LIMITS[plan])
    world.run(
        *[caller(world, client, READ, MINUTES)] * 6,
        *[caller(world, client, LINKS, MINUTES, "associations")] * 5,
        *[caller(world, client, SEARCH, MINUTES, "search")] * 2,
    )
    assert account.statuses.keys() == {200}
    allowed: dict[PoolName, tuple[str, float]] = {
        "app": (READ, LIMITS[plan]),
        "associations": (LINKS, PLANS[plan].association_window or 0),
    }
    for pool, (path, window) in allowed.items():
        assert account.limits.worst(pool) <= window
        assert client.calls[f"POST {path}"] >= share * window * MINUTES / 10
    assert account.limits.worst("search") <= 4
    assert client.calls[f"POST {SEARCH}"] >= 0.8 * 4 * MINUTES


def test_the_days_end_of_calls_stops_everybody_and_says_until_when() -> None:
    """One refusal for each worker and no call after it; the message has HubSpot's own reset."""
    world = World()
    account = Account(world, "pro", latency=usual, account_time_zone="America/New_York")
    account.limits.plan = replace(PLANS["pro"], daily=500)
    client = account.transport(190)
    client.time_zone = "America/New_York"
    messages: list[str] = []

    def work() -> None:
        with pytest.raises(RateLimited) as refused:
            caller(world, client, READ, MINUTES)()
        messages.append(f"{refused.value} / {refused.value.hint}")

    world.run(*[work] * 4)
    assert account.statuses == {200: 500, 429: 4}
    resets = account.limits.resets_at(round(world.now * 1000))
    assert (EPOCH.timestamp() + resets / 1000) > world.now
    for text in messages:
        assert "it resets at 1970-01-01 00:00 America/New_York, in 4 h 59 min" in text
        assert "500 calls" in text

"""HubSpot's rate limits: how many calls an account and its apps may make, and made (ref §3).

A call counts when it arrives. Every private app (each token is one) has a rolling window of ten
seconds; search has one of a second for the whole account; the association endpoints have a pool of
their own. Two daily counters, one of them for associations, reset at the account's midnight.
Everything is counted without a plan too, so that a client's limiter can be tested with the server's
own count. The windows end with the server, the daily counters persist (``persisted_counts``).
"""

import re
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Literal
from zoneinfo import ZoneInfo

from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.rules.subscriptions import FREE_DAILY, NO_PLAN, PLANS, UNLIMITED_WINDOW
from reconcile.sandbox.switches import Switches
from reconcile.sandbox.wire_format import EPOCH, iso

PoolName = Literal["app", "search", "associations"]
Shape = Literal["ten_secondly", "daily", "search"]

TEN_SECONDS, ONE_SECOND = 10_000, 1_000
SEARCHES_A_SECOND = 5  # ref §3, H; older pages say 4

_ASSOCIATIONS = re.compile(r"/associations(/|$)")
_PREFIX = "X-HubSpot-RateLimit-"


class Window:
    """The calls of one pool within a rolling interval."""

    def __init__(self, limit: int | None, interval: int) -> None:
        """Start empty."""
        self.limit = limit
        self.interval = interval
        self.worst = self.calls = self.refused = 0
        self._arrived: deque[int] = deque()
        self._counted: deque[int] = deque()

    def arrive(self, now: int) -> None:
        """Count a call that arrives."""
        self._arrived.append(now)
        self._roll(now)
        self.calls += 1
        self.worst = max(self.worst, len(self._arrived))

    def is_full(self, now: int) -> bool:
        """Return whether one more call is too many."""
        self._roll(now)
        return self.limit is not None and len(self._counted) >= self.limit

    def count(self, now: int) -> None:
        """Give a call a slot; it is free again after the interval."""
        self._counted.append(now)

    def within(self, now: int, milliseconds: int) -> int:
        """Return how many slots were taken within the last milliseconds."""
        return sum(at > now - milliseconds for at in self._counted)

    def shown(self, now: int) -> dict[str, Any]:
        """Return the counts of this window; ``worst`` includes refused calls."""
        self._roll(now)
        return {
            "used": len(self._counted),
            "limit": self.limit,
            "intervalMilliseconds": self.interval,
            "calls": self.calls,
            "refused": self.refused,
            "worst": self.worst,
        }

    def _roll(self, now: int) -> None:
        for times in (self._arrived, self._counted):
            while times and times[0] <= now - self.interval:
                times.popleft()


class Limits:
    """The limits and counts of one server; used by different threads."""

    def __init__(self, plan: str | None, switches: Switches) -> None:
        """Apply the limits of a plan; without one nothing is refused."""
        if plan is not None and plan not in PLANS:
            raise ValueError(f"unknown plan {plan!r}; choose one of {', '.join(PLANS)}")
        self.plan = None if plan is None else PLANS[plan]
        self.plan_name = plan
        self._switches = switches
        self._zone = ZoneInfo(switches.account_time_zone)
        self._lock = Lock()
        self._forget()

    def arrive(self, path: str, token: str, now: int, apps: str) -> dict[str, str]:
        """Count a call and return the headers of its answer. Raise TooManyCallsError at a limit.

        ``apps``, the app and the account, ends the group name of a refusal. A refusal carries its
        headers with it.
        """
        with self._lock:
            pool = pool_of(path, self._switches)
            window = self._window(pool, token)
            daily = self._today(now)
            day = "associations" if pool == "associations" else "app"
            window.arrive(now)
            most = self._daily_limit(day)
            shape: Shape | None = None
            if most is not None and daily[day] >= most:
                shape = "daily"
            elif window.is_full(now):
                shape = "search" if pool == "search" else "ten_secondly"
            if shape is None or self._switches.refused_calls_count:
                window.count(now)
                daily[day] += 1
            headers = self._headers(pool, token, now)
            if shape is None:
                return headers
            window.refused += 1
            raise TooManyCallsError(shape, self._switches, headers, apps)

    def of_the_day(self) -> tuple[str, dict[str, int]]:
        """Return the date of the last call, in the account's time zone, and its counters."""
        with self._lock:
            return self._day, dict(self._daily)

    def resume(self, day: str, used: Mapping[str, int]) -> None:
        """Continue a day's counters."""
        with self._lock:
            self._day = day
            self._daily |= {name: used[name] for name in self._daily.keys() & used.keys()}

    def used_today(self, now: int) -> int:
        """Return the number of today's calls of all apps, without those of associations."""
        with self._lock:
            return self._today(now)["app"]

    def daily_limit(self) -> int:
        """Return the daily limit that the usage endpoint reports."""
        return self._daily_limit("app") or FREE_DAILY

    def resets_at(self, now: int) -> int:
        """Return the account's next midnight."""
        local = (EPOCH + timedelta(milliseconds=now)).astimezone(self._zone)
        midnight = datetime(local.year, local.month, local.day, tzinfo=self._zone)
        tomorrow = (midnight + timedelta(days=1)).astimezone(UTC)
        return (tomorrow - EPOCH) // timedelta(milliseconds=1)

    def shown(self, now: int) -> dict[str, Any]:
        """Return the counts of each pool: the worst window ever, the calls refused."""
        with self._lock:
            day = dict(self._today(now))
            pools = [
                {"pool": pool, "app": app, **window.shown(now)}
                for (pool, app), window in sorted(self._windows.items())
            ]
        return {
            "plan": self.plan_name,
            "pools": pools,
            "daily": {
                name: {"used": used, "limit": self._daily_limit(name)} for name, used in day.items()
            },
            "resetsAt": iso(self.resets_at(now)),
        }

    def worst(self, pool: PoolName = "app") -> int:
        """Return the most calls of one app that ever arrived at a pool within its interval."""
        with self._lock:
            return max(
                (w.worst for (name, _), w in self._windows.items() if name == pool), default=0
            )

    def clear(self) -> None:
        """Reset every count."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._windows: dict[tuple[PoolName, str], Window] = {}
        self._day = ""
        self._daily = {"app": 0, "associations": 0}

    def _window(self, pool: PoolName, token: str) -> Window:
        key = (pool, "" if pool == "search" else token[-12:])
        if key not in self._windows:
            plan = self.plan or NO_PLAN
            searches = None if self.plan is None else SEARCHES_A_SECOND
            limit = {
                "app": plan.window,
                "associations": plan.association_window,
                "search": searches,
            }[pool]
            self._windows[key] = Window(limit, ONE_SECOND if pool == "search" else TEN_SECONDS)
        return self._windows[key]

    def _today(self, now: int) -> dict[str, int]:
        """Return the day's counters, new ones after midnight."""
        local = (EPOCH + timedelta(milliseconds=now)).astimezone(self._zone)
        day = local.date().isoformat()
        if day != self._day:
            self._day, self._daily = day, {"app": 0, "associations": 0}
        return self._daily

    def _daily_limit(self, day: str) -> int | None:
        plan = self.plan or NO_PLAN
        return plan.association_daily if day == "associations" else plan.daily

    def _headers(self, pool: PoolName, token: str, now: int) -> dict[str, str]:
        """Return the headers; a search has none about the interval ([pay search_429_live])."""
        headers = {}
        day = "associations" if pool == "associations" else "app"
        most = self._daily_limit(day) if self.plan else FREE_DAILY
        if most is not None:
            remaining = max(0, most - self._daily[day])
            headers = {"Daily": str(most), "Daily-Remaining": str(remaining)}
        shown = pool
        if pool == "associations" and self._switches.association_rate_headers != "own":
            shown = "app" if self._switches.association_rate_headers == "app" else "search"
        if shown != "search":
            window = self._window(shown, token)
            most = window.limit or UNLIMITED_WINDOW
            taken, second = window.within(now, TEN_SECONDS), window.within(now, ONE_SECOND)
            headers |= {
                "Interval-Milliseconds": str(window.interval),
                "Max": str(most),
                "Remaining": str(max(0, most - taken)),
                # Deprecated and not enforced, but still sent: a tenth, as recorded (190 and 19).
                "Secondly": str(most // 10),
                "Secondly-Remaining": str(max(0, most // 10 - second)),
            }
        return {f"{_PREFIX}{name}": value for name, value in headers.items()}


class TooManyCallsError(ApiError):
    """One of the three 429 bodies (ref §3 [pay http_429_examples, search_429_live])."""

    def __init__(
        self, shape: Shape, switches: Switches, headers: Mapping[str, str], apps: str
    ) -> None:
        """Build the refusal of a limit."""
        policy = {"ten_secondly": "TEN_SECONDLY_ROLLING", "daily": "DAILY"}.get(shape)
        limit = {"ten_secondly": "ten_secondly_rolling", "daily": "daily", "search": "secondly"}
        extra: dict[str, Any] = {}
        if policy is not None:
            extra = {"errorType": "RATE_LIMIT", "policyName": policy}
        if shape == "ten_secondly":
            extra["groupName"] = f"publicapi:private_app-api-calls-ten-secondly:{apps}"
        if shape == "daily":
            extra["requestId"] = str(uuid.uuid4())
        super().__init__(
            429,
            f"You have reached your {limit[shape]} limit.",
            category="RATE_LIMITS" if shape == "search" else None,
            extra=extra,
        )
        self.headers = dict(headers)
        wait = ONE_SECOND if shape == "search" else TEN_SECONDS
        match switches.rate_limit_retry_after:
            case "seconds":
                self.headers["Retry-After"] = str(wait // 1000)
            case "milliseconds":
                self.headers["Retry-After"] = str(wait)


def pool_of(path: str, switches: Switches) -> PoolName:
    """Return the pool that a call counts against, by its path."""
    if path.endswith("/search"):
        return "search"
    if _ASSOCIATIONS.search(path):
        old = path.startswith("/crm/v3/")
        return "app" if old and not switches.v3_associations_have_the_pool else "associations"
    return "app"

"""One call to HubSpot: under the rate limit, repeated only where that is safe, refused clearly."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from reconcile.call_watchdog import CALL_LIMIT
from reconcile.errors import Ambiguous, ApiError, Unreachable
from reconcile.hubspot.connection import Connection, NoReply, NotSent, Reply
from reconcile.hubspot.endpoint import checked_token, checked_url
from reconcile.hubspot.error_bodies import reset
from reconcile.hubspot.error_details import clean
from reconcile.hubspot.rate_limit import SEARCHES, Clock, RateLimit, Sleep, association_limit
from reconcile.hubspot.retry_policy import judge
from reconcile.hubspot.steps import Departure, Step, Tries, begin_step, current_step

Body = TypeVar("Body", bound=BaseModel)

CONNECTS = 4
"""Attempts to connect: a host that refuses for seconds will not be there in a minute either."""


@dataclass(frozen=True, slots=True)
class Response:
    """A good answer.

    ``repeated`` says that an earlier attempt of the same call may already have been carried out,
    so that the answer describes a world that this call itself may have changed.
    """

    status: int
    correlation_id: str
    body: bytes
    repeatable: bool
    repeated: bool = False

    def parse(self, model: type[Body]) -> Body:
        """Read the body. An unreadable one is no answer: Unreachable, or Ambiguous."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            reason = f"{place}: {first['msg']}" if place else first["msg"]
            raise (Unreachable if self.repeatable else Ambiguous)(
                f"HTTP {self.status} with a body that is not HubSpot's JSON ({clean(reason, 200)})",
                status=self.status,
                correlation_id=self.correlation_id,
                hint="a proxy or firewall may have answered in HubSpot's place",
            ) from None


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str] | None
    content: bytes | None
    pool: str
    counted_as: str


class Transport:
    """Calls on one host with one token. Safe to share between threads.

    ``timeout`` are the seconds that one attempt may take in all.
    ``sleep`` may raise to stop a run that is waiting; nothing is in flight at that moment.
    ``notice`` gets why a call is made again, where an attempt and the wait after it cost a second
    or more.
    The loop is written here and not left to stamina, whose sleep and clock cannot be replaced and
    whose switches are global to the process.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        rate_limit: int | None = 190,
        timeout: float = CALL_LIMIT,
        attempts: int = 8,
        patience: float = 120.0,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        notice: Callable[[str], None] = lambda _: None,
        connect: Callable[..., Connection] = Connection,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        base, is_loopback = checked_url(url)
        self._token = checked_token(token)
        self.time_zone = ""
        """The account's, once it is known: at its midnight the daily limit starts anew."""
        self._attempts = attempts
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._notice = notice
        self._now = now
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._accepted = False
        """Whether HubSpot has carried out a call with this token."""
        self._watch: Callable[[Reply], None] | None = None
        self._permits = threading.local()
        self._limits = {
            "objects": RateLimit(rate_limit, clock=clock, sleep=sleep),
            # Whether these replies tell of their own limit is not known (reference §3).
            "associations": RateLimit(
                association_limit(rate_limit), clock=clock, sleep=sleep, may_tell_another=True
            ),
            "search": RateLimit(
                None if rate_limit is None else SEARCHES, 1.0, clock=clock, sleep=sleep
            ),
        }
        self._connection = connect(base, self._token, timeout=timeout, environment=not is_loopback)

    def __repr__(self) -> str:
        return f"<Transport {sum(self.calls.values())} calls>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far, repeats included, by ``METHOD route``."""
        with self._counting:
            return self._calls.copy()

    @contextmanager
    def watched(self, watch: Callable[[Reply], None]) -> Iterator[None]:
        """Show ``watch`` every answer as it comes, refusals and those asked again after, too."""
        self._watch = watch
        try:
            yield
        finally:
            self._watch = None

    @contextmanager
    def permitted(self, permit: Callable[[], None]) -> Iterator[None]:
        """Ask ``permit`` right before each request of this thread leaves; it may raise."""
        before = getattr(self._permits, "ask", None)
        self._permits.ask = permit
        try:
            yield
        finally:
            self._permits.ask = before

    def step(self, **slots: int) -> AbstractContextManager[Step]:
        """Take slots for a step's calls at once, so many of each pool; see ``steps``."""
        return begin_step({self._limits[pool]: number for pool, number in slots.items() if number})

    def reveal_token(self) -> str:
        """The token itself: for the one endpoint that wants it in the body as well."""
        return self._token

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        repeatable: bool,
        pool: str = "objects",
        route: str = "",
        departure: Departure | None = None,
    ) -> Response:
        """Send one call, waiting and repeating as HubSpot asks, until it answers well.

        ``route`` is the path to count under, without ids. Raises ApiError for a refusal,
        Unreachable when no usable answer came to a call that is safe to repeat or was never sent,
        and Ambiguous when none came to one that may have been carried out. AuthError and
        RateLimited can follow an attempt without an answer: they do not prove that nothing was
        done. Raises Stale where ``departure`` does not let it leave; made again with the same one,
        it goes on counting its attempts.
        """
        content = None if body is None else _compact(body)
        request = _Call(method, path, params, content, pool, f"{method} {route or path}")
        tries = Tries() if departure is None else departure.tries
        while True:
            begun = self._clock()
            outcome = self._attempt(request, departure)
            tries.attempts += 1
            if isinstance(outcome, Reply) and 200 <= outcome.status < 300:
                self._accepted = True
                correlation = clean(outcome.headers.get("x-hubspot-correlation-id", ""), 80)
                return Response(
                    outcome.status, correlation, outcome.body, repeatable, tries.repeated
                )
            resets = reset(self.time_zone, self._now())
            verdict = judge(outcome, repeatable=repeatable, attempt=tries.attempts, resets=resets)
            if verdict.wait is None:
                raise self._explained(verdict.error)
            now = self._clock()
            if tries.give_up is None:
                tries.give_up = now + self._patience
            most = self._attempts
            if isinstance(outcome, NotSent):
                most = min(most, CONNECTS)
            if tries.attempts >= most or now + verdict.wait > tries.give_up:
                raise verdict.error.reworded(
                    f"{verdict.error} ({tries.attempts} attempts)",
                    hint=verdict.error.hint or "try again later",
                )
            tries.repeated = tries.repeated or verdict.in_doubt
            if now - begun + verdict.wait >= 1:
                then = f" in {verdict.wait:.0f} s" if verdict.wait >= 1 else ""
                self._notice(f"{verdict.error}; asking again{then}")
            self._sleep(verdict.wait)

    def _explained(self, error: ApiError) -> ApiError:
        """Say of a token that HubSpot has accepted before that it has come to its end."""
        if error.status != 401 or not self._accepted:
            return error
        return error.reworded(
            f"the token expired or was revoked while it was in use: {error}",
            hint="set a token that is valid, and run the command again",
        )

    def _attempt(self, call: _Call, departure: Departure | None) -> Reply | NotSent | NoReply:
        limit, step = self._limits[call.pool], current_step()
        with step.slot(limit) if step else limit.slot() as slot:
            slot.used = False

            def leave() -> None:
                """Raise where the request must not leave. It is connected, and nothing is sent."""
                if departure is not None:
                    departure.check(self._clock())
                if (permit := getattr(self._permits, "ask", None)) is not None:
                    permit()  # which may take a while, so the moment of leaving is noted after it
                if departure is not None:
                    departure.leave(self._clock())
                    if step is not None:
                        step.hand_back()  # what it did not need; the answer may take a while
                slot.used = True
                with self._counting:
                    self._calls[call.counted_as] += 1

            if departure is not None:
                departure.check(self._clock())  # here too: refusing a connected call costs it
            try:
                reply = self._connection.send(
                    call.method,
                    call.path,
                    params=call.params,
                    content=call.content,
                    leave=leave,
                    name=call.counted_as,
                )
            except (NotSent, NoReply) as failure:
                return failure
            if step is not None:
                step.replied = self._clock()
            slot.headers = reply.headers
        if self._watch is not None:
            self._watch(reply)
        return reply


def _compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

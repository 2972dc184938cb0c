"""Make one call to HubSpot: rate-limited, retried only if that is safe, with clear errors."""

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
from reconcile.errors import Ambiguous, HubSpotError, Unreachable
from reconcile.hubspot.connection import Connection, NoReply, NotSent, Reply
from reconcile.hubspot.endpoint import checked_token, checked_url
from reconcile.hubspot.error_bodies import daily_reset_text
from reconcile.hubspot.rate_limit import SEARCHES, Clock, RateLimit, Sleep, association_limit
from reconcile.hubspot.retry_policy import decide
from reconcile.hubspot.steps import Step, begin_step, current_step
from reconcile.hubspot.write_freshness import Tries, WriteFreshness
from reconcile.model.printable import clean

Body = TypeVar("Body", bound=BaseModel)

CONNECT_ATTEMPTS = 4
"""Attempts to connect: a host that refuses for seconds will not accept within a minute either."""


@dataclass(frozen=True, slots=True)
class Response:
    """A successful response.

    ``repeated`` says that an earlier attempt of the same call may already have been carried out,
    so the response may describe a change made by this very call.
    """

    status: int
    correlation_id: str
    body: bytes
    repeatable: bool
    repeated: bool = False

    def parse(self, model: type[Body]) -> Body:
        """Return the body as a model. Raise Unreachable or Ambiguous if it cannot be parsed."""
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
                hint="a proxy or firewall may have answered instead of HubSpot",
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

    ``timeout`` is the seconds that one attempt may take in total; a call is attempted at most
    ``attempts`` times, within ``patience`` seconds after its first failure.
    ``sleep`` may raise to stop a run that is waiting; nothing is in flight at that moment.
    ``notice`` gets the reason of a retry if the attempt and the wait take a second or more.
    The retry loop is our own because stamina's sleep and clock cannot be replaced, and its
    switches are global to the process.
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
        """The account's time zone, once known: at its midnight the daily limit resets."""
        self._attempts = attempts
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._notice = notice
        self._now = now
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._token_accepted = False
        """Whether a call with this token has succeeded."""
        self._watch: Callable[[Reply], None] | None = None
        self._permits = threading.local()
        self._limits = {
            "objects": RateLimit(rate_limit, clock=clock, sleep=sleep),
            # Whether these replies' headers are about their own limit is unknown (reference §3).
            "associations": RateLimit(
                association_limit(rate_limit), clock=clock, sleep=sleep, headers_may_differ=True
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
        """The number of requests sent so far, retries included, by ``METHOD route``."""
        with self._counting:
            return self._calls.copy()

    @contextmanager
    def watched(self, watch: Callable[[Reply], None]) -> Iterator[None]:
        """Pass every reply to ``watch`` as it arrives, including those before a retry."""
        self._watch = watch
        try:
            yield
        finally:
            self._watch = None

    @contextmanager
    def permitted(self, permit: Callable[[], None]) -> Iterator[None]:
        """Call ``permit`` right before each request of this thread is sent; it may raise."""
        before = getattr(self._permits, "ask", None)
        self._permits.ask = permit
        try:
            yield
        finally:
            self._permits.ask = before

    def step(self, **slots: int) -> AbstractContextManager[Step]:
        """Reserve slots for a step's calls at once, by pool; see the module ``steps``."""
        return begin_step({self._limits[pool]: number for pool, number in slots.items() if number})

    def reveal_token(self) -> str:
        """Return the token, for the one endpoint that needs it in the body as well."""
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
        freshness: WriteFreshness | None = None,
    ) -> Response:
        """Send one call, with waits and retries as HubSpot asks, and return its response.

        ``route`` is the path that the call is counted under, without ids. Raise

        - HubSpotError if HubSpot refuses it.
        - Unreachable if no usable response came to a call that is safe to repeat or was never sent.
        - Ambiguous if no usable response came to a call that may have been carried out.
        - AuthError or RateLimited, which may follow an attempt without a response: they do not
          prove that nothing was written.
        - Stale if ``freshness`` does not allow sending it. A further call with the same
          ``freshness`` continues to count its attempts.
        """
        content = None if body is None else _compact(body)
        request = _Call(method, path, params, content, pool, f"{method} {route or path}")
        tries = Tries() if freshness is None else freshness.tries
        while True:
            begun = self._clock()
            outcome = self._attempt(request, freshness)
            tries.attempts += 1
            if isinstance(outcome, Reply) and 200 <= outcome.status < 300:
                self._token_accepted = True
                correlation = clean(outcome.headers.get("x-hubspot-correlation-id", ""), 80)
                return Response(
                    outcome.status, correlation, outcome.body, repeatable, tries.repeated
                )
            resets = daily_reset_text(self.time_zone, self._now())
            decision = decide(outcome, repeatable=repeatable, attempt=tries.attempts, resets=resets)
            if decision.wait is None:
                raise self._explained(decision.error)
            now = self._clock()
            if tries.give_up is None:
                tries.give_up = now + self._patience
            most = self._attempts
            if decision.connecting:
                most = min(most, CONNECT_ATTEMPTS)
            if tries.attempts >= most or now + decision.wait > tries.give_up:
                raise decision.error.reworded(
                    f"{decision.error} ({tries.attempts} attempts)",
                    hint=decision.error.hint or "try again later",
                )
            tries.repeated = tries.repeated or decision.in_doubt
            if now - begun + decision.wait >= 1:
                then = f" in {decision.wait:.0f} s" if decision.wait >= 1 else ""
                self._notice(f"{decision.error}; retrying{then}")
            self._sleep(decision.wait)

    def _explained(self, error: HubSpotError) -> HubSpotError:
        """Return the error; if an accepted token is refused now, say that it expired."""
        if error.status != 401 or not self._token_accepted:
            return error
        return error.reworded(
            f"the token expired or was revoked while it was in use: {error}",
            hint="set a valid token, and run the command again",
        )

    def _attempt(self, call: _Call, freshness: WriteFreshness | None) -> Reply | NotSent | NoReply:
        limit, step = self._limits[call.pool], current_step()
        with step.slot(limit) if step else limit.slot() as slot:
            slot.used = False

            def before_send() -> None:
                """Raise if the request must not be sent. It is connected; nothing is sent yet."""
                if freshness is not None:
                    freshness.check(self._clock())
                if (permit := getattr(self._permits, "ask", None)) is not None:
                    permit()  # this may take a while, so the time of sending is recorded after it
                if freshness is not None:
                    freshness.sending(self._clock())
                    if step is not None:
                        step.release()  # unused ones; the reply may take a while
                slot.used = True
                with self._counting:
                    self._calls[call.counted_as] += 1

            if freshness is not None:
                freshness.check(self._clock())  # here too: a refusal later wastes the connection
            try:
                reply = self._connection.send(
                    call.method,
                    call.path,
                    params=call.params,
                    content=call.content,
                    before_send=before_send,
                    name=call.counted_as,
                )
            except (NotSent, NoReply) as failure:
                return failure
            finally:
                if freshness is not None and not self._connection.shows_sending:
                    freshness.sent_before(self._clock())
            if step is not None:
                step.replied_at = self._clock()
            slot.headers = reply.headers
        if self._watch is not None:
            self._watch(reply)
        return reply


def _compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

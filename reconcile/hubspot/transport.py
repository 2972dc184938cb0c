"""One call to HubSpot: under the rate limit, repeated only where that is safe, refused clearly."""

import ipaddress
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from reconcile import __version__
from reconcile.errors import Ambiguous, ApiError, Unreachable, UsageError
from reconcile.hubspot._http import Connection, NoReply, NotSent, Reply
from reconcile.hubspot.limits import Clock, RateLimit, Sleep, association_limit
from reconcile.hubspot.refusals import Refusal, clean, errors_from
from reconcile.hubspot.retry import Stop, Wait, backoff, decide

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

    ``sleep`` may raise to stop a run that is waiting; nothing is in flight at that moment.
    ``notice`` is told why a call is asked again, where that takes a second or more.
    The loop is written here and not left to stamina, whose sleep and clock cannot be replaced and
    whose switches are global to the process.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        rate_limit: int | None = 190,
        timeout: float = 60.0,
        attempts: int = 8,
        patience: float = 120.0,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        notice: Callable[[str], None] = lambda _: None,
        connect: Callable[..., Connection] = Connection,
    ) -> None:
        base, is_loopback = _checked_url(url)
        self._token = _checked_token(token)
        self._attempts = attempts
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._notice = notice
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._watch: Callable[[Reply], None] | None = None
        self._limits = {
            pool: RateLimit(limit, clock=clock, sleep=sleep)
            for pool, limit in (
                ("objects", rate_limit),
                ("associations", association_limit(rate_limit)),
            )
        }
        self._connection = connect(
            base,
            {
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "User-Agent": f"reconcile/{__version__}",
            },
            timeout=timeout,
            environment=not is_loopback,
        )

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
    ) -> Response:
        """Send one call, waiting and repeating as HubSpot asks, until it answers well.

        ``route`` is the path to count under, without ids. Raises ApiError for a refusal,
        Unreachable when no usable answer came to a call that is safe to repeat or was never sent,
        and Ambiguous when none came to one that may have been carried out. AuthError and
        RateLimited can follow an attempt without an answer: they do not prove that nothing was
        done.
        """
        content = None if body is None else _compact(body)
        request = _Call(method, path, params, content, pool, f"{method} {route or path}")
        give_up: float | None = None
        repeated = False
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, Reply) and 200 <= outcome.status < 300:
                correlation = clean(outcome.headers.get("x-hubspot-correlation-id", ""), 80)
                return Response(outcome.status, correlation, outcome.body, repeatable, repeated)
            wait, error = self._judge(outcome, repeatable=repeatable, attempt=attempt)
            if wait is None:
                raise error
            now = self._clock()
            give_up = now + self._patience if give_up is None else give_up
            most = self._attempts
            if isinstance(outcome, NotSent):
                most = min(most, CONNECTS)
            if attempt >= most or now + wait.seconds > give_up:
                raise self._exhausted(error, attempt)
            repeated = repeated or not wait.clean
            if wait.seconds >= 1:
                self._notice(f"{error}; asking again in {wait.seconds:.0f} s")
            self._sleep(wait.seconds)

    def _attempt(self, call: _Call) -> Reply | NotSent | NoReply:
        with self._limits[call.pool].slot() as slot:
            with self._counting:
                self._calls[call.counted_as] += 1
            try:
                reply = self._connection.send(
                    call.method, call.path, params=call.params, content=call.content
                )
            except (NotSent, NoReply) as failure:
                return failure
            slot.headers = reply.headers
        if self._watch is not None:
            self._watch(replace(reply, body=reply.body.replace(self._token.encode(), b"[token]")))
        return reply

    def _judge(
        self, outcome: Reply | NotSent | NoReply, *, repeatable: bool, attempt: int
    ) -> tuple[Wait | None, ApiError]:
        """What to do, and the error to raise should nothing more be done."""
        match outcome:
            case NotSent():
                again = None if outcome.hopeless else Wait(backoff(attempt), clean=True)
                said = self._clean(str(outcome))
                return again, Unreachable(f"HubSpot cannot be reached: {said}")
            case NoReply():
                said = f"no usable answer: {self._clean(str(outcome))}"
                if not repeatable:
                    return None, Ambiguous(said, status=outcome.status)
                again = None if outcome.hopeless else Wait(backoff(attempt), clean=False)
                return again, Unreachable(said, status=outcome.status)
            case Reply():
                # Should HubSpot quote the token, it is gone before anything is cut or parsed.
                body = outcome.body.replace(self._token.encode(), b"[token]")
                headers = {k: v.replace(self._token, "") for k, v in outcome.headers.items()}
                refusal = Refusal.read(outcome.status, headers, body)
                error = errors_from(refusal, headers)
                match decide(refusal, headers, repeatable=repeatable, attempt=attempt):
                    case Wait() as wait:
                        return wait, error if wait.clean else _unanswered(error)
                    case Stop(unclear=True):
                        return None, _unanswered(error, Unreachable if repeatable else Ambiguous)
                    case _:
                        return None, error

    @staticmethod
    def _exhausted(error: ApiError, attempts: int) -> ApiError:
        hint = error.hint or "try again later"
        return type(error)(
            f"{error} ({attempts} attempts)",
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
            hint=hint,
        )

    def _clean(self, text: str) -> str:
        return clean(text.replace(self._token, "[token]"))


def _unanswered(error: ApiError, kind: type[ApiError] = Unreachable) -> ApiError:
    """A refusal that says nothing about what was done is as good as no answer."""
    return kind(
        str(error),
        status=error.status,
        category=error.category,
        correlation_id=error.correlation_id,
        hint=error.hint,
    )


def _compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _checked_url(url: str) -> tuple[str, bool]:
    """The base URL without a trailing slash, and whether it is this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_loopback = host == "localhost" or _is_loopback_address(host)
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"{clean(parts.geturl().rpartition('@')[2], 200)!r} is no base URL")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise UsageError(
            f"{clean(url, 200)!r} is refused: the token travels over https only",
            hint="plain http is allowed to this machine alone, for the sandbox",
        )
    return url.rstrip("/"), is_loopback


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_token(token: str) -> str:
    """A token that can stand in a header. Never quoted in the error."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            "the token is empty or holds characters that no token has",
            hint="look for a line break, a space or quotation marks around it",
        )
    return token

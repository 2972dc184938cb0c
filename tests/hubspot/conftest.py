"""Fakes for what lies outside the client: time, and an HTTP server that answers from a script."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from reconcile.hubspot.connection import Connection
from reconcile.hubspot.transport import Transport

TOKEN = "pat-na1-5ec7e75e-c7e7-5ec7-e75e-c7e75ec7e75e"


class FakeClock:
    """A clock that moves only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """Answers requests one after the other; the last answer repeats. Keeps what was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )
        status, body, *headers = answer
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers=headers[0] if headers else None)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def talk(clock: FakeClock) -> Iterator[Callable[..., tuple[Transport, Script]]]:
    """Make a transport whose server answers from a script."""
    made: list[Transport] = []

    def make(*answers: Any, url: str = "https://api.example", **options: Any) -> Any:
        script = Script(*answers)
        transport = Transport(
            url,
            TOKEN,
            clock=clock,
            sleep=clock.sleep,
            connect=partial(Connection, make_transport=lambda: httpx.MockTransport(script)),
            **{"rate_limit": None, **options},
        )
        made.append(transport)
        return transport, script

    yield make
    for transport in made:
        transport.close()

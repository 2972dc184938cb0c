"""One call: what is repeated, what is not, and what the errors say."""

import json
import socket
import threading
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconcile.errors import (
    Ambiguous,
    AuthError,
    CallRefused,
    HubSpotError,
    RateLimited,
    Unreachable,
    UsageError,
)
from reconcile.hubspot import connection
from reconcile.hubspot.connection import Connection
from reconcile.hubspot.schemas import ObjectBody
from reconcile.hubspot.transport import Transport

OK = (200, {"id": "1"})
PATH = "/crm/v3/objects/orders/batch/read"
PLAIN = {"status": "error", "message": "something", "correlationId": "c-1"}
ROLLING = {
    "status": "error",
    "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
    "correlationId": "c-2",
    "policyName": "TEN_SECONDLY_ROLLING",
    "groupName": "publicapi:private-apps-api-calls:1",
}
DAILY = {
    "status": "error",
    "message": "You have reached your daily limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "DAILY",
    "requestId": "r-3",
}
SECONDLY = {
    "status": "error",
    "message": "You have reached your secondly limit.",
    "correlationId": "c-4",
    "category": "RATE_LIMITS",
}

Talk = Callable[..., tuple[Transport, Any]]


def call(transport: Transport, *, repeatable: bool = True, **options: Any) -> Any:
    return transport.call("POST", PATH, body={"a": 1}, repeatable=repeatable, **options)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 523, 524, 408])
def test_passing_server_errors_are_repeated_for_repeatable_calls(talk: Talk, status: int) -> None:
    """A server error that may pass is waited out where repeating is safe."""
    transport, script = talk((status, PLAIN), (status, b"<html>"), OK)
    response = call(transport)
    assert (response.status, len(script.requests)) == (200, 3)
    assert response.repeated


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 501])
def test_server_errors_leave_a_create_in_doubt(talk: Talk, status: int) -> None:
    """After a 5xx nobody knows whether the create was done: Ambiguous, sent once."""
    transport, script = talk((status, PLAIN))
    with pytest.raises(Ambiguous) as caught:
        call(transport, repeatable=False)
    assert caught.value.status == status
    assert caught.value.correlation_id == "c-1"
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [501, 505, 522, 525, 526])
def test_server_errors_for_support_are_not_repeated(talk: Talk, status: int) -> None:
    """Errors that do not pass stop at once."""
    transport, script = talk((status, PLAIN))
    with pytest.raises(Unreachable) as caught:
        call(transport)
    assert not isinstance(caught.value, Ambiguous)
    assert len(script.requests) == 1


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ((429, ROLLING), 10),
        ((429, ROLLING, {"X-HubSpot-RateLimit-Interval-Milliseconds": "4000"}), 4),
        ((429, ROLLING, {"Retry-After": "3"}), 3),
        ((429, ROLLING, {"Retry-After": "0"}), 1),
        ((429, ROLLING, {"Retry-After": "90000"}), 60),
        ((429, ROLLING, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 10),
        ((429, SECONDLY), 1),
        ((429, {"policyName": "SECONDLY"}), 1),
        ((429, b"<html>slow down</html>"), 10),
        ((423, PLAIN), 2),
        ((423, PLAIN, {"Retry-After": "1"}), 2),
        ((423, PLAIN, {"Retry-After": "5"}), 5),
    ],
)
def test_limits_and_locks_are_waited_out_even_by_creates(
    talk: Talk, clock: Any, answer: Any, seconds: int, *, repeatable: bool
) -> None:
    """429 and 423 say that nothing was done, so even a create is sent again."""
    transport, script = talk(answer, OK)
    response = call(transport, repeatable=repeatable)
    assert clock.slept == [seconds]
    assert len(script.requests) == 2
    assert not response.repeated


def test_the_daily_limit_stops_at_once(talk: Talk, clock: Any) -> None:
    """Waiting for midnight within a run does not help."""
    transport, script = talk((429, DAILY, {"X-HubSpot-RateLimit-Daily": "250000"}))
    with pytest.raises(RateLimited) as caught:
        call(transport)
    assert (len(script.requests), clock.slept) == (1, [])
    assert caught.value.category == "DAILY"
    assert caught.value.correlation_id == "r-3"
    assert "250000" in caught.value.hint
    assert "it resets at midnight in the account's time zone" in str(caught.value)


def test_a_migration_stops_and_tells_when_to_come_back(talk: Talk) -> None:
    """477 can last a day: the error names HubSpot's Retry-After."""
    transport, script = talk((477, PLAIN, {"Retry-After": "7200"}))
    with pytest.raises(RateLimited) as caught:
        call(transport)
    assert len(script.requests) == 1
    assert "7200 seconds" in caught.value.hint


@pytest.mark.parametrize("status", [400, 404, 405, 409, 414])
@pytest.mark.parametrize("repeatable", [True, False])
def test_refusals_are_not_repeated(talk: Talk, status: int, *, repeatable: bool) -> None:
    """A 4xx is an answer: nothing was done and nothing would change."""
    transport, script = talk((status, {**PLAIN, "category": "VALIDATION_ERROR"}))
    with pytest.raises(HubSpotError) as caught:
        call(transport, repeatable=repeatable)
    assert type(caught.value) is CallRefused
    assert (caught.value.status, caught.value.category) == (status, "VALIDATION_ERROR")
    assert len(script.requests) == 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_connections_that_fail_are_tried_again(*, repeatable: bool) -> None:
    """When nothing was sent, even a create is sent again."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))  # connections are refused until it listens
        requests: list[bytes] = []
        waits: list[float] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"id":"1"}')

        serving = threading.Thread(target=serve)

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                server.listen()
                serving.start()

        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with Transport(url, "pat-na1-x", rate_limit=None, sleep=sleep) as transport:
            response = call(transport, repeatable=repeatable)
            serving.join()
    assert (len(waits), len(requests), transport.calls.total()) == (2, 1, 1)
    assert not response.repeated


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])
def test_what_a_transport_failed_to_send_may_have_been_sent(
    talk: Talk, failure: httpx.TransportError
) -> None:
    """A transport that nobody sees at work may have tried twice: a create is left in doubt.

    What is safe to repeat is repeated, as often as if nothing had been sent.
    """
    transport, script = talk(failure)
    with pytest.raises(Ambiguous):
        call(transport, repeatable=False)
    assert len(script.requests) == 1
    with pytest.raises(Unreachable, match="4 attempts"):
        call(transport)
    assert len(script.requests) == 5
    transport, script = talk(failure, OK)
    assert call(transport).repeated
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("no answer"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.WriteTimeout(""),
        httpx.RemoteProtocolError("closed without an answer"),
    ],
)
def test_failures_after_sending_leave_a_create_in_doubt(
    talk: Talk, failure: httpx.TransportError
) -> None:
    """What was sent may have been done: a create is Ambiguous, a read asks again."""
    transport, script = talk(failure)
    with pytest.raises(Ambiguous):
        call(transport, repeatable=False)
    assert len(script.requests) == 1
    transport, script = talk(failure, OK)
    assert call(transport).repeated
    assert len(script.requests) == 2


def test_waiting_ends_after_so_many_attempts(talk: Talk, clock: Any) -> None:
    """Eight attempts, then Unreachable."""
    transport, script = talk((503, PLAIN))
    with pytest.raises(Unreachable, match="8 attempts") as caught:
        call(transport)
    assert not isinstance(caught.value, Ambiguous)
    assert caught.value.status == 503
    assert len(script.requests) == 8
    assert sum(clock.slept) <= 120
    transport, _ = talk((408, PLAIN))
    with pytest.raises(Unreachable, match="8 attempts"):
        call(transport)


def test_waiting_ends_after_so_much_time(talk: Talk, clock: Any) -> None:
    """No wait begins that would end later than two minutes after the first failure."""
    transport, _ = talk((429, ROLLING, {"Retry-After": "50"}))
    with pytest.raises(RateLimited, match="3 attempts"):
        call(transport)
    assert clock.slept == [50, 50]


def test_backing_off_grows_and_is_spread(talk: Talk, clock: Any) -> None:
    """Waits double and never hit all clients at one moment."""
    transport, _ = talk((503, PLAIN))
    with pytest.raises(Unreachable):
        call(transport)
    for attempt, slept in enumerate(clock.slept):
        assert 0.5 * min(30, 2**attempt) <= slept <= min(30, 2**attempt)


def test_a_missing_scope_of_a_private_app_is_named(talk: Talk) -> None:
    """The first 403 shape lists scopes in its context."""
    body = {
        "status": "error",
        "message": "This app hasn't been granted all required scopes to make this call.",
        "correlationId": "c-5",
        "errors": [
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": ["crm.objects.orders.read", "e-commerce"]},
            }
        ],
        "category": "MISSING_SCOPES",
    }
    transport, _ = talk((403, body))
    with pytest.raises(AuthError) as caught:
        call(transport)
    assert "crm.objects.orders.read or e-commerce" in str(caught.value)
    assert "crm.objects.orders.read" in str(caught.value)
    assert caught.value.category == "MISSING_SCOPES"


def test_a_missing_scope_in_the_top_context_is_named(talk: Talk) -> None:
    """Some calls put the scopes into the error's own context."""
    body = {"message": "no", "context": {"requiredGranularScopes": ["crm.schemas.orders.write"]}}
    transport, _ = talk((403, body))
    with pytest.raises(AuthError, match=r"crm\.schemas\.orders\.write"):
        call(transport)


def test_a_missing_scope_of_an_oauth_app_is_named(talk: Talk) -> None:
    """The second 403 shape has only a message."""
    body = {
        "status": "error",
        "message": "You do not have permissions to view_schema object type ORDER "
        "(requires one of [crm.schemas.orders.read, orders-read])",
        "correlationId": "c-6",
    }
    transport, _ = talk((403, body))
    with pytest.raises(AuthError) as caught:
        call(transport)
    assert str(caught.value).count("orders-read") == 1
    assert "one of these scopes" in caught.value.hint


def test_a_wrong_token_is_an_auth_error(talk: Talk) -> None:
    """401 fails at once and points to the token."""
    transport, script = talk((401, PLAIN))
    with pytest.raises(AuthError) as caught:
        call(transport)
    assert "revoked" in caught.value.hint
    assert len(script.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(talk: Talk, status: int) -> None:
    """The token never travels to where a redirect points, and a create is in doubt."""
    answer = (status, b"", {"Location": "https://elsewhere.example/"})
    transport, script = talk(answer)
    with pytest.raises(HubSpotError, match=str(status)):
        call(transport)
    with pytest.raises(Ambiguous):
        call(transport, repeatable=False)
    assert {request.url.host for request in script.requests} == {"api.example"}
    assert len(script.requests) == 2


def test_a_page_from_a_proxy_is_not_taken_for_an_answer(talk: Talk) -> None:
    """A 200 that is not JSON is an error, and leaves a create in doubt."""
    transport, _ = talk((200, b"<html>Sign in to the network</html>"))
    with pytest.raises(Unreachable, match="not HubSpot's JSON") as caught:
        call(transport).parse(ObjectBody)
    assert not isinstance(caught.value, Ambiguous)
    with pytest.raises(Ambiguous, match="not HubSpot's JSON"):
        call(transport, repeatable=False).parse(ObjectBody)


def test_json_of_another_shape_is_not_taken_for_an_answer(talk: Talk) -> None:
    """What is wrong with the answer is said without quoting its values."""
    transport, _ = talk((200, {"id": ["secret value"]}))
    with pytest.raises(HubSpotError, match="id: Input should be a valid string") as caught:
        call(transport).parse(ObjectBody)
    assert "secret value" not in str(caught.value)


def test_a_refusal_from_a_proxy_says_so(talk: Talk) -> None:
    """A 403 page is not HubSpot refusing the token."""
    transport, _ = talk((403, b"<html>Blocked</html>"))
    with pytest.raises(HubSpotError, match="not HubSpot's JSON") as caught:
        call(transport)
    assert not isinstance(caught.value, AuthError)


def test_messages_are_cut_and_cleaned(talk: Talk) -> None:
    """HubSpot's text cannot move the cursor, hide text or flood the screen."""
    message = "bad \x1b[31mred\x1b[0m \u202egnirts\r\n\x00" + "x" * 100_000
    transport, _ = talk((400, {"message": message, "category": "A\nB"}))
    with pytest.raises(HubSpotError) as caught:
        call(transport)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 600
    assert caught.value.category == "A B"


def test_validation_errors_are_unpacked(talk: Talk) -> None:
    """The JSON inside a validation message becomes words."""
    listed = [
        {
            "isValid": False,
            "message": 'Property "x" does not exist',
            "error": "PROPERTY_DOESNT_EXIST",
            "name": "x",
            "portalId": 1,
        },
        {"isValid": False, "message": "bad", "error": "INVALID_OPTION", "name": "y"},
    ]
    transport, _ = talk((400, {"message": f"Property values were not valid: {json.dumps(listed)}"}))
    with pytest.raises(HubSpotError) as caught:
        call(transport)
    assert str(caught.value) == (
        "HTTP 400: Property values were not valid: "
        'x: Property "x" does not exist (PROPERTY_DOESNT_EXIST); y: bad (INVALID_OPTION)'
    )


def test_large_answers_are_refused(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without end does not fill the memory, and leaves a create in doubt."""
    transport, script = talk((200, b"x" * 2048))
    monkeypatch.setattr(transport._connection, "_max_body", 1024)
    with pytest.raises(Unreachable, match="larger than") as caught:
        call(transport)
    assert not isinstance(caught.value, Ambiguous)
    with pytest.raises(Ambiguous):
        call(transport, repeatable=False)
    assert len(script.requests) == 2
    assert connection.MAX_BODY == 64 * 1024 * 1024


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"message": "token {token} is bad"}),
        (400, {"message": "x", "category": "{token}"}),
        (429, {"message": "daily limit", "policyName": "{token}"}),
        (500, {"message": "{token}"}),
        (400, {"message": "x" * 480 + "{token}"}),
        (477, {"message": "x"}, {"Retry-After": "{token}"}),
        (200, b"{token}"),
        (302, b"", {"Location": "https://{token}"}),
        httpx.ConnectError("cannot connect with {token}"),
        httpx.ReadError("{token}"),
        httpx.LocalProtocolError("Illegal header value {token}"),
    ],
)
def test_the_token_is_in_no_error(talk: Talk, answer: Any) -> None:
    """Even a server that quotes the token back cannot get it into an error or a traceback."""
    token = talk(OK)[0].reveal_token()
    if isinstance(answer, Exception):
        answer = type(answer)(str(answer).replace("{token}", token))
    else:
        status, body, *headers = answer
        if isinstance(body, bytes):
            body = body.replace(b"{token}", token.encode())
        else:
            body = json.loads(json.dumps(body).replace("{token}", token))
        headers = [{name: v.replace("{token}", token) for name, v in h.items()} for h in headers]
        answer = (status, body, *headers)
    for repeatable in (True, False):
        transport, _ = talk(answer)
        with pytest.raises(HubSpotError) as caught:
            call(transport, repeatable=repeatable).parse(ObjectBody)
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert token not in shown + repr(caught.value) + repr(transport)
        assert token[:12] not in shown
        assert token[8:] not in shown


def test_the_token_travels_in_one_header(talk: Talk) -> None:
    """The token is in Authorization and nowhere else; the tool says who it is."""
    transport, script = talk(OK)
    call(transport)
    request = script.requests[0]
    token = transport.reveal_token()
    assert request.headers["authorization"] == f"Bearer {token}"
    assert request.headers["user-agent"].startswith("reconcile/")
    others = [value for name, value in request.headers.items() if name != "authorization"]
    assert not any(token in text for text in [str(request.url), str(request.content), *others])


@pytest.mark.parametrize(
    "url",
    [
        "http://api.hubapi.com",
        "ftp://127.0.0.1",
        "https://",
        "https://user:word@api.hubapi.com",
        "https://api.hubapi.com?x=1",
        "api.hubapi.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
    ],
)
def test_urls_that_would_leak_the_token_are_refused(url: str) -> None:
    """Plain http is for this machine alone; a base URL is a host and nothing else."""
    with pytest.raises(UsageError) as caught:
        Transport(url, "pat-na1-x")
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"])
def test_this_machine_may_be_reached_over_plain_http(url: str) -> None:
    """The sandbox needs no certificate."""
    Transport(url, "pat-na1-x").close()


@pytest.mark.parametrize("token", ["", "pat na1", "pat-na1\n", "pät", '"\x00"'])
def test_tokens_that_fit_no_header_are_refused_unquoted(token: str) -> None:
    """A token with a line break is reported without showing it."""
    with pytest.raises(UsageError) as caught:
        Transport("https://api.example", token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("path", ["//evil.example/x", "https://evil.example", "crm"])
def test_only_paths_on_the_host_are_asked(path: str) -> None:
    """No path can lead to another host."""
    connection = Connection("https://api.example", "t", timeout=1, environment=False)
    with pytest.raises(ValueError, match="not a path"):
        connection.send("GET", path, params=None, content=None)
    connection.close()


def test_proxies_from_the_environment_are_used_except_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A company's proxy is respected; the sandbox is never asked through it."""
    seen: list[bool] = []

    def connect(*_: Any, environment: bool, **__: Any) -> Any:
        seen.append(environment)

    Transport("https://api.hubapi.com", "t", connect=connect)
    Transport("http://127.0.0.1:80", "t", connect=connect)
    assert seen == [True, False]


def test_every_request_sent_is_counted(talk: Talk) -> None:
    """Cost reports count repeats, and single records under one route."""
    transport, _ = talk((503, PLAIN), (429, ROLLING), OK)
    call(transport)
    transport.call("GET", "/crm/v3/objects/orders/17", repeatable=True, route="/orders/{id}")
    assert transport.calls == {f"POST {PATH}": 3, "GET /orders/{id}": 1}


def test_association_calls_have_a_pool_of_their_own(talk: Talk, clock: Any) -> None:
    """A used-up object limit does not hold up association calls."""
    transport, _ = talk(OK, rate_limit=2)
    for _ in range(2):
        call(transport)
    call(transport, pool="associations")
    assert clock.slept == []
    call(transport)
    assert clock.slept == [10]


def test_rate_limit_headers_reach_the_limit(talk: Talk, clock: Any) -> None:
    """Remaining 0 in an answer makes the next call wait."""
    transport, _ = talk((*OK, {"X-HubSpot-RateLimit-Remaining": "0"}), OK, rate_limit=100)
    call(transport)
    assert clock.slept == []
    call(transport)
    assert clock.slept == [10]

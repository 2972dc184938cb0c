"""The page's routes: access, the view that answers, and its headers."""

import sqlite3
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from reconcile.sandbox.page import link_key, urls
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.storage.database_file import full_token, transaction

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ELSEWHERE = "This page answers at 127.0.0.1, localhost and [::1] only."
_LOCKED = "Open the link that `reconcile sandbox serve` prints; it lets this browser in."
_BUSY = "Another process is writing to the database. Load the page again in a moment."


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of the page; to other methods these paths are unknown."""
    key = link_key.key_of(full_token(runtime.connection))

    async def answer(request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            raise HTTPException(404)
        return _answer(runtime, key, request)

    return [
        Route(path, answer, methods=_METHODS)
        for path in (urls.HOME, urls.PREFIX, f"{urls.PREFIX}/{{rest:path}}")
    ]


def _answer(runtime: Runtime, key: str, request: Request) -> Response:
    path, offered = request.scope["path"], request.query_params.get("key")
    if not link_key.is_loopback(request.headers.get("host", "")):
        return _refusal(runtime, request, 421, "Not at this name", _ELSEWHERE)
    if path == urls.HOME and link_key.is_key(offered, key):
        return _let_in(runtime, key)
    if not link_key.may_look(request.cookies, runtime.portal_id, key):
        return _refusal(runtime, request, 403, "This page needs its link", _LOCKED)
    segments = [part for part in path.removeprefix(urls.PREFIX).split("/") if part]
    return _show(runtime, segments, request.query_params)


def _refusal(
    runtime: Runtime, request: Request, status: int, heading: str, reason: str
) -> Response:
    """Explain to a person; to a program this is an unknown path, as it is in HubSpot."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return _message(runtime, status, heading, reason)


def _let_in(runtime: Runtime, key: str) -> Response:
    """Move the key from the address into a cookie."""
    response = RedirectResponse(urls.HOME, 303, headers=_HEADERS)
    response.set_cookie(
        link_key.cookie_name(runtime.portal_id), key, httponly=True, samesite="strict"
    )
    return response


def _show(runtime: Runtime, segments: list[str], query: Mapping[str, str]) -> Response:
    from reconcile.sandbox.page import views  # noqa: PLC0415  (only who looks needs templates)

    try:
        runtime.requests.save()
        with transaction(runtime.connection, write=False):
            view = views.find(runtime, segments, query)
            return _html(runtime, view.status, view.template, view.values)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return _message(runtime, 503, "Busy", _BUSY)


def _message(runtime: Runtime, status: int, heading: str, reason: str) -> Response:
    """Return a message that reveals nothing about the account: the reader is not authenticated."""
    values = {"section": None, "heading": heading, "reason": reason, "way_out": None}
    return _html(runtime, status, "message.html", values)


def _html(runtime: Runtime, status: int, template: str, values: Mapping[str, object]) -> Response:
    from reconcile.sandbox.page import templating  # noqa: PLC0415  (as above)

    text = templating.render(template, portal_id=runtime.portal_id, **values)
    headers = {**_HEADERS, "Content-Security-Policy": templating.policy()}
    return HTMLResponse(text, status, headers=headers)

"""``/_sandbox``: what a test may ask the server itself; HubSpot has nothing like it."""

from reconcile.sandbox.calls import Call, Endpoint, Reply
from reconcile.sandbox.request_log import RequestLog

PREFIX = "/_sandbox"


def routes(log: RequestLog) -> list[Endpoint]:
    """Return the routes that read and clear the log of requests."""

    def read(_: Call) -> Reply:
        return Reply(200, {"results": log.shown()})

    def clear(_: Call) -> Reply:
        log.clear()
        return Reply(204)

    return [
        Endpoint("GET", f"{PREFIX}/requests", read),
        Endpoint("DELETE", f"{PREFIX}/requests", clear),
    ]

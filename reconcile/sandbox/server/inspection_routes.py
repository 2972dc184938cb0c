"""``/_sandbox``: the log of requests and the counts of records; HubSpot has nothing like it."""

from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply
from reconcile.sandbox.storage.record_counts import summary
from reconcile.sandbox.storage.request_log import RequestLog

PREFIX = "/_sandbox"


def count(call: Call) -> Reply:
    """Count the records of each type; ``property`` asks for values that several of them share."""
    return Reply(200, summary(call.connection, call.last("property")))


def routes(log: RequestLog) -> list[Endpoint]:
    """Return the routes that read and clear the log of requests, and count the records."""

    def read(_: Call) -> Reply:
        return Reply(200, {"results": log.shown()})

    def clear(_: Call) -> Reply:
        log.clear()
        return Reply(204)

    return [
        Endpoint("GET", f"{PREFIX}/requests", read),
        Endpoint("DELETE", f"{PREFIX}/requests", clear),
        Endpoint("GET", f"{PREFIX}/summary", count),
    ]

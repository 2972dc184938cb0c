"""The sandbox's description of itself, OpenAPI 3.1, made from its one table of routes."""

from collections.abc import Iterable

from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply

PATH = "/_sandbox/openapi.json"


def routes(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return the route that serves the description of these endpoints."""
    described = tuple(endpoints)

    def read(call: Call) -> Reply:
        from reconcile.sandbox.openapi.document import describe  # noqa: PLC0415  (if asked for)

        return Reply(200, describe(described, call.base_url))

    return [Endpoint("GET", PATH, read)]

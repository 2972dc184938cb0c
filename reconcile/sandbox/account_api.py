"""The account itself, and what a token may do (ref §3, §16)."""

import json
from datetime import UTC, datetime, timedelta

from reconcile.sandbox.calls import Call, Endpoint, Reply, required, text_of
from reconcile.sandbox.database import account_value
from reconcile.sandbox.errors import HubSpotError
from reconcile.sandbox.wire import EPOCH, iso

INTROSPECTION_PATH = "/oauth/v2/private-apps/get/access-token-info"
_DAILY_LIMIT = 250_000  # a free account's (ref §3, H)


def details(call: Call) -> Reply:
    """Tell which account this is: the guard before any write."""
    call.allow(("oauth",))
    return Reply(
        200,
        {
            "portalId": call.portal_id,
            "accountType": call.switches.account_type,
            "timeZone": "UTC",
            "companyCurrency": call.switches.company_currency,
            "additionalCurrencies": list(call.switches.additional_currencies),
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        },
    )


def daily_usage(call: Call) -> Reply:
    """Tell how many calls were made; the sandbox counts from its start and limits nothing."""
    call.allow(("oauth",))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    resets = (midnight + timedelta(days=1) - EPOCH) // timedelta(milliseconds=1)
    return Reply(
        200,
        {
            "results": [
                {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": _DAILY_LIMIT,
                    "currentUsage": call.calls_made,
                    "collectedAt": iso(call.now),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso(resets),
                }
            ]
        },
    )


def token_info(call: Call) -> Reply:
    """Tell a private app token's account and scopes.

    The endpoint is not in the reference; at least eight public code bases call it, one of which
    records {userId, hubId, appId, scopes} and that it asks for no scope.
    """
    required(call.json, "tokenKey")
    token = text_of(call.json["tokenKey"])
    row = call.connection.execute(
        "SELECT scopes FROM token WHERE token = ? AND revoked = 0", (token,)
    ).fetchone()
    if row is None:  # the answer to an unknown token was not found; this is the general one
        raise HubSpotError(
            401, "The access token is invalid or revoked", category="INVALID_AUTHENTICATION"
        )
    return Reply(
        200,
        {
            "userId": account_value(call.connection, "user_id"),
            "hubId": call.portal_id,
            "appId": account_value(call.connection, "app_id"),
            "scopes": json.loads(row[0]),
        },
    )


def _routes() -> list[Endpoint]:
    routes = []
    for version in ("v3", "2026-03"):
        prefix = f"/account-info/{version}"
        routes += [
            Endpoint("GET", f"{prefix}/details", details),
            Endpoint("GET", f"{prefix}/api-usage/daily/private-apps", daily_usage),
        ]
    return [*routes, Endpoint("POST", INTROSPECTION_PATH, token_info)]


ROUTES = _routes()

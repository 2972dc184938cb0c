"""The account itself, and what a token may do (ref §3, §16)."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.rules.api_call import Call, Endpoint, Reply, required, text_of
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.storage.database_file import account_value
from reconcile.sandbox.wire_format import EPOCH, iso

INTROSPECTION_PATH = "/oauth/v2/private-apps/get/access-token-info"


def details(call: Call) -> Reply:
    """Return the account's details, by which a client recognizes the account."""
    call.allow(("oauth",))
    return Reply(
        200,
        {
            "portalId": call.portal_id,
            "accountType": call.switches.account_type,
            "timeZone": call.switches.account_time_zone,
            "companyCurrency": call.switches.company_currency,
            "additionalCurrencies": list(call.switches.additional_currencies),
            **_offset(call),
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        },
    )


def daily_usage(call: Call) -> Reply:
    """Return how many calls were made today before this one, and the daily limit."""
    call.allow(("oauth",))
    limits = call.limits or Limits(None, call.switches)
    return Reply(
        200,
        {
            "results": [
                {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": limits.daily_limit(),
                    "currentUsage": max(0, limits.used_today(call.now) - 1),
                    "collectedAt": iso(call.now),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso(limits.resets_at(call.now)),
                }
            ]
        },
    )


def _offset(call: Call) -> dict[str, object]:
    """Return the account's offset from UTC at this moment."""
    zone = ZoneInfo(call.switches.account_time_zone)
    offset = (EPOCH + timedelta(milliseconds=call.now)).astimezone(zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return {
        "utcOffset": f"{sign}{hours:02}:{rest:02}",
        "utcOffsetMilliseconds": minutes * 60_000,
    }


def token_info(call: Call) -> Reply:
    """Return a private app token's account and scopes.

    The endpoint is not in the reference; at least eight public code bases call it, one of which
    records {userId, hubId, appId, scopes} and that it asks for no scope.
    """
    required(call.json, "tokenKey")
    token = text_of(call.json["tokenKey"])
    row = call.connection.execute(
        "SELECT scopes FROM token WHERE token = ? AND revoked = 0", (token,)
    ).fetchone()
    if row is None:  # the answer to an unknown token was not found; this is the general one
        raise ApiError(
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

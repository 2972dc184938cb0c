"""Parse HubSpot's error bodies and turn them into errors with readable messages.

Everything in them is untrusted text: it is truncated, stripped of control characters, and never
assumed to have the documented shape.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from reconcile.errors import AuthError, CallRefused, HubSpotError, InvalidValue, RateLimited
from reconcile.hubspot.error_details import join_reasons, nested
from reconcile.hubspot.validation_errors import refused_values, split_message
from reconcile.model.printable import clean

ABSENT = "OBJECT_NOT_FOUND"
"""Category of a record that does not exist. HubSpot omits it on single reads; we always set it."""

_NOT_FOUND = ("resource not found", "object not found")
"""How the message of a single record's 404 begins if it has no category (reference §3)."""

_ONE_OF = re.compile(r"requires (?:one|all|any) of \[([^\]]*)\]")
_HOLDER = re.compile(r"(\d+) already has that value|Existing ID: (\d+)")
_OFFENDING = re.compile(r"\bon (\d+)\. \d+ already has that value")
_HOLDER_KEYS = ("existingId", "existingObjectId")
_OFFENDING_KEYS = ("ids", "id", "objectId")
_OPEN_FIELDS = frozenset({"subCategory", "context", "errorTokens", "errors"})
_SCOPE_KEYS = ("requiredGranularScopes", "requiredScopes")


class ErrorBody(BaseModel):
    """An error as HubSpot sends it: a whole body, or one item of a batch's ``errors``."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", coerce_numbers_to_str=True, frozen=True
    )

    message: str | None = None
    category: str | None = None
    sub_category: Any = None
    correlation_id: str | None = None
    request_id: str | None = None
    error_type: str | None = None
    policy_name: str | None = None
    context: Any = None
    error_tokens: Any = None
    errors: Any = None

    @model_validator(mode="before")
    @classmethod
    def _lenient(cls, raw: Any) -> Any:
        """Drop values that are not text, so that a malformed error never hides the results."""
        if not isinstance(raw, dict):
            return {}
        return {key: value for key, value in raw.items() if key in _OPEN_FIELDS or _is_text(value)}

    def named(self, *keys: str) -> tuple[str, ...]:
        """Return the values of these keys in the error's context, in order, each once."""
        found: dict[str, None] = {}
        for source in (self.context, self.error_tokens):
            if isinstance(source, Mapping):
                for key in keys:
                    found.update(dict.fromkeys(_texts(source.get(key))))
        return tuple(found)

    @property
    def offending_inputs(self) -> tuple[str, ...]:
        """Ids or keys of the inputs that the error is about."""
        return (*self.named(*_OFFENDING_KEYS), *_OFFENDING.findall(self.message or ""))

    @property
    def value_holders(self) -> tuple[str, ...]:
        """Ids of the records that already have a unique value."""
        inside = (a or b for a, b in _HOLDER.findall(self.message or ""))
        return tuple(dict.fromkeys([*self.named(*_HOLDER_KEYS), *inside]))

    @property
    def text(self) -> str:
        """The whole error in one line: its message, the refused values and the nested errors."""
        before, values, after = split_message(self.message or "")
        said = [one.message for one in values]
        inside = nested(
            self.errors,
            already_shown="\n".join([before, *said, after]),
            known={(one.name, one.code) for one in values if one.name},
        )
        reasons = join_reasons([*said, *inside])
        message = clean(before)
        if not reasons:
            return message or self._unexplained
        if not message:
            return reasons
        rest = f" {clean(after)}" if after.strip() else ""
        return f"{message.rstrip(' .:')}: {reasons}{rest}"

    @property
    def _unexplained(self) -> str:
        """The text of an error without a message: its kind, if it has one."""
        kinds = (self.sub_category, self.category, self.error_type, self.policy_name)
        kind = next((clean(one, 80) for one in kinds if isinstance(one, str) and one.strip()), "")
        return f"no reason given ({kind})" if kind else "no reason given"

    @property
    def invalid(self) -> tuple[InvalidValue, ...]:
        """The refused property values, each with its own message."""
        return tuple(
            InvalidValue(clean(one.name, 100), clean(one.message), clean(one.code, 80), one.value)
            for one in refused_values(self.message or "", self.errors, self.error_tokens)
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """Scopes that the token lacks.

        HubSpot sends them in one shape to OAuth apps, and in another to service keys and private
        apps.
        """
        found = dict.fromkeys(self.named(*_SCOPE_KEYS))
        for item in self.errors if isinstance(self.errors, list) else ():
            if isinstance(item, Mapping) and isinstance(item.get("context"), Mapping):
                for key in _SCOPE_KEYS:
                    found.update(dict.fromkeys(_texts(item["context"].get(key))))
        for listed in _ONE_OF.findall(self.message or ""):
            found.update(dict.fromkeys(part.strip() for part in listed.split(",")))
        return tuple(clean(scope, 100) for scope in found if scope)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response with a status of 300 and above, parsed as far as possible."""

    status: int
    body: ErrorBody
    is_json: bool
    correlation_id: str = ""

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: bytes) -> "Refusal":
        """Parse an error response, whatever its content."""
        try:
            parsed, is_json = ErrorBody.model_validate_json(body), True
        except ValidationError:
            parsed, is_json = ErrorBody(), False
        given = headers.get("x-hubspot-correlation-id") or parsed.correlation_id or ""
        return cls(status, parsed, is_json, clean(given or parsed.request_id or "", 80))

    @property
    def is_daily(self) -> bool:
        """Whether the daily limit is used up, so that waiting within a run does not help."""
        return self._policy == "DAILY" or "daily limit" in self._message

    @property
    def is_secondly(self) -> bool:
        """Whether the per-second limit (search) was hit; only the message names it."""
        return self._policy == "SECONDLY" or (
            "secondly" in self._message and "ten_secondly" not in self._message
        )

    @property
    def is_absence(self) -> bool:
        """Whether this says that a record does not exist, not that the path is wrong."""
        return (
            self.status == 404
            and self.is_json
            and (self.body.category == ABSENT or self._message.startswith(_NOT_FOUND))
        )

    @property
    def _policy(self) -> str:
        return (self.body.policy_name or "").upper()

    @property
    def _message(self) -> str:
        return (self.body.message or "").lower()


def error_from(refusal: Refusal, headers: Mapping[str, str], resets: str) -> HubSpotError:
    """Return the error to raise for a refusal. ``resets`` says when the daily limit resets."""
    status, body = refusal.status, refusal.body
    kind: type[HubSpotError] = CallRefused
    hint = ""
    if not refusal.is_json:
        message = f"HTTP {status} with a body that is not HubSpot's JSON"
        hint = "a proxy or firewall may have answered instead of HubSpot"
    else:
        message = f"HTTP {status}: {body.text}"
        if status in (401, 403):
            kind, hint = AuthError, _auth_hint(status, body.scopes)
            if any(scope not in message for scope in body.scopes):
                message += f" (missing scope: {' or '.join(body.scopes)})"
    if status < 400:
        hint = "redirects are not followed, because the token would be sent along"
    if status == 429:
        kind = RateLimited
        hint = "try again later"
        if refusal.is_daily:
            message += f" (it resets {resets})"
            hint = _daily_hint(headers)
    if status == 477:
        kind = RateLimited
        waits = clean(headers.get("retry-after", ""), 20)
        message = f"HTTP 477: HubSpot is moving this account to another data centre; {body.text}"
        hint = f"try again in {waits} seconds (Retry-After)" if waits else "try again tomorrow"
    return kind(
        message,
        status=status,
        category=ABSENT
        if refusal.is_absence
        else clean(body.category or body.policy_name or "", 80),
        correlation_id=refusal.correlation_id,
        hint=hint,
        invalid=[
            replace(one, message=f"HTTP {status}: {one.message}") for one in refusal.body.invalid
        ],
    )


def daily_reset_text(time_zone: str, now: datetime) -> str:
    """Return when the account's daily limit resets (reference §3), in words."""
    try:
        zone = ZoneInfo(time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return "at midnight in the account's time zone"
    here = now.astimezone(zone)
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), zone)
    minutes = int((midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds()) // 60
    return f"at {midnight:%Y-%m-%d %H:%M} {time_zone}, in {minutes // 60} h {minutes % 60} min"


def _auth_hint(status: int, scopes: tuple[str, ...]) -> str:
    if status == 401:
        return "the token is wrong, expired or revoked"
    if scopes:
        these = "this scope" if len(scopes) == 1 else "one of these scopes"
        return f"give the token's service key or app {these}"
    return "give the token's service key or app the scope this call needs"


def _daily_hint(headers: Mapping[str, str]) -> str:
    limit = clean(headers.get("x-hubspot-ratelimit-daily", ""), 20)
    of = f" of {limit} calls" if limit else ""
    shared = "is shared by all service keys and private apps of the account"
    return f"the daily limit{of} {shared}: run again after it resets"


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _texts(value: Any) -> Iterator[str]:
    if _is_text(value):
        yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)

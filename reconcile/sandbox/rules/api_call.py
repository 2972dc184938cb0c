"""One API call: what a handler gets, what it answers, the route to it, and readers of bodies.

Handlers are plain functions from a ``Call`` to a ``Reply``. They run inside a transaction and know
nothing of HTTP.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reconcile.sandbox import wire_format
from reconcile.sandbox.api_errors import (
    ApiError,
    fields_missing,
    invalid,
    invalid_json,
    too_many_inputs,
    unknown_object_type,
)
from reconcile.sandbox.object_types import ObjectType, infer_object_type
from reconcile.sandbox.rules.rate_limits import Limits
from reconcile.sandbox.scopes import Alternatives
from reconcile.sandbox.storage.property_table import Definition, Definitions, mark_changed
from reconcile.sandbox.switches import Switches

_SCOPES_PAGE = "https://developers.hubspot.com/scopes"


@dataclass(frozen=True)
class Reply:
    """An answer; ``body`` None sends nothing."""

    status: int
    body: object = None


@dataclass
class Call:
    """Everything that a handler is given about its request."""

    connection: sqlite3.Connection
    definitions_cache: Definitions
    switches: Switches
    portal_id: int
    scopes: frozenset[str]
    base_url: str = ""
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    raw_body: bytes = b""
    limits: Limits | None = None
    source: str = "INTEGRATION"
    """Who makes the call, as property histories record it: a source type, and which one it is.

    Behind the type may stand the id of the user, app or workflow, and behind that its name.
    """

    stored_as: Mapping[str, str | None] = field(default_factory=dict)
    """What a write stores in place of what is sent, by property; None is nothing."""

    reads_as_of: int | None = None
    """The moment that stale reads show; None is now."""

    keys_as_of: int | None = None
    """The same for looking records up by a unique property."""

    links_as_of: int | None = None
    """The same for associations."""

    definitions_as_of: int | None = None
    """The same for reading which properties are defined."""

    now: int = field(default_factory=wire_format.now_ms)
    _definitions: dict[str, dict[str, Definition]] = field(default_factory=dict, repr=False)

    @cached_property
    def json(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object."""
        body = wire_format.decode(self.raw_body)
        if not isinstance(body, dict):
            raise invalid_json("Cannot deserialize value of type `LinkedHashMap`")
        return body

    @cached_property
    def kind(self) -> ObjectType:
        """Return the object type that the path names first."""
        return self.kind_of(self.params["type"])

    def kind_of(self, name: str) -> ObjectType:
        """Return an object type by any of its names. Raise ApiError if it is unknown."""
        found = infer_object_type(name)
        if found is None or (found.is_custom and not self.definitions(found.id)):
            raise unknown_object_type(name)
        return found

    def definitions(self, type_id: str) -> dict[str, Definition]:
        """Return the property definitions of a type, by name."""
        if type_id not in self._definitions:
            self._definitions[type_id] = self.definitions_cache.of(self.connection, type_id)
        return self._definitions[type_id]

    def change_definitions(self) -> None:
        """Make this call, and every reader of the database, read the definitions again."""
        self._definitions.clear()
        mark_changed(self.connection)

    def allow(self, *needed: Alternatives) -> None:
        """Raise a 403 unless the token holds one scope of each tuple (in two shapes, ref §2)."""
        missing = [scopes for scopes in needed if self.scopes.isdisjoint(scopes)]
        if not missing:
            return
        if self.switches.missing_scopes_shape == "oauth":
            listed = ", ".join(missing[0])
            raise ApiError(
                403,
                f"You do not have permissions to access this object (requires one of [{listed}])",
            )
        raise ApiError(
            403,
            "This app hasn't been granted all required scopes to make this call. "
            f"Read more about required scopes here: {_SCOPES_PAGE}.",
            category="MISSING_SCOPES",
            errors=[
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": list(scopes)},
                }
                for scopes in missing
            ],
            extra={"links": {"scopes": _SCOPES_PAGE}},
        )

    def listed(self, name: str) -> list[str]:
        """Return the values of a query parameter, which may be repeated or hold commas."""
        texts = (part for value in self.query.get(name, ()) for part in value.split(","))
        return [text.strip() for text in texts if text.strip()]

    def last(self, name: str) -> str | None:
        """Return a query parameter; of several values the last."""
        values = self.query.get(name)
        return values[-1] if values else None

    def flag(self, name: str) -> bool:
        """Return a query parameter that is true or false, in any case: clients send ``True``."""
        text = (self.last(name) or "false").lower()
        if text not in {"true", "false"}:
            raise invalid(f"{name} must be true or false", **{name: [text]})
        return text == "true"

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a query parameter that is a number within bounds."""
        text = self.last(name)
        if not text:
            return default
        value = wire_format.record_id(text)
        if value is None or not low <= value <= high:
            raise invalid(f"{name} must be between {low} and {high}", **{name: [text]})
        return value

    def inputs(self, limit: int) -> list[dict[str, Any]]:
        """Return the ``inputs`` of a batch: objects, within the limit."""
        inputs = self.json.get("inputs")
        if inputs is None:
            raise fields_missing("inputs")
        if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
            raise invalid_json("Cannot deserialize value of type `ArrayList`")
        if len(inputs) > limit:
            raise too_many_inputs(limit)
        return inputs


@dataclass(frozen=True)
class Endpoint:
    """One route: its handler, and whether the handler may write."""

    method: str
    path: str
    handler: Callable[[Call], Reply]
    writes: bool = False


def required(body: Mapping[str, Any], *names: str) -> None:
    """Raise ApiError if a body lacks a field."""
    missing = [name for name in names if body.get(name) is None]
    if missing:
        raise fields_missing(*missing)


def text_of(value: object) -> str:
    """Return a scalar as the text that HubSpot stores. Refuse an object or a list (ref §12, H)."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case _:
            token = "START_ARRAY" if isinstance(value, list) else "START_OBJECT"
            raise invalid_json(
                "Cannot deserialize value of type `java.lang.String` "
                f"from {'Array' if isinstance(value, list) else 'Object'} value "
                f"(token `JsonToken.{token}`)"
            )


def text_or(body: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return an optional text of a body; absent or empty, it is the default."""
    value = body.get(name)
    return text_of(value if value not in (None, "") else default)


def flag_of(body: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """Return a field that is true or false; Java's parser accepts both as text too."""
    value = body.get(name)
    if value is None:
        return default
    text = text_of(value)
    if text not in {"true", "false"}:
        raise invalid_json(
            f"Cannot deserialize value of type `boolean` from String {text!r}: "
            'only "true" or "false" recognized'
        )
    return text == "true"


def list_of(body: Mapping[str, Any], name: str) -> list[Any]:
    """Return an optional list of a body."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid_json("Cannot deserialize value of type `ArrayList`")
    return value


def whole(body: Mapping[str, Any], name: str, default: int, low: int = -1) -> int:
    """Return an integer of at most 32 bits, as Java has them; null is the default."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < 2**31:
        raise invalid(f"{name} must be a whole number, {low} or more")
    return value


def id_text(body: Mapping[str, Any], *path: str) -> str:
    """Return the text at a path of nested fields. Raise ApiError if it is missing."""
    found: object = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise fields_missing(".".join(path))
    return text_of(found)


def batch_body(
    started: int, results: list[Any], errors: Iterable[ApiError | dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the body of a batch answer; with errors it is that of a 207 (ref §1, §4).

    A request happens at one instant of the clock.
    """
    body: dict[str, Any] = {"status": "COMPLETE", "results": results}
    items = [error.item() if isinstance(error, ApiError) else error for error in errors]
    if items:
        body |= {"numErrors": len(items), "errors": items}
    return body | {"startedAt": wire_format.iso(started), "completedAt": wire_format.iso(started)}

"""A response of HubSpot as received: parsed leniently, because its shape is what is probed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.hubspot.error_bodies import ErrorBody
from reconcile.model.printable import clean


@dataclass(frozen=True, slots=True)
class RawResponse:
    """Status and body; a body that is not a JSON object counts as empty."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, status: int, body: bytes) -> "RawResponse":
        """Parse a response, whatever its content."""
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            parsed = None
        return cls(status, _mapping(parsed))

    @property
    def ok(self) -> bool:
        """Whether HubSpot accepted the call."""
        return 200 <= self.status < 300

    @property
    def id(self) -> str:
        """The record's id."""
        return str(self.body.get("id") or "")

    @property
    def properties(self) -> Mapping[str, Any]:
        """The record's properties."""
        return _mapping(self.body.get("properties"))

    @property
    def results(self) -> "list[RawResponse]":
        """A batch's results, each as a response of its own."""
        return [RawResponse(self.status, one) for one in _mappings(self.body.get("results"))]

    @property
    def errors(self) -> "list[RawResponse]":
        """The errors beside a batch's results, each as a response of its own."""
        return [RawResponse(self.status, one) for one in _mappings(self.body.get("errors"))]

    @property
    def category(self) -> str:
        """HubSpot's category of an error."""
        return str(self.body.get("category") or "")

    @property
    def message(self) -> str:
        """An error's message."""
        return str(self.body.get("message") or "")

    def named(self, key: str) -> tuple[str, ...]:
        """Return the values of a key in an error's context."""
        values = _mapping(self.body.get("context")).get(key)
        return tuple(map(str, values)) if isinstance(values, list) else ()

    def summary(self) -> str:
        """Return the response in a few words."""
        category = f" {self.category}" if self.category else ""
        has_more = self.message or self.errors
        message = f": {ErrorBody.model_validate(dict(self.body)).text}" if has_more else ""
        return clean(f"HTTP {self.status}{category}{message}", 300)

    def shape(self) -> str:
        """Return the names of the body's fields, two levels deep, without values."""
        return clean(f"HTTP {self.status} {{{_fields(self.body, 2)}}}", 600)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _fields(body: Mapping[str, Any], depth: int) -> str:
    return ", ".join(_field(name, body[name], depth) for name in sorted(body))


def _field(name: str, value: object, depth: int) -> str:
    """Return one field; the properties of a record are left out."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping) and depth:
        return f"{name}[{_fields(value[0], depth - 1)}]"
    if isinstance(value, Mapping) and depth and name != "properties":
        return f"{name}{{{_fields(value, depth - 1)}}}"
    return name

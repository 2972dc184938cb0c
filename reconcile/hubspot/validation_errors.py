"""The property values that HubSpot refuses, as its error bodies name them (reference §5).

Validation errors carry their list as JSON text in the message, and in a batch's errors only
there; a unique value that is taken has a sentence, and sometimes tokens.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_TAKEN = re.compile(
    r"propertyName=(?P<name>\w+), value=(?P<value>.*)\} on \S+ \S+ already has that value",
    re.DOTALL,
)
_TAKEN_CODE = "UNIQUE_VALUE_CONFLICT"


class Named(NamedTuple):
    """One refused value, in the words of the body: nothing here is cleaned yet."""

    name: str
    message: str
    code: str = ""
    value: str | None = None


def named_values(message: str, errors: Any, tokens: Any) -> Iterator[Named]:
    """Yield each value that an error names: its message's list, else its sentence or ``errors``."""
    start, items, _ = _embedded(message)
    found = [
        Named(item["name"], message[:start] + _reason(item), _text(item, "error"), _value(item))
        for item in items
        if isinstance(item.get("name"), str) and _reason(item)
    ]
    yield from found or _taken(message, tokens) or _from_errors(errors)


def taken_apart(message: str) -> tuple[str, list[Named], str]:
    """Return what a message says before its list of values, the list, and what it says after.

    ``Property values were not valid: `` and ``x: does not exist (PROPERTY_DOESNT_EXIST)``. There is
    no list where an item of it says nothing.
    """
    start, items, end = _embedded(message)
    if not items or not all(map(_reason, items)):
        return message, [], ""
    found = [
        Named(_text(item, "name"), _reason(item), _text(item, "error"), _value(item))
        for item in items
    ]
    return message[:start], found, message[end:]


def _embedded(message: str) -> tuple[int, Sequence[Mapping[str, Any]], int]:
    """The list in a message, and where it begins and ends."""
    start = message.find("[{")
    if start < 0:
        return 0, (), 0
    try:
        items, end = json.JSONDecoder().raw_decode(message, start)
    except (ValueError, RecursionError):
        return 0, (), 0
    return start, [item for item in items if isinstance(item, dict)], end


def _taken(message: str, tokens: Any) -> list[Named]:
    if (match := _TAKEN.search(message)) is not None:
        return [Named(match["name"], message, _TAKEN_CODE, match["value"])]
    name, value = _first(tokens, "propertyName"), _first(tokens, "conflictingValue")
    return [Named(name, message, _TAKEN_CODE, value)] if name else []


def _from_errors(errors: Any) -> list[Named]:
    found = []
    for item in errors if isinstance(errors, list) else ():
        if isinstance(item, Mapping) and (name := _first(item.get("context"), "propertyName")):
            code = _text(item, "code")
            if reason := _reason({"name": name, "message": item.get("message"), "error": code}):
                found.append(Named(name, reason, code))
    return found


def _reason(item: Mapping[str, Any]) -> str:
    name, code = item.get("name"), item.get("error")
    said = item.get("localizedErrorMessage") or item.get("message") or code
    if not said:
        return ""
    code_part = f" ({code})" if code and code != said else ""
    return f"{f'{name}: ' if name else ''}{said}{code_part}"


def _value(item: Mapping[str, Any]) -> str | None:
    value = item.get("propertyValue")
    return value if isinstance(value, str) else None


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _first(context: Any, key: str) -> str:
    """A context's value: a list of texts, or one text (reference §18)."""
    value = context.get(key) if isinstance(context, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else ""

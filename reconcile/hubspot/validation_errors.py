"""Extract the property values that HubSpot refuses from its error bodies (reference §5).

Validation errors carry their list as JSON text in the message; in a batch's errors it is only
there. A conflict of unique values has a sentence, and sometimes tokens.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_CONFLICT = re.compile(
    r"propertyName=(?P<name>\w+), value=(?P<value>.*)\} on \S+ \S+ already has that value",
    re.DOTALL,
)
_CONFLICT_CODE = "UNIQUE_VALUE_CONFLICT"


class RefusedValue(NamedTuple):
    """One refused value, verbatim from the body: nothing here is cleaned yet."""

    name: str
    message: str
    code: str = ""
    value: str | None = None


def refused_values(message: str, errors: Any, tokens: Any) -> Iterator[RefusedValue]:
    """Yield each refused value: from the message's list, else its sentence or ``errors``."""
    start, items, _ = _embedded(message)
    found = [
        RefusedValue(
            item["name"], message[:start] + _reason(item), _text(item, "error"), _value(item)
        )
        for item in items
        if isinstance(item.get("name"), str) and _reason(item)
    ]
    yield from found or _unique_conflict(message, tokens) or _from_errors(errors)


def split_message(message: str) -> tuple[str, list[RefusedValue], str]:
    """Return a message's text before its list of values, the list, and the text after it.

    ``Property values were not valid: `` and ``x: does not exist (PROPERTY_DOESNT_EXIST)``. The list
    is empty, and all is text, if an item of it has no reason.
    """
    start, items, end = _embedded(message)
    if not items or not all(map(_reason, items)):
        return message, [], ""
    found = [
        RefusedValue(_text(item, "name"), _reason(item), _text(item, "error"), _value(item))
        for item in items
    ]
    return message[:start], found, message[end:]


def _embedded(message: str) -> tuple[int, Sequence[Mapping[str, Any]], int]:
    """Return where the list in a message begins, its items, and where it ends."""
    start = message.find("[{")
    if start < 0:
        return 0, (), 0
    try:
        items, end = json.JSONDecoder().raw_decode(message, start)
    except (ValueError, RecursionError):
        return 0, (), 0
    return start, [item for item in items if isinstance(item, dict)], end


def _unique_conflict(message: str, tokens: Any) -> list[RefusedValue]:
    if (match := _CONFLICT.search(message)) is not None:
        return [RefusedValue(match["name"], message, _CONFLICT_CODE, match["value"])]
    name, value = _first(tokens, "propertyName"), _first(tokens, "conflictingValue")
    return [RefusedValue(name, message, _CONFLICT_CODE, value)] if name else []


def _from_errors(errors: Any) -> list[RefusedValue]:
    found = []
    for item in errors if isinstance(errors, list) else ():
        if isinstance(item, Mapping) and (name := _first(item.get("context"), "propertyName")):
            code = _text(item, "code")
            if reason := _reason({"name": name, "message": item.get("message"), "error": code}):
                found.append(RefusedValue(name, reason, code))
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
    """Return the first text of a context's value: a list, or a single one (reference §18)."""
    value = context.get(key) if isinstance(context, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else ""

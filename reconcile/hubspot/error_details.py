"""Turn the nested errors of an error body, and their context, into text.

HubSpot nests ``errors[]`` in whole bodies and in the items of a 207, sometimes below an error
without a message (reference §1, §18). All of it is untrusted text of any length and shape.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from reconcile.model.printable import clean

MAX_REASONS = 5
"""Reasons that are shown for one error; the others are only counted."""

_LONGEST = 200
_DEPTH = 4
_CONTEXT = 3  # values of a context that are shown
_HIDDEN_KEYS = ("propertyName", "objectWriteTraceId", "requiredGranularScopes", "requiredScopes")
"""Context keys that are shown elsewhere or mean nothing to a user."""


def nested(
    errors: Any, *, already_shown: str = "", known: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """Yield a reason for each nested error, at any depth.

    Text in ``already_shown`` is left out, and so is every (property, code) in ``known``.
    """
    for item in _walk(errors, _DEPTH):
        if (property_of(item), _code(item)) not in known and (
            text := reason_of(item, already_shown)
        ):
            yield text


def reason_of(item: Mapping[str, Any], already_shown: str = "") -> str:
    """Return one error or warning in words: ``hs_tags: too long (INVALID) [limit: 10]``.

    A message, property or code in ``already_shown`` is left out; the result is empty if nothing
    else remains.
    """
    message, name, code = _message(item), property_of(item), _code(item)
    if " " in message and message in already_shown:
        message, name, code = "", *("" if one in already_shown else one for one in (name, code))
    if message:
        shown = f"{name}: {message}" if name and name not in message else message
    else:
        shown, code = (name, code) if name else (code, "")
    if code and code not in shown:
        shown += f" ({code})"
    return (shown + _context(item.get("context"), already_shown + shown)).strip()


def join_reasons(reasons: Iterable[str], longest: int = _LONGEST) -> str:
    """Join reasons, each once and truncated: the first few, then the number of the others."""
    found = list(dict.fromkeys(clean(reason, longest) for reason in reasons))
    more = len(found) - MAX_REASONS
    if more > 0:
        found[MAX_REASONS:] = [f"and {more:,} more"]
    return "; ".join(found)


def _walk(errors: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    for item in errors if isinstance(errors, list) and depth else ():
        if isinstance(item, str):
            yield {"message": item}
        elif isinstance(item, Mapping):
            yield item
            yield from _walk(item.get("errors"), depth - 1)


def _message(item: Mapping[str, Any]) -> str:
    return _text(item.get("message")).strip()


def property_of(item: Mapping[str, Any]) -> str:
    """Return the property, or the field of the request, that an error or warning is about."""
    context = item.get("context")
    named = next(_texts(context.get("propertyName")), "") if isinstance(context, Mapping) else ""
    return named or _text(item.get("in"))


def _code(item: Mapping[str, Any]) -> str:
    return _text(item.get("code")) or _text(item.get("category"))


def _context(context: Any, shown: str) -> str:
    """Return the values of a context that the message does not contain."""
    if not isinstance(context, Mapping):
        return ""
    parts = [
        f"{key}: {text}"
        for key, value in context.items()
        if key not in _HIDDEN_KEYS
        for text in _texts(value)
        if text not in shown
    ]
    more = ["…"] if len(parts) > _CONTEXT else []
    return f" [{', '.join(parts[:_CONTEXT] + more)}]" if parts else ""


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a context's value: a list, or a single one (reference §18)."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip():
            yield str(one)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

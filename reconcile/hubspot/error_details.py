"""What an error body says beside its message: the errors inside it, and their context, in words.

HubSpot nests ``errors[]`` in whole answers and in the items of a 207, sometimes below an error
without any message (reference §1, §18). All of it is text from outside, of any length and shape.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

MAX_MESSAGE = 500

SHOWN = 5
"""Reasons that are shown of one error before the others are only counted."""

_LONGEST = 200
_DEPTH = 4
_CONTEXT = 3  # values that are shown of a context
_NAMES = ("propertyName", "objectWriteTraceId", "requiredGranularScopes", "requiredScopes")
"""Keys of a context that are shown elsewhere, or that only we understand."""


def nested(
    errors: Any, *, said: str = "", known: Collection[tuple[str, str]] = ()
) -> Iterator[str]:
    """Yield a reason for each error inside an error, those below it too.

    Left out is what is in ``said``, and every (property, code) that is ``known`` already.
    """
    for item in _walk(errors, _DEPTH):
        if (property_of(item), _code(item)) not in known and (text := reason_of(item, said)):
            yield text


def reason_of(item: Mapping[str, Any], said: str = "") -> str:
    """Return one error or warning in words: ``hs_tags: too long (INVALID) [limit: 10]``.

    A message that ``said`` repeats is left out, and so is what it says besides; where that is all,
    the answer is empty.
    """
    message, name, code = _message(item), property_of(item), _code(item)
    if " " in message and message in said:
        message, name, code = "", *("" if one in said else one for one in (name, code))
    if message:
        shown = f"{name}: {message}" if name and name not in message else message
    else:
        shown, code = (name, code) if name else (code, "")
    if code and code not in shown:
        shown += f" ({code})"
    return (shown + _context(item.get("context"), said + shown)).strip()


def together(reasons: Iterable[str], longest: int = _LONGEST) -> str:
    """Join reasons, each once and not too long; of many the first few, and how many more."""
    found = list(dict.fromkeys(clean(reason, longest) for reason in reasons))
    more = len(found) - SHOWN
    if more > 0:
        found[SHOWN:] = [f"and {more:,} more"]
    return "; ".join(found)


def clean(text: str, longest: int = MAX_MESSAGE) -> str:
    """One printable line: control characters, escapes and text direction marks become spaces."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


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
    """The rest of a context, as far as the message does not say it."""
    if not isinstance(context, Mapping):
        return ""
    parts = [
        f"{key}: {text}"
        for key, value in context.items()
        if key not in _NAMES
        for text in _texts(value)
        if text not in shown
    ]
    more = ["…"] if len(parts) > _CONTEXT else []
    return f" [{', '.join(parts[:_CONTEXT] + more)}]" if parts else ""


def _texts(value: Any) -> Iterator[str]:
    """The texts of a context's value: a list of them, or one alone (reference §18)."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip():
            yield str(one)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

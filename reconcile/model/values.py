"""Property values by type: normalising, comparing, checking and converting to the wire format.

Manifests and HubSpot both use text; two spellings of one value must not look like a change.
Facts: reference §12 (number formats, dates in ISO or epoch milliseconds, dropped zero
milliseconds, unordered multi-selects, "" and null reading back alike).
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from difflib import get_close_matches

from reconcile.model.definitions import Property

MAX_LENGTH = 65_536
"""Longest string value that HubSpot accepts (reference §3)."""

# Decimal's default precision would round numbers of more than 28 digits, and so confuse them.
_EXACT = Context(prec=MAX_LENGTH + 1)
_SHOWN = 80

Suggest = Callable[[str, Iterable[str]], str]
"""See ``nearest``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = re.compile(r"-?\d{11,14}\Z")
# HubSpot rejects an exponent (gh HubSpot marketing-automation#206).
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
# As HubSpot accepts it, and as shops export it (2024-03-10 14:03:22 -0500).
_DATETIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[T ](?P<time>\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)"
    r"( ?(?P<offset>Z|[+-]\d{2}:?\d{2}))?\Z",
    re.ASCII,
)


def normalise(text: str | None, definition: Property) -> str:
    """Return the canonical text of a value, the same for all spellings of it and for them alone.

    ``None`` and ``""`` are both the absent value. Text that does not parse as its type is its own
    canonical form, so that a malformed stored value still differs from a valid desired one.
    """
    if text is None or text == "":
        return ""
    match definition.type:
        case "number":
            return _number(text)
        case "date":
            return _date(text)
        case "datetime":
            return _datetime(text)
        case "bool":
            return text.lower()
        case "enumeration" if definition.multiple:
            return ";".join(sorted({part for part in text.split(";") if part}))
        case _:
            return text


def same(left: str | None, right: str | None, definition: Property) -> bool:
    """Return whether two texts are spellings of one value."""
    return left == right or normalise(left, definition) == normalise(right, definition)


def to_wire(text: str, definition: Property) -> str:
    """Return a value as HubSpot accepts it: dates as YYYY-MM-DD, date-times in ISO 8601 or digits.

    All other text is returned as written, and so is text that does not parse as its type.
    """
    if definition.type == "date":
        return _date(text)
    if definition.type != "datetime" or _parse_datetime(text) is None:
        return text
    found = _DATETIME.match(text)
    return _iso(found) if found else text


def nearest(name: str, names: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for a name close to one of ``names``, else empty text."""
    close = get_close_matches(name[:_SHOWN], list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def fault(text: str, definition: Property, suggest: Suggest = nearest) -> str | None:
    """Return why HubSpot would reject ``text`` for this property, or None. ``""`` clears it.

    ``suggest`` names the option that may have been meant.
    """
    if text == "":
        return None
    if len(text) > MAX_LENGTH:
        return f"{len(text):,} characters; HubSpot accepts at most {MAX_LENGTH:,}"
    quoted = _quoted(text, definition)
    match definition.type:
        case "number":
            if not _NUMBER.match(text):
                return f"{quoted} is not a number; write digits with a point, as in 19.90"
        case "date":
            if _parse_date(text) is None:
                return f"{quoted} is not a date; write YYYY-MM-DD"
        case "datetime":
            if _parse_datetime(text) is None:
                return f"{quoted} {_moment_fault(text)}"
        case "bool":
            if text not in ("true", "false"):
                return f"{quoted} is not true or false"
        case "enumeration" if not definition.open_options:
            return _option_fault(text, definition, suggest)
    return None


def _moment_fault(text: str) -> str:
    found = _DATETIME.match(text)
    if found is None or found["offset"] or _parse_datetime(f"{text}Z") is None:
        return "is not a date and time; write it as in 1996-07-04T00:00:00Z"
    return (
        "has no offset from UTC, so it is ambiguous; add Z for UTC, or the offset, "
        "as in 1996-07-04T00:00:00-05:00"
    )


def _quoted(text: str, definition: Property) -> str:
    """Return a value for a message, without personal data: messages go to logs."""
    return "the value" if definition.personal else show(text)


def show(text: str) -> str:
    """Return text from outside in quotes, cut to 80 characters, with control characters escaped."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _option_fault(text: str, definition: Property, suggest: Suggest) -> str | None:
    chosen = text.split(";") if definition.multiple else [text]
    for value in chosen:
        if value in definition.options or (definition.multiple and value == ""):
            continue
        by_label = [key for key, label in definition.options.items() if label == value]
        if by_label:
            quoted = _quoted(value, definition)
            return f"{quoted} is a label; the option's internal name is {by_label[0]!r}"
        options = tuple(definition.options)
        listed = ", ".join(options[:8]) + (", …" if len(options) > 8 else "")
        quoted = _quoted(value, definition)
        return f"{quoted} is not one of the options ({listed}){suggest(value, options)}"
    return None


def _number(text: str) -> str:
    try:
        value = Decimal(text)
        exact = value.normalize(_EXACT)
    except ArithmeticError:
        return text
    if not value.is_finite():
        return text
    if value == 0:
        return "0"
    return format(exact, "f") if abs(exact.adjusted()) < 40 else str(exact)


def _date(text: str) -> str:
    parsed = _parse_date(text)
    return parsed.isoformat() if parsed else text


def _datetime(text: str) -> str:
    parsed = _parse_datetime(text)
    return parsed.isoformat() if parsed else text


def _parse_date(text: str) -> date | None:
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    moment = _parse_datetime(text)
    return moment.date() if moment is not None and moment.time() == time.min else None


def _iso(moment: re.Match[str]) -> str:
    offset = moment["offset"] or ""
    if len(offset) == len("+hhmm"):
        offset = f"{offset[:3]}:{offset[3:]}"
    return f"{moment['day']}T{moment['time']}{offset}"


def _parse_datetime(text: str) -> datetime | None:
    if _MILLISECONDS.match(text):
        try:
            return _EPOCH + timedelta(milliseconds=int(text))
        except OverflowError:
            return None
    if _DATE.match(text):
        text += "T00:00:00Z"
    found = _DATETIME.match(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(_iso(found))
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at both ends of the calendar
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

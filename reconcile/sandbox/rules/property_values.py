"""Property values: what is accepted, and how it is stored (ref §12).

Every value is text. A function here takes the text sent and returns the text stored, or raises
``BadValueError`` with HubSpot's code and wording.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from reconcile.sandbox.storage.property_table import Definition
from reconcile.sandbox.wire_format import EPOCH, iso

MAX_STRING = 65_536  # ref §3, H
_MAX_NUMBER = 100  # far beyond a double; keeps exact arithmetic cheap

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_INTEGER = re.compile(r"-?[0-9]{1,17}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ISO = re.compile(  # ISO 8601 in its extended form (ref §12)
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


class BadValueError(Exception):
    """A value that HubSpot refuses."""

    def __init__(self, code: str, message: str) -> None:
        """Take HubSpot's code and its wording."""
        super().__init__(message)
        self.code = code


def normalise(definition: Definition, text: str, options: Collection[str] | None) -> str:
    """Return what is stored for ``text``; ``options`` replace those of an external list."""
    match definition.type:
        case "number":
            return number(text)
        case "date":
            return _date(text)
        case "datetime":
            return _datetime(text)
        case "bool" | "enumeration":
            return _enumeration(definition, text, options)
        case _:
            return _string(text)


def number(text: str) -> str:
    """Check a number; scientific notation and outer white space are refused.

    (marketing-automation#206; the changelog of April 2025 by way of pipedream#14856.)
    """
    if len(text) > _MAX_NUMBER or not _NUMBER.fullmatch(text):
        raise BadValueError("INVALID_INTEGER", f"{text} was not a valid number.")
    return text


def canonical_number(text: str) -> str:
    """Return a number without redundant zeros and signs: "0400.00" is "400"."""
    sign = "-" if text.startswith("-") else ""
    whole, _, fraction = text.lstrip("+-").partition(".")
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    if whole == "0" and not fraction:
        return "0"
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def email(text: str) -> str:
    """Check an email address and lower its case (ref §12, M)."""
    lowered = text.strip().lower()
    if not _EMAIL.fullmatch(lowered):
        raise BadValueError("INVALID_EMAIL", f"Email address {text} is invalid")
    return lowered


def append_to_set(existing: str, sent: str) -> str:
    """Return the options of a set; a leading ";" adds to the existing ones (ref §12, H/M)."""
    if not sent.startswith(";"):
        return sent
    return ";".join(dict.fromkeys(part for part in f"{existing}{sent}".split(";") if part))


def _string(text: str) -> str:
    if len(text) > MAX_STRING:
        # The limit is documented, its code is not.
        message = f"Property value is too long. The maximum is {MAX_STRING} characters."
        raise BadValueError("INVALID_STRING_LENGTH", message)
    return text


def _moment(text: str) -> datetime:
    """Read epoch milliseconds or ISO 8601; without an offset it is UTC."""
    try:
        if _INTEGER.fullmatch(text):
            return EPOCH + int(text) * _MILLISECOND
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    # The one wording recorded for a date that cannot be read (ref §5).
    raise BadValueError("INVALID_LONG", f"{text} was not a valid long.")


def _date(text: str) -> str:
    if not (_DATE.fullmatch(text) or _INTEGER.fullmatch(text)):
        raise BadValueError("INVALID_LONG", f"{text} was not a valid long.")
    moment = _moment(text)
    if (moment - EPOCH) % _DAY:
        clock = f"{moment.hour}:{moment.minute}:{moment.second}"
        raise BadValueError("INVALID_DATE", f"{text} is at {clock} UTC, not midnight!")
    return moment.date().isoformat()


def _datetime(text: str) -> str:
    return iso((_moment(text) - EPOCH) // _MILLISECOND)


def _enumeration(definition: Definition, text: str, options: Collection[str] | None) -> str:
    allowed = definition.option_values if options is None else options
    parts = text.split(";") if definition.is_set else [text]
    kept = [part for part in dict.fromkeys(parts) if part]
    for part in kept:
        if part not in allowed:
            raise BadValueError("INVALID_OPTION", _not_an_option(definition, part, options))
    return ";".join(kept)


def _not_an_option(definition: Definition, part: str, options: Collection[str] | None) -> str:
    """Return the refusal that lists the options, in the form that recordings show."""
    if options is not None:
        return f"{part} was not one of the allowed options: [{', '.join(sorted(options))}]"
    listed = ", ".join(
        f'label: "{option["label"]}"\nvalue: "{option["value"]}"\n'
        f"display_order: {option['displayOrder']}\nhidden: {str(option['hidden']).lower()}\n"
        "read_only: false\n"
        for option in definition.options
    )
    return f"{part} was not one of the allowed options: [{listed}]"

"""HubSpot's formats: JSON bodies, instants and record ids."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from reconcile.sandbox.api_errors import invalid_json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_AS_SHOWN = EPOCH.replace(tzinfo=None)
CONTENT_TYPE = "application/json;charset=utf-8"  # no space, as recorded in a header dump

_MAX_ID_DIGITS = 15  # below SQLite's 64 bits, and exact as a JSON number everywhere
_ID = re.compile(rf"[0-9]{{1,{_MAX_ID_DIGITS}}}", re.ASCII)


def now_ms() -> int:
    """Return the time in epoch milliseconds, HubSpot's resolution."""
    return time.time_ns() // 1_000_000


def iso(epoch_ms: int) -> str:
    """Return an instant in HubSpot's format: UTC, no fraction if it is zero (ref §12, H)."""
    moment = _EPOCH_AS_SHOWN + timedelta(milliseconds=epoch_ms)
    text = moment.isoformat(timespec="seconds")
    return f"{text}.{epoch_ms % 1000:03d}Z" if epoch_ms % 1000 else f"{text}Z"


def instant(text: str) -> int:
    """Parse an instant that ``iso`` wrote."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def record_id(text: str) -> int | None:
    """Parse a record id; None if it is not a plain number."""
    return int(text) if _ID.fullmatch(text) else None


def encode(body: object) -> bytes:
    """Return compact JSON, as HubSpot sends it."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def decode(raw: bytes) -> Any:
    """Parse a JSON body; fractions stay the text that was sent (ref §12: "400.00" is echoed)."""
    if not raw.strip():
        raise invalid_json("No content to map due to end-of-input")
    try:
        parsed = json.loads(raw, parse_float=str, parse_constant=_refuse_constant)
        if b"\\u" in raw:
            json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate has no UTF-8 form
    except json.JSONDecodeError as error:
        raise invalid_json(error.msg, error.lineno, error.colno) from None
    except (ValueError, RecursionError):
        raise invalid_json("Unexpected content: expected a valid value") from None
    return parsed


def _refuse_constant(name: str) -> Any:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)

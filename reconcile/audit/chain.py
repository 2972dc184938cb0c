"""Encode entries and their values: what is hashed, what is digested, and what is stored where."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from json.encoder import encode_basestring_ascii as _quoted
from secrets import token_bytes
from types import MappingProxyType
from typing import Any

from reconcile.audit.entry_schema import check_entry
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.audit import (
    Actor,
    Detail,
    Entry,
    Event,
    Facts,
    Head,
    Origin,
    RecordEntry,
    Span,
    Topic,
)
from reconcile.model.digest import canonical

FORMAT = 2
"""Version of the log's format. Any other is refused, never guessed at."""

EVENT = ""
"""The owner, instead of an address, of an event's own message among the values."""

_SALT = 16
_DIGEST = 16
_LINE = b'{"entry":%b,"hash":"%b"}'
_SEALED = re.compile(rb'{"entry":(.*),"hash":"([0-9a-f]{64})"}', re.DOTALL)


def to_bytes(data: object) -> bytes:
    """Return canonical JSON, in ASCII since a value may have what no other encoding can express."""
    return canonical(data, ascii_only=True)


def digest(owner: str, about: Sequence[str], values: Sequence[Any], salt: bytes) -> str:
    """Return the salted digest of one detail; it reveals nothing without the salt.

    ``values`` are 1 or 0, for personal or not, and then texts.
    """
    flag, *texts = values
    # Canonical JSON as ``to_bytes`` makes it, much faster: a large run has a million of these.
    data = ",".join([*map(_quoted, (owner, *about)), str(flag), *map(_quoted, texts)])
    return blake2b(f"[{data}]".encode("ascii"), key=salt, digest_size=_DIGEST).hexdigest()


def split_details(owner: str, details: Iterable[Detail]) -> tuple[list[list[str]], dict[str, Any]]:
    """Return details for the chain, each with its digest, and their values with the salt."""
    salt = token_bytes(_SALT)
    chained, kept = [], []
    for detail in details:
        about = [str(detail.topic), detail.name, detail.note]
        values = [int(detail.personal), *(detail.values or ())]
        chained.append([*about, digest(owner, about, values, salt)])
        kept.append(values)
    return chained, {"salt": salt.hex(), "values": kept}


def origin_data(origin: Origin) -> dict[str, Any]:
    """Return the JSON of an origin, as entries and journals have it."""
    actor = origin.actor
    return {
        "actor": {"name": actor.name, "source": actor.source, "facts": dict(actor.facts)},
        "reason": origin.reason,
        "commit": origin.commit,
    }


def origin_of(raw: Mapping[str, Any]) -> Origin:
    """Return the origin from the JSON of ``origin_data``."""
    actor = raw["actor"]
    return Origin(
        Actor(actor["name"], actor["source"], MappingProxyType(actor["facts"])),
        raw["reason"],
        raw["commit"],
    )


def common_fields(event: Event, event_id: str, time: str) -> dict[str, Any]:
    """Return the fields that all entries of an event share."""
    return {
        "format": FORMAT,
        "id": event_id,
        "time": time,
        "event": event.event,
        **origin_data(event.origin),
        "run": event.run,
        "facts": dict(event.facts),
    }


def encode_record(recorded: RecordEntry) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the JSON of a record for the chain, and of its values, or None without any."""
    name = str(recorded.address)
    raw: dict[str, Any] = {
        "address": name,
        "action": recorded.action,
        "status": recorded.status,
        "id": recorded.id,
    }
    if recorded.parent:
        raw["parent"] = str(recorded.parent)
    if recorded.flags:
        raw["flags"] = list(recorded.flags)
    if recorded.trace:
        raw["trace"] = recorded.trace
    if not recorded.details:
        return raw, None
    raw["details"], values = split_details(name, recorded.details)
    return raw, values


def seal(entry: Mapping[str, Any], head: Head) -> tuple[bytes, Head]:
    """Return the line of an entry that follows ``head``, and the new head."""
    body = to_bytes({**entry, "number": head.number + 1, "previous": head.hash})
    own = sha256(body).hexdigest()
    return _LINE % (body, own.encode()), Head(head.number + 1, own)


def unseal(number: int, line: bytes) -> tuple[bytes, str]:
    """Return the body that a line's hash covers, and the hash. Raise UsageError for other text."""
    found = _SEALED.fullmatch(line)
    if found is None:
        raise _damaged(number)
    return found[1], found[2].decode()


def parse(number: int, line: bytes) -> dict[str, Any]:
    """Return an entry's JSON. Raise UsageError for an invalid entry or another format."""
    body = unseal(number, line)[0]
    raw = _of_any_format(number, body)
    if raw["format"] != FORMAT:
        raise _of_another_format(number, raw["format"])
    try:
        # The hash is not a signature: whoever can write the log can make one.
        check_entry(body)
    except ValueError as error:
        raise _damaged(number) from error
    return raw


def require_known(number: int, line: bytes) -> None:
    """Raise UsageError for an entry of a newer format, which nothing may be appended to.

    A damaged entry passes: appending must be possible after it.
    """
    try:
        found = _of_any_format(number, unseal(number, line)[0])["format"]
    except UsageError:
        return
    if found > FORMAT:
        raise _of_another_format(number, found)


def _of_any_format(number: int, body: bytes) -> dict[str, Any]:
    """Return an entry's JSON. Raise UsageError where it does not even have a format."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _damaged(number) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("format"), int):
        raise _damaged(number)
    return raw


def _of_another_format(number: int, found: int) -> UsageError:
    hint = "upgrade reconcile: a newer version wrote it"
    if found < FORMAT:
        hint = "use the version of reconcile that wrote it"
    return UsageError(
        f"entry {number} of the audit log has format {found}; this version reads {FORMAT}",
        hint=hint,
    )


def decode(number: int, raw: Mapping[str, Any]) -> Entry:
    """Return the entry of parsed JSON, without values."""
    return Entry(
        number=number,
        time=raw["time"],
        id=raw["id"],
        event=raw["event"],
        origin=origin_of(raw),
        run=raw["run"],
        facts=_facts(raw["facts"]),
        message=_detail(raw["message"][0]) if raw.get("message") else None,
        records=tuple(_recorded(one) for one in raw["records"]),
        values=raw.get("values", ""),
        journal=Span(*raw["journal"]) if "journal" in raw else None,
    )


def _facts(raw: Mapping[str, Any]) -> Facts:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in raw.items()}


def _recorded(raw: Mapping[str, Any]) -> RecordEntry:
    return RecordEntry(
        address=Address.parse(raw["address"]),
        action=raw["action"],
        status=raw["status"],
        id=raw["id"],
        parent=Address.parse(raw["parent"]) if "parent" in raw else None,
        flags=tuple(raw.get("flags", ())),
        trace=raw.get("trace", ""),
        details=tuple(_detail(one) for one in raw.get("details", ())),
    )


def _detail(raw: Sequence[str]) -> Detail:
    what, name, note, _ = raw
    return Detail(Topic(what), name, note)


def _damaged(number: int) -> UsageError:
    return UsageError(
        f"entry {number} of the audit log cannot be read",
        hint="run `reconcile audit verify` to see what is wrong with the log",
    )

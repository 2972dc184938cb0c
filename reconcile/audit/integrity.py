"""Verify that the audit log is intact: every link of the chain, every value.

Not detectable are entries after the state's head that were cut off before the next apply, and a log
and a state that were both replaced. The hashes are not signatures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from reconcile.audit import chain, value_store
from reconcile.audit.log import AuditLog
from reconcile.audit.redactions import Redactions
from reconcile.errors import ReconcileError, UsageError
from reconcile.model.address import Address
from reconcile.model.audit import Finding, Head, Verification

_MAX_FINDINGS = 100
"""Findings that are reported; further ones are dropped."""

_NAMED = 3
"""Records of one entry whose missing values are reported by name."""

_START = Head(0, "")


@dataclass(slots=True)
class _Progress:
    """The results so far."""

    findings: list[Finding] = field(default_factory=list)
    last: Head = _START
    entries: int = 0
    records: int = 0
    first_time: str = ""
    time: str = ""
    matching: int = 0
    erased: set[Address] = field(default_factory=set)
    erased_in: set[int] = field(default_factory=set)
    missing: int = 0
    kept: set[str] = field(default_factory=set)
    redactions: Redactions = field(default_factory=Redactions)
    at_head: str = ""

    def add(self, number: int, what: str, address: str = "", name: str = "") -> None:
        """Add a finding about the current entry."""
        self._add(Finding(number, self.time, what, address, name))

    def add_unread(self, number: int, what: str) -> None:
        """Add a finding about an entry that is missing or cannot be read."""
        before = f"; the entry before it is from {self.time}" if self.time else ""
        self._add(Finding(number, "", f"{what}{before}"))

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < _MAX_FINDINGS:
            self.findings.append(finding)


def verify(log: AuditLog, head: Head | None) -> Verification:
    """Read and check the whole log. ``head`` is the last entry that the state remembers, or None.

    Findings are in order: from the first on the log is not trustworthy. Nothing is written.
    """
    checked = _Progress()
    for number, raw in _chain(log, checked, head.number if head else 0):
        checked.redactions.add(number, raw)
    last_time = checked.time
    if head is not None:
        _check_head(checked, head)
    broken = {finding.number for finding in checked.findings}
    for number, line in _lines(log, _Progress()):
        if number not in broken:
            raw = chain.parse(number, line)
            checked.time = str(raw["time"])
            _check_values(log, checked, number, raw)
    return Verification(
        entries=checked.entries,
        records=checked.records,
        first=checked.first_time,
        last=last_time,
        values=checked.matching,
        erased=len(checked.erased),
        erased_in=len(checked.erased_in),
        missing=checked.missing,
        kept=tuple(sorted(checked.kept)),
        against_state=head is not None,
        findings=tuple(sorted(checked.findings, key=lambda finding: finding.number)),
    )


def _chain(log: AuditLog, checked: _Progress, watched: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every readable entry, after checking its links."""
    for number, line in _lines(log, checked):
        raw = _entry(checked, number, line)
        if number == watched:
            checked.at_head = checked.last.hash
        if raw is not None:
            yield number, raw


def _lines(log: AuditLog, checked: _Progress) -> Iterator[tuple[int, bytes]]:
    """Yield every line that the store can still read."""
    for segment in log.segments():
        try:
            yield from log.segment(segment)
        except ReconcileError as error:
            checked.add_unread(checked.last.number + 1, str(error))


def _entry(checked: _Progress, number: int, line: bytes) -> dict[str, Any] | None:
    last = checked.last
    if number > last.number + 1:
        checked.add_unread(last.number + 1, _missing(last.number + 1, number - 1))
    checked.entries += 1
    checked.last = Head(number, "")
    try:
        body, own_hash = chain.unseal(number, line)
        checked.last = Head(number, own_hash)
        raw = chain.parse(number, line)
        entry = chain.decode(number, raw)
    except UsageError as error:
        checked.add_unread(number, str(error))
        return None
    checked.time = entry.time
    checked.first_time = checked.first_time or entry.time
    checked.records += len(entry.records)
    if sha256(body).hexdigest() != own_hash:
        checked.add(number, "its content was altered: it does not match its own hash")
    elif raw.get("number") != number:
        checked.add(number, f"its number is {raw.get('number')}")
    elif number == last.number + 1 and raw.get("previous") != last.hash:
        checked.add(
            number,
            "it does not follow the entry before it: one of the two was replaced"
            if last.number
            else "it is the first entry, but refers to an entry before it",
        )
    return raw


def _missing(first: int, last: int) -> str:
    return (
        "it is missing" if first == last else f"it is missing, and so are all entries up to {last}"
    )


def _check_head(checked: _Progress, head: Head) -> None:
    if head.number > checked.last.number:
        here = checked.last.number
        what = (
            f"the log is cut off: it has {here} of the {head.number} entries that the state knows"
        )
        checked.add_unread(here + 1, what)
    elif checked.at_head != head.hash and head.number:
        checked.add(head.number, "it is not the entry that the state knows")


def _check_values(log: AuditLog, checked: _Progress, number: int, raw: Mapping[str, Any]) -> None:
    owners: dict[str, Any] = {one["address"]: one.get("details", ()) for one in raw["records"]}
    if raw.get("message"):
        owners[chain.EVENT] = raw["message"]
    try:
        kept = value_store.read(log.store, raw["values"]) if raw.get("values") else {}
    except UsageError as error:
        checked.add(number, str(error))
        return
    missing = []
    for text, details in owners.items():
        if not details:
            continue
        address = Address.parse(text).folded() if text else None
        redacted = checked.redactions.explain(number, address)
        if text not in kept:
            if redacted and address is not None:
                checked.erased.add(address)
                checked.erased_in.add(number)
            else:
                missing.append(text)
            continue
        if redacted:
            checked.kept.add(text)
        _check_owner(checked, number, text, details, kept[text])
    _add_missing(checked, number, missing)
    for text in sorted(kept.keys() - owners.keys()):
        checked.add(number, "there are values that the entry does not refer to", text)


def _add_missing(checked: _Progress, number: int, owners: list[str]) -> None:
    """Add one finding for all of an entry: a lost blob had values of up to 500 records."""
    if owners:
        checked.missing += len(owners)
        named = [text or "its own message" for text in owners[:_NAMED]]
        if len(owners) > _NAMED:
            named.append(f"{len(owners) - _NAMED:,} more")
        what = f"values are missing, and no redaction in the log explains it: {', '.join(named)}"
        checked.add(number, what)


def _check_owner(
    checked: _Progress, number: int, owner: str, details: list[list[str]], kept: Mapping[str, Any]
) -> None:
    salt = bytes.fromhex(kept["salt"])[:64]
    if len(kept["values"]) != len(details):
        what = f"there are {len(kept['values'])} values, but the entry has {len(details)}"
        checked.add(number, what, owner)
        return
    for (what, name, note, expected), found in zip(details, kept["values"], strict=True):
        if chain.digest(owner, [what, name, note], found, salt) != expected:
            checked.add(number, "its values do not match their digest", owner, name or what)
        else:
            checked.matching += 1

"""The audit log for people: events in short, runs in full, and whether the log is intact."""

from collections.abc import Iterable, Iterator

from reconcile.model.audit import (
    NOT_NEEDED,
    WRITTEN,
    Detail,
    Entry,
    Finding,
    RecordEntry,
    StoredValues,
    Summary,
    Topic,
    Verification,
)
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action
from reconcile.render.audit_origin import OF_COMMIT, SOURCES, by_line, commit_rows
from reconcile.render.escaping import CLEARED, EMPTY, PERSONAL, mask, pair, shorten, value, visible
from reconcile.render.phrasing import in_order, listed, plural
from reconcile.render.styled_lines import BLANK, Line, Span, plain

_NAMES = 40
_LISTED = ("resolved by", "logged")
"""Facts of runs that the list of events shows too."""
_NOTHING = "nothing to do"
_CONFLICT = "conflict"
"""An action that is its own outcome."""


def log_lines(summaries: Iterable[Summary], *, personal: bool) -> Iterator[Line]:
    """Yield the events, a few lines each, oldest first."""
    first = True
    for summary in summaries:
        if not first:
            yield BLANK
        first = False
        entry = summary.first
        spans: list[Span] = [(f"{moment(entry.time)}  ", "note"), (visible(entry.event), "heading")]
        spans.append((f"  {visible(entry.run or str(entry.number))}", "heading"))
        yield Line(0, "", "", tuple(spans))
        who = mask_unless(entry.origin.actor.name, personal=personal)
        yield plain(by_line(entry, who), indent=2)
        counts = _counts(summary)
        if counts:
            yield plain(counts, indent=2)
        elif _had_nothing_to_do(entry):
            yield plain(_NOTHING, indent=2)
        if entry.origin.reason:
            yield plain(f"reason: {free_text(entry.origin.reason, personal=personal)}", indent=2)
        for name, text in _facts(entry):
            if not entry.run or name in _LISTED:
                yield plain(f"{name}: {text}", indent=2)
        for record in summary.records:
            yield from record_lines(record, personal=personal, indent=2)


def entry_lines(entry: Entry, *, personal: bool) -> Iterator[Line]:
    """Yield what is known of an event as a whole: who, why, what for."""
    yield plain(f"{visible(entry.event)}  {visible(entry.run or str(entry.number))}", "heading")
    facts = entry.origin.actor.facts
    rows = [
        ("when", moment(entry.time)),
        ("who", visible(mask_unless(entry.origin.actor.name, personal=personal))),
        ("source", SOURCES.get(entry.origin.actor.source, "")),
        *((visible(name), visible(text)) for name, text in sorted(facts.items())),
        ("reason", free_text(entry.origin.reason, personal=personal)),
        *commit_rows(entry),
        *_facts(entry),
    ]
    rows = [(name, text) for name, text in rows if text]
    column = max(len(name) for name, _ in rows)
    for name, text in rows:
        yield Line(2, "", "", ((f"{name:<{column}}  ", "note"), (text, "")))
    if entry.message:
        yield from message_lines(entry.message, personal=personal)
    elif _had_nothing_to_do(entry):
        yield plain(_NOTHING, "note", indent=2)


def message_lines(message: Detail, *, personal: bool) -> Iterator[Line]:
    """Yield why a run ended early, or what was refused."""
    yield plain(_message(message, (), personal=personal), "note", indent=2)


def record_lines(record: RecordEntry, *, personal: bool, indent: int = 0) -> Iterator[Line]:
    """Yield the outcome of one record, with a line for each field and association."""
    glyph = Action(record.action).glyph if record.action in set(Action) else "?"
    address = visible(str(record.address))
    done = record.end == "done"
    notes = [visible(f"id {record.id}")] if record.id else []
    notes += [visible(flag) for flag in record.flags if flag not in (WRITTEN, NOT_NEEDED)]
    is_shown = done or record.action == record.end
    ended = visible(record.action if is_shown else f"{record.action} {record.end}")
    spans: list[Span] = [(address, "address"), (f"  {ended}", "" if done else record.status)]
    if notes:
        spans.append((f"  ({', '.join(notes)})", "note"))
    yield Line(indent, glyph, record.action, tuple(spans))
    fields = [detail for detail in record.details if detail.topic is Topic.FIELD]
    column = min(max((len(visible(detail.name)) for detail in fields), default=0), _NAMES)
    secret = personal_values(record)
    for detail in record.details:
        yield _detail_line(record, detail, column, secret, personal=personal, indent=indent + 4)


def verified_lines(found: Verification) -> Iterator[Line]:
    """Yield the result of a verification: findings, counts and the verdict."""
    for finding in found.findings:
        yield Line(0, "!", Action.CONFLICT, ((visible(_finding(finding)), "conflict"),))
    if found.findings:
        yield BLANK
    size = f"{plural(found.entries, 'entry', 'entries')}, {plural(found.records, 'record')}"
    span = f", {moment(found.first)} to {moment(found.last)}" if found.entries else ""
    yield plain(f"{size}{span}")
    if found.values:
        matching = plural(found.values, "value matches its", "values match their")
        yield plain(f"{matching} digest")
    for text in _notes(found):
        yield plain(text, "note")
    if found.findings:
        first = found.findings[0].number
        yield plain(f"The audit log is BROKEN from entry {first:,} on.", "failed")
    else:
        yield plain("The audit log is intact.", "done")


def stored_value_lines(held: Iterable[StoredValues]) -> Iterator[Line]:
    """Yield what a redaction would erase, and what it would not."""
    for one in held:
        where = plural(len(one.blobs), "entry", "entries")
        amount = f"{plural(one.values, 'value')} in {where}" if one.values else "no values"
        yield plain(f"{visible(str(one.address))}: {amount}")
        if one.children:
            names = ", ".join(visible(str(child)) for child in one.children)
            yield plain(f"records under it, which stay unless you name them: {names}", "note", 2)


def moment(time: str) -> str:
    """Return ``2026-01-02 03:04:05Z`` for a time of the log."""
    return visible(f"{time[:10]} {time[11:19]}Z" if time else "an unknown time")


def free_text(text: str, *, personal: bool) -> str:
    """Return a person's free text on one line, shortened and masked."""
    return visible(shorten(mask_unless(text, personal=personal)))


def mask_unless(text: str, *, personal: bool) -> str:
    """Return ``text``, masked unless personal data may be shown."""
    return text if personal else mask(text)


def absent(detail: Detail) -> str:
    """Return the placeholder for values that the log no longer has."""
    return "(erased)" if detail.erased else "(missing)"


def is_personal(record: RecordEntry, detail: Detail) -> bool:
    """Return whether a detail's values are personal, by its plan or by today's kinds."""
    kind = kinds().get(record.address.kind)
    by_kind = kind is not None and kind.is_personal(detail.name)
    values = (Topic.FIELD, Topic.REWRITE, Topic.OVERWRITE, Topic.WARNING)
    return detail.personal or (detail.topic in values and by_kind)


def personal_values(record: RecordEntry) -> tuple[str, ...]:
    """Return the personal values of a record's details, to mask in messages."""
    return tuple(
        text
        for detail in record.details
        if is_personal(record, detail)
        for text in detail.values or ()
    )


def _counts(summary: Summary) -> str:
    """Return ``create 2 orders, 4 line items; update 1 order: failed``."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for (action, kind, status), number in summary.counts.items():
        groups.setdefault((status, action), {})[kind] = number
    order = sorted(groups, key=lambda group: (group[0] != "done", group[0], group[1]))
    parts = []
    for status, action in order:
        counts = {name: groups[status, action][name] for name in in_order(groups[status, action])}
        end = "" if status == "done" else f": {status}"
        is_outcome = action == status == _CONFLICT
        parts.append(
            f"{listed(counts)} in conflict" if is_outcome else f"{action} {listed(counts)}{end}"
        )
    return visible("; ".join(parts))


def _had_nothing_to_do(entry: Entry) -> bool:
    """Return whether the entry is of a run whose plan had nothing left to carry out."""
    return bool(entry.run) and not entry.records and entry.message is None


def _facts(entry: Entry) -> list[tuple[str, str]]:
    found = []
    for name, fact in sorted(entry.facts.items()):
        if name in OF_COMMIT:
            continue
        text = ", ".join(fact) if isinstance(fact, tuple) else str(fact)
        if text:
            found.append((visible(name.replace("_", " ")), visible(shorten(text))))
    return found


def _detail_line(
    record: RecordEntry,
    detail: Detail,
    column: int,
    secret: tuple[str, ...],
    *,
    personal: bool,
    indent: int,
) -> Line:
    if detail.topic is Topic.MESSAGE:
        return plain(_message(detail, secret, personal=personal), "note", indent)
    if detail.topic is Topic.WARNING:
        return plain(_warning(record, detail, secret, personal=personal), "note", indent)
    hidden = is_personal(record, detail) and not personal
    name = visible(detail.name)
    if detail.topic is Topic.LINK:
        glyph = Action.ASSOCIATE.glyph if detail.note == "add" else "-"
        end = f"{name} {PERSONAL}" if hidden else _end(detail)
        return Line(indent, glyph, Action.ASSOCIATE, ((end, "new" if glyph != "-" else "old"),))
    if detail.topic is Topic.OVERWRITE:
        return plain(_overwritten(detail, hidden=hidden), "conflict", indent)
    spans: list[Span] = [(name + " " * (column - len(name) + 2), "name")]
    if detail.values is None:
        spans.append((absent(detail), "empty"))
    elif hidden:
        spans.append((PERSONAL, "empty"))
    else:
        spans += _pair(*detail.values[-2:], creates=record.action == Action.CREATE)
    if detail.topic is Topic.REWRITE:
        spans.append(("  # rewritten by HubSpot", "note"))
    elif detail.note not in ("new", "change"):
        spans.append((f"  # {visible(detail.note)}", "drift"))
    return Line(indent, "", record.action, tuple(spans))


def _overwritten(detail: Detail, *, hidden: bool) -> str:
    if not detail.name:
        return "may have overwritten an edit that HubSpot's history does not show"
    known = value(detail.values[0]) if detail.values else absent(detail)
    what = "a personal value" if hidden else known
    by = f", set by {detail.note}" if detail.note else ""
    return f"overwrote {what} of {visible(detail.name + by)}"


def _pair(before: str, after: str, *, creates: bool) -> list[Span]:
    if creates and not before:
        return [(value(after), "new")]
    shown = pair(before, after) if before and after else (value(before), value(after))
    old, new = shown[0] if before else EMPTY, shown[1] if after else CLEARED
    return [(old, "old" if before else "empty"), (" -> ", "arrow"), (new, "new")]


def _end(detail: Detail) -> str:
    if detail.values is None:
        return visible(f"{detail.name} {absent(detail)}")
    end = detail.values[0] if detail.values else ""
    prefix = "" if end.startswith((f"{detail.name} ", f"{detail.name}/")) else f"{detail.name} "
    return visible(shorten(prefix + end))


def _message(detail: Detail, secret: tuple[str, ...], *, personal: bool) -> str:
    if detail.values is None:
        return absent(detail)
    text = detail.values[0] if detail.values else ""
    return visible(text if personal else mask(text, secret))


def _warning(
    record: RecordEntry, detail: Detail, secret: tuple[str, ...], *, personal: bool
) -> str:
    if is_personal(record, detail) and not personal:
        return f"HubSpot warned about {visible(detail.name)}"
    return f"HubSpot warned: {_message(detail, secret, personal=personal)}"


def _finding(finding: Finding) -> str:
    about = " ".join(part for part in (finding.address, finding.name) if part)
    when = f" ({moment(finding.time)})" if finding.time else ""
    return f"entry {finding.number:,}{when}: {f'{about}: ' if about else ''}{finding.what}"


def _notes(found: Verification) -> Iterator[str]:
    if found.erased:
        where = plural(found.erased_in, "entry", "entries")
        values = f"the values of {plural(found.erased, 'record')} in {where}"
        yield f"{values} were erased by a redaction, as the log says"
    for text in found.kept:
        yield f"{visible(text)} was redacted, but values are left: redact it again"
    if found.entries and not found.against_state:
        yield "the state has no head of the log, so a cut-off end would not be detected"

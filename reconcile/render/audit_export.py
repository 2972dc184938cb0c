"""The audit log for other programs: one row for each thing that changed.

JSON lines hold the texts exactly; the cells of CSV are escaped for terminals and spreadsheets,
which would take some of them for formulas.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from reconcile.model.audit import Detail, Entry, RecordEntry, Summary, Topic
from reconcile.render.audit_lines import absent, is_personal, mask_unless, personal_values
from reconcile.render.escaping import PERSONAL, line_start, mask, visible

FORMAT_VERSION = "1.0"
"""Of each line: MAJOR.MINOR. A reader ignores names it does not know and refuses another major."""

COLUMNS = (
    "number",
    "time",
    "event",
    "run",
    "who",
    "source",
    "reason",
    "commit",
    "files",
    "commit_at_apply",
    "plan",
    "resolved_by",
    "address",
    "action",
    "outcome",
    "id",
    "trace",
    "what",
    "name",
    "note",
    "before",
    "after",
    "absent",
)
"""Of each row: first the entry, then the record, then what changed in it.

``number`` is 0 for what only the journal of a run has. ``event`` is ``recover`` if a later run or
command (``resolved_by``) resolved the in-doubt writes of ``run``. ``outcome`` is ``begun`` while a
write is in doubt, and ``written`` if the record exists, but not its associations.

``source`` says where ``who`` is from; no person's name is verified. ``commit`` is the plan's where
there is one, ``files`` says whether the files read were that commit's (``same``, ``differ``,
``unknown``), ``commit_at_apply`` is the one checked out then where it is another. ``before`` and
``after`` are null where the value is not there: ``absent`` is ``erased`` where a redaction in the
log explains that, else ``missing``. ``what`` is ``field``, ``link``, ``rewrite`` (what we sent,
what HubSpot stored), ``overwrite`` (an edit that we overwrote unseen; ``note`` says what had made
it, and when), ``warning`` (HubSpot's, about a value that it took), ``message``, or empty for a
record or an event with nothing more to report.
"""

_OF_RECORDS = COLUMNS[COLUMNS.index("address") :]

# A number with a leading sign is not a formula.
_FORMULA = re.compile(r"\s*[=+@\-\t\r\n|\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class _Line:
    """A file for ``csv`` whose ``write`` returns the line."""

    def write(self, text: str) -> str:
        return text


def rows(entries: Iterable[Entry], *, personal: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of entries, by the names in COLUMNS."""
    for entry in entries:
        about = _entry(entry, personal=personal)
        if entry.message:
            yield _row(about, {}, _message(entry.message, (), personal=personal))
        elif not entry.records:
            yield _row(about, {}, {})
        for record in entry.records:
            yield from _record(about, record, personal=personal)


def csv_lines(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield rows as lines of CSV without newlines, the header first."""
    writer = csv.writer(_Line(), lineterminator="")
    yield writer.writerow(COLUMNS)
    for row in found:
        yield writer.writerow([_cell(row, name) for name in COLUMNS])


def cell(content: str | int) -> str:
    """Return a value as a cell that spreadsheets show and do not compute."""
    text = str(content)
    shown = line_start(visible(text))
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{shown}"
    return shown


def _cell(row: dict[str, Any], name: str) -> str:
    return cell(f"({row['absent']})" if row[name] is None else row[name])


def summary_data(summary: Summary, *, personal: bool) -> dict[str, Any]:
    """Return an event for ``audit log --json``, with ``records`` if the log was filtered by one."""
    entry = summary.first
    actor = entry.origin.actor
    data: dict[str, Any] = {
        "number": entry.number,
        "time": entry.time,
        "event": entry.event,
        "run": entry.run,
        "actor": {
            "name": mask_unless(actor.name, personal=personal),
            "source": actor.source,
            **actor.facts,
        },
        "reason": mask_unless(entry.origin.reason, personal=personal),
        "commit": entry.origin.commit,
        "facts": dict(entry.facts),
        "counts": [
            {"action": action, "kind": kind, "outcome": outcome, "records": number}
            for (action, kind, outcome), number in sorted(summary.counts.items())
        ],
    }
    if summary.records:
        about: dict[str, Any] = {}
        data["records"] = [
            {name: text for name, text in row.items() if name in _OF_RECORDS}
            for record in summary.records
            for row in _record(about, record, personal=personal)
        ]
    return data


def _entry(entry: Entry, *, personal: bool) -> dict[str, Any]:
    actor = entry.origin.actor
    return {
        "number": entry.number,
        "time": entry.time,
        "event": entry.event,
        "run": entry.run,
        "who": mask_unless(actor.name, personal=personal),
        "source": actor.source,
        "reason": mask_unless(entry.origin.reason, personal=personal),
        "commit": entry.origin.commit,
        **{
            name: entry.facts.get(name, "")
            for name in ("files", "commit_at_apply", "plan", "resolved_by")
        },
    }


def _record(
    about: dict[str, Any], record: RecordEntry, *, personal: bool
) -> Iterator[dict[str, Any]]:
    its = {
        "address": str(record.address),
        "action": record.action,
        "outcome": record.end,
        "id": record.id,
        "trace": record.trace,
    }
    secret = personal_values(record)
    for detail in record.details:
        hidden = not personal and is_personal(record, detail)
        if detail.topic in (Topic.MESSAGE, Topic.WARNING) and not hidden:
            yield _row(about, its, _message(detail, secret, personal=personal))
        else:
            yield _row(about, its, _change(detail, hidden=hidden))
    if not record.details:
        yield _row(about, its, {})


def _change(detail: Detail, *, hidden: bool) -> dict[str, Any]:
    before: str | None = None
    after: str | None = None
    if detail.values is not None:
        before, after = ("", *detail.values) if len(detail.values) == 1 else detail.values[:2]
        if detail.topic is Topic.LINK:
            before, after = ("", before) if detail.note == "add" else (before, "")
    if hidden:
        before, after = (PERSONAL if text else text for text in (before, after))
    return {
        "what": str(detail.topic),
        "name": detail.name,
        "note": detail.note,
        "before": before,
        "after": after,
        "absent": _absent(detail),
    }


def _message(detail: Detail, secret: tuple[str, ...], *, personal: bool) -> dict[str, Any]:
    text = detail.values[0] if detail.values else None
    if text is not None and not personal:
        text = mask(text, secret)
    return {
        "what": str(detail.topic),
        "name": detail.name,
        "before": "",
        "after": text,
        "absent": _absent(detail),
    }


def _absent(detail: Detail) -> str:
    return absent(detail).strip("()") if detail.values is None else ""


def _row(*parts: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
    for part in parts:
        row |= part
    return row

"""`reconcile audit`: who changed what, when and why. Needs no token, and only the store."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import click

from reconcile.atomic_files import save_file
from reconcile.audit.actor import origin
from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.audit.query import all_entries, entries_of, summaries
from reconcile.audit.redact import holdings, redact
from reconcile.cli.common import (
    addresses,
    colored,
    confirm,
    settings_for,
    shows_personal,
)
from reconcile.cli.store_access import locked
from reconcile.errors import UsageError
from reconcile.model.audit import Entry
from reconcile.model.values import show as quoted
from reconcile.project import Settings
from reconcile.recovery.runs import unlogged
from reconcile.render.audit_export import FORMAT_VERSION, csv_lines, rows, summary_data
from reconcile.render.audit_lines import (
    entry_lines,
    log_lines,
    message_lines,
    record_lines,
    stored_value_lines,
    verified_lines,
)
from reconcile.render.escaping import visible
from reconcile.render.json_text import json_line
from reconcile.render.output import write_lines
from reconcile.render.styled_lines import BLANK, Line, plain
from reconcile.session import open_target_store
from reconcile.state.state import State


def log(*, target: str | None, since: str | None, address: str | None, as_json: bool) -> None:
    """Run `reconcile audit log`."""
    (wanted,) = addresses((address,)) if address else (None,)
    begin = _moment(since)
    with _opened(target) as (settings, audit):
        found = summaries(audit, since=begin, address=wanted, unlogged=_unlogged(audit))
        if as_json:
            data = (summary_data(one, personal=shows_personal()) for one in found)
            _write(json_line(FORMAT_VERSION, one) for one in data)
            return
        lines = list(log_lines(found, personal=shows_personal()))
        of = f" of {wanted}" if wanted else ""
        then = f" since {since}" if since else ""
        _show(settings, lines or [plain(visible(f"No events{of}{then}."))])


def show(*, target: str | None, run: str) -> None:
    """Run `reconcile audit show`."""
    with _opened(target) as (settings, audit):
        _show(settings, _run_lines(entries_of(audit, run, unlogged=_unlogged(audit))))


def check(*, target: str | None) -> int:
    """Run `reconcile audit verify`."""
    with _opened(target) as (settings, audit):
        unknown: UsageError | None = None
        try:
            # Without the hash key: how far the log goes is no secret.
            head = State(audit.store, b"").audit
        except UsageError as error:
            head, unknown = None, error
        found = verify(audit, head)
        _show(settings, verified_lines(found))
        if unknown:
            why = visible(str(unknown))
            click.echo(f"The log could not be compared with the state: {why}", err=True)
            if unknown.hint:
                click.echo(f"hint: {visible(unknown.hint)}", err=True)
    return 1 if found.findings or unknown else 0


def erase(
    *,
    target: str | None,
    names: tuple[str, ...],
    reason: str,
    auto_approve: bool,
    lock_timeout: float,
) -> int:
    """Run `reconcile audit redact`."""
    wanted = sorted(addresses(names))
    # Under the lock: a value that `state push` has copied would outlive its erasure here, and one
    # whose entry a run has not yet put into the log would be missing with nothing to explain it.
    with _opened(target) as (settings, audit), locked(audit.store, "audit redact", lock_timeout):
        held = holdings(audit, wanted)
        _show(settings, stored_value_lines(held))
        if not any(one.values for one in held):
            click.echo("Nothing to erase.")
            return 0
        if not auto_approve and not confirm("Erase these values permanently?"):
            click.echo("Nothing was erased.", err=True)
            return 1
        redact(audit, held, origin(os.environ, settings.root, reason))
        total = sum(one.values for one in held)
        click.echo(f"Erased {total:,} value{'' if total == 1 else 's'}; the log records that.")
        if next(audit.store.names("plans/"), None) is not None:
            click.echo(
                "A run is unfinished: its plan and journal hold values until it ends "
                "(see `reconcile status`).",
                err=True,
            )
    return 0


def export(*, target: str | None, since: str | None, form: str, out: Path | None) -> None:
    """Run `reconcile audit export`."""
    begin = _moment(since)
    with _opened(target) as (_, audit):
        entries = all_entries(audit, since=begin, unlogged=_unlogged(audit))
        found = rows(entries, personal=shows_personal())
        as_json = (json_line(FORMAT_VERSION, row) for row in found)
        lines = csv_lines(found) if form == "csv" else as_json
        if out is None:
            _write(lines)
            return
        save_file(out, (f"{line}\n".encode() for line in lines), "the audit log")
        click.echo(f"Wrote {visible(str(out))}.", err=True)


@contextmanager
def _opened(target: str | None) -> Iterator[tuple[Settings, AuditLog]]:
    """Open the target's audit log, in whichever store it is."""
    settings = settings_for(target)
    with open_target_store(settings, os.environ) as store:
        yield settings, AuditLog(store)


def _unlogged(audit: AuditLog) -> list[Entry]:
    """Return entries that only journals of unfinished runs hold; none if those cannot be read."""
    try:
        return unlogged(audit.store)
    except UsageError as error:
        click.echo(
            f"Entries that are not in the log yet are left out: {visible(str(error))}", err=True
        )
        return []


def _moment(text: str | None) -> str:
    """Return ``--since`` in the log's time format. Raises UsageError if it is not a date."""
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{quoted(text)} is not a date", hint="write 2026-01-31, or 2026-01-31T12:00+01:00"
        ) from error
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _run_lines(entries: Iterable[Entry]) -> Iterator[Line]:
    event = ("", False)
    for entry in entries:
        own = (entry.id, entry.number == 0)
        begins = own != event
        if begins:
            if event[0]:
                yield BLANK
            event = own
            yield from entry_lines(entry, personal=shows_personal())
            yield BLANK
        for record in entry.records:
            yield from record_lines(record, personal=shows_personal())
        if entry.message and not begins:
            yield from message_lines(entry.message, personal=shows_personal())


def _show(settings: Settings, lines: Iterable[Line]) -> None:
    heading = plain(f"Audit log of target {settings.target.name}", "heading")
    write_lines(chain((heading, BLANK), lines), sys.stdout, color=colored())


def _write(texts: Iterable[str]) -> None:
    write_lines((plain(text) for text in texts), sys.stdout, color=False)

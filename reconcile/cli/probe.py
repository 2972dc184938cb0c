"""`reconcile doctor --probe`: announce, confirm, run, report."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from reconcile.atomic_files import save_file
from reconcile.cli.common import confirm, echo
from reconcile.errors import UsageError
from reconcile.probing import Probe, Report, Result, as_json, row, summary
from reconcile.render.escaping import visible
from reconcile.session import Session
from reconcile.stores.lease import utc_now

FOR_TRYING = ("DEVELOPER_TEST", "SANDBOX", "APP_DEVELOPER")
"""Types of accounts without business data (reference §3)."""


def check(session: Session, report: Path | None, *, allow_standard: bool) -> None:
    """Raise UsageError, before anything is written, if the probe may not run or save its report."""
    kind = session.pin.account_type
    if kind not in FOR_TRYING and not allow_standard:
        raise UsageError(
            f"the account {session.pin.portal_id} is of the type {kind or 'unknown'}, and the "
            "probe creates records in it; nothing was written",
            hint="use a developer test account, or add --allow-standard",
        )
    if report is not None and not (report.parent.is_dir() and os.access(report.parent, os.W_OK)):
        raise UsageError(f"the report cannot be saved in {report}: its folder cannot be written to")


def probe(session: Session, report: Path | None, *, auto_approve: bool) -> int:
    """Run the probe and return the exit code. If interrupted, still remove what it created."""
    scopes = session.hubspot.definitions.scopes()
    api = session.settings.target.api
    planned = Probe(session.hubspot, session.account, api=api, granted=scopes)
    _announce(planned, scopes_known=scopes is not None)
    if not planned.asked:
        raise UsageError("the token has none of the scopes that the questions need")
    if not auto_approve and not confirm(f"Probe account {session.pin.portal_id}?"):
        click.echo("Nothing was asked and nothing written.", err=True)
        return 1
    click.echo()
    with _time_to_clean_up():
        made = planned.run(_print_result)
    click.echo()
    for text in summary(made):
        echo(text)
    if report is not None:
        _save(made, report)
        click.echo(f"The report is in {visible(str(report))}.", err=True)
    return 0 if made.complete else 1


def _announce(planned: Probe, *, scopes_known: bool) -> None:
    asked, skipped = len(planned.asked), len(planned.skipped)
    click.echo(f"Probe    {asked} questions, at most {planned.most_calls} calls")
    click.echo(f"Creates  orders, carts, line items and properties named {planned.prefix}…")
    click.echo("         and changes, merges, associates and archives these alone")
    click.echo("Leaves   its records in the recycling bin, for 90 days; its properties are deleted")
    if skipped:
        click.echo(f"Skips    {skipped} questions for lack of scopes; the table shows which")
    if not scopes_known:
        click.echo("Scopes   HubSpot does not report them: what the token may not do is skipped")


def _print_result(result: Result) -> None:
    for text in row(result):
        echo(text)


def _save(made: Report, path: Path) -> None:
    at = utc_now()
    text = json.dumps(as_json(made, at=at), indent=2, ensure_ascii=False) + "\n"
    save_file(path, [text.encode()], "the report")


@contextmanager
def _time_to_clean_up() -> Iterator[None]:
    """Lift the time limit of an interrupt: what was created must be removed first.

    A second interrupt stops the removal.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [(number, signal.signal(number, _interrupt)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    with suppress(OSError):  # not by click: the signal may have come in the middle of its writing
        os.write(2, b"interrupted; removing what was created (interrupt again to stop)\n")
    raise KeyboardInterrupt

"""The command line of `reconcile audit`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import lock_timeout_option, target_option


@click.group("audit")
def command() -> None:
    """Query the audit log: who changed what in the account, when and why.

    The log is a hash chain, so that altered or missing entries are detected. Values are kept beside
    it, where they can be erased.
    """


since_option = click.option(
    "--since",
    metavar="DATE",
    help="Only entries from then on: 2026-01-31, or 2026-01-31T12:00+01:00.",
)


@command.command("log")
@target_option
@since_option
@click.option("--address", metavar="ADDRESS", help="Only events of this record (order/KEY).")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each event.")
def log(**given: Any) -> None:
    """List the events: applies, refusals, edits of the state."""
    from reconcile.cli import audit

    audit.log(**given)


@command.command("show")
@target_option
@click.argument("run", metavar="RUN|NUMBER")
def show(**given: Any) -> None:
    """Show a run in full, each field before and after."""
    from reconcile.cli import audit

    audit.show(**given)


@command.command("verify")
@target_option
def check(**given: Any) -> int:
    """Check that nothing in the log was altered, removed or cut off.

    Exits with 1 if something was, or if the end of the log cannot be compared with the state,
    because the state is damaged or was moved.
    """
    from reconcile.cli import audit

    return audit.check(**given)


@command.command("redact")
@target_option
@click.argument("names", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the audit log.")
@click.option("--auto-approve", is_flag=True, help="Do not ask before erasing.")
@lock_timeout_option
def erase(**given: Any) -> int:
    """Erase the values that the log holds of a record.

    The log keeps the record's address, the names of its fields, who, when and why, and notes that
    the values were erased. It stays intact.
    """
    from reconcile.cli import audit

    return audit.erase(**given)


@command.command("export")
@target_option
@since_option
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "jsonl")),
    default="jsonl",
    show_default=True,
    help="csv for spreadsheets, with formulas escaped; jsonl with every text exact.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, mode 0600.",
)
def export(**given: Any) -> None:
    """Export the log, a row for each thing that changed."""
    from reconcile.cli import audit

    audit.export(**given)

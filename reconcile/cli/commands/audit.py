"""The command line of `reconcile audit`."""

from pathlib import Path
from typing import Any

import click

from reconcile.cli.options import lock_timeout_option, target_option


@click.group("audit")
def command() -> None:
    """Who changed what in the account, when and why.

    The log is a chain of entries that cannot be altered unseen; the values are beside it, where
    they can be erased.
    """


since_option = click.option(
    "--since", metavar="DATE", help="Only from then on: 2026-01-31, or 2026-01-31T12:00+01:00."
)


@command.command("log")
@target_option
@since_option
@click.option("--address", metavar="ADDRESS", help="Only what became of this record (order/KEY).")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON for each event.")
def log(**given: Any) -> None:
    """List the events: applies, refusals, work on the state."""
    from reconcile.cli import audit

    audit.log(**given)


@command.command("show")
@target_option
@click.argument("run", metavar="RUN|NUMBER")
def show(**given: Any) -> None:
    """Show a run as the log has it, each field before and after."""
    from reconcile.cli import audit

    audit.show(**given)


@command.command("verify")
@target_option
def check(**given: Any) -> int:
    """Check that nothing in the log was altered, removed or cut off.

    Exits with 1 where something was, and where the end of the log cannot be compared with what the
    state knows, because that is damaged or elsewhere.
    """
    from reconcile.cli import audit

    return audit.check(**given)


@command.command("redact")
@target_option
@click.argument("names", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
@click.option("--auto-approve", is_flag=True, help="Do not ask before erasing.")
@lock_timeout_option
def erase(**given: Any) -> int:
    """Erase the values that the log holds of a record.

    What stays are the record's address, the names of its fields, who, when and why, and that the
    values were erased. The log stays whole.
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
    help="csv for spreadsheets, with cells made harmless; jsonl with every text exact.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, mode 0600.",
)
def export(**given: Any) -> None:
    """Give out the log, a row for each thing that changed."""
    from reconcile.cli import audit

    audit.export(**given)

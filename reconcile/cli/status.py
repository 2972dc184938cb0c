"""`reconcile status`."""

import os
import sys

import click

from reconcile.cli.common import colored, settings_for
from reconcile.cli.lock import described
from reconcile.cli.next_command import command_line
from reconcile.recovery.runs import unfinished
from reconcile.render.run_status import status_json, unfinished_note, write_status
from reconcile.session import open_target_store
from reconcile.state.state import State
from reconcile.stores.contract import Store


def run(*, target: str | None, as_json: bool) -> None:
    """Run `reconcile status`."""
    settings = settings_for(target)
    with open_target_store(settings, os.environ) as store:
        State(store, b"")  # raises if it was moved: runs that are left here are out of date
        runs = [one.run.progress for one in unfinished(store)]
        holder = described(found) if (found := store.holder()) else ""
    resume = command_line("resume")
    if as_json:
        click.echo(status_json(settings.target.name, runs, holder, resume=resume), nl=False)
    else:
        write_status(settings.target.name, runs, holder, sys.stdout, color=colored(), resume=resume)


def unfinished_notes(store: Store) -> list[str]:
    """Return a line for each unfinished run, for commands that leave it unfinished."""
    resume = command_line("resume")
    return [f"Note: {unfinished_note(one.run.progress, resume)}" for one in unfinished(store)]

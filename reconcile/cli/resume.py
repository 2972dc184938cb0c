"""`reconcile resume`."""

import os
import sys

import click

from reconcile.audit.actor import origin
from reconcile.cli.apply import carry_out, exit_code, require_durable_store
from reconcile.cli.common import colored, settings_for, shows_personal
from reconcile.cli.next_command import command_line
from reconcile.project.declared import declared_now
from reconcile.recovery.runs import unfinished
from reconcile.render.escaping import visible
from reconcile.render.report import write_report
from reconcile.render.run_status import so_far
from reconcile.session import connect


def run(
    *, target: str | None, lock_timeout: float, on_error: str, reason: str, accept_local_store: bool
) -> int:
    """Run `reconcile resume`."""
    settings = settings_for(target)
    require_durable_store(settings, accept_local_store=accept_local_store)
    with connect(settings, os.environ, "write") as session:
        session.state()  # raises first if the state was moved or belongs to another account
        runs = unfinished(session.store)
        if not runs:
            click.echo("No run is unfinished.")
            return 0
        last = runs[-1]
        name, far = visible(last.run.head.run), so_far(last.run.progress)
        click.echo(f"Run {name} is not finished: {far}.", err=True)
        report = carry_out(
            session,
            last.plan,
            origin(os.environ, settings.root, reason),
            declared=declared_now(settings, last.plan),
            wait=lock_timeout,
            halt=on_error == "halt",
            command="resume",
        )
    write_report(
        report,
        sys.stdout,
        personal=shows_personal(),
        color=colored(),
        plan=last.plan,
        typed=command_line,
    )
    return exit_code(report)

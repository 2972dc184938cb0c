"""`reconcile apply`."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconcile.applying.preconditions import require_expected
from reconcile.audit.actor import origin
from reconcile.cli.common import (
    addresses,
    colored,
    confirm,
    settings_for,
    shows_personal,
    write_digest,
)
from reconcile.cli.cost import cost
from reconcile.cli.git_commit import files_read, source_of, write_source
from reconcile.cli.next_command import command_line
from reconcile.cli.status import unfinished_notes
from reconcile.errors import UsageError
from reconcile.model.audit import Origin
from reconcile.model.outcome import Report, Status
from reconcile.model.plan import Action, Plan
from reconcile.model.records import Unit
from reconcile.plan_files import read_plan
from reconcile.planning.guards import require_match
from reconcile.planning.plan_file import content_digest
from reconcile.project import Settings
from reconcile.project.declared import Declared, declared_now, read_declared
from reconcile.recovery.runs import new_run
from reconcile.render.output import write_plan
from reconcile.render.progress import progress
from reconcile.render.report import write_report
from reconcile.session import Session, connect
from reconcile.stores.store_urls import is_local
from reconcile.stores.this_process import lock_holder
from reconcile.workflow import (
    apply,
    finish,
    plan_to_apply,
    refusals_logged,
)


def run(
    *,
    file: Path | None,
    target: str | None,
    auto_approve: bool,
    allow: tuple[str, ...],
    expect_digest: str,
    recreate: tuple[str, ...],
    prune: bool,
    full: bool,
    lock_timeout: float,
    on_error: str,
    reason: str,
    accept_local_store: bool,
) -> int:
    """Run `reconcile apply`."""
    saved = read_plan(file)[0] if file else None
    if saved is not None:
        _refuse({"--allow": allow, "--recreate": recreate, "--prune": prune})
    settings = settings_for(target or (saved.target.name if saved else None))
    require_durable_store(settings, accept_local_store=accept_local_store)
    by = origin(os.environ, settings.root, reason)
    again, run = addresses(recreate), new_run()
    read = files_read(settings, by.commit)
    if saved is None:
        declared = read_declared(settings, seen=read.add)
    else:
        units = declared_now(settings, saved)
        declared = Declared(units, units)
    with declared.problems_first(), connect(settings, os.environ, "write") as session:
        made = saved
        if made is None:
            with progress(len(declared.units), "Planning") as advance:
                made = plan_to_apply(
                    session,
                    declared,
                    by,
                    recreate=again,
                    prune=prune,
                    allow=allow,
                    who=lock_holder(),
                    wait=lock_timeout,
                    run=run,
                    advance=advance,
                )
            made = replace(made, source=source_of(read, settings))
            write_plan(made, sys.stdout, personal=shows_personal(), color=colored(), full=full)
        digest = content_digest(made)
        write_digest(digest)
        write_source(made.source)
        with refusals_logged(session, made, by):
            require_expected(digest, expect_digest)
            require_match(made)
        if saved is None and made.idle:
            report = finish(session, made, by, who=lock_holder(), wait=lock_timeout, run=run)
        elif saved is None and not (auto_approve or _confirmed(session, made)):
            click.echo("Nothing was applied.", err=True)
            return 1
        else:
            report = carry_out(
                session,
                made,
                by,
                declared=None if saved is None else declared.units,
                wait=lock_timeout,
                halt=on_error == "halt",
                run=run,
            )
        if made.idle:
            for note in unfinished_notes(session.store):
                click.echo(note, err=True)
    if saved is None and made.empty and report.complete:
        return exit_code(report)
    write_report(
        report,
        sys.stdout,
        personal=shows_personal(),
        color=colored(),
        plan=made,
        typed=command_line,
    )
    return exit_code(report)


def _refuse(options: Mapping[str, object]) -> None:
    """Raise UsageError for an option that says how to plan, since there is a plan already."""
    for option, given in options.items():
        if given:
            raise UsageError(f"{option} cannot be used with a plan file, which is a finished plan")


def _confirmed(session: Session, made: Plan) -> bool:
    """Ask whether to apply a plan, unless that would be refused, or do nothing in HubSpot."""
    if made.guards or made.empty or not made.acts:
        return True
    click.echo(cost(session, made), err=True)
    return confirm(
        f"Apply this to {session.pin.name}?",
        otherwise="review the plan first (`reconcile plan --out FILE`, then `reconcile apply "
        "FILE`), or add --auto-approve",
    )


def carry_out(
    session: Session,
    made: Plan,
    by: Origin,
    *,
    declared: Sequence[Unit] | None,
    wait: float,
    halt: bool,
    run: str = "",
    command: str = "apply",
) -> Report:
    """Apply with a progress bar. A new run gets the name ``run``, if one is given."""
    total = sum(1 for _ in made.records())
    with progress(total, "Applying") as advance:
        return apply(
            session,
            made,
            by,
            declared=declared,
            who=lock_holder(),
            wait=wait,
            halt=halt,
            advance=advance,
            run=run,
            command=command,
        )


def require_durable_store(settings: Settings, *, accept_local_store: bool) -> None:
    """Raise UsageError in CI if the state would be lost with the runner's disk."""
    local = is_local(settings.store_url(os.environ))
    if local and os.environ.get("CI") and not accept_local_store:
        raise UsageError(
            f"the state in {settings.local_folder} is on this machine, and a CI runner's disk is "
            "discarded",
            hint="name a shared `store:` in reconcile.yaml, or add --accept-local-store if the "
            "disk is kept, or if the state may be lost",
        )


def exit_code(report: Report) -> int:
    """Return 0 if all is done, 6 if every record had changed since the plan, else 5."""
    if report.complete:
        return 0
    if any(outcome.overwrites for outcome in report.outcomes):
        return 5
    ends = {outcome.status for outcome in report.outcomes}
    moved = any(
        outcome.status is Status.CONFLICT and outcome.action is not Action.CONFLICT
        for outcome in report.outcomes
    )
    written = any(outcome.written for outcome in report.outcomes)
    return 6 if moved and ends == {Status.CONFLICT} and not written else 5

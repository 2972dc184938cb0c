"""`reconcile apply`."""

import os
import sys
from pathlib import Path

import click

from reconcile.cli.common import (
    addresses,
    colored,
    confirm,
    manifests_of,
    recreate_option,
    settings_for,
    shows_personal,
    target_option,
    who,
)
from reconcile.cli.show import read_plan
from reconcile.config import Settings
from reconcile.errors import UsageError
from reconcile.model.outcome import Report, Status
from reconcile.model.plan import Action, Plan
from reconcile.render.progress import progress
from reconcile.render.report import write_report
from reconcile.render.text import write_plan
from reconcile.session import Session, connect
from reconcile.workflow import apply, plan

GUARDS = ("adopt-update", "rekey", "recreate")


@click.command("apply")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@target_option
@click.option("--auto-approve", is_flag=True, help="Do not ask before applying.")
@click.option(
    "--allow",
    multiple=True,
    metavar="GUARD",
    type=click.Choice(GUARDS),
    help=f"Let a guard pass that the plan trips: {', '.join(GUARDS)}. Can be given several times.",
)
@recreate_option
@click.option(
    "--accept-local-store",
    is_flag=True,
    help="In CI: accept that state kept on this machine is lost with it.",
)
def command(
    *,
    file: Path | None,
    target: str | None,
    auto_approve: bool,
    allow: tuple[str, ...],
    recreate: tuple[str, ...],
    accept_local_store: bool,
) -> int:
    """Carry out a plan.

    With FILE: exactly the plan saved there, without asking. Without: plan, show, ask, apply.
    """
    saved = read_plan(file)[0] if file else None
    if saved is not None and recreate:
        raise UsageError("--recreate belongs to planning; the plan file already says what to do")
    settings = settings_for(target or (saved.target.name if saved else None))
    _check_store(settings, accept_local_store=accept_local_store)
    again = addresses(recreate)
    units = manifests_of(settings, ()) if saved is None else ()
    with connect(settings, os.environ, "write") as session:
        if saved is None:
            with progress(len(units), "Planning") as advance:
                made = plan(session, units, recreate=again, advance=advance)
            write_plan(made, sys.stdout, personal=shows_personal(), color=colored())
            if made.empty:
                return 0
            refused = any(guard.name not in allow for guard in made.guards)
            if not (auto_approve or refused or _confirmed(session)):
                click.echo("Nothing was applied.", err=True)
                return 1
        else:
            made = saved
        report = _apply(session, made, frozenset(allow))
    write_report(report, sys.stdout, personal=shows_personal(), color=colored(), plan=made)
    return _exit_code(report)


def _confirmed(session: Session) -> bool:
    return confirm(
        f"Apply this to {session.pin.name}?",
        otherwise="look at the plan first (`reconcile plan --out FILE`, then `reconcile apply "
        "FILE`), or add --auto-approve",
    )


def _apply(session: Session, made: Plan, allow: frozenset[str]) -> Report:
    total = sum(1 for _ in made.records())
    with progress(total, "Applying") as advance:
        return apply(session, made, allow=allow, who=who(), advance=advance)


def _check_store(settings: Settings, *, accept_local_store: bool) -> None:
    if os.environ.get("CI") and not accept_local_store:
        raise UsageError(
            f"the state in {settings.home} is on this machine, and a CI runner's disk vanishes",
            hint="add --accept-local-store where the disk stays, or where losing the state is fine",
        )


def _exit_code(report: Report) -> int:
    if report.complete:
        return 0
    ends = {outcome.status for outcome in report.outcomes}
    moved = any(
        outcome.status is Status.CONFLICT and outcome.action is not Action.CONFLICT
        for outcome in report.outcomes
    )
    return 6 if moved and ends == {Status.CONFLICT} else 5

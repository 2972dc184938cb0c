"""`reconcile explain`: who may write what, and where the values of one record come from."""

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from reconcile.cli.common import addresses, colored, settings_for, shows_personal
from reconcile.cli.json_output import problems_as_json
from reconcile.errors import UsageError
from reconcile.model.address import Address
from reconcile.model.records import Unit
from reconcile.planning.explained_values import explained
from reconcile.project.declared import read_declared
from reconcile.project.rules import rules
from reconcile.render.escaping import visible
from reconcile.render.explain_json import record_json, rules_json
from reconcile.render.explain_lines import record_lines, rule_lines
from reconcile.render.output import write_lines
from reconcile.render.plan_view import view
from reconcile.selecting.selectors import Selection, UnitSelector
from reconcile.session import connect
from reconcile.workflow import plan

if TYPE_CHECKING:
    from reconcile.planning.record_input import RecordInput


def run(*, address: str | None, target: str | None, as_json: bool) -> None:
    """Run `reconcile explain`."""
    if address is not None:
        (wanted,) = addresses((address,))
        _record(wanted, target, as_json=as_json)
        return
    settings = settings_for(target)
    name, found = settings.target.name, rules(settings)
    if as_json:
        click.echo(rules_json(found, name), nl=False)
    else:
        write_lines(rule_lines(found, name), sys.stdout, color=colored())


def _record(wanted: Address, target: str | None, *, as_json: bool) -> None:
    watched: list[RecordInput] = []
    with problems_as_json(as_json):
        settings = settings_for(target)
        declared = read_declared(settings)
    unit = _unit_of(wanted, declared.everything)
    with (
        problems_as_json(as_json),
        declared.problems_first(),
        connect(settings, os.environ, "read") as session,
    ):
        made = plan(
            session,
            declared.everything,
            broken=declared.problems,
            # With the units that a line item moves from or to: they go or stay together.
            selection=Selection((UnitSelector("", frozenset({unit.address.folded()})),)),
            watch=watched.append,
        )
    personal = shows_personal()
    seen = view(made, personal=personal, verbose=True)
    found = [one for one in watched if one.address.folded() == wanted.folded()]
    if not found:
        raise _in_doubt(wanted)
    record = explained(found[0], made)
    if as_json:
        click.echo(record_json(record, seen, personal=personal), nl=False)
    else:
        write_lines(record_lines(record, seen, personal=personal), sys.stdout, color=colored())


def _unit_of(wanted: Address, units: Sequence[Unit]) -> Unit:
    """Return the unit that declares a record. Raises UsageError if none does."""
    names: list[str] = []
    for unit in units:
        for record in unit.records:
            if record.address.folded() == wanted.folded():
                return unit
            names.append(str(record.address))
    near = get_close_matches(str(wanted), names, n=1)
    hint = f"did you mean {visible(near[0])}?" if near else "see `reconcile state list`"
    raise UsageError(f"no manifest declares {visible(str(wanted))}", hint=hint)


def _in_doubt(wanted: Address) -> UsageError:
    return UsageError(
        f"an interrupted run wrote to {visible(str(wanted))}, and the outcome is not known yet",
        hint="`reconcile resume` continues that run",
    )

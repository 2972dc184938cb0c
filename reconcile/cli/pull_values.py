"""`reconcile pull ADDRESS…` and `reconcile pull --drift`: HubSpot's values into the manifests."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconcile.audit.actor import origin
from reconcile.audit.events import values_accepted
from reconcile.audit.log import AuditLog
from reconcile.cli.common import absolute, echo, settings_for, shows_personal
from reconcile.cli.github_annotations import annotate
from reconcile.cli.given_selection import selection_for
from reconcile.cli.manifest_edits import (
    Files,
    read_manifests,
    replace_files,
    require_replaceable,
    show_edits,
)
from reconcile.cli.next_command import command_line
from reconcile.cli.pull_addresses import Records, by_address, chosen, named
from reconcile.cli.store_access import locked
from reconcile.errors import ManifestError, Problem, StalePlan, UsageError
from reconcile.manifests.new_values import Edited, NewValues, with_values
from reconcile.manifests.yaml_edit import BY_HAND
from reconcile.model.address import Address
from reconcile.model.audit import Event
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Plan
from reconcile.model.records import Unit
from reconcile.model.selected import EVERYTHING
from reconcile.project import Settings
from reconcile.project.declared import found_by_id, target_problems
from reconcile.pulling.known import definitions_of
from reconcile.pulling.taken import (
    Taken,
    accepted,
    as_declared,
    differences_of,
    drift_of,
    left_associations,
    new_values,
    refused,
)
from reconcile.render.error_lines import format_left_out
from reconcile.render.escaping import visible
from reconcile.render.phrasing import plural, selection_words
from reconcile.render.progress import progress
from reconcile.session import Session, connect
from reconcile.state.accepted import Accepted, accept
from reconcile.state.state import State
from reconcile.workflow import plan

_LISTED = 10
_NOT_REMEMBERED = (
    "Not remembered as accepted: {}. If somebody edits these values again before the next apply, "
    "they will show as changed on both sides, and be held back; if somebody sets them back to what "
    "was applied before, they will show as changed in the manifest."
)


def run(
    *,
    target: str | None,
    words: Sequence[str],
    drift: bool,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    reason: str,
    lock_timeout: float,
) -> int:
    """Run `reconcile pull ADDRESS…`, or with ``drift`` `reconcile pull --drift [PATHS]`."""
    given = None if drift else named(words)
    settings = settings_for(target)
    paths = tuple(map(Path, words)) if drift else ()
    files, declared = read_manifests(settings, absolute(paths))
    selection = selection_for(select, exclude, settings, declared, paths)
    records = by_address(declared.everything)
    wanted, units = chosen(given, declared.units, records) if given else (None, declared.units)
    whole = given is not None and not given.wild
    with connect(settings, os.environ, "read") as session:
        state = session.state()
        with progress(None if selection else len(units), "Comparing") as advance:
            made = plan(
                session,
                units,
                declared=declared.everything,
                selection=selection,
                advance=advance,
            )
        found = list(_found(session, made, wanted, records, whole=whole))
        definitions = definitions_of(session.hubspot, _kinds_of(found))
        edits = _edited(
            settings,
            files,
            declared.everything,
            new_values(as_declared(session.hubspot, definitions, found)),
            whole=whole,
        )
        found = [one for one in found if one.address.folded() not in edits.left_out]
        edited = edits.files
        why_not = ""
        if found and not dry_run:
            require_replaceable(settings.root, files, edited)
            why_not = _remember(
                session,
                state,
                accepted(found, _former(records), definitions, state.hasher),
                values_accepted(
                    {one.address: (*one.values,) for one in found},
                    session.pin,
                    origin(os.environ, settings.root, reason),
                ),
                lock_timeout=lock_timeout,
            )
            replace_files(settings.root, files, edited)
    if dry_run:
        show_edits(files, edited)
    for line in _summary(made, found, edits, drift=drift, dry_run=dry_run):
        echo(line)
    if dry_run:
        click.echo("Nothing was written.", err=True)
    if why_not:
        click.echo(_NOT_REMEMBERED.format(visible(why_not)), err=True)
    return _echo_left_out(edits)


def _former(records: Records) -> Mapping[Address, Address | None]:
    return {address: record.former for address, (_, record) in records.items()}


def _kinds_of(found: Sequence[Taken]) -> Sequence[Kind]:
    return [kinds()[name] for name in sorted({one.address.kind for one in found})]


def _edited(
    settings: Settings,
    files: Files,
    units: Sequence[Unit],
    values: NewValues,
    *,
    whole: bool,
) -> Edited:
    """Return the files with new values. Raise ManifestError if any is left out and ``whole``."""
    found = with_values(
        {name: file.content for name, file in files.items()},
        units,
        values,
        by_id=found_by_id(settings),
        faults=lambda unit: target_problems([unit], settings),
    )
    if found.left_out and whole:
        problems = _without_values(found.problems)
        raise ManifestError(problems, title="the edit", hint="nothing was written")
    return found


def _without_values(problems: Sequence[Problem]) -> Sequence[Problem]:
    """In CI, leave what is to be written by hand out of problems: it may be personal."""
    if shows_personal():
        return problems
    hint = f"{BY_HAND}; outside of CI the value is named here"
    return [replace(one, hint=hint) if one.hint.startswith(BY_HAND) else one for one in problems]


def _echo_left_out(edits: Edited) -> int:
    """Print what is left out, on stderr, and return the exit code."""
    if not edits.left_out:
        return 0
    problems = _without_values(edits.problems)
    click.echo(format_left_out(len(edits.left_out), problems), err=True)
    annotate("warning", problems)
    return 5


def _found(
    session: Session,
    made: Plan,
    wanted: Collection[Address] | None,
    records: Records,
    *,
    whole: bool,
) -> Iterator[Taken]:
    """Yield what is to be taken over.

    A chosen record that has no values is left out, or if ``whole`` raises ManifestError.
    """
    if wanted is None:
        yield from drift_of(made)
        return
    without = list(refused(made, [records[one] for one in wanted]))
    if without and whole:
        problems = [problem for _, problem in without]
        raise ManifestError(problems, title="the records to pull", hint="nothing was written")
    taken = {*wanted} - {address for address, _ in without}
    identities = session.settings.target.identity
    keys = {kind: one.key_property for kind, one in identities.items()}
    yield from differences_of(made, taken, keys)


def _remember(
    session: Session,
    state: State,
    records: Sequence[Accepted],
    event: Event,
    *,
    lock_timeout: float,
) -> str:
    """Remember in the state what is accepted; return why it is not, if the state cannot be written.

    The files are edited all the same then: that is what was asked for. The lock is held only to
    write. Raise StalePlan if the state was written since ``state`` was read.
    """
    if not state.has_entries:
        return ""  # nothing was ever applied, so there is nothing to compare with
    if not (state.has_key and state.key_matches):
        return "the state's hashes were made with another key"
    try:
        with locked(session.store, "pull", lock_timeout):
            now = session.state()
            if now.serial != state.serial:
                raise StalePlan(
                    "the state was written while HubSpot was read; nothing was changed",
                    hint="run the command again",
                )
            accept(now, records)
            now.audit = AuditLog(session.store).append([event], now.audit)
            now.flush()
    except UsageError as error:
        return str(error)
    return ""


def _summary(
    made: Plan, found: Sequence[Taken], edits: Edited, *, drift: bool, dry_run: bool
) -> Iterator[str]:
    values, files = sum(len(one.values) for one in found), list(edits.files)
    if made.selected != EVERYTHING:
        yield f"{selection_words(made.selected)}."
    if values:
        did = "Would write" if dry_run else "Wrote"
        where = ", ".join(files[:_LISTED])
        more = f", … and {len(files) - _LISTED:,} more" if len(files) > _LISTED else ""
        of = plural(len(found), "record")
        yield f"{did} {plural(values, 'value')} of {of} into {where}{more}."
    elif edits.left_out:
        yield "Nothing to write: every record with other values in HubSpot is left out."
    elif drift:
        yield "Nothing to pull: nobody changed a declared value in HubSpot."
    else:
        yield "Nothing to pull: HubSpot has the declared values."
    if links := left_associations(made):
        them = plural(links, "association that others removed", "associations that others removed")
        yield f"Not taken over: {them}. To accept that, remove them from the manifests."
    if made.in_doubt:
        left = plural(len(made.in_doubt), "order or cart", "orders or carts")
        yield (
            f"Left out: {left} to which an interrupted run wrote. "
            f"`{command_line('resume')}` continues it."
        )
    if values and not dry_run:
        yield f"Next: {command_line('plan')}"

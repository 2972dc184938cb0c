"""`reconcile init`."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from reconcile.applying.define_properties import define
from reconcile.audit.actor import origin
from reconcile.audit.events import defined
from reconcile.audit.log import AuditLog
from reconcile.cli.common import colored, confirm, settings_for, shows_personal
from reconcile.errors import AuthError, CallRefused, HubSpotError, UsageError
from reconcile.manifests.files import PROJECT_FILE
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan, PropertyDefine
from reconcile.planning.assemble import assemble
from reconcile.planning.key_properties import missing_key_properties
from reconcile.project import UPDATES_ONLY, Settings, starter_text
from reconcile.project.gitignore import ignore_plan_files
from reconcile.project.support_ends import SERVICE_KEYS, support
from reconcile.render.output import write_plan
from reconcile.session import Session, connect
from reconcile.state.head import require_writable

_AGAIN = "run `reconcile init` again: properties that exist stay as they are"
_OR_WITHIN = (
    "; where an account has no unique properties for line items, write "
    'identity: {line_item: "within_parent:hs_sku"} in the target, and they are identified by their '
    "SKU within their order or cart"
)


def run(*, target: str | None, auto_approve: bool) -> int:
    """Run `reconcile init`."""
    settings = settings_for(target)
    with connect(settings, os.environ, "write") as session:
        planned = _plan(session)
        if planned.defines:
            require_writable(session.store)
            write_plan(planned, sys.stdout, personal=shows_personal(), color=colored())
            _check_permission(session, planned.defines)
            if not auto_approve and not confirm(f"Create these in {session.pin.name}?"):
                click.echo("Nothing was created.", err=True)
                return 1
            _define(session, planned)
        session.make_local_key()
        name = session.pin.name
        proposes = _holds_records(session)
    wrote = _write_project_file(settings)
    click.echo(f"Target {name} is ready: every key property exists.")
    if not settings.target.sandbox and (until := support(settings.target.api)):
        click.echo(f"{until}.")
    if proposes:
        click.echo(
            "The account holds records already. To begin with updates only, add this line to the "
            f"target {name} in {PROJECT_FILE}; `reconcile explain` shows what may be written:\n"
            f"    {UPDATES_ONLY}"
        )
    if wrote:
        click.echo(f"Wrote {wrote}. Put manifests where it says, then run `reconcile plan`.")
    return 0


def _holds_records(session: Session) -> bool:
    """Return whether a real account that everything may be written in has orders or carts."""
    target = session.settings.target
    if target.sandbox or target.manage.limits:
        return False
    with suppress(CallRefused):
        searches = session.hubspot.searches
        return any(searches.holds_any(kind.object) for kind in kinds().values() if kind.is_unit)
    return False


def _plan(session: Session) -> Plan:
    identities, manage = session.settings.target.identity, session.settings.target.manage
    wanted = [
        kind
        for kind in kinds().values()
        if identities[kind.name].key_property and manage.has_kind(kind.name)
    ]
    properties = {kind.name: session.hubspot.definitions.properties(kind.object) for kind in wanted}
    lacking = [kind for kind in wanted if identities[kind.name].name not in properties[kind.name]]
    groups = {kind.name: session.hubspot.definitions.groups(kind.object) for kind in lacking}
    return assemble(
        (),
        target=session.pin,
        lineage="",
        identities=identities,
        unchanged=0,
        undeclared=(),
        limits={},
        defines=missing_key_properties(wanted, identities, properties, groups),
    )


def _define(session: Session, planned: Plan) -> None:
    made: list[PropertyDefine] = []
    try:
        define(session.hubspot, planned, made)
    except HubSpotError as error:
        if isinstance(error, AuthError) and error.status == 403:
            raise _no_permission(planned.defines, made) from error
        hint = error.hint or _AGAIN
        if any(kinds()[wanted.kind].parents for wanted in planned.defines[len(made) :][:1]):
            hint += _OR_WITHIN
        raise error.reworded(f"{error}\n{_so_far(made)}", hint=hint) from None
    finally:
        if made:
            by = origin(os.environ, session.settings.root)
            AuditLog(session.store).append([defined(made, session.pin, by)])


def _so_far(made: Sequence[PropertyDefine]) -> str:
    names = ", ".join(f"{one.name} of {kinds()[one.kind].plural}" for one in made)
    return f"created before that: {names}" if names else "nothing was written"


def _check_permission(session: Session, defines: Sequence[PropertyDefine]) -> None:
    scopes = session.hubspot.definitions.scopes()
    if scopes is None:
        return
    lacking = [one for one in defines if scopes.isdisjoint(kinds()[one.kind].schema_scopes)]
    if lacking:
        raise _no_permission(lacking, made=())


def _no_permission(defines: Sequence[PropertyDefine], made: Sequence[PropertyDefine]) -> UsageError:
    lines = [
        f"{kinds()[wanted.kind].plural}: a single-line text property named {wanted.name} "
        f"(label {wanted.label!r}), with the rule 'require unique values' set when creating it; "
        f"scope {kinds()[wanted.kind].schema_scopes[0]}"
        for wanted in defines
        if wanted not in made
    ]
    return UsageError(
        "\n".join([f"the token may not create these properties; {_so_far(made)}", *lines]),
        hint="give the token's service key or app these scopes, in HubSpot under "
        f"{SERVICE_KEYS}, and run `reconcile init` again, or ask an admin to create "
        "the properties in HubSpot under Settings > Data management > Properties",
    )


def _write_project_file(settings: Settings) -> Path | None:
    path = settings.root / PROJECT_FILE
    if settings.has_file:
        return None
    ignore_plan_files(settings.root)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter_text())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    return path

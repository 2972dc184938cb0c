"""`reconcile doctor`: check the account, the token's scopes and the limits left."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from reconcile.cli.common import echo, settings_for
from reconcile.errors import AuthError, ManifestError, UsageError
from reconcile.fetching.requirements import named_owners
from reconcile.model.definitions import OWNERS_SCOPE
from reconcile.model.kinds import Association, kinds, referred
from reconcile.model.records import Unit
from reconcile.project import Settings
from reconcile.project.declared import read_declared
from reconcile.project.support_ends import SERVICE_KEYS, support
from reconcile.session import Session, connect


def run(
    *,
    target: str | None,
    probes: bool,
    allow_standard: bool,
    report: Path | None,
    auto_approve: bool,
) -> int:
    """Run `reconcile doctor`."""
    if (allow_standard or report or auto_approve) and not probes:
        raise UsageError("--allow-standard, --report and --auto-approve are for --probe only")
    settings = settings_for(target)
    with connect(settings, os.environ, "write") as session:
        pin = session.pin
        echo(f"Target   {pin.name}{' (sandbox)' if pin.sandbox else ''}")
        echo(f"Account  {pin.portal_id}, type {pin.account_type}")
        where = "of the embedded sandbox" if pin.sandbox else f"at {settings.target.url}"
        echo(f"API      {settings.target.api} {where}")
        if not pin.sandbox and (until := support(settings.target.api)):
            echo(f"Support  {until}")
        if probes:
            from reconcile.cli.probe import check, probe  # noqa: PLC0415  (the questions, if asked)

            check(session, report, allow_standard=allow_standard)
            return probe(session, report, auto_approve=auto_approve)
        fine = _scopes(session)
        _usage(session)
        _keys(session)
    return 0 if fine else 1


def _needs(
    associated: Collection[Association], *, owners: bool
) -> dict[str, list[tuple[str, ...]]]:
    """Return the scopes each command needs; of each tuple of alternatives one is enough."""
    every = list(kinds().values())
    read = [kind.read_scopes for kind in every]
    read += [(f"crm.pipelines.{kind.object}.read",) for kind in every if kind.pipeline]
    read += [one.read_scopes for one in associated]
    read += [(OWNERS_SCOPE,)] if owners else []
    return {
        "plan": read,
        "apply": read + [kind.write_scopes for kind in every],
        "init": [kind.schema_scopes for kind in every],
    }


def _scopes(session: Session) -> bool:
    granted = session.hubspot.definitions.scopes()
    if granted is None:
        echo("Scopes   HubSpot does not report them for this kind of token")
        return True
    units = _declared(session.settings)
    associated = None if units is None else _associated(units)
    needs = _needs(associated or (), owners=_names_owners(session, units or ()))
    fine = True
    for name, needed in needs.items():
        missing = [" or ".join(any_of) for any_of in needed if granted.isdisjoint(any_of)]
        state = "all granted" if not missing else f"missing {', '.join(missing)}"
        echo(f"Scopes   {name}: {state}")
        fine = fine and (not missing or name == "init")
    if any(granted.isdisjoint(any_of) for needed in needs.values() for any_of in needed):
        echo(f"Scopes   a service key gets them in HubSpot under {SERVICE_KEYS}")
    if associated is None:
        echo("Scopes   of associated objects: unknown, the manifests have problems; see validate")
    _optional_scopes(granted, associated or (), names_owners=(OWNERS_SCOPE,) in needs["plan"])
    return fine


def _optional_scopes(
    granted: Collection[str], associated: Iterable[Association], *, names_owners: bool
) -> None:
    """Say which scopes may be needed, and what is lost without others."""
    granted = frozenset(granted)
    # Whether HubSpot asks for the right to write at both ends is not known. What has no association
    # type is only looked up.
    doubtful = sorted(
        {
            one.write_scopes[0]
            for one in associated
            if (one.type_id or one.is_custom) and granted.isdisjoint(one.write_scopes)
        }
    )
    if doubtful:
        echo(f"Scopes   apply may also need {', '.join(doubtful)} to associate")
    if OWNERS_SCOPE not in granted and not names_owners:
        echo(f"Scopes   optional: without {OWNERS_SCOPE}, plan and drift name users only by id")
    _parent_scopes(granted)


def _parent_scopes(granted: frozenset[str]) -> None:
    """Say of which other parents of line items nothing would be known."""
    for kind in kinds().values():
        lacking = [
            one for one in kind.foreign_parents.values() if granted.isdisjoint(one.read_scopes)
        ]
        if lacking:
            objects = ", ".join(one.object for one in lacking)
            scopes = ", ".join(one.read_scopes[0] for one in lacking)
            echo(
                f"Scopes   optional: without {scopes}, plan and apply cannot check whether "
                f"{kind.plural} belong to {objects}"
            )


def _declared(settings: Settings) -> tuple[Unit, ...] | None:
    """Return what the manifests declare, or None if they have problems."""
    if not settings.manifests:
        return ()
    try:
        declared = read_declared(settings)
        declared.require_valid()
    except ManifestError:
        return None
    return declared.units


def _names_owners(session: Session, units: Collection[Unit]) -> bool:
    """Return whether the manifests name owners; False if the token may not read properties."""
    used = {record.address.kind for unit in units for record in unit.records}
    try:
        properties = {
            name: session.hubspot.definitions.properties(kinds()[name].object) for name in used
        }
    except AuthError:
        return False  # a scope is missing that every command needs
    return any(named_owners(properties, units))


def _associated(units: Collection[Unit]) -> Collection[Association]:
    """Return the objects that the manifests refer to and that are not kinds themselves."""
    words = {
        reference.to
        for unit in units
        for record in unit.records
        for reference in (*record.references, *record.lookups.values())
    }
    found = (referred(word) for word in sorted(words))
    return [one for one in found if one.kind is None]


def _usage(session: Session) -> None:
    usage = session.hubspot.definitions.usage()
    if usage is None:
        echo("Limits   HubSpot does not report today's usage for this kind of token")
        return
    left = usage.limit - usage.used
    echo(f"Limits   {left:,} of {usage.limit:,} calls left today, until {usage.resets_at}")


def _keys(session: Session) -> None:
    for kind in kinds().values():
        identity = session.settings.target.identity[kind.name]
        definition = (
            session.hubspot.definitions.properties(kind.object).get(identity.name)
            if identity.name
            else None
        )
        echo(f"Keys     {kind.plural}: {identity.readiness(definition)}")

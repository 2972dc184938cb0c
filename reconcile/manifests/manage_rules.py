"""What manifests declare beyond what the target's ``manage:`` lists."""

from collections.abc import Iterator

from reconcile.errors import Problem
from reconcile.manifests.problems import an
from reconcile.model.kinds import kinds
from reconcile.model.manage import Manage
from reconcile.model.records import Desired, Lifecycle, Location, Unit


def manage_problems(unit: Unit, manage: Manage) -> Iterator[Problem]:
    """Yield what a unit declares that may not be written. It names no record: many may share it.

    A record may always be forgotten, which writes nothing.
    """
    if not manage.limits:
        return
    for one in unit.records:
        # What nothing declares any more has no place in a file.
        if one.location.file and one.lifecycle is not Lifecycle.FORGET:
            if manage.has_kind(one.address.kind):
                yield from _of_record(one, manage)
            else:
                yield _of_kind(one)


def _of_kind(desired: Desired) -> Problem:
    kind = kinds()[desired.address.kind]
    return _problem(
        desired.location,
        f"{kind.plural} may not be written: `manage` does not name them",
        f"add {kind.name}: [PROPERTIES] to `manage` of the target, or remove the record here",
    )


def _of_record(desired: Desired, manage: Manage) -> Iterator[Problem]:
    kind = kinds()[desired.address.kind]
    for name in desired.properties:
        if not manage.allows(kind.name, name):
            yield _problem(
                desired.location_of(name),
                f"{name} of {kind.plural} may not be written: `manage` does not list it",
                f"add {name} to {kind.name} in `manage` of the target, or leave it out here",
            )
            continue
        copied = kind.copied_into((name,)) - desired.properties.keys()
        if beyond := sorted(one for one in copied if not manage.allows(kind.name, one)):
            yield _problem(
                desired.location_of(name),
                f"HubSpot writes {', '.join(beyond)} of {kind.plural} together with {name}: "
                "`manage` does not list them",
                f"add them to {kind.name} in `manage` of the target, or leave {name} out here",
            )
    for reference in desired.references:
        if not manage.allows(kind.name, reference.to):
            place = reference.location if reference.location.file else desired.location
            yield _problem(
                place,
                f"associations of {kind.plural} with {an(reference.to)} may not be written: "
                "`manage` does not list them",
                f"add {reference.to} to {kind.name} in `manage` of the target, or leave it out "
                "here",
            )


def _problem(location: Location, message: str, hint: str) -> Problem:
    return Problem(location.file, location.line, location.column, message, hint)

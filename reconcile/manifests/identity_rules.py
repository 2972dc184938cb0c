"""What manifests get wrong given how a target's records are found."""

from collections.abc import Collection, Iterator, Mapping

from reconcile.errors import Problem
from reconcile.manifests.adoptions import target_problems
from reconcile.model.address import Address, fold
from reconcile.model.identity import Identity
from reconcile.model.kinds import kinds
from reconcile.model.records import Desired, Lifecycle, Location, Unit


def identity_problems(
    unit: Unit, identities: Mapping[str, Identity], targets: Collection[str] = ()
) -> list[Problem]:
    """Return what a unit's manifests get wrong given how records are found, and on which targets.

    Without ``targets``, names of targets are not checked.
    """
    adopted = (
        problem
        for one in unit.records
        if one.adopt
        for problem in target_problems(
            one, targets, key_is_id=identities[one.address.kind].key_is_id
        )
    )
    own = (p for one in unit.records for p in _of_identity(one, identities[one.address.kind]))
    return [*own, *adopted, *_within(unit, identities)]


def _of_identity(desired: Desired, identity: Identity) -> Iterator[Problem]:
    kind = kinds()[desired.address.kind]
    if message := identity.key_fault(desired.address.key, kind.plural):
        yield _problem(desired.location, message)
    if identity.key_property in desired.properties:
        message = f"{identity.name} holds the record's key; write it as `key:` only"
        yield _problem(desired.location_of(identity.name), message)


def _within(unit: Unit, identities: Mapping[str, Identity]) -> Iterator[Problem]:
    """Yield lines found within their parent whose identity value is missing or not unique."""
    seen: dict[tuple[str, str], Address] = {}
    for line in unit.lines:
        kind = kinds()[line.address.kind]
        name = identities[kind.name].sibling_property
        if line.lifecycle is not Lifecycle.PRESENT or not name:
            continue
        if name in line.ignore:
            message = f"lifecycle.ignore names {name}, which identifies {kind.plural}"
            yield _problem(line.ignored_in, message)
        value = fold(line.properties.get(name, ""))
        other = seen.setdefault((kind.name, value), line.address)
        if not value:
            message = f"{name} identifies {kind.plural} here, and is missing"
            yield _problem(line.location_of(name), message)
        elif other != line.address:
            location = line.location_of(name)
            where = (
                f"in {other}" if not line.inherits(location) else "in another of the same parent"
            )
            message = f"{name} identifies {kind.plural} here, and is {value!r} {where} too"
            yield _problem(location, message)


def _problem(location: Location, message: str) -> Problem:
    return Problem(location.file, location.line, location.column, message)

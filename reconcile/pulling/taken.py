"""Values of HubSpot that manifests are to declare: drift, or all that differs of some records."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconcile.errors import Problem
from reconcile.hubspot.client import HubSpot
from reconcile.manifests.new_values import NewValues
from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.digest import Hasher
from reconcile.model.kinds import Kind, kinds
from reconcile.model.plan import Action, FieldChange, LeftAlone, Plan, RecordChange
from reconcile.model.records import Actual, Desired, Unit
from reconcile.model.values import normalise
from reconcile.pulling.declared_values import declared_values
from reconcile.state.accepted import Accepted

_NOT_THERE = {
    Action.CREATE: ("HubSpot does not have it yet", "`reconcile apply` creates it"),
    Action.ARCHIVE: ("it is declared absent", "a record that is removed has no values to declare"),
    Action.FORGET: ("it is to be forgotten", "such a record has no values to declare"),
}


@dataclass(frozen=True, slots=True)
class Taken:
    """A record, and the values that it has in HubSpot of properties that differ."""

    address: Address
    id: str
    values: Mapping[str, str]


def drift_of(plan: Plan) -> Iterator[Taken]:
    """Yield what the plan leaves alone, but for associations."""
    for unit in plan.units:
        for left in unit.left_alone:
            if left.fields:
                yield Taken(left.address, left.id, _before(left.fields))


def left_associations(plan: Plan) -> int:
    """Return how many associations others removed that the plan leaves alone."""
    return sum(len(left.links) for unit in plan.units for left in unit.left_alone)


def differences_of(
    plan: Plan, chosen: Collection[Address], keys: Mapping[str, str]
) -> Iterator[Taken]:
    """Yield all that differs of some records, by folded address, whoever changed it.

    ``keys`` has the key property of each kind: a key is the manifest's.
    """
    for unit in plan.units:
        parts: Iterable[RecordChange | LeftAlone] = (*unit.changes, *unit.held, *unit.left_alone)
        mine = [one for one in parts if one.address.folded() in chosen and one.id]
        found: dict[tuple[Address, str], dict[str, str]] = defaultdict(dict)
        for one in mine:
            key = keys[one.address.kind]
            found[one.address, one.id] |= _before(each for each in one.fields if each.name != key)
        yield from (Taken(*one, values) for one, values in found.items() if values)


def refused(
    plan: Plan, chosen: Iterable[tuple[Unit, Desired]]
) -> Iterator[tuple[Address, Problem]]:
    """Yield why HubSpot's values of a record cannot be taken, at its place in the manifests.

    Records are named by their folded addresses.
    """
    changes: dict[Address, RecordChange] = {
        one.address: one for unit in plan.units for one in (*unit.changes, *unit.held)
    }
    for unit, record in chosen:
        name, (file, line, column) = record.address.folded(), record.location
        if unit.address in plan.in_doubt:
            why = "an interrupted run wrote to it, and the outcome is not known yet"
            hint = "`reconcile resume` continues that run"
            yield name, Problem(file, line, column, f"{record.address}: {why}", hint)
        change = changes.get(record.address)
        if change is None:
            continue
        if change.action in _NOT_THERE:
            why, hint = _NOT_THERE[change.action]
            yield name, Problem(file, line, column, f"{record.address}: {why}", hint)
        if change.action is Action.CONFLICT:
            for one in change.why:
                message = f"{record.address} is in conflict: {one.reason}"
                yield name, Problem(file, line, column, message, one.hint)


def as_declared(
    hubspot: HubSpot, definitions: Definitions, taken: Iterable[Taken]
) -> Iterator[Taken]:
    """Yield the same with values as manifests write them, with labels, and ``""`` for none.

    A stage's label means something in the record's pipeline only, which is read where the manifest
    does not take it over.
    """
    by_kind: dict[str, list[Taken]] = defaultdict(list)
    for one in taken:
        by_kind[one.address.kind].append(one)
    for name, records in by_kind.items():
        kind = kinds()[name]
        beside = _pipelines(hubspot, kind, records)
        for one in records:
            also = dict(beside[one.id].properties) if one.id in beside else {}
            stored = Actual(one.id, {**also, **one.values})
            shown = declared_values(kind, definitions, [*stored.properties], stored)
            texts = {each: shown.get(each, "") for each in one.values}
            yield Taken(one.address, one.id, texts)


def _pipelines(hubspot: HubSpot, kind: Kind, records: Iterable[Taken]) -> Mapping[str, Actual]:
    """Return the pipelines of the records of which only the stage is taken, by id."""
    names = kind.pipeline
    if names is None:
        return {}
    lacking = [
        one.id for one in records if names.stage in one.values and names.pipeline not in one.values
    ]
    return hubspot.records.read(kind.object, lacking, [names.pipeline]) if lacking else {}


def new_values(taken: Iterable[Taken]) -> NewValues:
    """Return the values by folded address."""
    return {one.address.folded(): one.values for one in taken}


def accepted(
    taken: Iterable[Taken],
    former: Mapping[Address, Address | None],
    definitions: Definitions,
    hasher: Hasher,
) -> list[Accepted]:
    """Return what the state is to remember of values as HubSpot stores them.

    ``former`` has the addresses before ``moved_from``, by folded address.
    """
    found = []
    for one in taken:
        known = definitions.properties[one.address.kind]
        hashes = {
            name: hasher.value_hash(name, normalise(value, known[name]))
            for name, value in one.values.items()
        }
        address = one.address.folded()
        before = former.get(address)
        addresses = (address, *([before.folded()] if before else []))
        found.append(Accepted(addresses, one.id, hashes))
    return found


def _before(fields: Iterable[FieldChange]) -> dict[str, str]:
    return {one.name: one.before for one in fields}

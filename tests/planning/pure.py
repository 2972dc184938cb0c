"""Builders of the planner's inputs, for tests that call it without an account, files or a clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconcile.model.address import Address
from reconcile.model.definitions import Definitions, Label, Pipeline, Property
from reconcile.model.digest import Hasher
from reconcile.model.identity import Identity, UniqueProperty, WithinParent
from reconcile.model.kinds import kinds
from reconcile.model.limits import Limits
from reconcile.model.plan import Action, Plan, Reason, RecordChange, TargetPin, UnitChange
from reconcile.model.policy import DRIFT, Policy
from reconcile.model.records import (
    Actual,
    Desired,
    LastApplied,
    Link,
    Location,
    Observed,
    Reference,
    Unit,
    ValueHashes,
)
from reconcile.model.references import Bound, pointer
from reconcile.model.values import normalise
from reconcile.planning.assemble import assemble
from reconcile.planning.plan_file import dump
from reconcile.planning.planner import plan_unit
from reconcile.planning.record_input import Context

KEY = "reconcile_key"
HASHER = Hasher(b"k" * 32)
TYPES = {
    "memo": "string",
    "weight": "number",
    "channel": "string",
    "gift": "bool",
    "due": "date",
    "seen_at": "datetime",
}
OPTIONS = {"a": "Alpha", "b": "Beta", "c d": "C and D"}
PROPERTIES: Mapping[str, Property] = {
    name: Property(name, type_) for name, type_ in TYPES.items()
} | {
    "topics": Property("topics", "enumeration", options=OPTIONS, multiple=True),
    KEY: Property(KEY, "string", unique=True),
    "name": Property("name", "string"),
    "hs_order_name": Property("hs_order_name", "string"),
    "hs_pipeline": Property("hs_pipeline", "enumeration", open_options=True),
    "hs_pipeline_stage": Property("hs_pipeline_stage", "enumeration", open_options=True),
}
DEFINITIONS = Definitions(
    dict.fromkeys(kinds(), PROPERTIES),
    pipelines={"order": (Pipeline("p1", "Orders", {"s1": "Open", "s2": "Shipped"}),)},
    labels={("order", "company"): (Label("USER_DEFINED", 37, "Payer"),)},
)
IDENTITIES: Mapping[str, Identity] = dict.fromkeys(kinds(), UniqueProperty())
WITHIN_PARENT = {**IDENTITIES, "line_item": WithinParent("name")}
TARGET = TargetPin("t", 7, "SANDBOX")

ORDER = Address("order", "A")
LINE = Address("line_item", "A:1")
HERE = Location("shop.yaml", 3, 1)

PLAIN, PRIMARY = Link("company", "501", 934), Link("company", "501", 509)
PAYER = Link("company", "501", 37, "USER_DEFINED")
TO_ORDER = Link("order", "1", 514)
"""The association of a line item with the order 1."""


def desired(address: Address = ORDER, /, *, options: Any = None, **properties: str) -> Desired:
    """Declare a record. ``options`` are further fields of Desired."""
    return Desired(address, properties, HERE, **(options or {}))


def actual(id_: str = "1", /, key: str = "A", **properties: str) -> Actual:
    """Return a record in HubSpot that has this key, or none if it is empty."""
    return Actual(id_, {KEY: key, **properties} if key else dict(properties))


def applied(id_: str = "1", /, *, options: Any = None, **values: str) -> LastApplied:
    """Return the state's entry after an apply that HubSpot stored as sent."""
    hashes = {name: ValueHashes(*[value_hash(name, value)] * 2) for name, value in values.items()}
    fields = {"key": "A", "value_hashes": hashes, "fingerprint": fingerprint(values)}
    return LastApplied(id_, **{**fields, **(options or {})})


def value_hash(name: str, value: str) -> str:
    """Return the hash that the state has of a value."""
    return HASHER.value_hash(name, normalise(value, PROPERTIES[name]))


def fingerprint(values: Mapping[str, str]) -> str:
    """Return the fingerprint that the state has of these values."""
    return HASHER.fingerprint(values, PROPERTIES)


def company(id_: str = "501", label: str = "") -> Reference:
    """Refer to a company by id."""
    return Reference("company", "id", id_, label, HERE)


@dataclass(frozen=True)
class Inputs:
    """One unit with its three inputs; ``last`` is by address as written.

    ``observed`` are further fields of Observed, ``context`` further fields of Context.
    """

    unit: Unit
    actual: Mapping[Address, Actual] = field(default_factory=dict)
    last: Mapping[Address, LastApplied] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Unit, Observed, Mapping[Address, LastApplied]]:
        """What plan_unit takes besides the context."""
        last = {address.folded(): entry for address, entry in self.last.items()}
        return self.unit, Observed(self.actual, **self.observed), last


def one(
    record: Desired,
    actual: Actual | None = None,
    last: LastApplied | None = None,
    *,
    observed: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
) -> Inputs:
    """Return the inputs for one order."""
    return Inputs(
        Unit(record.address, record),
        {record.address: actual} if actual else {},
        {record.address: last} if last else {},
        observed or {},
        context or {},
    )


def context_of(found: Iterable[Inputs]) -> Context:
    """Return the context of units, in which references by id point at records that exist.

    All drift is put back, unless a unit's own context says otherwise.
    """
    found = list(found)
    bindings = {
        pointer(reference): Bound(id=reference.value)
        for inputs in found
        for record in inputs.unit.records
        for reference in record.references
        if reference.by == "id"
    }
    options: dict[str, Any] = {
        "identities": IDENTITIES,
        "bindings": bindings,
        "policy": Policy(drift=True),
    }
    for inputs in found:
        for name, value in inputs.context.items():
            both = isinstance(value, frozenset) and name in options
            options[name] = options[name] | value if both else value
    return Context(DEFINITIONS, hasher=HASHER, **options)


def changes_of(inputs: Inputs) -> tuple[RecordChange, ...]:
    """Return the changes that the planner makes of one unit."""
    planned, unchanged = plan_unit(*inputs.arguments, context_of([inputs]))
    changes = planned.changes if planned else ()
    assert len(changes) + unchanged == len(inputs.unit.records)
    return changes


def change_of(inputs: Inputs) -> RecordChange | None:
    """Return the only change of one unit, or None if nothing changes."""
    (change,) = changes_of(inputs) or (None,)
    return change


Fields = dict[str, tuple[str, str, Reason]]


def fields_of(change: RecordChange) -> Fields:
    """Return a change's fields: before, after and reason, by name."""
    return {one.name: (one.before, one.after, one.reason) for one in change.fields}


def flags_of(change: RecordChange) -> set[str]:
    """Return the names of the flags that are set on a change."""
    names = ("adopts", "rekey", "recreates", "pruned", "protect", "unreachable")
    return {name for name in names if getattr(change, name)}


def plan_of(
    found: Iterable[Inputs],
    *,
    allow: Mapping[str, int] | None = None,
    reverts: Mapping[str, frozenset[str]] | None = None,
    limits: Limits | None = None,
) -> Plan:
    """Return the plan of several units, as the workflow assembles it, with what is let in.

    ``reverts`` are the properties whose drift the project file puts back.
    """
    found = list(found)
    allow, reverts = allow or {}, reverts or {}
    context = replace(context_of(found), policy=Policy(reverts, drift=DRIFT in allow))
    planned = [plan_unit(*inputs.arguments, context) for inputs in found]
    return assembled(
        [unit for unit, _ in planned if unit is not None],
        unchanged=sum(unchanged for _, unchanged in planned),
        identities=context.identities,
        limits=limits or {},
        allowed=[f"{name}={number}" for name, number in allow.items()],
        reverts=reverts,
    )


def assembled(units: Iterable[UnitChange], **options: Any) -> Plan:
    """Return the plan of these units."""
    defaults = {"identities": IDENTITIES, "unchanged": 0, "undeclared": (), "limits": {}}
    return assemble(
        units, target=TARGET, lineage="l", definitions=DEFINITIONS, **{**defaults, **options}
    )


def file_of(plan: Plan) -> bytes:
    """Return the plan's file at a fixed time."""
    return b"".join(dump(plan, version="0", created="2026-01-02T03:04:05Z"))


CONFLICT, CREATE, UPDATE, ADOPT = Action.CONFLICT, Action.CREATE, Action.UPDATE, Action.ADOPT
ASSOCIATE, ARCHIVE, FORGET = Action.ASSOCIATE, Action.ARCHIVE, Action.FORGET

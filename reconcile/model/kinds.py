"""Kinds of records and their associations, read from ``kinds/*.toml``.

A new kind is a new file there: no code checks for a kind by name.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

_CUSTOM_OBJECT = re.compile(r"2-[1-9][0-9]{0,19}")


@dataclass(frozen=True, slots=True)
class Association:
    """How records of a kind are associated with another object.

    ``to`` is the word that manifests use (``contact``). ``object`` and ``object_type`` are
    HubSpot's name and id for it. ``type_id`` is HubSpot's unlabelled association type in this
    direction, 0 where only the account knows it, with a custom object, or where there is none.
    ``labels`` are the built-in labelled types; each of those in ``once`` is allowed for one
    associated record only. ``by`` lists properties that HubSpot finds the target by, although no
    definition calls them unique. ``secondary`` maps such a property to the one that holds further
    values, joined by semicolons, which identify the record as well. ``search`` lists properties
    that are searched for, since HubSpot does not keep their values unique; they are not personal.
    ``kind`` is the target's kind if reconcile manages it. Any one of ``read_scopes`` and of
    ``write_scopes`` is enough.
    """

    to: str
    object: str
    object_type: str
    type_id: int
    labels: Mapping[str, int]
    once: tuple[str, ...]
    by: tuple[str, ...]
    secondary: Mapping[str, str]
    search: tuple[str, ...]
    kind: str | None
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]

    @property
    def plural(self) -> str:
        """What several records of the other object are called."""
        return "records" if self.is_custom else self.object.replace("_", " ")

    @property
    def is_custom(self) -> bool:
        """Whether the account defined the other object itself."""
        return is_custom_object(self.to)

    def plain(self, managed: Collection[tuple[str, int]]) -> tuple[str, int]:
        """Return the unlabelled type of a pair, of which ``managed`` are the types that are ours.

        With custom objects that is the only type that is ever managed.
        """
        return ("HUBSPOT_DEFINED", self.type_id) if self.type_id else min(managed)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A field of manifests that names a record whose id is the value of a property.

    ``to`` describes that record; there is no association with it. ``copies`` are the properties
    into which HubSpot copies the named record's values, unless the same call sends them.
    """

    property: str
    to: Association
    copies: frozenset[str]


@dataclass(frozen=True, slots=True)
class PipelineProperties:
    """The two properties whose values are a pipeline's id and one of its stages' ids."""

    pipeline: str
    stage: str

    @property
    def together(self) -> frozenset[str]:
        """Both names."""
        return frozenset((self.pipeline, self.stage))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record. ``parents`` is empty for kinds whose records are units.

    ``phase`` orders writes: lower first. ``create`` is the batch endpoint that creates records:
    ``upsert`` (by unique property, safe to repeat) or ``create`` (with associations). ``title`` and
    ``currency`` are the properties that hold a record's name and the currency of its amounts;
    ``total`` is the one with its total, empty if it has none; ``amounts`` lists the numbers in
    which a misplaced decimal point does harm.
    ``together`` lists properties that mean something only together.
    ``created`` is the one with its time of creation, empty if HubSpot does not fill it.
    ``foreign_parents`` are further objects that a record may belong to instead of one of its
    ``parents``; no manifest can name them. ``lookups`` are the fields that name a record by
    something other than its id.
    ``computed`` names the properties that HubSpot computes, whatever an account's definitions say,
    and what they are computed from if that is known. ``minimum`` holds the least values that
    HubSpot accepts. Any one scope of each list is enough.
    """

    name: str
    plural: str
    object: str
    object_type: str
    phase: int
    create: str
    created: str
    parents: tuple[str, ...]
    pipeline: PipelineProperties | None
    title: str
    currency: str
    total: str
    amounts: frozenset[str]
    together: tuple[frozenset[str], ...]
    personal: tuple[str, ...]
    computed: Mapping[str, str]
    minimum: Mapping[str, Decimal]
    read_scopes: tuple[str, ...]
    write_scopes: tuple[str, ...]
    schema_scopes: tuple[str, ...]
    associations: Mapping[str, Association]
    foreign_parents: Mapping[str, Association]
    lookups: Mapping[str, Lookup]

    @property
    def is_unit(self) -> bool:
        """Whether records of this kind are units, not children of another record."""
        return not self.parents

    @property
    def owners(self) -> Mapping[str, Association]:
        """All kinds of parents that a record of this kind may belong to, foreign ones last."""
        own = {name: self.associations[name] for name in self.parents}
        return MappingProxyType(own | dict(self.foreign_parents))

    @property
    def children(self) -> tuple[str, ...]:
        """The kinds whose records belong to records of this one."""
        return tuple(kind.name for kind in kinds().values() if self.name in kind.parents)

    def association(self, to: str) -> Association:
        """Return an association by its word; raise KeyError if there is none."""
        if self.may_have(to) and to not in self.associations:
            return _custom_object(to)
        return self.associations[to]

    def may_have(self, to: str) -> bool:
        """Return whether there is an association with a word; custom objects have their type id."""
        return to in self.associations or (self.is_unit and is_custom_object(to))

    @property
    def looked_up(self) -> frozenset[str]:
        """The properties that a lookup may give the value of."""
        return frozenset(one.property for one in self.lookups.values())

    def copied_into(self, written: Collection[str]) -> frozenset[str]:
        """Return the properties that HubSpot changes with ``written`` unless they are sent."""
        found = (one.copies for one in self.lookups.values() if one.property in written)
        return frozenset().union(*found)

    def is_personal(self, property_name: str) -> bool:
        """Return whether a property holds personal data, which CI output must not show."""
        return any(fnmatchcase(property_name, pattern) for pattern in self.personal)

    def count(self, number: int) -> str:
        """Return a count in words: ``1 order``, ``2,155 line items``."""
        singular = self.name.replace("_", " ")
        return f"{number:,} {singular if number == 1 else self.plural}"


def _association(to: str, raw: Mapping[str, Any]) -> Association:
    scope, scopes = f"crm.objects.{raw['object']}", raw.get("scopes", {})
    return Association(
        to=to,
        object=raw["object"],
        object_type=raw["object_type"],
        type_id=raw.get("type_id", 0),
        labels=MappingProxyType(dict(raw.get("labels", {}))),
        once=tuple(raw.get("once", ())),
        by=tuple(raw.get("by", ())),
        secondary=MappingProxyType(dict(raw.get("secondary", {}))),
        search=tuple(raw.get("search", ())),
        kind=raw.get("kind"),
        read_scopes=tuple(scopes.get("read", [f"{scope}.read"])),
        write_scopes=tuple(scopes.get("write", [f"{scope}.write"])),
    )


def _lookup(to: str, raw: Mapping[str, Any]) -> Lookup:
    return Lookup(raw["property"], _association(to, raw), frozenset(raw["copies"]))


def _kind(raw: Mapping[str, Any]) -> Kind:
    pipeline = raw.get("pipeline")
    return Kind(
        name=raw["name"],
        plural=raw["plural"],
        object=raw["object"],
        object_type=raw["object_type"],
        phase=raw["phase"],
        create=raw["create"],
        created=raw.get("created", ""),
        parents=tuple(raw.get("parents", ())),
        pipeline=PipelineProperties(**pipeline) if pipeline else None,
        title=raw["title"],
        currency=raw["currency"],
        total=raw.get("total", ""),
        amounts=frozenset(raw.get("amounts", ())),
        together=tuple(map(frozenset, raw.get("together", ()))),
        personal=tuple(raw.get("personal", ())),
        computed=MappingProxyType(dict(raw.get("computed", {}))),
        minimum=MappingProxyType(
            {n: Decimal(least) for n, least in raw.get("minimum", {}).items()}
        ),
        read_scopes=tuple(raw["scopes"]["read"]),
        write_scopes=tuple(raw["scopes"]["write"]),
        schema_scopes=tuple(raw["scopes"]["schema"]),
        associations=MappingProxyType(
            {to: _association(to, body) for to, body in raw.get("associations", {}).items()}
        ),
        foreign_parents=MappingProxyType(
            {to: _association(to, body) for to, body in raw.get("foreign_parents", {}).items()}
        ),
        lookups=MappingProxyType(
            {to: _lookup(to, body) for to, body in raw.get("lookups", {}).items()}
        ),
    )


@cache
def kinds() -> Mapping[str, Kind]:
    """Return all kinds by name, in the order in which their records are written."""
    folder = files("reconcile.model") / "kinds"
    found = [
        _kind(tomllib.loads(entry.read_text(encoding="utf-8")))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    ]
    found.sort(key=lambda kind: (kind.phase, kind.name))
    return MappingProxyType({kind.name: kind for kind in found})


def is_custom_object(to: str) -> bool:
    """Return whether a word is the type id of a custom object (reference §11)."""
    return _CUSTOM_OBJECT.fullmatch(to) is not None


def _custom_object(to: str) -> Association:
    scopes = {way: [f"crm.objects.custom.{way}"] for way in ("read", "write")}
    return _association(to, {"object": to, "object_type": to, "scopes": scopes})


def referred(to: str) -> Association:
    """Return the object that a reference is to; KeyError if manifests cannot refer to it."""
    return _custom_object(to) if is_custom_object(to) else _referable()[to]


def may_be_referred(to: str) -> bool:
    """Return whether manifests can refer to an object."""
    return is_custom_object(to) or to in _referable()


@cache
def _referable() -> Mapping[str, Association]:
    """Return the objects that manifests can refer to, by their word.

    All kinds describe the other end of an association alike, but for its type id.
    """
    found: dict[str, Association] = {}
    for kind in kinds().values():
        found |= kind.associations
        found |= {to: one.to for to, one in kind.lookups.items()}
    return MappingProxyType(found)

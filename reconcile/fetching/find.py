"""Find records by what identifies them: by key, by id, or among those under their parent."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from reconcile.fetching.children import Parent, lines_under, lines_with_value
from reconcile.hubspot.client import HubSpot
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual

NO_PARENT: Parent = "", ""


class Lookup(NamedTuple):
    """What a record is looked up by: its key or identity value and, if it has one, its parent."""

    value: str
    parent: Parent = NO_PARENT


def find(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    wanted: Sequence[Lookup],
    properties: Sequence[str],
    *,
    without: Collection[str] = (),
) -> list[Sequence[Actual]]:
    """Return the records that match each lookup, in order, with these properties.

    At most one matches a key; several may have an identity value under one parent. ``without``
    holds ids of records that match no such value.
    """
    names = sorted({*properties, *identity.properties})
    if not (name := identity.sibling_property):
        keys = [one.value for one in wanted]
        found = hubspot.records.read(
            kind.object, keys, names, id_property=identity.key_property or None
        )
        return [[found[key]] if key in found else [] for key in keys]
    parents = {one.parent for one in wanted if one.parent[1]}
    under = lines_under(hubspot, kind, parents, names, without=without)
    return [lines_with_value(under.get(one.parent, {}), name, one.value) for one in wanted]


def find_by_key(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    keys: Sequence[str],
    properties: Sequence[str],
) -> Mapping[str, Actual]:
    """Return the records that have these keys, as far as they exist."""
    found = find(hubspot, kind, identity, [Lookup(key) for key in keys], properties)
    return {key: there[0] for key, there in zip(keys, found, strict=True) if there}

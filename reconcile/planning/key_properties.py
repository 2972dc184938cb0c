"""The key properties that a target lacks."""

from collections.abc import Iterator, Mapping, Sequence

from reconcile.errors import UsageError
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.plan import PropertyDefine

LABEL = "Reconcile key"


def missing_key_properties(
    wanted: Sequence[Kind],
    identities: Mapping[str, Identity],
    properties: Mapping[str, Mapping[str, Property]],
    groups: Mapping[str, Sequence[str]],
) -> Iterator[PropertyDefine]:
    """Yield the unique properties to define, kind by kind.

    Raise UsageError for an existing property that is not unique: uniqueness cannot be added
    (reference §3).
    """
    for kind in wanted:
        identity = identities[kind.name]
        if not identity.key_property:
            continue
        there = properties[kind.name].get(identity.name)
        if there is None:
            group = _group(kind, groups[kind.name])
            yield PropertyDefine(kind.name, identity.name, LABEL, group)
        elif not there.unique:
            raise UsageError(
                f"{kind.plural} already have a property {identity.name!r}, which is not unique",
                hint="uniqueness can only be set when a property is created: name another property "
                "under the target's `identity` in reconcile.yaml",
            )


def _group(kind: Kind, groups: Sequence[str]) -> str:
    """Return HubSpot's own group for the object, as in ``order_information``, else its first."""
    own = [name for name in groups if name.replace("_", "").endswith("information")]
    return (own or list(groups) or [f"{kind.name}information"])[0]

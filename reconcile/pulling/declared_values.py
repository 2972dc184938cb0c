"""Values of a record as a manifest declares them: labels and addresses in place of ids."""

from collections.abc import Mapping, Sequence

from reconcile.manifests.defaults import Defaults
from reconcile.model.address import Address
from reconcile.model.definitions import Definitions
from reconcile.model.kinds import Kind
from reconcile.model.manage import Manage
from reconcile.model.records import NOWHERE, Actual, Desired
from reconcile.model.values import same
from reconcile.planning.wire_values import display_value, resolve_values

_NUMBERS = ("number", "date", "datetime", "bool")
"""Types whose values are written without quotes where they can be."""


def declared_values(
    kind: Kind, definitions: Definitions, names: Sequence[str], actual: Actual
) -> Mapping[str, str]:
    """Return the values that a record has of some properties, in their order, as text.

    A label that would not lead to the value again, since another one has it too, is left as it is
    stored.
    """
    have = {name: value for name in names if (value := actual.properties.get(name))}
    shown = {name: display_value(kind, definitions, name, value) for name, value in have.items()}
    if shown == have:
        return have
    record = Desired(Address(kind.name, actual.id), shown, NOWHERE)
    resolved, _ = resolve_values(record, kind, definitions, None)
    return {
        name: text if resolved[name] == have[name] else have[name] for name, text in shown.items()
    }


def unlike_defaults(
    kind: Kind,
    definitions: Definitions,
    defaults: Defaults,
    actual: Actual,
    *,
    own: Mapping[str, str],
    manage: Manage,
) -> list[str]:
    """Return the properties that a document with its ``own`` values must not inherit, sorted.

    They have another value in HubSpot, may not be written, or cannot be compared.
    """
    given = {name: value for name, value in defaults.properties.items() if name not in own}
    if not given:
        return []
    known, has = definitions.properties[kind.name], actual.properties
    record = Desired(Address(kind.name, actual.id), {**given, **own}, NOWHERE)
    resolved, unresolved = resolve_values(record, kind, definitions, actual)
    is_same = {
        name
        for name in given.keys() & known.keys()
        if same(resolved[name], has.get(name), known[name]) and manage.allows(kind.name, name)
    }
    return sorted(given.keys() - (is_same - defaults.lookups.keys() - unresolved.keys()))


def numbers(kind: Kind, definitions: Definitions) -> frozenset[str]:
    """Return the properties of a kind whose values are no text."""
    known = definitions.properties[kind.name]
    return frozenset(name for name, one in known.items() if one.type in _NUMBERS)

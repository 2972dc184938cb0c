"""Find the one record with a value of a property.

HubSpot finds records by properties that it keeps unique. Of others, such as a company's domain,
search proposes records, and each is read by id before it counts (reference §3).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reconcile.hubspot.client import HubSpot
from reconcile.model.address import fold
from reconcile.model.definitions import Property
from reconcile.model.kinds import Association
from reconcile.model.references import Unresolved
from reconcile.model.suggestions import Suggestions
from reconcile.model.values import show

_LISTED = 5


def find_by_property(
    hubspot: HubSpot, to: Association, name: str, values: Sequence[str]
) -> Mapping[str, str | Unresolved]:
    """Return the id of the only record with each value, or why there is none to choose.

    A value that no record has is omitted.
    """
    known = hubspot.definitions.properties(to.object)
    definition = known.get(name)
    if definition is not None and definition.unique:
        read = hubspot.records.read(to.object, values, [], id_property=name)
        return {value: actual.id for value, actual in read.items()}
    if definition is not None and name in to.search:
        return _searched(hubspot, to, name, values)
    return dict.fromkeys(values, _unusable(to, name, known))


def _searched(
    hubspot: HubSpot, to: Association, name: str, values: Sequence[str]
) -> Mapping[str, str | Unresolved]:
    ids = hubspot.searches.with_values(to.object, name, values)
    having: dict[str, list[str]] = defaultdict(list)
    for actual in hubspot.records.read(to.object, ids, [name]).values() if ids else ():
        having[fold(actual.properties.get(name) or "")].append(actual.id)
    found: dict[str, str | Unresolved] = {}
    for value in values:
        hits = sorted(having.get(fold(value), ()), key=int)
        if len(hits) == 1:
            found[value] = hits[0]
        elif hits:
            found[value] = _several(to, name, value, hits)
    return found


def _several(to: Association, name: str, value: str, hits: Sequence[str]) -> Unresolved:
    more = f" and {len(hits) - _LISTED:,} more" if len(hits) > _LISTED else ""
    return Unresolved(
        f"{len(hits):,} {to.plural} have {name} {show(value)}: {', '.join(hits[:_LISTED])}{more}",
        f"refer to one of them by its id, or merge them in HubSpot if they are one {to.to}",
    )


def _unusable(to: Association, name: str, known: Mapping[str, Property]) -> Unresolved:
    ways = [*to.by, *(one for one in to.search if one in known)]
    ways += sorted(one.name for one in known.values() if one.unique and one.name not in ways)
    hint = f"refer to it by {' or '.join(['id', *ways])}"
    if name not in known:
        near = Suggestions().nearest(name, known)
        return Unresolved(f"{to.plural} have no property {name!r}{near}", hint)
    return Unresolved(f"several {to.plural} may have the same {name}: it is not unique", hint)

"""Telling the results of one create apart: which input did HubSpot make this record of?

The order of results means nothing and the trace id is seldom among them (reference §4), so the
value of a property tells, and where several inputs have the same one, the record's parent.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from reconcile.hubspot.schemas import ObjectBody
from reconcile.hubspot.types import Write
from reconcile.model.address import fold

Owners = Callable[[Sequence[str]], Mapping[str, frozenset[str]]]
"""Reads the ids of the records that each of some new records is associated with."""

_Told = tuple[int, str]
"""The place of a result among the results, and the trace of its input."""


def tell_apart(
    writes: Sequence[Write], results: Sequence[ObjectBody], name: str, owners: Owners | None
) -> Sequence[str | None]:
    """The trace of each result's input, None where nothing tells it.

    ``owners`` is only asked where inputs have the same value for the property ``name``; what it
    says counts for more than a trace id among the results.
    """
    by_trace = {write.trace: write for write in writes}
    values = Counter(fold(write.properties[name]) for write in writes)
    echoed: dict[int, Write] = {}
    shared: list[str] = []
    for place, result in enumerate(results):
        value = result.properties.get(name)
        if (write := by_trace.get(result.object_write_trace_id or "")) is not None:
            echoed[place] = write
            value = write.properties[name]
        if result.id and values[fold(value or "")] > 1:
            shared.append(result.id)
    whose = owners(shared) if shared and owners else {}
    told = {
        place: write.trace
        for place, write in echoed.items()
        if _may_stand(write, whose.get(results[place].id))
    }
    inputs: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        if write.trace not in told.values():
            inputs[fold(write.properties[name])].append(write)
    made: dict[str, dict[int, ObjectBody]] = defaultdict(dict)
    for place, result in enumerate(results):
        if place not in told:
            made[fold(result.properties.get(name) or "")][place] = result
    same = {value: inputs[value] for value in made if values[value] > 1}
    for value, some in made.items():
        if value in same:
            told |= dict(_by_owner(same[value], some, whose))
        elif inputs[value]:
            told |= dict.fromkeys(some, inputs[value][0].trace)
    return [told.get(place) for place in range(len(results))]


def _may_stand(write: Write, owners: frozenset[str] | None) -> bool:
    """Whether a record that stands under these can be an input's, as far as they are known."""
    return not owners or any(to in owners for to, _, _ in write.links)


def _by_owner(
    writes: Sequence[Write],
    results: Mapping[int, ObjectBody],
    whose: Mapping[str, frozenset[str]],
) -> Iterator[_Told]:
    left = list(writes)
    orphans = {place: one for place, one in results.items() if not whose.get(one.id)}
    for place in results.keys() - orphans.keys():
        owners = whose[results[place].id]
        mine = [write for write in left if _may_stand(write, owners)]
        if len(mine) == 1:
            left.remove(mine[0])
            yield place, mine[0].trace
    # What HubSpot made without its parent goes to the input whose values it has: its place is
    # still to be given to it, and among equals any will do.
    for place, result in orphans.items() if len(orphans) <= len(left) else ():
        best = max(left, key=lambda write: _alike(write, result))
        left.remove(best)
        yield place, best.trace


def _alike(write: Write, result: ObjectBody) -> int:
    return sum(result.properties.get(name) == value for name, value in write.properties.items())

"""Correlate the results of a batch create with their inputs.

The order of results means nothing and trace ids are seldom echoed (reference §4). So results are
matched by the value of a property, and inputs with the same value by the record's parent.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from reconcile.hubspot.schemas import ObjectBody
from reconcile.hubspot.types import Write
from reconcile.model.address import fold

ReadParents = Callable[[Sequence[str]], Mapping[str, frozenset[str]]]
"""Returns, for new records by id, the ids of the parents that each is associated with."""

_Match = tuple[int, str]
"""The position of a result in the response, and the trace of its input."""


def correlate_results(
    writes: Sequence[Write],
    results: Sequence[ObjectBody],
    name: str,
    read_parents: ReadParents | None,
) -> Sequence[str | None]:
    """Return the trace of each result's input, None if it cannot be determined.

    ``read_parents`` is called only if inputs have the same value for the property ``name``. The
    parents it returns take precedence over an echoed trace id.
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
    parents_of = read_parents(shared) if shared and read_parents else {}
    matched = {
        place: write.trace
        for place, write in echoed.items()
        if _can_belong_to(write, parents_of.get(results[place].id))
    }
    inputs: dict[str, list[Write]] = defaultdict(list)
    for write in writes:
        if write.trace not in matched.values():
            inputs[fold(write.properties[name])].append(write)
    made: dict[str, dict[int, ObjectBody]] = defaultdict(dict)
    for place, result in enumerate(results):
        if place not in matched:
            made[fold(result.properties.get(name) or "")][place] = result
    same = {value: inputs[value] for value in made if values[value] > 1}
    for value, some in made.items():
        if value in same:
            matched |= dict(_by_parent(same[value], some, parents_of))
        elif inputs[value]:
            matched |= dict.fromkeys(some, inputs[value][0].trace)
    return [matched.get(place) for place in range(len(results))]


def _can_belong_to(write: Write, parents: frozenset[str] | None) -> bool:
    """Return whether a record with these parents, if any are known, can be this input's."""
    return not parents or any(to in parents for to, _, _ in write.links)


def _by_parent(
    writes: Sequence[Write],
    results: Mapping[int, ObjectBody],
    parents_of: Mapping[str, frozenset[str]],
) -> Iterator[_Match]:
    left = list(writes)
    orphans = {place: one for place, one in results.items() if not parents_of.get(one.id)}
    for place in results.keys() - orphans.keys():
        parents = parents_of[results[place].id]
        mine = [write for write in left if _can_belong_to(write, parents)]
        if len(mine) == 1:
            left.remove(mine[0])
            yield place, mine[0].trace
    # A record that HubSpot created without its parent goes to the input with the most equal values.
    # It will be associated afterwards, so among inputs with equal values any will do.
    for place, result in orphans.items() if len(orphans) <= len(left) else ():
        best = max(left, key=lambda write: _equal_values(write, result))
        left.remove(best)
        yield place, best.trace


def _equal_values(write: Write, result: ObjectBody) -> int:
    return sum(result.properties.get(name) == value for name, value in write.properties.items())

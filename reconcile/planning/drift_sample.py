"""Choose of the records that drifted those whose histories are read for a plan."""

from collections import defaultdict
from collections.abc import Sequence

from reconcile.model.plan import LeftAlone

MOST = 250
"""Records whose histories a plan reads at most: five calls, if they are of one kind."""


def sample(drifted: Sequence[LeftAlone], most: int = MOST) -> Sequence[LeftAlone]:
    """Return at most so many of the records with values that drifted, in their order.

    Each property has its share, so that what few records have is not lost among what many have,
    and the records of each are spread evenly over all that have it.
    """
    records = [one for one in drifted if one.fields]
    if len(records) <= most:
        return records
    having: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(records):
        for field in one.fields:
            having[one.address.kind, field.name].append(place)
    chosen: set[int] = set()
    groups = sorted(having.items(), key=lambda item: (len(item[1]), item[0]))
    for number, (_, group) in enumerate(groups):
        share = (most - len(chosen)) // (len(groups) - number)
        chosen |= _spread([place for place in group if place not in chosen], share)
    rest = [place for place in range(len(records)) if place not in chosen]
    chosen |= _spread(rest, most - len(chosen))
    return [records[place] for place in sorted(chosen)]


def _spread(places: Sequence[int], most: int) -> set[int]:
    if len(places) <= most:
        return set(places)
    return {places[number * len(places) // most] for number in range(most)}

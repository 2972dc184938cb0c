"""Checks that what a plan says of the sources of drift is about what it leaves alone."""

from collections import Counter
from collections.abc import Iterator

from reconcile.model.plan import Plan
from reconcile.model.values import show
from reconcile.planning.consistent_associations import rises
from reconcile.planning.drift_sample import MOST


def source_faults(plan: Plan) -> Iterator[str]:
    """Yield where the sources of drift cannot be those of a plan."""
    stated = plan.drift_sources
    left = [one for unit in plan.units for one in unit.left_alone if one.fields]
    having = Counter((one.address.kind, field.name) for one in left for field in one.fields)
    if not 0 <= stated.records <= min(len(left), MOST) or (stated.counts and not stated.records):
        yield "it names the sources of other drift than it leaves alone"
    if not rises([one[:3] for one in stated.counts]) or any(
        one.records < 1 for one in stated.counts
    ):
        yield "the sources of drift are not in order"
    counted: Counter[tuple[str, str]] = Counter()
    for one in stated.counts:
        counted[one.kind, one.property] += one.records
    for (kind, name), number in counted.items():
        if number > min(having[kind, name], stated.records):
            yield f"it names more sources of {show(name)} than records of which it leaves it alone"

"""Name the sources of drift: in a plan those of a sample, in a report on drift those of all."""

from collections import Counter
from dataclasses import replace

from reconcile.fetching.drift_histories import read_sources
from reconcile.model.drift_sources import DriftSources, SourceCount
from reconcile.model.drifted import DriftReport, drift_of
from reconcile.model.plan import Plan
from reconcile.planning.drift_sample import sample
from reconcile.session import Session


def with_drift_sources(session: Session, made: Plan) -> Plan:
    """Return a plan that names what set the values that it leaves alone, of a sample of records.

    It does what it did. If it leaves no values alone, nothing is read.
    """
    chosen = sample([left for unit in made.units for left in unit.left_alone])
    if not chosen:
        return made
    found, unread = read_sources(session.hubspot, chosen)
    counted = Counter((address.kind, name, one.source) for (address, name), one in found.items())
    counts = tuple(SourceCount(*what, number) for what, number in sorted(counted.items()))
    looked_at = len({address for address, _ in found})
    return replace(made, drift_sources=DriftSources(looked_at, counts, unread))


def drift_report(session: Session, made: Plan) -> DriftReport:
    """Return what others changed, with what set each value."""
    found, unread = read_sources(session.hubspot, [one.drift for one in drift_of(made)])
    return DriftReport(made, found, unread)

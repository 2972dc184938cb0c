"""Create the property definitions that a plan asks for."""

import time
from collections.abc import Sequence

from reconcile.applying.rereads import until_shown
from reconcile.errors import ReconcileError
from reconcile.hubspot.client import HubSpot
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan, PropertyDefine

WAITS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each read. New definitions show after 250 to 700 ms (reference §13)."""


def define(hubspot: HubSpot, plan: Plan, made: list[PropertyDefine]) -> None:
    """Create the plan's properties and wait until HubSpot shows them.

    Those that HubSpot accepted are added to ``made``, even if a later one is refused. Raises
    HubSpotError if HubSpot refuses one, ReconcileError if one does not show, or not as unique.
    """
    for wanted in plan.defines:
        target = kinds()[wanted.kind].object
        hubspot.definitions.define_unique(target, wanted.name, wanted.label, wanted.group)
        made.append(wanted)
    how: dict[PropertyDefine, str] = {}

    def read(left: Sequence[PropertyDefine]) -> Sequence[PropertyDefine]:
        how.update((one, _missing(hubspot, one)) for one in left)
        return [one for one in left if how[one]]

    for one in until_shown(plan.defines, read, time.sleep, WAITS):
        raise ReconcileError(
            f"HubSpot accepted the property {one.name} of {kinds()[one.kind].plural}, but does not "
            f"show it {how[one]}, {sum(WAITS):.1f} seconds later",
            hint="run `reconcile init` again in a minute: it checks again and creates nothing "
            "twice",
        )


def _missing(hubspot: HubSpot, wanted: PropertyDefine) -> str:
    """Return how a property does not show, as messages say it; empty if it does."""
    shown = hubspot.definitions.properties(kinds()[wanted.kind].object).get(wanted.name)
    if shown is None:
        return "yet"
    return "" if shown.unique else "as a unique property"

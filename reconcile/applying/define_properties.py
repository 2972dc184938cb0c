"""Create the property definitions that a plan asks for."""

import time

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
    for wanted in plan.defines:
        _await(hubspot, wanted)


def _await(hubspot: HubSpot, wanted: PropertyDefine) -> None:
    kind = kinds()[wanted.kind]
    for wait in WAITS:
        time.sleep(wait)
        shown = hubspot.definitions.properties(kind.object).get(wanted.name)
        if shown is not None and shown.unique:
            return
    how = "as a unique property" if shown is not None else "yet"
    raise ReconcileError(
        f"HubSpot accepted the property {wanted.name} of {kind.plural}, but does not show it "
        f"{how}, {sum(WAITS):.1f} seconds later",
        hint="run `reconcile init` again in a minute: it checks again and creates nothing twice",
    )

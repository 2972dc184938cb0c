"""Making the property definitions that a plan asks for."""

from reconcile.errors import ReconcileError
from reconcile.hubspot.client import HubSpot
from reconcile.model.kinds import kinds
from reconcile.model.plan import Plan


def define(hubspot: HubSpot, plan: Plan) -> None:
    """Create the plan's properties and see that they are there.

    Raises ApiError where HubSpot refuses, ReconcileError where a property does not turn out unique.
    """
    for wanted in plan.defines:
        target = kinds()[wanted.kind].object
        hubspot.define_unique(target, wanted.name, wanted.label, wanted.group)
    for wanted in plan.defines:
        made = hubspot.properties(kinds()[wanted.kind].object).get(wanted.name)
        if made is None or not made.unique:
            raise ReconcileError(
                f"HubSpot does not show {wanted.name} of {kinds()[wanted.kind].plural} as a unique "
                "property",
                hint="new definitions can take a moment to appear: run init again to see",
            )

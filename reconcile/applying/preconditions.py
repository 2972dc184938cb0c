"""What must hold before a plan may be applied."""

from collections.abc import Mapping

from reconcile.errors import AuthError, GuardRefused, StalePlan, UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.model.identity import Identity, pinned
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, TargetPin
from reconcile.planning.consistency import require_consistent
from reconcile.planning.guards import tripped_guards
from reconcile.state.state import State


def admit(
    planned: Plan,
    allow: frozenset[str],
    *,
    target: TargetPin,
    limits: Mapping[str, int],
    identities: Mapping[str, Identity],
    hubspot: HubSpot,
) -> None:
    """Refuse a plan that is not for this target, or that a guard stands against.

    Raises UsageError for a plan of another account or one that contradicts itself, StalePlan for
    one made with other identities, GuardRefused for a guard that is not in ``allow``, AuthError for
    a token that lacks a scope. The project's ``limits`` count beside those of the plan.
    """
    require_consistent(planned)
    if planned.target.portal_id != target.portal_id:
        raise UsageError(
            f"the plan is for account {planned.target.portal_id}, "
            f"but target {target.name} is account {target.portal_id}",
            hint="choose the plan's target, or make a plan for this one",
        )
    guards = {g.name: g for g in (*tripped_guards(planned.units, limits), *planned.guards)}
    refused = [guard for guard in guards.values() if guard.allowance not in allow]
    if refused:
        raise GuardRefused(
            "; ".join(f"{guard.name}: {guard.message}" for guard in refused),
            hint="look at them in the plan, then add "
            + " ".join(f"--allow {guard.allowance}" for guard in refused),
        )
    _require_identities(planned, identities)
    _require_scopes(planned, hubspot)


def _require_identities(planned: Plan, identities: Mapping[str, Identity]) -> None:
    if planned.identities != pinned(identities):
        raise StalePlan(
            "the target's `identity` in reconcile.yaml is not the one the plan was made with",
            hint="plan again: other properties would find, and name, the records",
        )


def require_expected(digest: str, expected: str) -> None:
    """Raise StalePlan unless a plan has the content digest, or one that begins so."""
    if not digest.startswith(expected):
        raise StalePlan(
            f"the plan's content digest is {digest}, and not the expected {expected}",
            hint="look at this plan, and apply it by its own digest if it is what is meant",
        )


def require_lineage(planned: Plan, state: State) -> None:
    if planned.lineage and planned.lineage != state.lineage:
        raise StalePlan(
            "the plan was made from another state than the one here",
            hint="plan again with this state, or bring back the one the plan was made from",
        )


def _require_scopes(planned: Plan, hubspot: HubSpot) -> None:
    """Refuse a token that would fail at the first write, where HubSpot tells its scopes."""
    scopes = hubspot.scopes()
    if scopes is None:
        return
    changing = {
        change.address.kind
        for change in planned.records()
        if change.fields or change.action is Action.ARCHIVE
    }
    missing = sorted(
        " or ".join(kinds()[name].write_scopes)
        for name in changing
        if scopes.isdisjoint(kinds()[name].write_scopes)
    )
    if missing:
        raise AuthError(
            f"the token may not write these records: it lacks {', '.join(missing)}",
            status=403,
            hint="give it these scopes, or apply with one that has them; nothing was written",
        )

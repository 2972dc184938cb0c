"""Check what must hold before a plan may be applied."""

from collections.abc import Mapping

from reconcile.errors import AuthError, StalePlan, UsageError
from reconcile.hubspot.client import HubSpot
from reconcile.model.identity import Identity, pinned
from reconcile.model.kinds import kinds
from reconcile.model.manage import Manage
from reconcile.model.plan import Action, Plan, TargetPin
from reconcile.planning.consistency import require_consistent
from reconcile.planning.may_write import forbidden
from reconcile.state.state import State


def check_preconditions(
    planned: Plan,
    *,
    target: TargetPin,
    identities: Mapping[str, Identity],
    manage: Manage,
    hubspot: HubSpot,
) -> None:
    """Raise an error for a plan that cannot be applied to this target.

    Raises UsageError for a plan of another account or one that contradicts itself, StalePlan for
    one of a pull request, one made with other identities or that does what ``manage`` forbids,
    AuthError for a token that lacks a scope.
    """
    require_consistent(planned)
    require_merged(planned)
    require_target(planned, target)
    _require_identities(planned, identities)
    _require_managed(planned, manage)
    _require_scopes(planned, hubspot)


def require_target(planned: Plan, target: TargetPin) -> None:
    """Raise UsageError for a plan of another account."""
    if planned.target.portal_id != target.portal_id:
        raise UsageError(
            f"the plan is for account {planned.target.portal_id}, "
            f"but target {target.name} is account {target.portal_id}",
            hint="choose the plan's target, or make a plan for this one",
        )


def _require_identities(planned: Plan, identities: Mapping[str, Identity]) -> None:
    if planned.identities != pinned(identities):
        raise StalePlan(
            "the target's `identity` in reconcile.yaml is not the one the plan was made with",
            hint="plan again: records are found by the properties that `identity` names",
        )


def _require_managed(planned: Plan, manage: Manage) -> None:
    found = dict.fromkeys(forbidden(planned, manage))
    if found:
        raise StalePlan(
            f"`manage` in reconcile.yaml does not allow this plan: it {', '.join(found)}",
            hint="plan again; the plan was made when `manage` allowed more",
        )


def require_merged(planned: Plan) -> None:
    """Raise StalePlan for a plan of a pull request: what is applied is what was merged."""
    if planned.source.request is not None:
        raise StalePlan(
            "this plan was made for review, of a pull request that may never be merged as it is",
            hint="merge it, then plan and apply what is merged",
        )


def require_expected(digest: str, expected: str) -> None:
    """Raise StalePlan unless a plan has the content digest, or one that begins so."""
    if not digest.startswith(expected):
        raise StalePlan(
            f"the plan's content digest is {digest}, not the expected {expected}",
            hint="review this plan; if it is the right one, apply it with its own digest",
        )


def require_lineage(planned: Plan, state: State) -> None:
    """Raise StalePlan if a plan was made from another state."""
    if planned.lineage and planned.lineage != state.lineage:
        raise StalePlan(
            "the plan was made from a different state",
            hint="plan again, or restore the state that the plan was made from",
        )


def _require_scopes(planned: Plan, hubspot: HubSpot) -> None:
    """Raise AuthError if the token lacks a write scope, as far as HubSpot reports its scopes."""
    scopes = hubspot.definitions.scopes()
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
            hint="grant it these scopes, or use a token that has them; nothing was written",
        )

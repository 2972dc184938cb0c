"""Effect digests: what a unit's changes do, in one hash that a review can bind to.

The hash is keyed, since values that people can guess (a phone number, a price) must not be
confirmed by it. Where a plan is made without the state's key, its digests have no key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256

from pydantic import TypeAdapter

from reconcile.errors import StalePlan
from reconcile.model.digest import Hasher, canonical
from reconcile.model.plan import Effect, Plan, TargetPin, UnitChange

_EFFECT = TypeAdapter(Effect)


def effect_digest(unit: UnitChange, target: TargetPin, hasher: Hasher | None) -> str:
    """Return the digest of all that apply does for a unit of an account.

    What only the state remembers otherwise is not in it: every apply makes that, unasked.
    """
    effects = canonical(
        {
            "account": target.portal_id,
            "unit": str(unit.address),
            "others": unit.others,
            "effects": [_EFFECT.dump_python(one.effect, mode="json") for one in unit.effective],
        }
    )
    return sha256(effects).hexdigest() if hasher is None else hasher.effect_digest(effects)


def with_effect_digests(
    units: Iterable[UnitChange], target: TargetPin, hasher: Hasher | None
) -> tuple[UnitChange, ...]:
    """Return the units with their effect digests."""
    return tuple(replace(unit, effect_digest=effect_digest(unit, target, hasher)) for unit in units)


def altered_effects(plan: Plan, hasher: Hasher | None) -> Iterator[str]:
    """Yield where an effect digest is not that of its unit's effects."""
    for unit in plan.units:
        if effect_digest(unit, plan.target, hasher) != unit.effect_digest:
            yield f"the effect digest of {unit.address} is not that of its changes"


def require_effects(plan: Plan, hasher: Hasher) -> None:
    """Raise StalePlan unless the plan's effect digests are those of its effects.

    ``hasher`` has the state's key.
    """
    for fault in altered_effects(plan, hasher if plan.keyed else None):
        raise StalePlan(
            f"{fault}: the plan was altered, or made with another key of the state",
            hint="plan again, with the key (RECONCILE_STATE_KEY) that is used here",
        )

"""Encode outcomes for a journal's lines, and decode them."""

from collections.abc import Sequence
from typing import Any

from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import HubSpotWarning, Outcome, Rewrite, Status
from reconcile.model.plan import Action
from reconcile.model.records import Location


def encode(outcome: Outcome) -> list[Any]:
    """Return an outcome as a JSON array. What it overwrote has lines of its own."""
    rewrites = [[r.name, r.sent, r.stored, r.personal] for r in outcome.rewrites]
    return [
        str(outcome.address),
        str(outcome.action),
        str(outcome.status),
        outcome.id,
        outcome.message,
        rewrites,
        list(outcome.not_persisted),
        outcome.written,
        outcome.standing,
        [[w.name, w.text, w.personal] for w in outcome.warnings],
        [[e.reason, e.hint, *e.location] for e in outcome.why],
    ]


def decode(raw: Sequence[Any]) -> Outcome:
    """Return the outcome that ``encode`` encoded."""
    address, action, status, record_id, message, rewrites, not_persisted, *rest = raw
    written, standing, warnings, why = rest
    return Outcome(
        Address.parse(address),
        Action(action),
        Status(status),
        record_id,
        message,
        tuple(Rewrite(*rewrite) for rewrite in rewrites),
        not_persisted=tuple(not_persisted),
        written=written,
        standing=standing is True,
        warnings=tuple(HubSpotWarning(*warned) for warned in warnings),
        why=tuple(Explanation(reason, hint, Location(*place)) for reason, hint, *place in why),
    )

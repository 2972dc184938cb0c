"""Sending one batch and learning what came of every record in it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from reconcile.applying.existing import Sought, existing
from reconcile.errors import Ambiguous, ApiError, AuthError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.writes import Answer, Pair, Refused, Unclear, Write, Written
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind
from reconcile.model.values import same

Traced = TypeVar("Traced", Write, Pair)


def send(
    call: Callable[[Sequence[Traced]], Mapping[str, Answer]],
    writes: Sequence[Traced],
    answers: dict[str, Answer],
) -> None:
    """Fill ``answers`` with one for each trace.

    A refusal of the whole batch is narrowed down by halving until the culprits stand alone, so
    that the others succeed. A missing answer makes every record of the call Unclear. Raises
    ApiError only where no further call can succeed (token, limits, no connection); what was
    answered before that stays answered.
    """
    try:
        answers.update(call(writes))
    except Ambiguous as error:
        answers.update({write.trace: Unclear(str(error)) for write in writes})
    except (AuthError, RateLimited, Unreachable):
        raise
    except ApiError as error:
        if len(writes) == 1:
            answers[writes[0].trace] = Refused(str(error), error.category)
            return
        middle = len(writes) // 2
        send(call, writes[:middle], answers)
        send(call, writes[middle:], answers)


def settle_created(
    hubspot: HubSpot,
    kind: Kind,
    identity: Identity,
    unclear: Mapping[str, Sought],
    *,
    owned: Collection[str] = (),
) -> dict[str, Answer]:
    """Read whether records of unclear outcome exist now; they did not before the call.

    ``unclear`` says by trace how to look for them, ``owned`` the ids of other records of the plan.
    """
    found = existing(hubspot, kind, identity, list(unclear.values()), (), owned=owned)
    return {
        trace: Written(there[0].id)
        for trace, there in zip(unclear, found, strict=True)
        if len(there) == 1
    }


def settle_updated(
    hubspot: HubSpot,
    kind: Kind,
    definitions: Mapping[str, Property],
    unclear: Sequence[tuple[str, Write]],
) -> dict[str, Answer]:
    """Read by id whether records of unclear outcome hold what was sent."""
    names = sorted({name for _, write in unclear for name in write.properties})
    there = hubspot.read(kind.object, [record_id for record_id, _ in unclear], names)
    return {
        write.trace: Written(record_id)
        for record_id, write in unclear
        if (actual := there.get(record_id)) is not None
        and all(
            same(actual.properties.get(name), value, definitions[name])
            for name, value in write.properties.items()
        )
    }

"""Send one batch; bisect it if HubSpot refuses it as a whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from reconcile.applying.context import ApplyContext
from reconcile.applying.halt import Halted
from reconcile.applying.refused_values import WHATEVER_THE_VALUE, RefusedValues, sends
from reconcile.errors import Ambiguous, CallRefused, Fatal, HubSpotError, InvalidValue
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Answer, Pair, Refused, Unclear, Write, Written
from reconcile.model.definitions import Property
from reconcile.model.kinds import Kind
from reconcile.model.values import same

Traced = TypeVar("Traced", Write, Pair)


def send(
    context: ApplyContext,
    call: Callable[[Sequence[Traced]], Mapping[str, Answer]],
    writes: Sequence[Traced],
    answers: dict[str, Answer],
    *,
    known: RefusedValues | None = None,
    answered: Callable[[Sequence[Traced]], Mapping[str, Answer]] = lambda _: {},
) -> None:
    """Send writes and fill ``answers``, by trace; a write that a halt held back gets none.

    A batch that is refused as a whole is bisected until the offending inputs stand alone, so that
    the others succeed. Values ``known`` to be refused are not sent. If no response comes, every
    write of the call is Unclear. ``answered`` returns the answers that hold for some writes
    whatever became of the call.

    Raises HubSpotError only if no further call can succeed (token, limits, no connection). Answers
    given before that remain: a write whose last call was refused is Refused.
    """
    if context.halt.stopped:
        return
    left = [write for write in writes if not _is_known(write, known, answers)]
    if not left:
        return
    former = {write.trace: answers.pop(write.trace) for write in left if write.trace in answers}
    try:
        with context.hubspot.permitted(_gate(context)):
            answers.update(call(left))
    except Halted:
        answers.update({**former, **answered(left)})
        return
    except Ambiguous as error:
        unclear = {write.trace: Unclear(str(error)) for write in left}
        answers.update({**unclear, **answered(left)})
        return
    except Fatal:
        answers.update(answered(left))
        raise
    except CallRefused as error:
        answers.update({**_refusals(left, error), **answered(left)})
        if len(left) > 1:
            context.halt.failed()
            for part in _parts(left, error):
                send(context, call, part, answers, known=known, answered=answered)
            return
    for write in left:
        if isinstance(answer := answers.get(write.trace), Refused):
            context.halt.failed()
            if known is not None and isinstance(write, Write):
                known.learn(write, answer)


def _is_known(write: Write | Pair, known: RefusedValues | None, answers: dict[str, Answer]) -> bool:
    """Return whether HubSpot is known to refuse a write, and answer it if so."""
    refused = known.refusal_of(write) if known is not None and isinstance(write, Write) else None
    if refused is not None:
        answers[write.trace] = refused
    return refused is not None


def _gate(context: ApplyContext) -> Callable[[], None]:
    """Return the check that runs before each request of a call.

    A halt only prevents the first request: a call that has begun is finished.
    """
    begun = False

    def permit() -> None:
        nonlocal begun
        context.journal.check()
        if not begun:
            context.halt.check()
        begun = True

    return permit


def _refusals(writes: Sequence[Write] | Sequence[Pair], error: HubSpotError) -> dict[str, Answer]:
    """Return provisional answers for a call that was refused as a whole.

    A record's message must not quote values of other records: which of those are personal is not
    known here.
    """
    if len(writes) == 1:
        alone = Refused(str(error), error.category, invalid=error.invalid)
        return {writes[0].trace: alone}
    names = ", ".join(sorted({one.name for one in error.invalid}))
    together = f"HTTP {error.status}: HubSpot refused the whole call for {names} of one or several "
    together += "records in it, so this one was not written either"
    found: dict[str, Answer] = {}
    for write in writes:
        message = together if names else str(error)
        if isinstance(write, Write):
            mine = [one.message for one in error.invalid if _is_meant(write, one)]
            message = "; ".join(dict.fromkeys(mine)) or message
        found[write.trace] = Refused(message, error.category)
    return found


def _is_meant(write: Write, invalid: InvalidValue) -> bool:
    """Return whether the refusal of a batch names a value or property of this very record."""
    if invalid.code in WHATEVER_THE_VALUE:
        return invalid.name in write.properties
    return invalid.value is not None and sends(write, invalid)


def _parts(
    writes: Sequence[Traced], error: HubSpotError
) -> tuple[Sequence[Traced], Sequence[Traced]]:
    """Return the writes that a refusal can mean and the others; halves if it names no value."""
    meant = {write.trace for write in writes if any(sends(write, one) for one in error.invalid)}
    if 0 < len(meant) < len(writes):
        return (
            [write for write in writes if write.trace in meant],
            [write for write in writes if write.trace not in meant],
        )
    middle = len(writes) // 2
    return writes[:middle], writes[middle:]


def resolve_unclear_updates(
    hubspot: HubSpot,
    kind: Kind,
    definitions: Mapping[str, Property],
    unclear: Sequence[tuple[str, Write]],
) -> dict[str, Answer]:
    """Return Written, by trace, for the unclear updates whose records hold what was sent."""
    names = sorted({name for _, write in unclear for name in write.properties})
    there = hubspot.records.read(kind.object, [record_id for record_id, _ in unclear], names)
    return {
        write.trace: Written(record_id)
        for record_id, write in unclear
        if (actual := there.get(record_id)) is not None
        and all(
            same(actual.properties.get(name), value, definitions[name])
            for name, value in write.properties.items()
        )
    }

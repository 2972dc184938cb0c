"""How a batch of writes succeeds or fails (ref §4).

Without trace ids it is all or nothing. When every input carries an objectWriteTraceId the good ones
are written and the bad ones reported, each with its trace id.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconcile.sandbox.api.record_bodies import shown_written, shuffled
from reconcile.sandbox.api_errors import (
    ApiError,
    InvalidPropertiesError,
    Problem,
    duplicate_ids,
)
from reconcile.sandbox.object_types import ObjectType
from reconcile.sandbox.rules.api_call import Call, Reply, batch_body, text_of
from reconcile.sandbox.rules.record_writes import Written

OBJECT_BATCH_LIMIT = 100  # ref §3, H


@dataclass
class Outcome:
    """The written records and the errors of a batch."""

    written: list[Written] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


def write_each(
    call: Call,
    inputs: Sequence[dict[str, Any]],
    write: Callable[[dict[str, Any]], Written | None],
    *,
    partial: bool,
) -> Outcome:
    """Write every input; ``write`` returns None for an input that it ignores."""
    outcome = Outcome()
    problems: list[Problem] = []
    for one in inputs:
        call.connection.execute("SAVEPOINT input")
        try:
            written = write(one)
        except ApiError as error:
            if not error.leaves_half:
                call.connection.execute("ROLLBACK TO input")
            if partial:
                outcome.errors.append(error.item(trace_id(one)))
            elif isinstance(error, InvalidPropertiesError):
                problems += error.problems  # HubSpot lists those of all inputs together
            else:
                raise
        else:
            if written is not None:
                outcome.written.append(written)
        finally:
            call.connection.execute("RELEASE input")
    if problems:
        raise InvalidPropertiesError(problems, call.portal_id)
    return outcome


def written_reply(call: Call, kind: ObjectType, outcome: Outcome, ok_status: int) -> Reply:
    """Return the answer of a batch of writes: results in any order, 207 if anything failed."""
    results = shuffled(call, outcome.written, lambda written: str(written.record.id))
    shown = [shown_written(call, kind, written) for written in results]
    status = 207 if outcome.errors else ok_status
    return Reply(status, batch_body(call.now, shown, outcome.errors))


def all_traced(inputs: Sequence[dict[str, Any]]) -> bool:
    """Return whether every input carries a trace id, which switches partial success on."""
    return bool(inputs) and all(trace_id(one) is not None for one in inputs)


def trace_id(one: dict[str, Any]) -> str | None:
    """Return an input's trace id, if it has one."""
    value = one.get("objectWriteTraceId")
    return None if value is None else text_of(value)


def refuse_duplicates(ids: Sequence[str]) -> None:
    """Raise ApiError if a batch names a record twice, trace ids or not (ref §5, H)."""
    repeated = [one for one, times in Counter(ids).items() if times > 1]
    if repeated:
        raise duplicate_ids(repeated)

"""Check the inputs of a batch before it is sent, and build what several batches share."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from reconcile.hubspot.types import Pair, Write

Name = TypeVar("Name", bound=Hashable)


def checked_traces(writes: Sequence[Write] | Sequence[Pair], limit: int) -> list[str]:
    traces = [write.trace for write in writes]
    if not 0 < len(traces) <= limit:
        raise ValueError(f"one call takes 1 to {limit} inputs, not {len(traces)}")
    if len(set(traces)) != len(traces) or "" in traces:
        raise ValueError("every input of a call needs a trace of its own")
    return traces


def trace_by_name(named: Iterable[tuple[Name, str]]) -> dict[Name, str]:
    by_key: dict[Name, str] = {}
    for name, trace in named:
        if name in by_key:
            raise ValueError(f"two inputs of one call are both {name!r}")
        by_key[name] = trace
    return by_key


def type_body(category: str, type_id: int) -> dict[str, Any]:
    return {"associationCategory": category, "associationTypeId": type_id}

"""Checks of a batch's inputs before it is sent, and the parts of a body that batches share."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar

from reconcile.hubspot.types import Pair, Write

Name = TypeVar("Name", bound=Hashable)


def checked_traces(writes: Sequence[Write] | Sequence[Pair], limit: int) -> list[str]:
    """Return the inputs' traces. Raise ValueError if there are too many, or two share one."""
    traces = [write.trace for write in writes]
    if not 0 < len(traces) <= limit:
        raise ValueError(f"one call takes 1 to {limit} inputs, not {len(traces)}")
    if len(set(traces)) != len(traces) or "" in traces:
        raise ValueError("every input of a call needs a trace of its own")
    return traces


def trace_by_name(named: Iterable[tuple[Name, str]]) -> dict[Name, str]:
    """Return (name, trace) pairs as a mapping. Raise ValueError if two inputs share a name."""
    by_key: dict[Name, str] = {}
    for name, trace in named:
        if name in by_key:
            raise ValueError(f"two inputs of one call are both {name!r}")
        by_key[name] = trace
    return by_key


def type_body(category: str, type_id: int) -> dict[str, Any]:
    """Return an association type as request bodies spell it."""
    return {"associationCategory": category, "associationTypeId": type_id}

"""Faults of the connection and of answers: what each does to a request that it strikes.

Every class is one fault, in Python and as JSON, where ``fault`` names it:
``{"fault": "latency", "seconds": 2}``. Faults that change the account are in
``concurrent_changes``; ``fault_rules`` decides when a fault strikes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from reconcile.sandbox.faults.fault_effects import Delivery, Effects, Refusal

_FORBID = {"extra": "forbid"}


class Fault(Protocol):
    """Something that can go wrong with a request."""

    def strike(self, effects: Effects, number: int) -> None:
        """Change the effects of a request; ``number`` is the rule's."""


@dataclass(frozen=True)
class Latency:
    """The request is handled only after some real seconds."""

    __pydantic_config__ = _FORBID
    seconds: float
    fault: Literal["latency"] = "latency"

    def strike(self, effects: Effects, _: int) -> None:
        """Wait first."""
        effects.wait += self.seconds


@dataclass(frozen=True)
class SlowBody:
    """The answer's body takes some real seconds to arrive, a little at a time."""

    __pydantic_config__ = _FORBID
    seconds: float
    fault: Literal["slow_body"] = "slow_body"

    def strike(self, effects: Effects, _: int) -> None:
        """Dribble the body."""
        effects.dribble = self.seconds


@dataclass(frozen=True)
class Refuse:
    """The request is not handled; the answer is a 429 of one shape, a 423, a 477 or a 5xx."""

    __pydantic_config__ = _FORBID
    status: int = 503
    shape: Literal["ten_secondly", "daily", "search"] = "ten_secondly"
    retry_after: str | None = None
    fault: Literal["refuse"] = "refuse"

    def __post_init__(self) -> None:
        """Raise ValueError if the status is not an error."""
        if not 400 <= self.status <= 599:
            raise ValueError("status must be an error")

    def strike(self, effects: Effects, _: int) -> None:
        """Answer in place of the handler."""
        effects.refusal = Refusal(self.status, self.shape, self.retry_after)


@dataclass(frozen=True)
class CloseBefore:
    """The connection is closed and nothing was done."""

    __pydantic_config__ = _FORBID
    resets: bool = False
    fault: Literal["close_before"] = "close_before"

    def strike(self, effects: Effects, _: int) -> None:
        """Drop the request."""
        effects.is_dropped, effects.delivery, effects.resets = True, "none", self.resets


@dataclass(frozen=True)
class CloseDuring:
    """The connection is closed after half of the answer; what was written stays."""

    __pydantic_config__ = _FORBID
    resets: bool = False
    fault: Literal["close_during"] = "close_during"

    def strike(self, effects: Effects, _: int) -> None:
        """Send half."""
        effects.delivery, effects.resets = "half", self.resets


@dataclass(frozen=True)
class CloseAfterCommit:
    """Everything is done and committed, and the client gets nothing: the ambiguous create."""

    __pydantic_config__ = _FORBID
    resets: bool = False
    fault: Literal["close_after_commit"] = "close_after_commit"

    def strike(self, effects: Effects, _: int) -> None:
        """Send nothing."""
        effects.delivery, effects.resets = "none", self.resets


@dataclass(frozen=True)
class GatewayAfterCommit:
    """Everything is done and committed, and a gateway says 502, or another 5xx."""

    __pydantic_config__ = _FORBID
    status: int = 502
    fault: Literal["gateway_after_commit"] = "gateway_after_commit"

    def __post_init__(self) -> None:
        """Raise ValueError if no gateway answers with this status."""
        if not 500 <= self.status <= 599:
            raise ValueError("status must be a 5xx")

    def strike(self, effects: Effects, _: int) -> None:
        """Answer for the server."""
        effects.delivery, effects.delivery_status = "gateway", self.status


@dataclass(frozen=True)
class EmptyResults:
    """A success whose results are empty, whether or not anything was written (ref §4)."""

    __pydantic_config__ = _FORBID
    committed: bool = True
    fault: Literal["empty_results"] = "empty_results"

    def strike(self, effects: Effects, _: int) -> None:
        """Empty the results."""
        _spoil(effects, "empty", committed=self.committed)


@dataclass(frozen=True)
class TruncatedJson:
    """A whole answer whose JSON ends in the middle."""

    __pydantic_config__ = _FORBID
    committed: bool = True
    fault: Literal["truncated_json"] = "truncated_json"

    def strike(self, effects: Effects, _: int) -> None:
        """Cut the body."""
        _spoil(effects, "truncated", committed=self.committed)


@dataclass(frozen=True)
class InvalidJson:
    """A success whose body is not JSON."""

    __pydantic_config__ = _FORBID
    committed: bool = True
    fault: Literal["invalid_json"] = "invalid_json"

    def strike(self, effects: Effects, _: int) -> None:
        """Garble the body."""
        _spoil(effects, "invalid", committed=self.committed)


@dataclass(frozen=True)
class StaleReads:
    """Reads show records and links as they were some seconds ago, by the clock here (ref §13)."""

    __pydantic_config__ = _FORBID
    seconds: float
    fault: Literal["stale_reads"] = "stale_reads"

    def strike(self, effects: Effects, _: int) -> None:
        """Read the past, by key and of associations too."""
        effects.stale_seconds = effects.key_lag_seconds = effects.link_lag_seconds = self.seconds


@dataclass(frozen=True)
class LaggingKeys:
    """Reads by ``idProperty`` find records by the keys they had some seconds ago."""

    __pydantic_config__ = _FORBID
    seconds: float
    fault: Literal["lagging_keys"] = "lagging_keys"

    def strike(self, effects: Effects, _: int) -> None:
        """Look keys up in the past."""
        effects.key_lag_seconds = self.seconds


@dataclass(frozen=True)
class LaggingLinks:
    """Reads show associations, and no more than those, as they were some seconds ago."""

    __pydantic_config__ = _FORBID
    seconds: float
    fault: Literal["lagging_links"] = "lagging_links"

    def strike(self, effects: Effects, _: int) -> None:
        """Read the associations of the past."""
        effects.link_lag_seconds = self.seconds


@dataclass(frozen=True)
class LaggingDefinitions:
    """Reads of definitions show a property only some seconds after it was made (ref §13)."""

    __pydantic_config__ = _FORBID
    seconds: float = 0.7
    fault: Literal["lagging_definitions"] = "lagging_definitions"

    def strike(self, effects: Effects, _: int) -> None:
        """Leave out what is too new."""
        effects.definition_lag_seconds = self.seconds


@dataclass(frozen=True)
class LoseAssociations:
    """A create comes without its associations: half done, and a success."""

    __pydantic_config__ = _FORBID
    fault: Literal["lose_associations"] = "lose_associations"

    def strike(self, effects: Effects, _: int) -> None:
        """Leave the associations out."""
        effects.loses_associations = True


@dataclass(frozen=True)
class StoreAs:
    """A write is echoed as it was sent, while other values are stored, or with None nothing.

    HubSpot's rules may rewrite values (ref §12, L for effects), and it has dropped some that it
    had echoed (ref §6, M).
    """

    __pydantic_config__ = _FORBID
    properties: Mapping[str, str | None] = field(default_factory=dict)
    fault: Literal["store_as"] = "store_as"

    def strike(self, effects: Effects, _: int) -> None:
        """Store something else."""
        effects.stored_as = {**effects.stored_as, **self.properties}


@dataclass(frozen=True)
class DeliverTwice:
    """The request arrives twice and is handled twice; the client sees one of the answers."""

    __pydantic_config__ = _FORBID
    answer: Literal["first", "second"] = "first"
    fault: Literal["deliver_twice"] = "deliver_twice"

    def strike(self, effects: Effects, _: int) -> None:
        """Handle it once more."""
        effects.times, effects.answers_last = 2, self.answer == "second"


def _spoil(effects: Effects, delivery: Delivery, *, committed: bool) -> None:
    effects.delivery = delivery
    effects.commits = effects.commits and committed

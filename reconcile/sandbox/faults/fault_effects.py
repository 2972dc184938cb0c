"""What faults do to one request; without faults it is handled and answered as it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconcile.sandbox.rules.api_call import Call, Reply

Intervention = Callable[[Call, str], None]
"""A change made to the account on behalf of somebody else; it is given the caller's token too."""

Delivery = Literal["whole", "none", "half", "truncated", "invalid", "empty", "gateway"]


@dataclass(frozen=True)
class Refusal:
    """An answer given in place of handling the request."""

    status: int
    shape: Literal["ten_secondly", "daily", "search"] = "ten_secondly"
    """Which of the three bodies a 429 has."""

    retry_after: str | None = None


class RolledBackError(Exception):
    """Rolls back what a handler wrote, and keeps its reply."""

    def __init__(self, reply: Reply) -> None:
        """Keep the reply."""
        super().__init__()
        self.reply = reply


@dataclass
class Effects:
    """What happens to one request. Each fault that strikes it changes some of these fields."""

    struck: list[tuple[int, str]] = field(default_factory=list)
    """The rules that struck, by number and name."""

    wait: float = 0.0
    """Seconds before anything is done."""

    before: list[tuple[int, Intervention]] = field(default_factory=list)
    after: list[tuple[int, Intervention]] = field(default_factory=list)
    refusal: Refusal | None = None
    is_dropped: bool = False
    """The connection is closed and nothing is handled."""

    times: int = 1
    """How often the request is handled."""

    answers_last: bool = False
    """Of several answers the last one is given."""

    commits: bool = True
    """Whether what the handler wrote stays."""

    loses_associations: bool = False
    stored_as: Mapping[str, str | None] = field(default_factory=dict)
    """What is stored in place of what is sent, by property; None is nothing."""

    stale_seconds: float | None = None
    key_lag_seconds: float | None = None
    link_lag_seconds: float | None = None
    definition_lag_seconds: float | None = None
    delivery: Delivery = "whole"
    delivery_status: int = 502
    resets: bool = False
    """A closed connection is reset, not ended."""

    dribble: float = 0.0
    """Seconds over which the body is sent."""

    def check(self, reply: Reply) -> None:
        """Raise RolledBackError, which keeps the reply, unless the writes are to be committed."""
        if not self.commits:
            raise RolledBackError(reply)

    @property
    def names(self) -> str:
        """Return the faults that struck, for the log."""
        return ", ".join(name for _, name in self.struck)

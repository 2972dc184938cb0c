"""When faults strike: rules that are matched against each request.

A rule names the requests it applies to (method, path with ``*`` and ``?``, text of the body,
whether the route writes) and which of those it strikes: all, the nth, every nth, or by chance from
a seed. ``times`` and ``lasting`` (seconds of the sandbox's clock from its first match) end it.
"""

import fnmatch
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, reduce
from operator import or_
from threading import Lock
from typing import Annotated, Any

from reconcile.sandbox.faults import concurrent_changes as people
from reconcile.sandbox.faults import fault_types as kinds
from reconcile.sandbox.faults.fault_effects import Effects
from reconcile.sandbox.faults.fault_types import Fault

_KINDS: tuple[type, ...] = (
    kinds.Latency,
    kinds.SlowBody,
    kinds.Refuse,
    kinds.CloseBefore,
    kinds.CloseDuring,
    kinds.CloseAfterCommit,
    kinds.GatewayAfterCommit,
    kinds.EmptyResults,
    kinds.TruncatedJson,
    kinds.InvalidJson,
    kinds.StaleReads,
    kinds.LaggingKeys,
    kinds.LaggingLinks,
    kinds.LaggingDefinitions,
    kinds.LoseAssociations,
    kinds.StoreAs,
    kinds.DeliverTwice,
    people.Edit,
    people.Archive,
    people.Merge,
    people.Unlink,
    people.ChangeDefinition,
    people.RemoveOption,
    people.ArchiveDefinition,
    people.RevokeToken,
)


@dataclass(frozen=True)
class When:
    """Which requests a rule applies to, and which of them it strikes."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, of all classes
    method: str | None = None
    path: str = "*"
    contains: str | None = None
    """Text that the body has."""

    writes: bool | None = None
    """Only calls of routes that write, or only of those that do not."""

    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    times: int | None = None
    """How often it strikes at most."""

    lasting: float | None = None
    """Seconds from the first match after which it is over."""

    def __post_init__(self) -> None:
        """Raise ValueError if the rule could never strike."""
        for name in ("nth", "every", "times"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError("probability must be between 0 and 1")

    def is_about(self, method: str, path: str, body: bytes, *, writes: bool) -> bool:
        """Return whether the rule applies to a request."""
        return (
            (self.method is None or self.method.upper() == method)
            and fnmatch.fnmatchcase(path, self.path)
            and (self.writes is None or self.writes == writes)
            and (self.contains is None or self.contains.encode() in body)
        )


@dataclass
class _Rule:
    """One rule and its counts."""

    number: int
    fault: Fault
    when: When
    matched: int = 0
    struck: int = 0
    ends: int | None = None
    problems: list[str] = field(default_factory=list)

    def strikes(self, now: int, chance: random.Random) -> bool:
        """Count a matching request, and return whether this one is struck."""
        when = self.when
        self.matched += 1
        if when.lasting is not None and self.ends is None:
            self.ends = now + round(when.lasting * 1000)
        # Chance is drawn for each match, so that a seed gives the same strikes whatever else ends.
        lucky = when.probability is None or chance.random() < when.probability
        if when.times is not None and self.struck >= when.times:
            return False
        if self.ends is not None and now >= self.ends:
            return False
        nth = when.nth is None or self.matched == when.nth
        if lucky and nth and (when.every is None or self.matched % when.every == 0):
            self.struck += 1
            return True
        return False

    def shown(self) -> dict[str, Any]:
        """Return the rule with its counts and problems, as JSON can hold it."""
        given = {name: value for name, value in vars(self.when).items() if value is not None}
        return {
            "number": self.number,
            **asdict(self.fault),  # type: ignore[call-overload]  # every fault is a dataclass
            "when": given,
            "matched": self.matched,
            "struck": self.struck,
            "problems": list(self.problems),
        }


class Faults:
    """The rules of one server; used by tests and by the server, on different threads."""

    def __init__(self, seed: int = 0) -> None:
        """Start without rules."""
        self._lock = Lock()
        self._rules: list[_Rule] = []
        self._next = 1
        self._chance = random.Random(seed)

    def add(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str = "*",
        contains: str | None = None,
        writes: bool | None = None,
        nth: int | None = None,
        every: int | None = None,
        probability: float | None = None,
        times: int | None = None,
        lasting: float | None = None,
    ) -> int:
        """Add a rule (see ``When``) and return its number."""
        when = When(method, path, contains, writes, nth, every, probability, times, lasting)
        return self.add_rule(fault, when)

    def add_rule(self, fault: Fault, when: When) -> int:
        """Add a rule and return its number."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._rules.append(_Rule(number, fault, when))
        return number

    def seed(self, seed: int) -> None:
        """Restart the random numbers from a seed."""
        with self._lock:
            self._chance = random.Random(seed)

    def remove(self, number: int) -> bool:
        """Remove one rule; return whether it existed."""
        with self._lock:
            kept = [rule for rule in self._rules if rule.number != number]
            found = len(kept) < len(self._rules)
            self._rules = kept
        return found

    def clear(self) -> None:
        """Remove every rule."""
        with self._lock:
            self._rules = []

    def struck(self, number: int) -> int:
        """Return how often a rule struck."""
        with self._lock:
            return next((rule.struck for rule in self._rules if rule.number == number), 0)

    def shown(self) -> list[dict[str, Any]]:
        """Return every rule, as JSON can hold it."""
        with self._lock:
            return [rule.shown() for rule in self._rules]

    def note(self, number: int, problem: str) -> None:
        """Record why a rule could not have its effect."""
        with self._lock:
            for rule in self._rules:
                if rule.number == number:
                    rule.problems.append(problem)

    def effects_on(self, method: str, path: str, body: bytes, *, writes: bool, now: int) -> Effects:
        """Return what the rules do to a request."""
        effects = Effects()
        if not self._rules:
            return effects
        with self._lock:
            for rule in self._rules:
                about = rule.when.is_about(method, path, body, writes=writes)
                if about and rule.strikes(now, self._chance):
                    effects.struck.append((rule.number, str(vars(rule.fault)["fault"])))
                    rule.fault.strike(effects, rule.number)
        return effects


def parse(rule: Mapping[str, Any]) -> tuple[Fault, When]:
    """Parse a rule from JSON. Raise ValueError, with the reasons, if it is not valid."""
    fault = {name: value for name, value in rule.items() if name != "when"}
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        parsed = _model().model_validate({"do": fault, "when": rule.get("when") or {}})
    except ValidationError as error:
        reasons = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ValueError("; ".join(reasons)) from None
    return parsed.do, parsed.when


@cache
def _model() -> Any:
    """Return the model that validates JSON; built when the first rule arrives as JSON."""
    from pydantic import Field, create_model  # noqa: PLC0415 - only those who script faults wait

    union: Any = reduce(or_, _KINDS)
    fault: Any = Annotated[union, Field(discriminator="fault")]
    return create_model("Rule", do=(fault, ...), when=(When, ...))

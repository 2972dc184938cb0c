"""Questions with their possible answers, and results, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from reconcile.probing.findings import Found
from reconcile.probing.lab import Lab
from reconcile.probing.needs import Need

Setting = str | bool | tuple[str, ...]
"""A value of one of the sandbox's switches."""


class Verdict(StrEnum):
    """How a question ended."""

    HELD = "held"
    DIFFERS = "differs"
    SKIPPED = "skipped"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Question:
    """One open question about HubSpot.

    ``section`` is the section of the reference. ``answers`` are the possible ones by name, in
    words; ``expected`` is the name of the one that the sandbox gives by default. ``settings`` are
    the values of the sandbox's ``switch`` for each answer. ``rows`` are the contract's rows
    (tests/sandbox/facts) that state it. ``ask`` sends at most ``calls`` calls, retries not counted.
    """

    id: str
    section: str
    words: str
    expected: str
    answers: Mapping[str, str]
    ask: Callable[[Lab], Found]
    calls: int
    needs: tuple[Need, ...] = ()
    rows: tuple[str, ...] = ()
    switch: str = ""
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    def switches(self, answer: str) -> Mapping[str, Setting]:
        """Return the switch that makes the sandbox give an answer; empty if there is none."""
        return {self.switch: self.settings[answer]} if answer in self.settings else {}

    def missing(self, granted: frozenset[str] | None) -> tuple[str, ...]:
        """Return the scopes that the token lacks, each as alternatives; empty if unknown."""
        if granted is None:
            return ()
        lacking = [need.scopes for need in self.needs if granted.isdisjoint(need.scopes)]
        return tuple(dict.fromkeys(" or ".join(scopes) for scopes in lacking))


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a question. ``answer`` is empty if there is none; ``seen`` has details."""

    question: Question
    verdict: Verdict
    answer: str = ""
    seen: str = ""

    @property
    def text(self) -> str:
        """The result in words."""
        return self.question.answers[self.answer] if self.answer else self.seen

    @property
    def switches(self) -> Mapping[str, Setting]:
        """The switch that makes the sandbox give this answer."""
        return self.question.switches(self.answer)

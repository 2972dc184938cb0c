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
    """One open question.

    ``section`` is the reference's; ``answers`` are the possible ones, in words; ``expected`` is the
    one that the sandbox gives unless its ``switch`` is set to another's of the ``settings``.
    ``rows`` are the contract's (tests/sandbox/facts) that state it. ``ask`` sends at most ``calls``
    calls, not counting what the client repeats.
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
        """How the sandbox is set to give an answer; empty where no setting does."""
        return {self.switch: self.settings[answer]} if answer in self.settings else {}

    def missing(self, granted: frozenset[str] | None) -> tuple[str, ...]:
        """What the token lacks for it, each as its alternatives; nothing where nobody knows."""
        if granted is None:
            return ()
        lacking = [need.scopes for need in self.needs if granted.isdisjoint(need.scopes)]
        return tuple(dict.fromkeys(" or ".join(scopes) for scopes in lacking))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a question. ``answer`` is empty where there is none; ``seen`` says more."""

    question: Question
    verdict: Verdict
    answer: str = ""
    seen: str = ""

    @property
    def says(self) -> str:
        """The result in words."""
        return self.question.answers[self.answer] if self.answer else self.seen

    @property
    def switches(self) -> Mapping[str, Setting]:
        """How the sandbox is set to give this answer."""
        return self.question.switches(self.answer)

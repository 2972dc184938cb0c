"""Questions, their possible answers, and results: data, and why a question may have no answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from reconcile.model.kinds import Kind, kinds

if TYPE_CHECKING:
    from reconcile.probing.lab import Lab

Setting = str | bool | tuple[str, ...]
"""A value of one of the sandbox's switches."""

KINDS: Mapping[str, Kind] = MappingProxyType({kind.object: kind for kind in kinds().values()})
"""The kinds by HubSpot's name for their records: ``orders``."""


class Verdict(StrEnum):
    """How a question ended."""

    HELD = "held"
    DIFFERS = "differs"
    SKIPPED = "skipped"
    UNCLEAR = "unclear"


class Skip(Exception):
    """The question cannot be asked of this account; the message says why."""


class Unclear(Exception):
    """What came back is none of the possible answers; the message says what was seen."""


class NotMade(Unclear):
    """A record or property that the question needs was refused."""


class Need(NamedTuple):
    """A right that a question needs: ``read``, ``write``, ``schema`` or ``pipelines``."""

    object: str
    access: str

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of which any one gives it (reference §2)."""
        kind = KINDS[self.object]
        match self.access:
            case "read":
                return kind.read_scopes
            case "write":
                return kind.write_scopes
            case "schema":
                return kind.schema_scopes
            case _:
                return (f"crm.pipelines.{self.object}.read",)


def records(*objects: str) -> tuple[Need, ...]:
    """To read and write records of these objects."""
    return tuple(Need(name, access) for name in objects for access in ("read", "write"))


def keys(*objects: str) -> tuple[Need, ...]:
    """To read and write records of these objects, and to define properties of them."""
    return (*records(*objects), *(Need(name, "schema") for name in objects))


class Found(NamedTuple):
    """The answer that was found, and what was seen."""

    answer: str
    seen: str = ""


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
    ask: Callable[["Lab"], Found]
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

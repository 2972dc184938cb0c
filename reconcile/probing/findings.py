"""How asking a question can end: with an answer, or with a reason why there is none."""

from typing import NamedTuple


class Found(NamedTuple):
    """An answer, by its name among the question's answers, and what was seen."""

    answer: str
    seen: str = ""


class Skip(Exception):
    """The question cannot be asked of this account; the message says why."""


class Unclear(Exception):
    """The response is none of the possible answers; the message says what was seen."""


class NotMade(Unclear):
    """A record or property that the question needs was refused."""

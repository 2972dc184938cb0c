"""One run of the probe: announce its questions, ask them, and always clean up."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex

from reconcile.errors import Ambiguous, AuthError, HubSpotError, RateLimited, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Account
from reconcile.probing.cleanup import clean_up, most_calls
from reconcile.probing.findings import Found, NotMade, Skip, Unclear
from reconcile.probing.lab import Lab
from reconcile.probing.question import Question, Result, Verdict
from reconcile.probing.questions import QUESTIONS

MAX_UNANSWERED = 2
"""Consecutive questions without a response from HubSpot, after which the run stops."""

INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a run. ``stopped`` says why it ended early; empty if it did not.

    ``left`` is what could not be removed, in words.
    """

    run: str
    api: str
    account: Account
    results: tuple[Result, ...]
    calls: int
    stopped: str = ""
    left: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every question was asked, and nothing is left behind."""
        return not self.stopped and not self.left


class _Stopped(Exception):
    """No further question can be asked."""


class Probe:
    """The questions for one account. Nothing is written before ``run``.

    ``granted`` are the token's scopes, None if HubSpot does not say.
    """

    def __init__(
        self,
        hubspot: HubSpot,
        account: Account,
        *,
        api: str,
        granted: frozenset[str] | None,
        questions: Sequence[Question] = QUESTIONS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.questions = tuple(questions)
        self._account = account
        self._api = api
        self._run = token_hex(4)
        currency = account.currencies[0] if account.currencies else ""
        self._lab = Lab(hubspot, api, self._run, granted=granted, currency=currency, sleep=sleep)
        self._unanswered = 0

    @property
    def prefix(self) -> str:
        """The prefix of the names of all records and properties of this run."""
        return self._lab.prefix

    @property
    def asked(self) -> tuple[Question, ...]:
        """The questions that the token's scopes allow."""
        return tuple(one for one in self.questions if not one.missing(self._lab.granted))

    @property
    def skipped(self) -> tuple[Question, ...]:
        """The questions that the token's scopes do not allow."""
        return tuple(one for one in self.questions if one.missing(self._lab.granted))

    @property
    def most_calls(self) -> int:
        """The maximum number of calls that the run sends, retries not counted."""
        return sum(one.calls for one in self.asked) + most_calls(self.asked)

    def run(self, report: Callable[[Result], None]) -> Report:
        """Ask every question, report each result, and remove everything that was created.

        A first KeyboardInterrupt ends the asking, a second one the cleanup; none is passed on.
        """
        lab, results, stopped = self._lab, [], ""
        before = sum(lab.hubspot.calls.values())
        with lab.recording():
            try:
                for question in self.questions:
                    results.append(self._ask(question))
                    report(results[-1])
            except _Stopped as why:
                stopped = str(why)
            except KeyboardInterrupt:
                stopped = INTERRUPTED
            finally:
                stopped = self._remove(stopped)
        for question in self.questions[len(results) :]:
            results.append(self._private(Result(question, Verdict.SKIPPED, seen=stopped)))
            report(results[-1])
        calls = sum(lab.hubspot.calls.values()) - before
        left = tuple(map(self._masked, lab.inventory.remaining()))
        return Report(
            self._run, self._api, self._account, tuple(results), calls, self._masked(stopped), left
        )

    def _remove(self, stopped: str) -> str:
        """Remove everything, restarting after a first interrupt; return why the run stopped."""
        try:
            clean_up(self._lab)
        except KeyboardInterrupt:
            if stopped != INTERRUPTED:
                return self._remove(INTERRUPTED)
            self._lab.inventory.problems["interrupted during the cleanup"] = None
        return stopped

    def _ask(self, question: Question) -> Result:
        """Ask one question, and turn whatever happens into a result."""
        try:
            with self._lab.limited_to(question.calls):
                result = self._answer(question)
            self._unanswered = 0
        except (Skip, AuthError) as why:
            if isinstance(why, AuthError) and why.status == 401:
                raise _Stopped(str(why)) from why
            result = Result(question, Verdict.SKIPPED, seen=str(why))
        except RateLimited as why:
            raise _Stopped(str(why)) from why
        except (Unreachable, Ambiguous) as why:
            self._unanswered += 1
            if self._unanswered == MAX_UNANSWERED:
                raise _Stopped(str(why)) from why
            result = Result(question, Verdict.UNCLEAR, seen=str(why))
        except NotMade as why:
            result = Result(question, Verdict.UNCLEAR, seen=f"it could not be prepared: {why}")
        except (Unclear, HubSpotError) as why:
            result = Result(question, Verdict.UNCLEAR, seen=str(why))
        except Exception as why:  # noqa: BLE001  (an unforeseen response costs one question)
            result = Result(question, Verdict.UNCLEAR, seen=f"{type(why).__name__}: {why}")
        return self._private(result)

    def _answer(self, question: Question) -> Result:
        missing = question.missing(self._lab.granted)
        if missing:
            raise Skip(f"the token lacks {', '.join(missing)}")
        found: Found = question.ask(self._lab)
        held = found.answer == question.expected
        verdict = Verdict.HELD if held else Verdict.DIFFERS
        if found.answer not in question.answers:
            raise Unclear(f"{found.answer}: {found.seen}")
        return Result(question, verdict, found.answer, found.seen)

    def _private(self, result: Result) -> Result:
        return Result(result.question, result.verdict, result.answer, self._masked(result.seen))

    def _masked(self, text: str) -> str:
        """Return a text without the account's id, because reports are meant to be shared."""
        return text.replace(str(self._account.portal_id), "PORTAL")

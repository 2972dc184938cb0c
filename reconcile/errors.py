"""Every error a user can meet.

    ReconcileError                 exit code
    ├── UsageError                 1   a command, option or setting that cannot work
    ├── ManifestError              1   the manifests hold problems; carries all of them
    ├── ApiError                   1   HubSpot (or the sandbox) said no
    │   ├── AuthError              1   token wrong, revoked, or without a scope
    │   ├── RateLimited            1   the account's limit is used up and waiting is no use
    │   └── Unreachable            1   no answer
    │       └── Ambiguous          1   no answer to a call that may have been carried out
    ├── GuardRefused               3   a guard or policy refused the plan
    ├── Locked                     4   somebody else holds the target's lock
    ├── Unfinished                 5   an apply ended in the middle and cannot tell what it did
    └── StalePlan                  6   the plan no longer fits what it was made from

Exit codes are part of the command line's contract (README, "Exit codes").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


class ReconcileError(Exception):
    """Something the user can act on. ``hint`` says how; it is shown on a line of its own."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReconcileError):
    """A command, option or setting that cannot work."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one place. ``line`` and ``column`` count from 1; 0 is the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ManifestError(ReconcileError):
    """Files hold problems; ``problems`` lists every one of them, sorted by place.

    ``title`` says which files: the manifests, or the project file. ``conflicts`` are what the
    account does not take of the records that could be read; alone they would not have stopped
    the plan.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        title: str = "the manifests",
        conflicts: Sequence[Problem] = (),
        hint: str = "",
    ) -> None:
        self.problems = tuple(sorted(problems))
        self.title = title
        self.conflicts = tuple(sorted(conflicts))
        many = len(self.problems)
        super().__init__(f"{many:,} problem{'s' if many != 1 else ''} in {title}", hint=hint)


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """One property value that HubSpot refused, as far as its answer says.

    ``code`` is HubSpot's own (reference §5), ``value`` None where the answer does not repeat it;
    ``message`` is about this value alone, one printable line.
    """

    name: str
    message: str
    code: str = ""
    value: str | None = None


class ApiError(ReconcileError):
    """HubSpot refused a call. ``status`` is the HTTP status, 0 where there was no answer.

    ``category`` and ``context`` are HubSpot's own (StandardError in its specifications);
    ``correlation_id`` is what HubSpot's support asks for; ``invalid`` are the values that the
    refusal names, of any record of the call.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        category: str = "",
        correlation_id: str = "",
        hint: str = "",
        invalid: Sequence[InvalidValue] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.category = category
        self.correlation_id = correlation_id
        self.invalid = tuple(invalid)

    def reworded(self, message: str, *, hint: str) -> Self:
        """The same error in other words, for where more is known about it."""
        return type(self)(
            message,
            status=self.status,
            category=self.category,
            correlation_id=self.correlation_id,
            hint=hint,
            invalid=self.invalid,
        )


class AuthError(ApiError):
    """The token is wrong, revoked, or lacks a scope."""


class RateLimited(ApiError):
    """The account's limit is used up, and waiting within this run is no use."""


class Unreachable(ApiError):
    """No answer came, and the call certainly had no effect or is safe to repeat."""


class Ambiguous(Unreachable):
    """No usable answer came to a call that may have been carried out.

    Must be settled by reading; the call must not be repeated blindly.
    """


class GuardRefused(ReconcileError):
    """A guard refused the plan; nothing was written."""

    exit_code = 3


class Locked(ReconcileError):
    """Somebody else holds the target's lock; nothing was written."""

    exit_code = 4


class Unfinished(ReconcileError):
    """An apply ended in the middle, and what came of it is to be found out by reading."""

    exit_code = 5


class StalePlan(ReconcileError):
    """The plan file no longer fits what it was made from; nothing was written."""

    exit_code = 6

"""The errors that a user can meet, with their exit codes.

    ReconcileError                 exit code
    ├── UsageError                 1   an invalid command, option or setting
    ├── ManifestError              1   the manifests have problems; lists all of them
    ├── HubSpotError           1   a call to HubSpot (or the sandbox) failed
    │   ├── CallRefused        1   this call was refused; others may succeed
    │   ├── Ambiguous          1   no response to a call that may have taken effect
    │   └── Fatal              1   every further call would fail as well
    │       ├── AuthError      1   the token is wrong, revoked or lacks a scope
    │       ├── RateLimited    1   the account's limit is used up, and waiting does not help
    │       └── Unreachable    1   no response
    ├── GitHubError                1   a call to GitHub failed
    │   ├── GitHubRefused          1   this call was refused; others may succeed
    │   └── GitHubUnavailable      1   every further call would fail as well
    ├── GuardRefused               3   a limit, or a number of --allow, refused the plan
    ├── Locked                     4   another process holds the target's lock
    ├── Unfinished                 5   an apply was interrupted, and its outcome is unknown
    └── StalePlan                  6   the plan no longer matches what it was made from

Exit codes are part of the command line's contract (`reconcile docs exit-codes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


class ReconcileError(Exception):
    """An error that the user can act on. ``hint`` says how; it is shown on a line of its own."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReconcileError):
    """An invalid command, option or setting."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem in a file. ``line`` and ``column`` count from 1; line 0 is the file as a whole."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        location = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{location}: {self.message}"


class ManifestError(ReconcileError):
    """Files have problems; ``problems`` lists all of them once, sorted by location.

    ``title`` names the files: the manifests, or the project file. ``conflicts`` are what the
    account refuses of the records that could be read; alone they would not have stopped the
    plan. ``summary`` counts the problems; the error's text lists them, a line each.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        title: str = "the manifests",
        conflicts: Sequence[Problem] = (),
        hint: str = "",
    ) -> None:
        self.problems = tuple(sorted({*problems}))  # many records may have one default
        self.title = title
        self.conflicts = tuple(sorted({*conflicts}))
        many = len(self.problems)
        self.summary = f"{many:,} problem{'s' if many != 1 else ''} in {title}"
        super().__init__("\n".join([self.summary, *map(str, self.problems)]), hint=hint)


@dataclass(frozen=True, slots=True)
class InvalidValue:
    """One property value that HubSpot refused, as far as its response says.

    ``code`` is HubSpot's own (reference §5), ``value`` None where the response does not repeat it;
    ``message`` is about this value alone, one printable line.
    """

    name: str
    message: str
    code: str = ""
    value: str | None = None


class HubSpotError(ReconcileError):
    """A call to HubSpot failed. ``status`` is the HTTP status, 0 where there was no response.

    ``category`` and ``context`` are HubSpot's own (StandardError in its specifications);
    ``correlation_id`` is what HubSpot's support asks for; ``invalid`` are the values that the
    refusal names, of all records of the call.
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
        """Return the same error with another message and hint, where more is known about it."""
        return type(self)(
            message,
            status=self.status,
            category=self.category,
            correlation_id=self.correlation_id,
            hint=hint,
            invalid=self.invalid,
        )


class CallRefused(HubSpotError):
    """HubSpot refused this call, or answered it with what cannot be used; others may succeed."""


class Ambiguous(HubSpotError):
    """No usable response came to a call that may have taken effect: an in-doubt write.

    It must be resolved by reading; the call must not be repeated blindly.
    """


class Fatal(HubSpotError):
    """Every further call would fail as well; catching a refusal does not catch this."""


class AuthError(Fatal):
    """The token is wrong, revoked, or lacks a scope."""


class RateLimited(Fatal):
    """The account's limit is used up, and waiting within this run does not help."""


class Unreachable(Fatal):
    """No response came, and the call certainly had no effect or is safe to repeat."""


class GitHubError(ReconcileError):
    """A call to GitHub failed. ``status`` is the HTTP status, 0 where there was no response."""

    def __init__(self, message: str, *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class GitHubRefused(GitHubError):
    """GitHub refused this call, or answered it with what cannot be used; others may succeed.

    ``reason`` is GitHub's own message, printable and short.
    """

    def __init__(self, message: str, *, status: int, reason: str = "", hint: str = "") -> None:
        super().__init__(message, status=status, hint=hint)
        self.reason = reason


class GitHubUnavailable(GitHubError):
    """The token is wrong, the rate limit is used up, or no usable response came.

    Whether a call that writes took effect is not known.
    """


class GuardRefused(ReconcileError):
    """A limit or a number that was allowed refused the plan; nothing was written."""

    exit_code = 3


class Locked(ReconcileError):
    """Another process holds the target's lock; nothing was written."""

    exit_code = 4


class Unfinished(ReconcileError):
    """An apply was interrupted; its outcome is unknown until recovery resolves it."""

    exit_code = 5


class StalePlan(ReconcileError):
    """The plan file no longer matches what it was made from; nothing was written."""

    exit_code = 6

"""The job of GitHub Actions that reconcile runs in, from its variables and its event's payload.

The payload is data of whoever caused the event: titles, branch names and comments in it can say
anything.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reconcile.errors import UsageError
from reconcile.github.job_events import EVENTS, Event
from reconcile.github.job_variables import VARIABLES, is_github_job
from reconcile.model.values import show

_REPOSITORY = re.compile(r"([A-Za-z0-9_-]{1,100})/([A-Za-z0-9._-]{1,100})")
"""Owners of an enterprise with users of its own have an underscore in their names."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_SERVER = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?")
_LARGEST = 25 * 1024 * 1024
"""GitHub's own limit for payloads ("Webhook events and payloads")."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository's owner and name, checked to be nothing else."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job: where it runs, for which commit, and what caused it.

    ``event`` is None for an event that the gate does not act on.
    """

    repository: Repository
    sha: str
    run_id: int
    run_attempt: int
    server: str
    event_name: str
    event: Event | None

    @property
    def run_url(self) -> str:
        """Return the page of the run."""
        return f"{self.server}/{self.repository}/actions/runs/{self.run_id}"


def repository_named(text: str, *, origin: str) -> Repository:
    """Return the repository of ``OWNER/NAME``. Raises UsageError, which names ``origin``."""
    found = _REPOSITORY.fullmatch(text)
    if found is None or found[2] in (".", ".."):
        raise UsageError(f"{origin} is not OWNER/NAME: {show(text)}")
    return Repository(found[1], found[2])


def current_job(environ: Mapping[str, str]) -> Job:
    """Return the job that reconcile runs in.

    Raises UsageError outside of one, and where a variable or the payload is not as GitHub makes it.
    """
    if not is_github_job(environ):
        raise UsageError(
            "this is not a job of GitHub Actions: GITHUB_ACTIONS is not set to true",
            hint="the command is for a step of a workflow",
        )
    name = environ.get("GITHUB_EVENT_NAME", "")
    return Job(
        repository=repository_named(
            environ.get(VARIABLES["repository"], ""), origin=VARIABLES["repository"]
        ),
        sha=_matching(environ, VARIABLES["sha"], _COMMIT),
        run_id=int(_matching(environ, VARIABLES["run_id"], _NUMBER)),
        run_attempt=int(_matching(environ, VARIABLES["run_attempt"], _NUMBER)),
        server=_matching(environ, "GITHUB_SERVER_URL", _SERVER),
        event_name=name,
        event=_event(name, environ.get("GITHUB_EVENT_PATH", "")),
    )


def _matching(environ: Mapping[str, str], variable: str, pattern: re.Pattern[str]) -> str:
    text = environ.get(variable, "")
    if pattern.fullmatch(text) is None:
        raise UsageError(f"{variable} is not what GitHub Actions sets: {show(text)}")
    return text


def _event(name: str, path: str) -> Event | None:
    """Return the payload of an event that the gate acts on. Raises UsageError for another shape."""
    shape = EVENTS.get(name)
    if shape is None:
        return None
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not a path"
        raise UsageError(f"the file of GITHUB_EVENT_PATH cannot be read: {why}") from None
    if len(data) > _LARGEST:
        raise UsageError("the file of GITHUB_EVENT_PATH is larger than GitHub makes them")
    try:
        return shape.model_validate(json.loads(data))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        text = f"the file of GITHUB_EVENT_PATH is not an event {name}: {show(where)} is wrong"
        raise UsageError(text) from None
    except (ValueError, RecursionError):
        raise UsageError("the file of GITHUB_EVENT_PATH is not JSON") from None

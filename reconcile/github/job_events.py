"""Payloads of the events that the gate acts on, as far as it needs them.

docs.github.com/webhooks/webhook-events-and-payloads, and for jobs
docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

CommitId = Annotated[str, StringConstraints(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(_Payload):
    """Somebody with an account, or an app."""

    login: str


class HeadRepository(_Payload):
    """The repository that a pull request is from."""

    full_name: str


class End(_Payload):
    """One end of a pull request; ``repo`` is None where a fork was deleted."""

    ref: str
    sha: CommitId
    repo: HeadRepository | None = None


class PullRequest(_Payload):
    """A pull request; ``user`` is None where the account was deleted."""

    number: int
    user: User | None = None
    head: End
    base: End


class PullRequestEvent(_Payload):
    """``pull_request``, ``pull_request_target`` and ``pull_request_review``."""

    action: str
    pull_request: PullRequest


class Comment(_Payload):
    """A comment."""

    id: int
    body: str
    user: User | None = None


class PullRequestLink(_Payload):
    """What an issue has that is a pull request."""

    url: str


class Issue(_Payload):
    """An issue or a pull request, which has ``pull_request``."""

    number: int
    user: User | None = None
    pull_request: PullRequestLink | None = None


class CommentEvent(_Payload):
    """``issue_comment``, also of pull requests."""

    action: str
    issue: Issue
    comment: Comment


class PushEvent(_Payload):
    """``push``: ``before`` is all zeros for a new branch, ``after`` for a deleted one."""

    ref: str
    before: CommitId
    after: CommitId


class MergeGroup(_Payload):
    """Pull requests that a merge queue tests together."""

    head_sha: CommitId
    head_ref: str
    base_sha: CommitId
    base_ref: str


class MergeGroupEvent(_Payload):
    """``merge_group``."""

    action: str
    merge_group: MergeGroup


class DispatchEvent(_Payload):
    """``workflow_dispatch``: somebody started the workflow, with values that they gave."""

    ref: str
    inputs: dict[str, str | bool | int | float | None] | None = None


Event = PullRequestEvent | CommentEvent | PushEvent | MergeGroupEvent | DispatchEvent

EVENTS: dict[str, type[Event]] = {
    "pull_request": PullRequestEvent,
    "pull_request_target": PullRequestEvent,
    "pull_request_review": PullRequestEvent,
    "issue_comment": CommentEvent,
    "push": PushEvent,
    "merge_group": MergeGroupEvent,
    "workflow_dispatch": DispatchEvent,
}

"""The job that reconcile runs in: its variables, and the payload of its event."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from forge.description import install

from reconcile.errors import UsageError
from reconcile.github.job import Job, current_job
from reconcile.github.job_events import (
    EVENTS,
    CommentEvent,
    MergeGroupEvent,
    PullRequestEvent,
    PushEvent,
)

SHA = "a" * 40
Make = Callable[..., Job]


def end(**more: object) -> dict[str, object]:
    """One end of a pull request."""
    return {"ref": "change", "sha": SHA, "repo": {"full_name": "acme/shop"}, **more}


PULL: dict[str, Any] = {"number": 12, "user": {"login": "ana"}, "head": end(), "base": end()}
OPENED: dict[str, Any] = {"action": "opened", "pull_request": PULL}


@pytest.fixture
def job(tmp_path: Path) -> Make:
    """Read a job, of a pull request if nothing else is said."""

    def make(event: str = "pull_request_target", payload: object = OPENED, **other: str) -> Job:
        file = tmp_path / "event.json"
        file.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_SHA": SHA,
            "GITHUB_RUN_ID": "7",
            "GITHUB_RUN_ATTEMPT": "2",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(file),
        }
        return current_job(variables | other)

    return make


def test_a_job_of_a_pull_request(job: Make) -> None:
    """Where it runs, and both ends."""
    found = job()
    assert str(found.repository) == "acme/shop"
    assert found.run_url == "https://github.com/acme/shop/actions/runs/7"
    assert (found.run_attempt, found.sha) == (2, SHA)
    assert isinstance(found.event, PullRequestEvent)
    assert found.event.pull_request.number == 12
    assert found.event.pull_request.head.repo is not None


def test_a_deleted_fork_and_a_deleted_account(job: Make) -> None:
    """GitHub says null for both."""
    pull = PULL | {"user": None, "head": end(repo=None)}
    event = job(payload={"action": "opened", "pull_request": pull}).event
    assert isinstance(event, PullRequestEvent)
    assert (event.pull_request.user, event.pull_request.head.repo) == (None, None)


def test_an_event_that_the_gate_does_not_act_on(job: Make) -> None:
    """Its payload is not read."""
    assert job("schedule", b"", GITHUB_EVENT_PATH="/nowhere").event is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GITHUB_REPOSITORY", "acme"),
        ("GITHUB_REPOSITORY", "acme/shop/../x"),
        ("GITHUB_SHA", "main"),
        ("GITHUB_SHA", "A" * 40),
        ("GITHUB_RUN_ID", "0"),
        ("GITHUB_RUN_ID", "seven"),
        ("GITHUB_RUN_ATTEMPT", ""),
        ("GITHUB_SERVER_URL", "http://github.com"),
        ("GITHUB_SERVER_URL", "https://github.com/](x"),
        ("GITHUB_EVENT_PATH", "/nowhere/event.json"),
        ("GITHUB_EVENT_PATH", ""),
        ("GITHUB_EVENT_PATH", "a\0b"),
    ],
)
def test_a_wrong_variable_is_named(job: Make, variable: str, value: str) -> None:
    """The error says which one."""
    with pytest.raises(UsageError, match=variable):
        job(**{variable: value})


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        [],
        {},
        OPENED | {"pull_request": {}},
        {"action": "opened", "pull_request": PULL | {"number": "twelve"}},
        {"action": "opened", "pull_request": PULL | {"head": end(sha="--upload-pack=x")}},
        {"action": "opened", "pull_request": PULL | {"head": end(sha=SHA + "\n")}},
    ],
    ids=range(10),
)
def test_another_payload_is_refused(job: Make, payload: object) -> None:
    """A commit's id is nothing that git could take for an option."""
    with pytest.raises(UsageError, match="the file of GITHUB_EVENT_PATH is not"):
        job(payload=payload)


def test_outside_of_a_job(job: Make) -> None:
    """The error says what is missing."""
    with pytest.raises(UsageError, match="not a job of GitHub Actions"):
        job(GITHUB_ACTIONS="")


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_example_of_github_is_read(job: Make, tmp_path: Path) -> None:
    """The payloads that GitHub's users have collected, of each event that the gate acts on."""
    packages = install(tmp_path / "packages")
    text = (packages / "webhooks-examples/api.github.com/index.json").read_text(encoding="utf-8")
    examples = {one["name"]: one["examples"] for one in json.loads(text)}
    examples["pull_request_target"] = examples["pull_request"]
    kinds = set()
    for name in EVENTS:
        assert examples[name], name
        for payload in examples[name]:
            kinds.add(type(job(name, payload).event))
    assert {PullRequestEvent, CommentEvent, PushEvent, MergeGroupEvent} <= kinds

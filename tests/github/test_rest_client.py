"""The client of GitHub's API, on a real socket: pages, limits, refusals, and the token's safety."""

import json
from collections.abc import Iterator

import pytest
from forge.answers import answer, primary_limit, secondary_limit
from forge.bodies import commit_id
from forge.content import PullRequest, Review
from forge.server import Forge
from pydantic import BaseModel
from starlette.responses import Response

from reconcile.errors import GitHubRefused, GitHubUnavailable, UsageError
from reconcile.github.access import access
from reconcile.github.repository_bodies import RepositoryBody
from reconcile.github.rest_client import ATTEMPTS, GitHub, path_of

REPOSITORY = "/repos/acme/shop"
NOW = 1_000_000.0


class Comment(BaseModel):
    """A comment's number and text."""

    id: int
    body: str


class Dismissed(BaseModel):
    """A review's state."""

    state: str


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> float:
        return NOW + sum(self.slept)


@pytest.fixture
def clock() -> Clock:
    """A clock that costs no time."""
    return Clock()


@pytest.fixture
def github(forge: Forge, clock: Clock) -> Iterator[GitHub]:
    """A client with a job's own token."""
    forge.repository.pulls[1] = PullRequest(1, "ana", commit_id("head"))
    found = access(forge.environment())
    with GitHub(found, sleep=clock.sleep, now=clock.now) as github:
        yield github


def read(github: GitHub) -> RepositoryBody:
    """Read the repository."""
    return github.get(REPOSITORY, RepositoryBody, needs="`metadata: read`")


def refused(status: int, message: str, **headers: str) -> Response:
    """Return an answer that refuses a call."""
    return answer({"message": message}, status, headers)


def test_a_call_says_what_github_asks_for(forge: Forge, github: GitHub) -> None:
    """The version of the API, the media type, who calls, and the token."""
    assert read(github).full_name == "acme/shop"
    sent = forge.headers[0]
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["accept"] == "application/vnd.github+json"
    assert sent["authorization"] == f"Bearer {forge.token}"
    assert sent["user-agent"].startswith("reconcile/")


def test_a_list_is_read_to_its_end(forge: Forge, github: GitHub) -> None:
    """250 comments are three pages."""
    pull = forge.repository.pulls[1]
    pull.comments = [
        forge.repository.comment(pull, number, "ana", f"text {number}") for number in range(250)
    ]
    path = f"{REPOSITORY}/issues/1/comments"
    found = github.pages(path, Comment, needs="`pull-requests: read`")
    assert [one.id for one in found] == list(range(250))
    assert len(forge.calls) == 3


def test_a_list_does_not_lead_to_another_host(forge: Forge, github: GitHub) -> None:
    """The token goes to one host, whatever an answer says."""
    link = '<https://elsewhere.example/repos?page=2>; rel="next"'
    forge.refusals = [answer([], headers={"link": link})]
    with pytest.raises(GitHubUnavailable, match="another address"):
        github.pages(f"{REPOSITORY}/issues/1/comments", Comment, needs="")
    assert len(forge.calls) == 1


def test_a_list_without_an_end_is_given_up(forge: Forge, github: GitHub) -> None:
    """A list whose pages always name a next one is not read for ever."""
    link = f'<{forge.url}{REPOSITORY}/issues/1/comments?page=2>; rel="next"'
    forge.refusals = [lambda _: answer([], headers={"link": link})] * 200
    with pytest.raises(GitHubRefused, match="more than 100 pages"):
        github.pages(f"{REPOSITORY}/issues/1/comments", Comment, needs="")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_github_is_asked_again(
    forge: Forge, github: GitHub, clock: Clock, status: int
) -> None:
    """With growing waits, and not for ever."""
    forge.refusals = [refused(status, "Server Error")] * 2
    assert read(github).default_branch == "main"
    assert len(clock.slept) == 2
    forge.refusals = [refused(status, "Server Error")] * 9
    with pytest.raises(GitHubUnavailable, match=f"{status} Server Error"):
        read(github)
    assert len(clock.slept) == 2 + ATTEMPTS - 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for(
    forge: Forge, github: GitHub, clock: Clock, status: int
) -> None:
    """As long as the answer says, or a minute if it does not."""
    forge.refusals = [secondary_limit(7, status), secondary_limit(None, status)]
    assert read(github).private
    assert clock.slept == [7.0, 60.0]


def test_a_long_secondary_limit_is_not_waited_for(
    forge: Forge, github: GitHub, clock: Clock
) -> None:
    """A job is not kept for an hour; the error says how long."""
    forge.refusals = [secondary_limit(3600)]
    with pytest.raises(GitHubUnavailable) as stop:
        read(github)
    assert stop.value.hint == "wait 3600 s and run it again"
    assert clock.slept == []


def test_a_limit_that_is_used_up_names_its_end(forge: Forge, github: GitHub, clock: Clock) -> None:
    """The primary limit resets at a time that GitHub says."""
    forge.refusals = [primary_limit(int(NOW) + 1800)]
    with pytest.raises(GitHubUnavailable, match="used up") as stop:
        read(github)
    assert stop.value.hint == "it resets at 1970-01-12 14:16:40 UTC"
    forge.refusals = [primary_limit(int(NOW) + 20)]
    read(github)
    assert clock.slept == [20.0]


def test_a_wrong_token_is_said_without_the_token(forge: Forge, clock: Clock) -> None:
    """The error names the variable, and no later call is made."""
    found = access({**forge.environment(), "RECONCILE_GITHUB_TOKEN": "ghp_wrong-and-secret"})
    with (
        GitHub(found, sleep=clock.sleep) as github,
        pytest.raises(GitHubUnavailable, match="token in RECONCILE_GITHUB_TOKEN: 401") as stop,
    ):
        read(github)
    assert "ghp_wrong" not in f"{stop.value} {stop.value.hint} {found!r}"
    assert len(forge.calls) == 1


def test_an_answer_that_quotes_the_token_is_masked(forge: Forge, github: GitHub) -> None:
    """Whatever a proxy in between echoes."""
    forge.refusals = [refused(400, f"Authorization: Bearer {forge.token}")]
    with pytest.raises(GitHubRefused) as stop:
        read(github)
    assert forge.token not in str(stop.value)
    assert "[token]" in str(stop.value)


def test_a_missing_permission_is_named(forge: Forge, github: GitHub) -> None:
    """What the job must be given."""
    del forge.tokens[forge.token].permissions["pull_requests"]
    with pytest.raises(GitHubRefused, match="Resource not accessible by integration") as stop:
        github.pages(f"{REPOSITORY}/pulls", Comment, needs="`pull-requests: read`")
    assert "the token needs `pull-requests: read`" in stop.value.hint
    assert stop.value.status == 403


def test_what_is_hidden_and_what_is_missing_look_alike(forge: Forge, github: GitHub) -> None:
    """GitHub answers 404 for both, and the hint names both."""
    with pytest.raises(GitHubRefused, match="404 Not Found") as stop:
        github.get("/repos/acme/other", RepositoryBody, needs="`metadata: read`")
    assert "check the names" in stop.value.hint


def test_a_renamed_repository_is_not_followed(forge: Forge, github: GitHub) -> None:
    """A redirect could lead anywhere."""
    forge.refusals = [refused(301, "Moved Permanently", location="https://elsewhere.example/")]
    with pytest.raises(GitHubRefused) as stop:
        read(github)
    assert "renamed" in stop.value.hint
    assert len(forge.calls) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"full_name": 3}', b"", b"[" * 100_000])
def test_another_answer_is_not_taken(forge: Forge, github: GitHub, body: bytes) -> None:
    """A page of a proxy, or JSON of another shape."""
    forge.refusals = [Response(body)]
    with pytest.raises(GitHubRefused, match="cannot be used"):
        read(github)


def test_text_of_an_answer_is_made_harmless(forge: Forge, github: GitHub) -> None:
    """No escape sequence, no new line, and not more than fits."""
    forge.refusals = [refused(422, "\x1b[31m\n::error::x" + "y" * 5000)]
    with pytest.raises(GitHubRefused) as stop:
        read(github)
    assert str(stop.value).isprintable()
    assert len(str(stop.value)) < 400


def test_nobody_listens(forge: Forge, clock: Clock) -> None:
    """A host that cannot be reached is an error of ours, after some attempts."""
    environ = {**forge.environment(), "GITHUB_API_URL": "http://127.0.0.1:1"}
    with (
        GitHub(access(environ), sleep=clock.sleep) as github,
        pytest.raises(GitHubUnavailable, match="cannot be reached") as stop,
    ):
        read(github)
    assert len(clock.slept) == ATTEMPTS - 1
    assert "sandbox" not in stop.value.hint


def test_a_write_gives_back_what_was_made(forge: Forge, github: GitHub) -> None:
    """A comment, and then its edit."""
    needs = "`pull-requests: write`"
    made = github.write(
        "POST", f"{REPOSITORY}/issues/1/comments", {"body": "a"}, Comment, needs=needs
    )
    path = f"{REPOSITORY}/issues/comments/{made.id}"
    assert github.write("PATCH", path, {"body": "b"}, Comment, needs=needs).body == "b"
    assert [one["body"] for one in forge.repository.pulls[1].comments] == ["b"]


def test_a_write_that_may_have_happened_is_not_sent_again(
    forge: Forge, github: GitHub, clock: Clock
) -> None:
    """After a limit it is, since GitHub did not carry it out."""
    path = f"{REPOSITORY}/issues/1/comments"
    forge.refusals = [refused(502, "Bad Gateway")]
    with pytest.raises(GitHubUnavailable):
        github.write("POST", path, {"body": "a"}, Comment, needs="")
    assert (len(forge.calls), clock.slept) == (1, [])
    forge.refusals = [secondary_limit(1)]
    github.write("POST", path, {"body": "a"}, Comment, needs="")
    assert len(forge.repository.pulls[1].comments) == 1


def test_a_refused_write_says_why(forge: Forge, github: GitHub) -> None:
    """GitHub's details of a 422 are part of the message."""
    forge.repository.pulls[1].reviews = [Review(5, "olga", "COMMENTED", commit_id("head"))]
    path = f"{REPOSITORY}/pulls/1/reviews/5/dismissals"
    with pytest.raises(GitHubRefused, match="Can not dismiss a commented pull request review"):
        github.write("PUT", path, {"message": "changed"}, Dismissed, needs="")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.github.com",
        "ftp://api.github.com",
        "https://user@api.github.com",
        "https://api.github.com?x=1",
        "https://api.github.com/#x",
        "https://",
        "https://api.github.com:port",
        "api.github.com",
    ],
)
def test_the_token_goes_over_tls_only(url: str) -> None:
    """To https, or to this machine."""
    with pytest.raises(UsageError, match="GITHUB_API_URL cannot be used"):
        access({"GITHUB_API_URL": url, "GITHUB_TOKEN": "t"})


def test_where_the_token_is_from() -> None:
    """Ours goes before the job's; without any there is an error."""
    both = {"GITHUB_TOKEN": "job", "RECONCILE_GITHUB_TOKEN": "own"}
    assert access(both).token.reveal() == "own"
    assert access({"GITHUB_TOKEN": "job"}).url == "https://api.github.com"
    assert access({**both, "GITHUB_API_URL": "https://git.mill.example/api/v3/"}).url.endswith(
        "/v3"
    )
    with pytest.raises(UsageError, match="no token for GitHub"):
        access({})
    with pytest.raises(UsageError, match="GITHUB_TOKEN does not hold a token"):
        access({"GITHUB_TOKEN": "two words"})


def test_parts_of_a_path_stay_parts() -> None:
    """A branch named like a path leads nowhere else."""
    assert path_of("repos", "a", "b", "branches", "../../x?y") == (
        "/repos/a/b/branches/..%2F..%2Fx%3Fy"
    )
    assert json.dumps(path_of("rulesets", 7)) == '"/rulesets/7"'

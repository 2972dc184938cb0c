"""Who is at work, and on which commit: from the environment and git's files alone."""

import subprocess
from pathlib import Path

import pytest

from reconcile.audit import git
from reconcile.audit.actor import commit, origin, who_is_it

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "octo",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "42",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": SHA,
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_WORKFLOW_REF": "acme/shop/.github/workflows/apply.yml@refs/heads/main",
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "lab",
    "CI_PROJECT_PATH": "acme/shop",
    "CI_JOB_ID": "7",
    "CI_COMMIT_SHA": SHA,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder without a git configuration."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project folder in no repository."""
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)
    return folder


def run_git(folder: Path, *args: str) -> str:
    """What the real git says."""
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    done = subprocess.run(
        ["git", *names, *args], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path) -> str:
    """Make a repository with one commit; the commit."""
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    run_git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return run_git(folder, "rev-parse", "HEAD")


def test_github_is_asked_first(root: Path, home: Path) -> None:
    """The user who started the job, and which job it is."""
    found = who_is_it(GITHUB, root, home=home)
    assert (found.name, found.source) == ("octo", "github")
    assert found.facts == {
        "repository": "acme/shop",
        "run_id": "42",
        "run_attempt": "2",
        "sha": SHA,
        "ref": "refs/heads/main",
        "workflow_ref": "acme/shop/.github/workflows/apply.yml@refs/heads/main",
    }
    assert commit(GITHUB, root) == SHA


def test_gitlab_too(root: Path, home: Path) -> None:
    """Likewise."""
    found = who_is_it(GITLAB, root, home=home)
    assert (found.name, found.source) == ("lab", "gitlab")
    assert found.facts == {"project": "acme/shop", "job_id": "7", "sha": SHA}
    assert commit(GITLAB, root) == SHA


def test_variables_of_a_service_that_does_not_run_this_count_nothing(
    root: Path, home: Path
) -> None:
    """GITHUB_ACTOR alone makes nobody a GitHub user."""
    found = who_is_it({"GITHUB_ACTOR": "octo", "GITHUB_SHA": SHA}, root, home=home)
    assert found.source == "os"
    assert commit({"GITHUB_SHA": SHA}, root) == ""


def test_outside_git_it_is_the_machines_user(
    root: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user and the host."""
    monkeypatch.setenv("LOGNAME", "ana")
    monkeypatch.setattr("socket.gethostname", lambda: "mill")
    assert who_is_it({}, root, home=home).name == "ana@mill"


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("[user]\n\tname = Ana\n\temail = ana@example.com\n", "Ana <ana@example.com>"),
        ("[core]\nname = no\n[User] name=Ana\n", "Ana"),
        ("[user]\nEMAIL = ana@example.com ; at work\n", "ana@example.com"),
        ('[user]\nname = "Ana # \\"the\\" Rocha"  # nick\n', 'Ana # "the" Rocha'),
        ('[user "other"]\nname = no\n[user]\nname = Ana\n', "Ana"),
        ("[user]\nname = Ana\n[other]\nname = no\n", "Ana"),
        ("[user]\nname = one\nname = Ana\n", "Ana"),
    ],
)
def test_git_says_who_signs(root: Path, home: Path, config: str, name: str) -> None:
    """A repository's configuration, as git reads it; the machine is told beside it."""
    repository(root.parent)
    file = root.parent / ".git" / "config"
    file.write_text(file.read_text() + config)
    found = who_is_it({}, root, home=home)
    assert (found.name, found.source) == (name, "git")
    assert "@" in found.facts["machine"]
    keys = (("name", "user.name"), ("email", "user.email"))
    told = {
        key: subprocess.run(
            ["git", "config", "--local", full],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        for key, full in keys
    }
    assert git.user(config) == {key: value for key, value in told.items() if value}


def test_the_nearer_configuration_wins(root: Path, home: Path) -> None:
    """The environment, then the repository's file, then the user's, then the general one."""
    environ = {"XDG_CONFIG_HOME": str(home / "xdg")}
    (home / "xdg" / "git").mkdir(parents=True)
    (home / "xdg" / "git" / "config").write_text("[user]\nname = Far\nemail = far@example.com\n")
    assert who_is_it(environ, root, home=home).name == "Far <far@example.com>"
    (home / ".gitconfig").write_text("[user]\nname = Home\n")
    assert who_is_it(environ, root, home=home).name == "Home <far@example.com>"
    repository(root.parent)
    file = root.parent / ".git" / "config"
    file.write_text(file.read_text() + "[user]\nname = Near\n")
    assert who_is_it(environ, root, home=home).name == "Near <far@example.com>"
    environ |= {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.com"}
    assert who_is_it(environ, root, home=home).name == "Ana <ana@example.com>"


def test_commit_is_the_one_checked_out(root: Path) -> None:
    """On a branch, packed or not, detached, and in another worktree."""
    top = root.parent
    first = repository(top)
    assert commit({}, root) == first
    run_git(top, "pack-refs", "--all")
    assert commit({}, root) == first
    run_git(top, "worktree", "add", "--quiet", "-b", "side", str(top.parent / "side"))
    run_git(top.parent / "side", "commit", "--quiet", "--allow-empty", "-m", "second")
    second = run_git(top.parent / "side", "rev-parse", "HEAD")
    assert commit({}, top.parent / "side") == second
    assert commit({}, root) == first
    run_git(top, "checkout", "--quiet", "--detach", second)
    assert commit({}, root) == second


def test_a_repository_without_a_commit_has_none(root: Path) -> None:
    """Nor has a folder that is in no repository."""
    assert commit({}, root) == ""
    run_git(root, "init", "--quiet")
    assert commit({}, root) == ""


@pytest.mark.parametrize(
    "head",
    [
        "ref: ../../secret",
        "ref: refs/heads/../../../secret",
        "ref: /etc/passwd",
        "secret",
        "\x00",
        "ref: refs/heads/a\x00b",
        "ref: refs/heads/" + "x" * 5000,
    ],
)
def test_a_hostile_head_leads_nowhere(root: Path, head: str) -> None:
    """Only a commit's hash under refs/ is ever taken."""
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text(head)
    (root / "secret").write_text(SHA)
    assert commit({}, root) == ""


def test_a_link_to_a_device_is_not_read(root: Path) -> None:
    """Reading it would never end."""
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").symlink_to("/dev/zero")
    (root / ".git" / "config").symlink_to("/dev/zero")
    assert commit({}, root) == ""
    assert git.identity(root, root, {}) == ""


def test_odd_bytes_in_the_environment_and_the_reason_are_text(root: Path, home: Path) -> None:
    """What the command line holds may be no UTF-8; the log takes it all the same."""
    found = origin(GITHUB | {"GITHUB_ACTOR": "\udcffocto"}, root, "why \udcff", home=home)
    assert found.actor.name == "?octo"
    assert found.reason == "why ?"

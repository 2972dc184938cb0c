"""Who is at work, and on which commit: from the environment and from git."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconcile.audit import git
from reconcile.audit.actor import commit, current_actor, origin
from reconcile.model.source import UNKNOWN

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
def environ(home: Path) -> dict[str, str]:
    """Return the environment of somebody who has set up nothing."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


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


def signs(folder: Path, environ: Mapping[str, str]) -> str:
    """Who the real git would name as the author of a commit."""
    done = subprocess.run(
        ["git", "var", "GIT_AUTHOR_IDENT"],
        cwd=folder,
        env=dict(environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout[: done.stdout.rindex(">") + 1]


def configure(folder: Path, text: str) -> None:
    """Add to a repository's own configuration."""
    with (folder / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write(text)


def test_github_is_asked_first(root: Path, environ: dict[str, str]) -> None:
    """On GitHub the actor is the user who started the job, with the job's own names."""
    found = current_actor(environ | GITHUB, root)
    assert (found.name, found.source) == ("octo", "github")
    assert found.facts == {
        "repository": "acme/shop",
        "run_id": "42",
        "run_attempt": "2",
        "sha": SHA,
        "ref": "refs/heads/main",
        "workflow_ref": "acme/shop/.github/workflows/apply.yml@refs/heads/main",
    }


def test_gitlab_too(root: Path, environ: dict[str, str]) -> None:
    """On GitLab the actor is the user who started the job, with the job's own names."""
    found = current_actor(environ | GITLAB, root)
    assert (found.name, found.source) == ("lab", "gitlab")
    assert found.facts == {"project": "acme/shop", "job_id": "7", "sha": SHA}


@pytest.mark.parametrize("service", [GITHUB, GITLAB])
def test_the_jobs_commit_is_not_taken_for_the_one_checked_out(
    root: Path, environ: dict[str, str], service: dict[str, str]
) -> None:
    """The commit is what git has checked out, and absent outside git, whatever the job is for."""
    assert commit(environ | service, root) == ""
    assert commit(environ | service, root.parent) == ""
    here = repository(root)
    assert commit(environ | service, root) == here != SHA


def test_variables_of_a_service_that_does_not_run_this_count_nothing(
    root: Path, environ: dict[str, str]
) -> None:
    """GITHUB_ACTOR alone makes nobody a GitHub user."""
    assert current_actor(environ | {"GITHUB_ACTOR": "octo"}, root).source == "os"


def test_without_an_identity_it_is_the_machines_user(
    root: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git knows no name, the actor is the user and the host."""
    monkeypatch.setenv("LOGNAME", "ana")
    monkeypatch.setattr("socket.gethostname", lambda: "mill")
    found = current_actor(environ, root)
    assert (found.name, found.source) == ("ana@mill", "os")


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("[user]\n\tname = Ana\n\temail = ana@example.com\n", "Ana <ana@example.com>"),
        ("[core]\nname = no\n[User] name=Ana\n", "Ana"),
        ("[user]\nEMAIL = ana@example.com ; at work\n", "ana@example.com"),
        ('[user]\nname = "Ana # \\"the\\" Rocha"  # nick\n', 'Ana # "the" Rocha'),
        ('[user "other"]\nname = no\n[user]\nname = Ana\n', "Ana"),
        ("[user]\nname = one\nname = Ana\n", "Ana"),
        ("[user]\nname = no\n[author]\nname = Ana\n", "Ana"),
        ("[user]\nname = Ana \\\nRocha\n", "Ana Rocha"),
    ],
)
def test_git_says_who_signs(root: Path, environ: dict[str, str], config: str, name: str) -> None:
    """The actor is who the repository's configuration names, with the machine beside it."""
    repository(root.parent)
    configure(root.parent, config)
    found = current_actor(environ, root)
    assert (found.name, found.source) == (name, "git")
    assert "@" in found.facts["machine"]


@pytest.mark.parametrize(
    "condition", ["include", 'includeIf "gitdir:{top}/"', 'includeIf "onbranch:main"']
)
def test_included_settings_count(
    root: Path, home: Path, environ: dict[str, str], condition: str
) -> None:
    """An identity that is included, on a condition or without, is the one that is named."""
    top = root.parent
    repository(top)
    (home / "work").write_text("[user]\nname = Work\nemail = work@example.com\n")
    section = condition.format(top=top)
    (home / ".gitconfig").write_text(
        f"[user]\nname = Home\nemail = home@example.com\n[{section}]\npath = {home / 'work'}\n"
    )
    assert current_actor(environ, root).name == "Work <work@example.com>" == signs(root, environ)


def test_the_nearer_configuration_wins(root: Path, home: Path, environ: dict[str, str]) -> None:
    """The environment, then the repository's file, then the user's, then the general one."""
    environ = environ | {"XDG_CONFIG_HOME": str(home / "xdg")}
    (home / "xdg" / "git").mkdir(parents=True)
    (home / "xdg" / "git" / "config").write_text("[user]\nname = Far\nemail = far@example.com\n")
    assert current_actor(environ, root).name == "Far <far@example.com>" == signs(root, environ)
    (home / ".gitconfig").write_text("[user]\nname = Home\n")
    assert current_actor(environ, root).name == "Home <far@example.com>" == signs(root, environ)
    other = home / "other"
    other.write_text("[user]\nname = Other\nemail = other@example.com\n")
    elsewhere = environ | {"GIT_CONFIG_GLOBAL": str(other)}
    assert (
        current_actor(elsewhere, root).name == "Other <other@example.com>" == signs(root, elsewhere)
    )
    repository(root.parent)
    configure(root.parent, "[user]\nname = Near\n")
    assert current_actor(environ, root).name == "Near <far@example.com>" == signs(root, environ)
    environ |= {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.com"}
    assert current_actor(environ, root).name == "Ana <ana@example.com>" == signs(root, environ)


def test_commit_is_the_one_checked_out(root: Path, environ: dict[str, str]) -> None:
    """On a branch, packed or not, detached, and in another worktree."""
    top = root.parent
    first = repository(top)
    assert commit(environ, root) == first
    run_git(top, "pack-refs", "--all")
    assert commit(environ, root) == first
    run_git(top, "worktree", "add", "--quiet", "-b", "side", str(top.parent / "side"))
    run_git(top.parent / "side", "commit", "--quiet", "--allow-empty", "-m", "second")
    second = run_git(top.parent / "side", "rev-parse", "HEAD")
    assert commit(environ, top.parent / "side") == second
    assert commit(environ, root) == first
    run_git(top, "checkout", "--quiet", "--detach", second)
    assert commit(environ, root) == second


def test_variables_that_name_another_repository_do_not_count(
    root: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    """A hook of another repository may run this: GIT_DIR there is not the project's."""
    other = tmp_path / "other"
    other.mkdir()
    repository(other)
    here = repository(root)
    pointing = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    assert commit(environ | pointing, root) == here
    assert commit(environ | pointing, root.parent) == ""


def test_a_repository_without_a_commit_has_none(root: Path, environ: dict[str, str]) -> None:
    """Nor has a folder that is in no repository."""
    assert commit(environ, root) == ""
    run_git(root, "init", "--quiet")
    assert commit(environ, root) == ""


@pytest.mark.parametrize("place", ["bin", "deep/bin"])
def test_where_git_is_missing_nobody_is_named(
    root: Path, home: Path, environ: dict[str, str], place: str
) -> None:
    """Neither a file of git's nor a program called git in the repository is asked instead."""
    (home / ".gitconfig").write_text("[user]\nname = Home\nemail = home@example.com\n")
    repository(root.parent)
    configure(root.parent, "[user]\nname = Near\n")
    folder = root.parent / place
    folder.mkdir(parents=True)
    program(folder / "git", root.parent / "started")
    for path in (str(folder), "", "bin", ".", str(home)):
        found = origin(environ | {"PATH": path}, root)
        assert (found.actor.name, found.actor.source) == (UNKNOWN, "git")
        assert "@" in found.actor.facts["machine"]
        assert found.commit == UNKNOWN
    assert not (root.parent / "started").exists()


def test_where_git_refuses_nobody_is_named(root: Path, home: Path, environ: dict[str, str]) -> None:
    """A repository of another user is refused by git: not even the user's own name is taken."""
    (home / ".gitconfig").write_text("[user]\nname = Home\nemail = home@example.com\n")
    repository(root)
    # Git's own switch for its tests, since only root could give a folder to somebody else.
    wrapper = home / "git"
    wrapper.write_text(
        f"#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec '{shutil.which('git')}' \"$@\"\n"
    )
    wrapper.chmod(0o755)
    found = origin(environ | {"PATH": f"{home}:{environ['PATH']}"}, root)
    assert (found.actor.name, found.commit) == (UNKNOWN, UNKNOWN)


def test_settings_that_git_cannot_read_name_nobody(root: Path, environ: dict[str, str]) -> None:
    """A damaged configuration makes the actor unknown, not the one of another file."""
    repository(root)
    configure(root, "[user\nname = Ana\n")
    assert current_actor(environ, root).name == UNKNOWN


@pytest.mark.parametrize(
    "head",
    [
        "ref: ../../secret",
        "ref: refs/heads/../../../secret",
        "ref: /etc/passwd",
        "secret",
        "\x00",
        "ref: refs/heads/a\x00b",
    ],
)
def test_a_hostile_head_leads_nowhere(root: Path, environ: dict[str, str], head: str) -> None:
    """What is not a commit of the repository is never named as one."""
    repository(root)
    (root / ".git" / "HEAD").write_text(head)
    (root / "secret").write_text(SHA)
    assert commit(environ, root) in ("", UNKNOWN)


def test_a_file_that_never_ends_is_given_up(
    root: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git gets a time limit; who and which commit are unknown then."""
    monkeypatch.setattr(git, "TIMEOUT", 0.5)
    repository(root)
    os.mkfifo(root / "pipe")
    configure(root, f"[include]\npath = {root / 'pipe'}\n")
    found = origin(environ, root)
    assert (found.actor.name, found.commit) == (UNKNOWN, UNKNOWN)


def test_odd_bytes_in_the_environment_and_the_reason_are_text(
    root: Path, environ: dict[str, str]
) -> None:
    """What the command line holds may be no UTF-8; the log takes it all the same."""
    found = origin(environ | GITHUB | {"GITHUB_ACTOR": "\udcffocto"}, root, "why \udcff")
    assert found.actor.name == "?octo"
    assert found.reason == "why ?"


def program(file: Path, marker: Path) -> None:
    """Make a program that leaves a marker."""
    file.write_text(f"#!/bin/sh\ntouch '{marker}'\n")
    file.chmod(0o755)

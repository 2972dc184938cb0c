"""The commit in the audit log is the plan's, and it says whether the files read were that one's."""

import csv
import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import SHOP, Project
from tests.planfiles import parsed, written

CHANGED = SHOP.replace("20.00", "21.00")


def git(folder: Path, *args: str) -> str:
    """What the real git says."""
    names = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    done = subprocess.run(
        ["git", *names, *args], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(project: Project) -> str:
    """Commit what the project has, without what does not belong to it; return the commit."""
    git(project.folder, "add", "manifests", "reconcile.yaml")
    git(project.folder, "commit", "--quiet", "--allow-empty", "-m", "all")
    return git(project.folder, "rev-parse", "HEAD")


@pytest.fixture
def tracked(project: Project) -> Project:
    """Return a project in a repository, with its files committed."""
    git(project.folder, "init", "--quiet")
    commit(project)
    return project


def last(project: Project) -> dict[str, Any]:
    """The latest event of the log."""
    found: dict[str, Any] = json.loads(project.fine("audit", "log", "--json").splitlines()[-1])
    return found


def exported(project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last row of the log as JSON and as CSV."""
    lines = project.fine("audit", "export").splitlines()
    table = list(csv.DictReader(StringIO(project.fine("audit", "export", "--format", "csv"))))
    return json.loads(lines[-1]), table[-1]


def test_the_commit_is_the_plans(tracked: Project) -> None:
    """A plan that is applied after another commit is logged with its own, and with the other."""
    planned = commit(tracked)
    tracked.fine("plan", "--out", "p")
    tracked.write("Notes\n", "notes.txt")
    git(tracked.folder, "add", "notes.txt")
    at_apply = commit(tracked)
    said = tracked.run("apply", "p")
    assert said.code == 0
    assert f"Planned at commit {planned[:12]}\n" in said.err
    event = last(tracked)
    assert event["commit"] == planned
    assert event["facts"]["files"] == "same"
    assert event["facts"]["commit_at_apply"] == at_apply
    text = tracked.fine("audit", "log")
    assert f"commit {planned[:12]}, commit at apply {at_apply[:12]}\n" in text
    text = tracked.fine("audit", "show", event["run"])
    assert f"  commit    {planned}\n            the files read are this commit's\n" in text
    assert f"  at apply  {at_apply}\n" in text
    for row in exported(tracked):
        assert (row["commit"], row["files"], row["commit_at_apply"]) == (planned, "same", at_apply)


def test_an_apply_without_a_plan_file_is_of_one_commit(tracked: Project) -> None:
    """Then the commit is reported once."""
    head = git(tracked.folder, "rev-parse", "HEAD")
    assert f"Planned at commit {head[:12]}\n" in tracked.run("apply", "--auto-approve").err
    event = last(tracked)
    assert (event["commit"], event["facts"]["files"]) == (head, "same")
    assert "commit_at_apply" not in event["facts"]


@pytest.mark.parametrize("name", ["manifests/shop.yaml", "manifests/new.yaml", "reconcile.yaml"])
def test_files_that_are_not_the_commits_are_reported(tracked: Project, name: str) -> None:
    """Edited or untracked, a manifest or the project file: plan, show and the log say so."""
    head = git(tracked.folder, "rev-parse", "HEAD")
    path = tracked.folder / name
    before = path.read_text() if path.exists() else "{kind: cart, key: C-7}\n"
    tracked.write(f"{before}# edited\n", name)
    note = f"Planned at commit {head[:12]}, but the files read differ from it\n"
    assert note in tracked.run("plan", "--out", "p").err
    assert note in tracked.run("show", "p").err
    commit(tracked)
    tracked.fine("apply", "p")
    event = last(tracked)
    assert (event["commit"], event["facts"]["files"]) == (head, "differ")
    assert f"commit {head[:12]} (files differ), commit at apply" in tracked.fine("audit", "log")
    assert "the files read differ from it" in tracked.fine("audit", "show", event["run"])
    assert [row["files"] for row in exported(tracked)] == ["differ", "differ"]


def test_a_run_that_is_resumed_keeps_the_plans_commit(tracked: Project) -> None:
    """The kept plan says which commit it was made at, whatever is checked out by then."""
    tracked.write(f"{SHOP}---\nkind: order\nkey: A-2\nproperties: {{hs_total_price: 1.00}}\n")
    planned = commit(tracked)
    tracked.fine("plan", "--out", "p")
    (tracked.folder / "manifests" / "shop.yaml").rename(tracked.folder / "manifests" / "all.yaml")
    make_order(tracked, "A-2")
    tracked.fine("apply", "p", "--on-error", "halt", code=5)
    at_apply = commit(tracked)
    tracked.run("resume")
    event = last(tracked)
    assert (event["commit"], event["facts"]["commit_at_apply"]) == (planned, at_apply)


def make_order(project: Project, key: str) -> None:
    """Somebody makes the order that a plan is about to make."""
    body = {"properties": {"reconcile_key": key}}
    headers = {"Authorization": f"Bearer {project.account.token}"}
    url = f"{project.account.url}/crm/v3/objects/orders"
    httpx.post(url, json=body, headers=headers, trust_env=False).raise_for_status()


def test_a_refused_plan_is_of_its_commit(tracked: Project) -> None:
    """Refusals name the plan's commit too."""
    planned = git(tracked.folder, "rev-parse", "HEAD")
    tracked.fine("plan", "--out", "p")
    at_apply = commit(tracked)
    tracked.fine("apply", "p", "--expect-digest", "0" * 64, code=6)
    event = last(tracked)
    assert (event["event"], event["commit"]) == ("refused", planned)
    assert event["facts"]["commit_at_apply"] == at_apply


def test_outside_git_no_commit_is_named(project: Project) -> None:
    """Neither plan nor log says anything about a commit."""
    said = project.run("plan", "--out", "p")
    assert "commit" not in said.all
    assert "source" not in json.loads(project.fine("show", "--format", "json", "p"))
    project.fine("apply", "p")
    event = last(project)
    assert event["commit"] == ""
    assert not {"files", "commit_at_apply"} & event["facts"].keys()
    assert "commit" not in project.fine("audit", "log")
    assert "commit" not in project.fine("audit", "show", event["run"])


def test_a_plan_from_outside_git_gets_no_commit_when_applied(project: Project) -> None:
    """The commit at apply is reported as that alone."""
    project.fine("plan", "--out", "p")
    git(project.folder, "init", "--quiet")
    at_apply = commit(project)
    project.fine("apply", "p")
    event = last(project)
    assert (event["commit"], event["facts"]["commit_at_apply"]) == ("", at_apply)


def test_where_git_does_not_say_the_commit_is_unknown(
    tracked: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without git on the machine, plan and log say unknown, and apply goes on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    said = tracked.run("apply", "--auto-approve")
    assert (said.code, "Planned at an unknown commit" in said.err) == (0, True)
    event = last(tracked)
    assert (event["commit"], event["actor"]["name"]) == ("unknown", "unknown")
    assert "by unknown, commit unknown" in tracked.fine("audit", "log")


def test_the_commit_is_no_part_of_the_content_digest(tracked: Project) -> None:
    """The same plan at another commit is the same plan."""
    one = tracked.run("plan", "--out", "p").err
    commit(tracked)
    tracked.write(f"{SHOP}# edited\n")
    other = tracked.run("plan", "--out", "q").err

    def digest(said: str) -> str:
        return next(line for line in said.splitlines() if line.startswith("Content digest: "))

    assert digest(one) == digest(other)
    assert one != other


@pytest.mark.parametrize(
    ("field", "value"),
    [("commit", "main"), ("commit", "ab" * 20 + "\n"), ("commit", "\x1b[31m"), ("files", "fine")],
)
def test_a_plan_file_cannot_name_something_else(tracked: Project, field: str, value: str) -> None:
    """What reaches the log is a commit's hash, or that it is unknown."""
    tracked.fine("plan", "--out", "p")
    lines = parsed((tracked.folder / "p").read_bytes())
    lines[0][field] = value
    (tracked.folder / "p").write_bytes(written(lines))
    assert "its content is not a plan" in tracked.refused("apply", "p")


def test_the_plan_as_json_has_the_commit(tracked: Project) -> None:
    """For programs: the commit, and whether the files read were its own."""
    head = git(tracked.folder, "rev-parse", "HEAD")
    tracked.fine("plan", "--out", "p")
    found = json.loads(tracked.fine("show", "--format", "json", "p"))
    assert found["source"] == {"commit": head, "files": "same"}

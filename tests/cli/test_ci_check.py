"""`reconcile ci github check`, against a forge in a box."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from forge.content import Ruleset
from forge.server import Forge

from tests.cli.conftest import SCRIPT

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ALL_ON = """\
acme/shop, branch main: what reviews rely on

On: 11
  pull-request      a pull request is required
  approval          an approving review is required
  last-push         the last push needs the approval of somebody else
  required-check    the check reconcile is required, and GitHub Actions must
                    report it
  dismissal         the workflow may dismiss reviews
  no-bypass         nobody may bypass what is required
  history           force pushes and deletions are blocked
  environment       the token in hubspot-write reaches workflows of main only
  workflow-approval workflows may not approve pull requests
  workflow-token    workflows can only read unless they say otherwise
  merge-queue       no merge queue waits for the check

All 11 settings are on.
"""


@pytest.fixture
def check(forge: Forge, tmp_path: Path) -> Run:
    """Run the command as a process in an empty folder; without a project."""

    def run(*args: str, token: str = forge.admin, **variables: str) -> object:
        environ = {**os.environ, **forge.environment(token), **variables}
        done = subprocess.run(
            [SCRIPT, "ci", "github", "check", *args],
            cwd=tmp_path,
            env={name: value for name, value in environ.items() if value},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert not list(tmp_path.iterdir())
        assert forge.admin not in done.stdout + done.stderr
        assert forge.token not in done.stdout + done.stderr
        return done

    return run


def test_everything_is_on(forge: Forge, check: Run) -> None:
    """Nothing is changed on the forge, and the command needs no project."""
    done = check("--detailed-exitcode")
    assert (done.returncode, done.stdout, done.stderr) == (0, ALL_ON, "")
    assert {call.partition(" ")[0] for call in forge.calls} == {"GET"}


def test_what_is_off_stands_first_with_its_place(forge: Forge, check: Run) -> None:
    """One line says what it means, the hint where to change it; a job fails only if asked."""
    forge.repository.rulesets = []
    done = check()
    assert done.returncode == 0
    first = done.stdout.splitlines()[2:6]
    assert first == [
        "Off: 6",
        "  pull-request      no pull request is required: whoever can push can change",
        "                    orders unseen",
        "                    hint: Settings > Rules > Rulesets: Require a pull request",
    ]
    assert done.stdout.endswith("Of 11 settings: 6 off.\n")
    assert check("--detailed-exitcode").returncode == 2


def test_what_cannot_be_seen_is_not_fine(forge: Forge, check: Run) -> None:
    """A job's own token sees less; what it lacks stands there once, not per setting."""
    done = check("--detailed-exitcode", token=forge.token)
    assert done.returncode == 2
    assert "Cannot be seen: 3" in done.stdout
    assert done.stdout.count("`Administration: read`") == 1
    assert done.stdout.endswith("Of 11 settings: 3 cannot be seen with this token.\n")


def test_the_output_fits_a_terminal(forge: Forge, check: Run) -> None:
    """80 columns, whatever names people give."""
    forge.repository.rulesets = [Ruleset(8, [], bypass=[])]
    forge.repository.environments = {}
    done = check("--environment", "e" * 200, "--check", "c" * 200)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_has_the_same(forge: Forge, check: Run) -> None:
    """For programs, with counts."""
    forge.repository.workflow_approves = True
    found = json.loads(check("--json").stdout)
    assert found["format_version"] == "1.0"
    assert found["summary"] == {"off": 1, "unknown": 0, "on": 10}
    assert (found["repository"], found["branch"]) == ("acme/shop", "main")
    assert found["settings"][0] == {
        "name": "workflow-approval",
        "state": "off",
        "text": "workflows may approve pull requests: a pull request can bring its own approval",
        "hint": "Settings > Actions > General > Workflow permissions: Allow GitHub Actions to "
        "create and approve pull requests: off",
    }


def test_another_repository_branch_environment_and_check(forge: Forge, check: Run) -> None:
    """Each is named by its option; options go before the job's variables."""
    forge.repository.environments["prod"] = forge.repository.environments.pop("hubspot-write")
    done = check("--repository", "acme/shop", "--environment", "prod", GITHUB_REPOSITORY="x/y")
    assert done.stdout.endswith("All 11 settings are on.\n")
    done = check("--check", "plan", "--environment", "prod", "--branch", "main")
    assert "the check plan is not required" in done.stdout


def test_names_of_others_are_shown_harmlessly(forge: Forge, check: Run) -> None:
    """Text from GitHub and from the command line neither colours nor commands."""
    actor = {"actor_type": "\x1b[31m\n::error::x", "bypass_mode": "always"}
    forge.repository.rulesets[0].bypass = [actor]
    forge.repository.environments = {}
    done = check("--environment", "\x1b[31mred\n::warning::y")
    # An actor of a type that GitHub does not document is still named.
    assert "\x1b" not in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("::")]


@pytest.mark.parametrize(
    ("args", "variables", "error"),
    [
        ((), {"GITHUB_TOKEN": ""}, "no token for GitHub"),
        ((), {"GITHUB_REPOSITORY": ""}, "no repository is named, and GITHUB_REPOSITORY is not set"),
        (("--repository", "shop"), {}, "--repository is not OWNER/NAME: 'shop'"),
        (("--repository", "acme/.."), {}, "--repository is not OWNER/NAME: 'acme/..'"),
        ((), {"GITHUB_REPOSITORY": "a/b/c"}, "GITHUB_REPOSITORY is not OWNER/NAME: 'a/b/c'"),
        (("--repository", "acme/other"), {}, "GitHub refused: 404 Not Found"),
        (("--branch", "nope"), {}, "there is no branch 'nope'"),
        (("--check", ""), {}, "--check needs a name"),
        ((), {"GITHUB_API_URL": "http://api.github.com"}, "GITHUB_API_URL cannot be used"),
        ((), {"GITHUB_TOKEN": "wrong"}, "GitHub does not accept the token in GITHUB_TOKEN: 401"),
    ],
)
def test_errors(check: Run, args: tuple[str, ...], variables: dict[str, str], error: str) -> None:
    """One line of error, a hint where there is a way out, and exit code 1."""
    done = check(*args, **variables)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {error}")
    assert done.stderr.count("error: ") == 1

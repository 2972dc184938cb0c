"""What is checked before a commit and before a change lands: the files that say so."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
HOOKS = ROOT / ".pre-commit-config.yaml"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
EXAMPLES = sorted((ROOT / "examples" / "ci" / "github").glob("*.yml"))
MUTANTS = ROOT / "tests" / "mutants"
RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def hooks() -> list[dict[str, Any]]:
    """Return the hooks that run before each commit."""
    (repository,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def workflow() -> dict[Any, Any]:
    """Return our own workflow; YAML 1.1 reads its key ``on`` as true."""
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return found


def actions(path: Path) -> dict[str, str]:
    """Return the commit that a workflow pins of each action."""
    uses = re.findall(r"uses: (\S+)@(\S+) # v\d", path.read_text(encoding="utf-8"))
    assert len(uses) == path.read_text(encoding="utf-8").count("uses:")
    return dict(uses)


def test_hooks_download_nothing() -> None:
    """The hooks before a commit are programs of the environment, and make none of their own."""
    assert [hook["id"] for hook in hooks()] == ["lint", "format", "types", "complexity"]
    assert {hook["language"] for hook in hooks()} == {"unsupported"}


def test_programs_of_hooks_are_in_the_development_environment() -> None:
    """Each hook starts a pinned tool of the group ``lint``, or a script with .venv's Python."""
    tools = {Requirement(text).name for text in PROJECT["dependency-groups"]["lint"]}
    for hook in hooks():
        program, *arguments = hook["entry"].split()
        assert Path(program).parent == Path(".venv/bin")
        name = Path(program).name
        assert name in tools or (name == "python" and (ROOT / arguments[0]).is_file()), hook


def test_ci_runs_the_hooks_and_checks_every_workflow() -> None:
    """CI runs what the hooks run, and checks the examples' workflows and our own alike."""
    for hook in hooks():
        assert hook["entry"].removesuffix(" --force-exclude") in RUN
    assert "workflows=(examples/ci/github/*.yml .github/workflows/*.yml)" in RUN
    assert '.venv/bin/actionlint "${workflows[@]}"' in RUN
    assert '--persona=pedantic --quiet "${workflows[@]}"' in RUN


def test_workflow_runs_ci_on_main_and_on_pull_requests() -> None:
    """Every push to main and every pull request runs .ci/run, for 90 minutes at most."""
    assert workflow()[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    (job,) = workflow()["jobs"].values()
    assert job["timeout-minutes"] == 90
    assert [step["run"] for step in job["steps"] if "run" in step] == ["sudo .ci/run"]


def test_workflow_may_only_read_the_code() -> None:
    """The job's token can read the repository and nothing else, and is not left in it."""
    assert workflow()["permissions"] == {}
    (job,) = workflow()["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    (checkout,) = (step for step in job["steps"] if "uses" in step)
    assert checkout["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("path", [WORKFLOW, *EXAMPLES], ids=lambda path: path.name)
def test_actions_are_pinned_alike(path: Path) -> None:
    """Each workflow names an action by its commit, and all of them by the same one."""
    known = {
        name: commit for other in (WORKFLOW, *EXAMPLES) for name, commit in actions(other).items()
    }
    for name, commit in actions(path).items():
        assert re.fullmatch("[0-9a-f]{40}", commit)
        assert commit == known[name]


def test_coverage_leaves_nothing_out() -> None:
    """Branches are counted, there is a floor, and no line of the package is excluded."""
    coverage = PROJECT["tool"]["coverage"]
    assert coverage["run"]["branch"] is True
    assert coverage["report"]["fail_under"] >= 85
    assert not {"exclude_also", "exclude_lines", "omit", "partial_also"} & {
        key for table in coverage.values() for key in table
    }
    excluded = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "reconcile").rglob("*.py")
        if re.search(r"pragma:\s*no", path.read_text(encoding="utf-8"))
    ]
    assert excluded == []
    assert all((ROOT / folder).is_dir() for folder in coverage["run"]["source"])


def test_development_environment_names_its_options() -> None:
    """The command that makes the environment starts with any Python, and says what it can do."""
    done = subprocess.run(
        [sys.executable, ".ci/develop", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--hooks" in done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in MUTANTS.glob("*.patch")))
def test_every_mutant_is_a_fault_of_the_code_as_it_is(name: str, tmp_path: Path) -> None:
    """It applies, and the tests that it names are there; they run in the long form."""
    patch = MUTANTS / f"{name}.patch"
    text = patch.read_text(encoding="utf-8")
    for file in re.findall(r"^\+\+\+ b/(.+)$", text, re.MULTILINE):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    subprocess.run(["git", "apply", "--check", str(patch)], cwd=tmp_path, check=True)
    named = re.findall(r"^Test: ([^:\s]+)(?:::(\w+))?$", text, re.MULTILINE)
    assert named
    for file, test in named:
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8")

"""What each command imports: a page of help, or work on a store, pays for no HTTP client."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Project
from tests.cli.test_help import ALL

LOADED = """
import json, sys
from reconcile.cli import main
loaded = []
for args in {calls}:
    sys.argv = ["reconcile", *args]
    try:
        main()
    except SystemExit as stop:
        loaded.append([args, stop.code, sorted(sys.modules)])
with open({into!r}, "w") as file:
    json.dump(loaded, file)
"""

CLIENTS = {"httpx", "httpcore", "reconcile.hubspot", "anyio"}
SERVERS = {"starlette", "uvicorn", "jinja2", "reconcile.sandbox.server.sandbox_server"}
LIBRARIES = {"pydantic", "yaml", "ruamel", "filelock", "deepdiff", "rich", "obstore", "psycopg"}
OWN_CODE = {"reconcile.project", "reconcile.manifests", "reconcile.planning", "reconcile.stores"}
"""Most of ours; a page of help needs neither these nor any library but click."""

PAGES = [[*path.split()[1:], "--help"] for path, _ in ALL]
LITTLE = [["version"], ["--version"], ["-h"], [], ["pln"], ["--nope"], ["plan", "--nope"]]

AFTER_APPLY = [
    ["status"],
    ["status", "--json"],
    ["lock", "show"],
    ["state", "list"],
    ["state", "show", "order/A-1"],
    ["audit", "log"],
    ["audit", "verify"],
    ["audit", "export", "--format", "csv"],
    ["audit", "redact", "order/A-1", "--auto-approve"],
    ["show", "saved.plan"],
    ["show", "saved.plan", "--format", "json"],
    ["show", "saved.plan", "--format", "markdown"],
    ["validate"],
    ["validate", "--json"],
    ["state", "rm", "cart/C-1", "--auto-approve"],
    ["state", "mv", "order/A-1", "order/B-1"],
    ["state", "push", "file:elsewhere"],
]
"""Commands that ask no account, in an order in which each succeeds."""


def loaded(folder: Path, *calls: list[str]) -> list[tuple[list[str], int, set[str]]]:
    """Call the program in one new process; each call's exit code, and the modules loaded by then.

    Packages count with their parents: ``a.b.c`` is ``a`` and ``a.b`` too.
    """
    into = folder / "loaded.json"
    code = LOADED.format(calls=list(calls), into=str(into))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(into.read_text())
    into.unlink()
    return [(args, code, set(modules)) for args, code, modules in found]


@pytest.fixture
def applied(project: Project) -> Project:
    """Return a project whose plan was saved and carried out."""
    project.fine("plan", "--out", "saved.plan")
    project.fine("apply", "saved.plan")
    return project


def test_help_imports_nothing_but_click(tmp_path: Path) -> None:
    """No page of help loads a library beside click, or the code that carries its command out."""
    heavy = CLIENTS | SERVERS | LIBRARIES | OWN_CODE
    for args, code, modules in loaded(tmp_path, *PAGES):
        assert (args, code, modules & heavy) == (args, 0, set())


def test_mistyped_commands_import_nothing_but_click(tmp_path: Path) -> None:
    """The version and a mistyped command line load no library beside click."""
    heavy = CLIENTS | SERVERS | LIBRARIES | OWN_CODE
    for args, _, modules in loaded(tmp_path, *LITTLE):
        assert (args, modules & heavy) == (args, set())


def test_work_on_a_store_imports_no_http_client(applied: Project) -> None:
    """What asks no account loads neither an HTTP client nor the sandbox, nor what compares."""
    heavy = CLIENTS | SERVERS | {"deepdiff", "rich", "pygments", "obstore", "psycopg"}
    for args, code, modules in loaded(applied.folder, *AFTER_APPLY):
        assert (args, code, modules & heavy) == (args, 0, set())


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize("args", [["status"], ["state", "list"], ["lock", "show"]])
def test_reading_a_store_imports_no_yaml_editor(applied: Project, args: list[str]) -> None:
    """Only what edits a file of the project loads the library that finds places in it."""
    ((_, code, modules),) = loaded(applied.folder, args)
    assert (code, modules & {"ruamel", "ruamel.yaml"}) == (0, set())


def test_planning_imports_no_command_line_of_httpx(applied: Project) -> None:
    """A plan that shows nothing loads httpx, but not its command line; nor what finds changes."""
    ((_, code, modules),) = loaded(applied.folder, ["plan"])
    heavy = {"httpx._main", "rich", "pygments", "deepdiff", "starlette", "uvicorn", "jinja2"}
    assert (code, "httpx" in modules, modules & heavy) == (0, True, set())


def test_planning_creations_imports_nothing_that_compares(project: Project) -> None:
    """A record that does not exist is not compared, whatever it is associated with."""
    ((_, code, modules),) = loaded(project.folder, ["plan", "--detailed-exitcode"])
    found = "reconcile.planning.compare" in modules, "deepdiff" in modules
    assert (code, found) == (2, (True, False))


def test_httpx_keeps_its_command_line_for_others() -> None:
    """A program that uses reconcile can import httpx's command line afterwards."""
    code = "import reconcile.hubspot.connection, httpx._main; assert httpx._main.main"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_httpx_imported_before_is_left_alone() -> None:
    """A program that has httpx's command line already keeps it."""
    code = (
        "import httpx, sys; was = sys.modules['httpx._main']; import reconcile.hubspot.connection; "
    )
    code += "assert sys.modules['httpx._main'] is was"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_sandbox_describes_itself_only_when_asked(tmp_path: Path) -> None:
    """Planning on the embedded sandbox builds no OpenAPI document."""
    examples = Path(__file__).resolve().parents[2] / "examples"
    shutil.copytree(
        examples / "quickstart", tmp_path / "shop", ignore=shutil.ignore_patterns("state")
    )
    calls = [["init", "--auto-approve"], ["plan"]]
    found = loaded(tmp_path / "shop", *calls)
    assert [(args, code) for args, code, _ in found] == [(args, 0) for args in calls]
    modules = found[-1][2]
    assert "reconcile.sandbox.server.sandbox_server" in modules
    assert (
        modules & {"reconcile.sandbox.openapi.document", "reconcile.sandbox.openapi.body_shapes"}
        == set()
    )

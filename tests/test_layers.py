"""Who may import whom: the layers of the design, read from the source."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "reconcile"

BELOW = {
    "model": (),
    "errors": (),
    "call_watchdog": (),
    "deprecations": ("model",),
    "atomic_files": ("errors",),
    "manifests": ("errors", "model"),
    "project": ("atomic_files", "deprecations", "errors", "manifests", "model"),
    "hubspot": ("call_watchdog", "errors", "model"),
    "stores": ("atomic_files", "call_watchdog", "errors", "model"),
    "render": ("errors", "model"),
    "sandbox": (),
    "planning": ("errors", "model"),
    "review": ("model",),
    "plan_files": ("atomic_files", "errors", "model", "planning"),
    "state": ("errors", "model", "stores"),
    "fetching": ("errors", "hubspot", "model", "state"),
    "github": ("errors", "hubspot", "model", "project"),
    "audit": ("errors", "github", "hubspot", "model", "stores"),
    "selecting": ("audit", "errors", "manifests", "model", "project"),
    "probing": ("errors", "hubspot", "model"),
    "pulling": ("atomic_files", "errors", "hubspot", "manifests", "model", "planning", "state"),
    "applying": ("audit", "errors", "fetching", "hubspot", "model", "planning", "state", "stores"),
    "recovery": (
        "applying",
        "audit",
        "call_watchdog",
        "errors",
        "fetching",
        "hubspot",
        "model",
        "planning",
        "state",
        "stores",
    ),
    "session": (
        "call_watchdog",
        "errors",
        "hubspot",
        "model",
        "project",
        "sandbox",
        "state",
        "stores",
    ),
    "workflow": (
        "applying",
        "audit",
        "errors",
        "fetching",
        "hubspot",
        "manifests",
        "model",
        "planning",
        "project",
        "recovery",
        "selecting",
        "session",
        "state",
        "stores",
    ),
    "api": (
        "atomic_files",
        "audit",
        "errors",
        "hubspot",
        "manifests",
        "model",
        "plan_files",
        "planning",
        "project",
        "recovery",
        "render",
        "selecting",
        "session",
        "stores",
        "workflow",
    ),
    "cli": (
        "applying",
        "atomic_files",
        "audit",
        "call_watchdog",
        "deprecations",
        "errors",
        "fetching",
        "github",
        "manifests",
        "model",
        "plan_files",
        "planning",
        "probing",
        "project",
        "pulling",
        "recovery",
        "render",
        "sandbox",
        "selecting",
        "session",
        "state",
        "stores",
        "workflow",
    ),
}
"""For each part of the package, the parts it may import. A new part needs a line here."""

PUBLIC = {"api", "errors", "manifests", "model"}
"""Where the names that ``reconcile`` exports come from; it imports them when they are used."""

SHARED_NAMES = {
    "audit": "the audit log: its nouns, and its command",
    "cost": "how many calls an apply takes",
    "drift": "what others changed: what a plan does about it, and its command",
    "plan": "the plan: the noun, and its command",
    "references": "references between records: in manifests, as data, and as found",
    "source": "the commit that files are from",
    "state": "the state, and its command",
    "validate": "what is wrong with declared records, and the command that says it",
}
"""File names that occur in several rooms, and the one thing that each stands for.

What can be typed lies in ``cli/commands`` under the name of its command, and the questions
of the probe under the name of what they ask about.
"""

SANDBOX = "reconcile.sandbox."

SANDBOX_BELOW = {
    "api_errors": (),
    "object_types": (),
    "switches": (),
    "scopes": ("object_types",),
    "wire_format": ("api_errors",),
    "clock": ("wire_format",),
    "storage": ("object_types", "scopes", "switches", "wire_format"),
    "rules": (
        "api_errors",
        "clock",
        "object_types",
        "scopes",
        "storage",
        "switches",
        "wire_format",
    ),
    "faults": ("api_errors", "object_types", "rules", "storage", "switches", "wire_format"),
    "api": ("api_errors", "object_types", "rules", "scopes", "storage", "wire_format"),
    "openapi": ("api", "object_types", "rules"),
    "runtime": ("clock", "faults", "rules", "storage", "switches"),
    "page": ("object_types", "rules", "runtime", "storage", "wire_format"),
    "server": (
        "api",
        "api_errors",
        "clock",
        "faults",
        "object_types",
        "openapi",
        "page",
        "rules",
        "runtime",
        "scopes",
        "storage",
        "switches",
        "wire_format",
    ),
}
"""The same for the rooms of the sandbox, and for the modules that several of them use."""

IO = {
    "asyncio",
    "ftplib",
    "http",
    "httpx",
    "io",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
"""Modules that reach outside, or answer differently each time."""

NOW = {"now", "today", "utcnow"}

WRITES = {"upsert", "update", "patch", "create", "associate", "dissociate", "archive"}
WRITES |= {"define_unique"}
"""The client's methods that change something in HubSpot."""

COMMON = {"update", "create"}
"""Of these the ones that other objects have too: writes only when called on a client."""

FILES = sorted(ROOT.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """A file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


def part(path: Path) -> str:
    """The package, or the module right under ours, that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file, those inside functions too, with its line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are absolute here"
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def ours(path: Path) -> Iterator[tuple[int, str]]:
    """The parts of ours that a file imports; our version is nobody's layer."""
    for line, name in imports(path):
        top, *rest = name.split(".")
        if top == "reconcile" and rest and rest[0] != "__version__":
            yield line, rest[0]


def within(*parts: str) -> list[Path]:
    """The files of some parts."""
    return [path for path in FILES if part(path) in parts]


def calls_of_writes(path: Path) -> Iterator[str]:
    """Where a file names one of the client's writing methods."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and node.attr in WRITES:
            on = ast.unparse(node.value)
            if node.attr not in COMMON or on.rpartition(".")[2] in ("hubspot", "client"):
                yield f"{path.name}:{node.lineno}: {on}.{node.attr}"


def places(paths: list[Path], modules: set[str]) -> list[str]:
    """Where any of some modules is imported."""
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in paths
        for line, name in imports(path)
        if name.split(".")[0] in modules
    ]


def test_imports_point_downward() -> None:
    """A part imports itself and the parts below it, nothing beside or above."""
    upward = []
    for path in FILES:
        here = part(path)
        allowed = PUBLIC if here == "__init__" else {here, *BELOW.get(here, ())}
        upward += [
            f"{path.relative_to(ROOT)}:{line}: {name}"
            for line, name in ours(path)
            if name not in allowed
        ]
    assert upward == []


def test_layers_have_no_cycle() -> None:
    """Each part's own list names only parts whose lists came before."""
    seen: set[str] = set()
    for name, below in BELOW.items():
        assert seen.issuperset(below), name
        seen.add(name)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Modules can be put in an order in which each imports only modules before it."""
    modules = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
    }
    graph: dict[str, set[str]] = {}
    for path in FILES:
        if part(path) == "__init__":
            continue  # imports nothing until a name of it is used
        here = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        names = {name for _, name in imports(path)}
        used = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[here.removesuffix(".__init__")] = used & modules
    TopologicalSorter(graph).prepare()


def test_a_file_name_stands_for_one_thing() -> None:
    """A file name occurs once, or is in the table of names that stand for one thing."""
    seen = Counter(
        path.stem
        for path in FILES
        if part(path) != "sandbox"
        and path.stem != "__init__"
        and path.parent.name not in ("commands", "questions")
    )
    assert {name for name, times in seen.items() if times > 1} == SHARED_NAMES.keys()


def test_every_part_has_its_layer() -> None:
    """No part of the package is missing in the table of layers."""
    assert {part(path) for path in FILES} - {"__init__"} <= set(BELOW)


def test_model_and_planning_reach_nothing_outside() -> None:
    """Model and planning import no module that does I/O, tells the time or rolls dice."""
    assert places(within("model", "planning", "errors"), IO) == []


def test_render_reaches_only_the_stream_it_is_given() -> None:
    """Render imports no module that does I/O; only the progress bar knows a stream by itself."""
    assert places(within("render"), IO) == []
    assert {path.name for path in within("render") if places([path], {"sys"})} <= {"progress.py"}


def test_pure_layers_ask_no_clock_and_open_nothing() -> None:
    """Model, planning and render call no ``open``, ``input`` or ``datetime.now``."""
    found = []
    for path in within("model", "planning", "render"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                call = node.func
                name = call.id if isinstance(call, ast.Name) else getattr(call, "attr", "")
                if name in {"open", "input", *NOW}:
                    found.append(f"{path.name}:{node.lineno}: {name}")
    assert found == []


def test_sandbox_stands_alone() -> None:
    """The sandbox shares no code with the client, and only cli and session start it."""
    assert {name for path in within("sandbox") for _, name in ours(path)} == {"sandbox"}
    users = {part(path) for path in FILES for _, name in ours(path) if name == "sandbox"}
    assert users == {"sandbox", "cli", "session"}


def test_sandbox_rooms_import_downward() -> None:
    """Each room of the sandbox imports only rooms that stand before it in its table."""
    seen: set[str] = set()
    for room, below in SANDBOX_BELOW.items():
        assert seen.issuperset(below), room
        seen.add(room)
    found = []
    for path in within("sandbox"):
        room = path.relative_to(ROOT / "sandbox").parts[0].removesuffix(".py")
        if room != "__init__":  # offers what others may use, from any room
            allowed = {room, *SANDBOX_BELOW[room]}
            rooms = {name.split(".")[2] for _, name in imports(path) if name.startswith(SANDBOX)}
            found += [f"{path.relative_to(ROOT)}: {name}" for name in sorted(rooms - allowed)]
    assert found == []


def test_sandbox_reads_none_of_our_data() -> None:
    """The sandbox names no file of the model: its facts are written again from the reference."""
    assert [path.name for path in within("sandbox") if "model/kinds" in path.read_text()] == []


@pytest.mark.parametrize(
    ("library", "home"),
    [
        ("httpx", "hubspot/connection.py"),
        ("deepdiff", "planning/compare.py"),
        ("filelock", "stores/local_lock.py"),
        ("obstore", "stores/bucket.py"),
        ("psycopg", "stores/postgres_connection.py"),
        ("yaml", "manifests/yaml_nodes.py"),
        ("ruamel", "manifests/yaml_slots.py"),
    ],
)
def test_library_has_one_home(library: str, home: str) -> None:
    """A library that could have to be replaced is imported in one module."""
    assert {place.partition(":")[0] for place in places(FILES, {library})} == {home}


def test_rich_is_for_render_alone() -> None:
    """Nothing but render knows how colours are made."""
    assert {place.partition("/")[0] for place in places(FILES, {"rich"})} == {"render"}


def test_only_one_module_starts_processes() -> None:
    """Nothing but the module that asks git starts a program."""
    assert {place.partition(":")[0] for place in places(FILES, {"subprocess"})} == {"audit/git.py"}
    assert places(FILES, {"multiprocessing", "pty"}) == []
    starting = re.compile(r"os\.(system|popen|fork\w*|exec[lv]\w*|(posix_)?spawn\w*|startfile)")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and starting.fullmatch(ast.unparse(node))
    ]
    assert found == []


def test_nothing_prints() -> None:
    """``print`` is nowhere: output goes through click or a stream."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and node.id == "print"
    ]
    assert found == []


WRITERS = ("applying", "hubspot", "probing", "sandbox")
"""Who may write: the applier, its client, and `doctor --probe`, the design's named exception."""


def test_only_applying_writes() -> None:
    """No package but applying (the client and the probe aside) names a method that writes."""
    others = [path for path in FILES if part(path) not in WRITERS]
    assert [place for path in others for place in calls_of_writes(path)] == []


def test_only_the_probe_goes_around_the_client() -> None:
    """Nobody but the client and the probe sends calls that the client has no method for."""
    for path in FILES:
        if part(path) not in ("hubspot", "probing"):
            names = {name for _, name in imports(path)}
            assert not {name for name in names if name.startswith("reconcile.hubspot.transport")}
            attributes = [n.attr for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute)]
            assert "transport" not in attributes, path


def test_writing_methods_are_the_clients_own() -> None:
    """The list of writing methods is complete: it is all the client has beside its readings."""
    classes = {"HubSpot", "AccountReader", "RecordReader", "RecordWriter", "HistoryReader"}
    classes |= {"AssociationReader", "AssociationWriter"}
    public = {
        method.name
        for path in within("hubspot")
        for one in tree(path).body
        if isinstance(one, ast.ClassDef) and one.name in classes
        for method in one.body
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
    }
    reads = {"account", "scopes", "usage", "properties", "property", "groups", "pipelines"}
    reads |= {"labels", "read", "get", "links", "calls", "close", "transport", "permitted"}
    reads |= {"history", "histories", "created_since", "step", "with_freshness", "owners"}
    assert public - reads == WRITES
    assert any(list(calls_of_writes(path)) for path in within("applying"))

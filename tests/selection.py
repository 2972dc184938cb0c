"""Which tests run when: ``fast`` ones while editing, ``long`` ones only in full runs.

Nobody keeps a list. A test is fast unless its module, or the module of a fixture that it uses,
has at hand what starts a process or a server. A matrix of cases keeps a few of them in the default
run, and the rest is long.
"""

import hashlib
import sys
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Set
from socketserver import BaseServer
from types import ModuleType
from typing import Any

import pytest
from forge.server import Forge
from proxy import Proxy
from world import World

from reconcile.sandbox import Sandbox

_MODULES = ("subprocess", "socket", "servers")
_CLASSES = (BaseServer, Forge, Sandbox, Proxy, World)
_STARTING = ("subprocess.Popen", "os.fork", "os.posix_spawn", "socket.bind", "socket.connect")
_running: list[str] = []
"""The fast test that runs now."""


def mark_fast(items: Iterable[pytest.Item]) -> None:
    """Mark the tests that need neither a process nor a server."""
    for item in items:
        assert isinstance(item, pytest.Function)
        if not item.get_closest_marker("slow") and not any(map(_serves, _modules(item))):
            item.add_marker("fast")


def _modules(item: pytest.Function) -> set[ModuleType]:
    """Return the modules of a test and of the fixtures that it uses."""
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    names = {one.func.__module__ for definitions in fixtures for one in definitions}
    return {item.module, *(sys.modules[name] for name in names)}


def _serves(module: ModuleType) -> bool:
    for value in vars(module).values():
        if isinstance(value, ModuleType) and value.__name__ in _MODULES:
            return True
        if isinstance(value, type) and issubclass(value, _CLASSES):
            return True
    return False


def mark_long(items: Iterable[pytest.Item]) -> None:
    """Mark the cases of each matrix that the default run leaves out."""
    matrices: dict[str, list[pytest.Function]] = defaultdict(list)
    for item in items:
        assert isinstance(item, pytest.Function)
        if item.get_closest_marker("matrix"):
            matrices[item.nodeid.partition("[")[0]].append(item)
    for cases in matrices.values():
        marker = cases[0].get_closest_marker("matrix")
        assert marker is not None
        kept = representatives({case.name: _values(case) for case in cases}, **marker.kwargs)
        for case in cases:
            if case.name not in kept:
                case.add_marker("long")


def representatives(
    cases: Mapping[str, Set[Hashable]], *, keep: int | None = None
) -> frozenset[str]:
    """Return the names of some cases, the same ones every time.

    Together they have every value that cases have, or as many as ``keep`` cases can have.
    """
    seen: set[Hashable] = set()
    kept: list[str] = []
    for name in sorted(cases, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if not cases[name] <= seen and (keep is None or len(kept) < keep):
            seen |= cases[name]
            kept.append(name)
    return frozenset(kept)


def _values(case: pytest.Function) -> Set[Hashable]:
    found: dict[str, Any] = case.callspec.params
    return {
        (name, value if _is_hashable(value) else case.callspec.indices[name])
        for name, value in found.items()
    }


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def guard_fast() -> None:
    """Have every fast test fail that starts a process or a server all the same."""

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if _running and event in _STARTING:
            raise RuntimeError(f"{_running[0]} is fast, but for {event}; see tests/selection.py")

    sys.addaudithook(refuse)


def begin(item: pytest.Item) -> None:
    """Note the test that runs now."""
    _running[:] = [item.nodeid] if item.get_closest_marker("fast") else []

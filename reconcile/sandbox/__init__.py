"""A HubSpot-compatible server on SQLite, for trying and testing without an account.

Written from the facts in README.md here (cited in this package as "ref §N") and the public
material it names. It imports nothing else of this project and reads none of its data files: a
wrong belief about HubSpot must not be able to pass on both sides.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.sandbox.clock import Clock
    from reconcile.sandbox.rules.subscriptions import PLANS
    from reconcile.sandbox.server.sandbox_server import Sandbox
    from reconcile.sandbox.server.seed import Seeded, SeedError, load_seed
    from reconcile.sandbox.storage.database_file import Info, describe
    from reconcile.sandbox.storage.file_diagnosis import UnusableError
    from reconcile.sandbox.storage.request_log import RequestRecord
    from reconcile.sandbox.switches import Switches

__all__ = [
    "PLANS",
    "Clock",
    "Info",
    "RequestRecord",
    "Sandbox",
    "SeedError",
    "Seeded",
    "Switches",
    "UnusableError",
    "describe",
    "load_seed",
]

_MODULES = {
    "PLANS": "rules.subscriptions",
    "Clock": "clock",
    "Info": "storage.database_file",
    "RequestRecord": "storage.request_log",
    "Sandbox": "server.sandbox_server",
    "SeedError": "server.seed",
    "Seeded": "server.seed",
    "Switches": "switches",
    "UnusableError": "storage.file_diagnosis",
    "describe": "storage.database_file",
    "load_seed": "server.seed",
}


def __getattr__(name: str) -> object:
    """Import on first use: naming the package must not load a web server."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

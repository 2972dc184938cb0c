"""A HubSpot-compatible server on SQLite, for trying and testing without an account.

Written from the facts in README.md here (cited in this package as "ref §N") and the public
material it names. It imports nothing else of ours and reads none of our data files: a wrong belief
about HubSpot must not be able to pass on both sides.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.sandbox.clock import Clock
    from reconcile.sandbox.database import Info, describe
    from reconcile.sandbox.plans import PLANS
    from reconcile.sandbox.request_log import RequestRecord
    from reconcile.sandbox.seed import Seeded, SeedError, load_seed
    from reconcile.sandbox.server import Sandbox
    from reconcile.sandbox.switches import Switches
    from reconcile.sandbox.unusable import UnusableError

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

_HOMES = {
    "PLANS": "plans",
    "Clock": "clock",
    "Info": "database",
    "RequestRecord": "request_log",
    "Sandbox": "server",
    "SeedError": "seed",
    "Seeded": "seed",
    "Switches": "switches",
    "UnusableError": "unusable",
    "describe": "database",
    "load_seed": "seed",
}


def __getattr__(name: str) -> object:
    """Import on first use: naming the package must not load a web server."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

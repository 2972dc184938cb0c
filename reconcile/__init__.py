"""Keep a HubSpot account's orders, line items and carts exactly as a repository declares them.

The command is ``reconcile``; in Python, begin with ``reconcile.open``. Names are imported when they
are first used, so that ``import reconcile`` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.api import (
        Account,
        Plan,
        Project,
        load_plan,
        open,  # noqa: A004
    )
    from reconcile.errors import (
        Ambiguous,
        AuthError,
        CallRefused,
        Fatal,
        GuardRefused,
        HubSpotError,
        Locked,
        ManifestError,
        Problem,
        RateLimited,
        ReconcileError,
        StalePlan,
        Unfinished,
        Unreachable,
        UsageError,
    )
    from reconcile.manifests.from_python import cart, line_item, order
    from reconcile.model.outcome import Outcome, Report, Status

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Ambiguous",
    "AuthError",
    "CallRefused",
    "Fatal",
    "GuardRefused",
    "HubSpotError",
    "Locked",
    "ManifestError",
    "Outcome",
    "Plan",
    "Problem",
    "Project",
    "RateLimited",
    "ReconcileError",
    "Report",
    "StalePlan",
    "Status",
    "Unfinished",
    "Unreachable",
    "UsageError",
    "__version__",
    "cart",
    "line_item",
    "load_plan",
    "open",
    "order",
]

_MODULES = {
    "reconcile.errors": frozenset(name for name in __all__ if name.endswith("Error"))
    | {"Ambiguous", "CallRefused", "Fatal", "GuardRefused", "Locked", "Problem", "RateLimited"}
    | {"StalePlan", "Unfinished", "Unreachable"},
    "reconcile.manifests.from_python": frozenset({"cart", "line_item", "order"}),
    "reconcile.model.outcome": frozenset({"Outcome", "Report", "Status"}),
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = next((one for one, names in _MODULES.items() if name in names), "reconcile.api")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return __all__

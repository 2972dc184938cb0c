"""What a plan of a pull request says first: what was planned, and what does not count yet."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from reconcile.model.plan import Plan
from reconcile.model.source import Request
from reconcile.render.escaping import shorten
from reconcile.render.phrasing import plural

LISTED = 20
"""Maximum settings to name; the rest is counted."""


class Sentence(NamedTuple):
    """A sentence. ``quoted`` is text of others, not escaped; ``warns`` is for what must be seen."""

    text: str
    quoted: str = ""
    warns: bool = False


def banner(plan: Plan) -> Iterator[Sentence]:
    """Yield the sentences; none for a plan of what is in the folder."""
    request = plan.source.request
    if request is None:
        return
    units = plural(plan.selected.units, "order or cart differs", "orders and carts differ")
    yield Sentence(
        f"Planned for review: commit {request.head[:12]} merged into {request.base[:12]}; "
        f"{units} from that, {plan.selected.left_out:,} left out"
    )
    if request.unreadable:
        yield Sentence(
            "This request makes reconcile.yaml unreadable; the plan uses the one before it",
            shorten(request.unreadable),
            warns=True,
        )
    elif request.settings:
        yield Sentence(
            "This request changes reconcile.yaml; it counts only after it is merged",
            _names(request),
            warns=True,
        )


def request_json(plan: Plan) -> dict[str, Any]:
    """Return the same for programs; empty for a plan of what is in the folder."""
    request = plan.source.request
    if request is None:
        return {}
    return {
        "request": {
            "head": request.head,
            "base": request.base,
            "merged_tree": request.merged,
            "settings_differ": list(request.settings),
            "settings_unreadable": request.unreadable,
        }
    }


def _names(request: Request) -> str:
    names = ", ".join(map(shorten, request.settings[:LISTED]))
    more = len(request.settings) - LISTED
    return names + (f" and {more:,} more" if more > 0 else "")

"""A run that ends with writes whose answers are lost."""

from proxy import DROP
from world import World, order

REFUSAL = {"status": "error", "message": "Down for maintenance", "correlationId": "c-9"}


def leave_unfinished(watched: World, *, carried_out: bool = True) -> None:
    """Have a run end with a write that has no answer, after which nothing answers."""
    down = []

    def lose(_: str, path: str, __: object) -> str | tuple[int, object] | None:
        if path.endswith("/batch/upsert") and not down:
            down.append(path)
            return DROP if carried_out else (503, REFUSAL)
        return (503, REFUSAL) if down else None

    watched.declare(order("A"), order("B"))
    watched.proxy.hook = lose
    report = watched.apply()
    assert report.resumable

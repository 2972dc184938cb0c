"""The account's limits for people: what this server counted."""

from dataclasses import dataclass

from reconcile.sandbox.rules.rate_limits import Limits

_POOLS = {
    "app": "Calls within ten seconds, at worst",
    "associations": "Association calls within ten seconds, at worst",
    "search": "Searches within a second, at worst",
}
_DAYS = {"app": "Calls today", "associations": "Association calls today"}


@dataclass(frozen=True)
class Limit:
    """One limit of the account and how much of it was used; ``of`` is None without a limit."""

    name: str
    used: int
    of: int | None
    note: str = ""

    @property
    def percent(self) -> int:
        """Return the percentage used."""
        return min(100, 100 * self.used // self.of) if self.of else 0


def rows(counts: Limits, now: int) -> list[Limit]:
    """List every pool that was used and every daily counter; a pool's busiest app stands for it."""
    shown = counts.shown(now)
    found = []
    for pool, name in _POOLS.items():
        windows = [one for one in shown["pools"] if one["pool"] == pool]
        if windows:
            worst = max(windows, key=lambda one: int(one["worst"]))
            refused = sum(one["refused"] for one in windows)
            note = f"{refused:,} refused" if refused else ""
            found.append(Limit(name, worst["worst"], worst["limit"], note))
    for day, name in _DAYS.items():
        one = shown["daily"][day]
        if one["limit"] is not None:
            note = f"{max(0, one['limit'] - one['used']):,} left until {shown['resetsAt']}"
            found.append(Limit(name, one["used"], one["limit"], note))
        elif one["used"]:
            found.append(Limit(name, one["used"], None))
    return found

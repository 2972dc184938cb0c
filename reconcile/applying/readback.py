"""What a read after a write shows, and how that is reported. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconcile.applying.rewrites import Fate, Verdict
from reconcile.model.outcome import Rewrite, Status
from reconcile.model.plan import FieldChange
from reconcile.model.records import LastApplied
from reconcile.model.values import show

NOT_SHOWN = "written, but HubSpot does not show it yet; plan again to check"


@dataclass(frozen=True, slots=True)
class Verified:
    """The state's new entry for a record, and what became of the written values.

    ``verdicts`` has one for each written value. ``key`` names the key property if the record does
    not have the key that was written. ``seen`` is False if the record was not found: then nothing
    is remembered of the values that were written.
    """

    entry: LastApplied
    verdicts: tuple[tuple[FieldChange, Verdict], ...] = ()
    key: str = ""
    seen: bool = True

    @property
    def rewrites(self) -> tuple[Rewrite, ...]:
        """The values that HubSpot rewrote."""
        return tuple(
            Rewrite(field.name, field.after, verdict.now, field.personal)
            for field, verdict in self._with(Fate.REWRITTEN)
        )

    @property
    def not_persisted(self) -> tuple[str, ...]:
        """The properties that did not keep what was sent, the key property excluded."""
        lost = (field.name for field, _ in self._with(Fate.NOT_PERSISTED))
        return tuple(name for name in lost if name != self.key)

    @property
    def lost(self) -> tuple[str, ...]:
        """The properties that do not hold what was sent."""
        kept = (Fate.KEPT, Fate.REWRITTEN)
        return tuple(field.name for field, verdict in self.verdicts if verdict.fate not in kept)

    @property
    def end(self) -> tuple[Status, str]:
        """The change's status and its message."""
        if not self.seen:
            return Status.UNKNOWN, NOT_SHOWN
        edits = [_edit(*one) for one in self._with(Fate.EDITED)]
        notes = [f"written, and changed right after: {'; '.join(edits)}"] if edits else []
        lost = list(self._with(Fate.NOT_PERSISTED))
        notes += (_loss(*one) for one in lost)
        # A record without its key is not done: the next plan has to identify it.
        has_key = all(field.name != self.key for field, _ in lost)
        done = Status.DONE if has_key else Status.UNKNOWN
        return Status.CONFLICT if edits else done, "; ".join(notes)

    def _with(self, fate: Fate) -> Iterator[tuple[FieldChange, Verdict]]:
        return ((field, verdict) for field, verdict in self.verdicts if verdict.fate is fate)


def _edit(field: FieldChange, verdict: Verdict) -> str:
    to = "" if field.personal else f" to {show(verdict.now)}"
    by = f" by {verdict.source}" if verdict.source else ""
    return f"{field.name}{to}{by}"


def _loss(field: FieldChange, verdict: Verdict) -> str:
    now = "another value" if field.personal else show(verdict.now)
    shown = now if verdict.now else "it empty"
    return f"HubSpot did not keep {field.name}: a fresh read shows {shown}"

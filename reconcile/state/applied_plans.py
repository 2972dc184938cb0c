"""The plans that were applied to this state, so that an old plan file is not applied again.

A plan's preconditions cannot distinguish a record that was never created from one that was created
and archived since. The state's serial can: a plan that was made before a run with the same content
is an old one.

The file has a checksum, and a serial of its own, which the head repeats. So an older copy of the
file is recognised; it would lack the plans that were applied since.
"""

from dataclasses import dataclass, replace

from pydantic import NonNegativeInt, TypeAdapter

from reconcile.errors import UsageError
from reconcile.model.sealed_json import seal, unseal
from reconcile.state.state import State
from reconcile.stores.contract import Store

FORMAT = 3
"""Version of the blob's format. Another one is refused."""

NAME = "applied.json"
MAX_PLANS = 200
"""Plans that are remembered. A plan made before a forgotten one was applied is refused."""
MAX_NOT_APPLIED = 1000
"""Records not applied that are remembered of a plan. With more, the plan has to be made again."""


@dataclass(frozen=True, slots=True)
class AppliedPlan:
    """A plan by its pinned digest, and the runs that carried it out, oldest first.

    ``serial`` is the state's when the last of them ended, or as far as is known. ``ended`` is that
    time (ISO 8601, UTC), empty for a run that was interrupted. ``not_applied`` are the folded
    addresses of the records that were not done, None where there are too many.
    """

    plan: str
    serial: int
    runs: tuple[str, ...]
    ended: str = ""
    not_applied: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class _Content:
    """``forgotten`` is the highest serial of the plans that are no longer remembered."""

    format: int = FORMAT
    serial: NonNegativeInt = 0
    forgotten: NonNegativeInt = 0
    plans: tuple[AppliedPlan, ...] = ()


_CONTENT = TypeAdapter(_Content)


class AppliedPlans:
    """The applied plans that a store remembers. Only the holder of its lock writes them."""

    def __init__(self, store: Store, state: State) -> None:
        """Read the file. Raise UsageError where it was altered or replaced by an older copy.

        Where it was lost, any plan older than ``state`` may have been applied.
        """
        self._store, self._state = store, state
        self._content, self._version = self._read()

    def find(self, plan: str, serial: int) -> AppliedPlan | None:
        """Return the plan if a run has begun it since the state had this serial, else None."""
        return next(
            (one for one in self._content.plans if one.plan == plan and one.serial > serial), None
        )

    def may_have_forgotten(self, serial: int) -> bool:
        """Return whether a plan made at this serial may have been applied and forgotten."""
        return serial < self._content.forgotten

    def begin(self, plan: str, run: str, serial: int, *, after: AppliedPlan | None) -> None:
        """Record durably that a run begins a plan; ``after`` is an earlier run of the same plan."""
        if any(run in one.runs for one in self._content.plans):
            return
        earlier = after.runs if after is not None else ()
        self._put(AppliedPlan(plan, serial, (*earlier, run)))

    def end(self, run: str, now: AppliedPlan) -> None:
        """Record that a run ended, and which records it did not apply."""
        for one in self._content.plans:
            if run in one.runs:
                few = now.not_applied is not None and len(now.not_applied) <= MAX_NOT_APPLIED
                self._put(replace(now, runs=one.runs, not_applied=now.not_applied if few else None))

    def supersede(self, run: str, serial: int) -> None:
        """Record that an interrupted run will not be resumed."""
        for one in self._content.plans:
            # A run that ended may still have its journal: a process died while it removed that.
            if run in one.runs and not one.ended:
                self._put(replace(one, serial=serial, not_applied=()))

    def _put(self, plan: AppliedPlan) -> None:
        others = (one for one in self._content.plans if one.plan != plan.plan)
        plans = sorted((*others, plan), key=lambda one: (one.serial, one.plan))
        over, kept = plans[:-MAX_PLANS], plans[-MAX_PLANS:]
        forgotten = max([self._content.forgotten, *(one.serial for one in over)])
        serial = max(self._content.serial, self._state.applied_serial) + 1
        self._content = _Content(FORMAT, serial, forgotten, tuple(kept))
        raw = _CONTENT.dump_python(self._content, mode="json")
        data = seal(raw, self._state.lineage, NAME)
        self._version = self._store.write(NAME, data, self._version)
        self._state.applied_serial = serial

    def _read(self) -> tuple[_Content, str | None]:
        while True:
            found = self._store.read(NAME)
            try:
                if found is not None:
                    return self._checked(found[0]), found[1]
            except UsageError:
                # A run that writes meanwhile may have begun the state, or written the file again.
                if not self._state.reload_if_changed():
                    raise
                continue
            forgotten = self._state.serial if self._state.has_entries else 0
            return _Content(forgotten=forgotten), None

    def _checked(self, data: bytes) -> _Content:
        try:
            content = _CONTENT.validate_json(unseal(data, self._state.lineage, NAME), strict=True)
        except ValueError as error:
            raise self._damaged("was altered") from error
        if content.format != FORMAT:
            raise self._damaged("was altered")
        if content.serial < self._state.applied_serial:
            raise self._damaged("is an old copy")
        return content

    def _damaged(self, how: str) -> UsageError:
        return UsageError(
            f"the state in {self._store.where} is damaged: {NAME}, the list of applied plans, "
            f"{how}",
            hint="restore it from a backup; or remove it: plan files from before now are then "
            "refused",
        )

"""Read the journals in a store."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconcile.applying.journal_lines import format_of, read_line
from reconcile.applying.run_head import FORMAT, LOGS, RunHead, process_of
from reconcile.applying.run_log import Run
from reconcile.errors import UsageError
from reconcile.stores.contract import Store
from reconcile.stores.logs import Log, LogDropped
from reconcile.stores.own_names import is_own_log

RESTORE_HINT = "restore it from a backup; without it, records are found by their keys"
"""What to do about a damaged journal."""


def open_runs(store: Store) -> list[str]:
    """Return the names of the runs that have a journal, oldest first."""
    return [log.removeprefix(LOGS) for log in store.folders(LOGS) if is_own_log(log)]


def drop_run(store: Store, run: str) -> None:
    """Remove the journal of a run that needs no more work."""
    Log(store, LOGS + run).drop()


def read_run(store: Store, run: str) -> Run | None:
    """Return a run as its journal has it; None if its first line was never written or is gone.

    Raises UsageError for a damaged journal or one of another format.
    """
    found: Run | None = None
    try:
        for step in replay(store, run):
            found = step[0]
    except LogDropped:
        # Without the lock: the run has just ended. Half of its journal would tell another story.
        return None
    return found


def replay(store: Store, run: str) -> Iterator[tuple[Run, int, Mapping[str, Any]]]:
    """Yield the run as it is after each line of its journal, with the line's position and fields.

    Yields the same object every time, and nothing if the first line was never written. Raises
    UsageError for a damaged journal or one of another format, and LogDropped for one that is
    dropped meanwhile.
    """
    found: Run | None = None
    for position, line in Log(store, LOGS + run).entries():
        if found is None:
            _require_format(run, format_of(line))
        try:
            entry = read_line(run, position, line)
            if found is None and entry["about"] == "run":
                found = Run(_head(entry, run), process_of(position, entry))
            if found is not None:
                found.take(position, entry)
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"the journal of run {run} is damaged in line {position + 1}", hint=RESTORE_HINT
            ) from error
        if found is not None:
            yield found, position, entry


def _require_format(run: str, found: int | None) -> None:
    if found is not None and found != FORMAT:
        hint = "use the version of reconcile that wrote it"
        if found > FORMAT:
            hint = "upgrade reconcile: a newer version wrote it"
        raise UsageError(
            f"the journal of run {run} has format {found}; this version reads {FORMAT}", hint=hint
        )


def _head(entry: Mapping[str, Any], run: str) -> RunHead:
    if entry["run"] != run:
        raise ValueError(f"it is the journal of run {entry['run']}")
    names = RunHead.__dataclass_fields__
    values = {name: value for name, value in entry.items() if name in names}
    return RunHead(**values | {"allow": tuple(entry["allow"])})

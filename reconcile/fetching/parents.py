"""Read the parents of line items, including parents of kinds that reconcile does not manage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reconcile.errors import HubSpotError
from reconcile.hubspot.client import HubSpot
from reconcile.model.kinds import Kind, kinds
from reconcile.model.line_parent import Parent, parents_among, parents_to_check
from reconcile.model.plan import Effect

_UNKNOWN_TYPE = "infer object type"
"""Part of HubSpot's message for a path with an unknown object type (reference §1)."""

ParentsByRecord = Mapping[tuple[str, str], frozenset[Parent]]
"""The parents of records, by kind and id."""


class ParentReader:
    """Reads the parents of records. Safe to share between threads.

    A kind of foreign parent that the token may not read is not read again, and is listed in
    ``unchecked``. Any other failure is raised, as HubSpot's methods do.
    """

    def __init__(self, hubspot: HubSpot) -> None:
        self._hubspot = hubspot
        self._unreadable: dict[tuple[str, str], str] = {}

    @property
    def unchecked(self) -> tuple[str, ...]:
        """One sentence for each kind of foreign parent that could not be read."""
        return tuple(text for _, text in sorted(self._unreadable.items()))

    def before(self, changes: Iterable[Effect]) -> ParentsByRecord:
        """Return the parents that must be known before these changes, by kind and id."""
        wanted: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for change in changes:
            for word in parents_to_check(change):
                wanted[change.address.kind][word].append(change.id)
        return {
            (name, record_id): parents
            for name, by_word in wanted.items()
            for record_id, parents in self._read(kinds()[name], by_word).items()
        }

    def every(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, frozenset[Parent]]:
        """Return each record's parents of every kind, by id."""
        return self._read(kind, dict.fromkeys(kind.owners, ids))

    def _read(
        self, kind: Kind, wanted: Mapping[str, Sequence[str]]
    ) -> dict[str, frozenset[Parent]]:
        found: dict[str, frozenset[Parent]] = {}
        for word, ids in wanted.items():
            if (kind.name, word) in self._unreadable:
                continue
            try:
                answer = self._hubspot.associations.links(
                    kind.object, word, kind.owners[word].object, ids
                )
            except HubSpotError as error:
                if word not in kind.foreign_parents or not _is_unreadable(error):
                    raise
                self._unreadable[kind.name, word] = _unchecked(kind, word, error)
                continue
            for record_id, links in answer.items():
                found[record_id] = found.get(record_id, frozenset()) | parents_among(kind, links)
        return found


def _is_unreadable(error: HubSpotError) -> bool:
    """Return whether a scope is missing (reference §2), or the account has no such objects (§13).

    HubSpot's response in the second case is unknown: a 400 or 404 for the path, or a 403.
    """
    return error.status in (400, 403) or (error.status == 404 and _UNKNOWN_TYPE in str(error))


def _unchecked(kind: Kind, word: str, error: HubSpotError) -> str:
    why, parent = str(error), kind.owners[word]
    scope = parent.read_scopes[0]
    if error.status == 403 and scope in why:
        why = f"the token lacks the scope {scope} (HTTP 403)"
    elif error.status == 403:
        why += f" (does the token have the scope {scope}?)"
    return f"it could not be checked whether {kind.plural} belong to {parent.object}: {why}"

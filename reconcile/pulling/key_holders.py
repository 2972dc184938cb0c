"""Which records in HubSpot have a key already, whether they are pulled or not."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from reconcile.hubspot.client import HubSpot
from reconcile.model.definitions import Property
from reconcile.model.identity import Identity
from reconcile.model.kinds import Kind


class KeyHolders:
    """Finds the records of a kind by their keys. Calls nothing where none has one."""

    def __init__(
        self, hubspot: HubSpot, kind: Kind, identity: Identity, known: Mapping[str, Property]
    ) -> None:
        self._hubspot, self._kind, self._name = hubspot, kind, identity.key_property
        definition = known.get(self._name)
        self._is_ready = definition is not None and definition.unique

    def ids(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of the live records with these keys, by key."""
        if not (keys and self._any):
            return {}
        object_, name = self._kind.object, self._name
        found = self._hubspot.records.read(object_, keys, [], id_property=name)
        return {key: actual.id for key, actual in found.items()}

    @cached_property
    def _any(self) -> bool:
        """Whether any record has a key; before the first apply, or `init`, none has."""
        searches = self._hubspot.searches
        return self._is_ready and searches.count_with(self._kind.object, self._name) > 0

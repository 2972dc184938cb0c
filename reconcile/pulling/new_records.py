"""What documents of new records say: keys, values, and which defaults they are without."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconcile.manifests.document_writer import NewRecord, NewReference
from reconcile.manifests.field_reader import can_hold
from reconcile.model.address import BY_ID
from reconcile.model.kinds import Kind
from reconcile.model.records import Actual
from reconcile.pulling.declared_values import declared_values, numbers, unlike_defaults
from reconcile.pulling.keys import Keys, Wish, key_fault
from reconcile.pulling.known import Project

Ends = Mapping[str, Sequence[NewReference]]
"""A record's associations by the other object's word."""


@dataclass(slots=True)
class LeftOut:
    """What no document says.

    - ``unusable_keys``: the records whose key no document can have, or something else has
    - ``unwritable``: how many values of each property have characters that YAML cannot hold
    - ``defaults``: how many records are without a default of their folder, by what it gives
    """

    unusable_keys: list[str] = field(default_factory=list)
    unwritable: Counter[str] = field(default_factory=Counter)
    defaults: Counter[str] = field(default_factory=Counter)


class NewRecords:
    """Makes new records of one kind. ``left_out`` gets what they are without."""

    def __init__(self, kind: Kind, project: Project, keys: Keys, left_out: LeftOut) -> None:
        self._kind, self._project, self._keys, self._left_out = kind, project, keys, left_out
        self._identity = project.identities[kind.name]
        self._defaults = project.defaults[kind.name]
        self._numbers = numbers(kind, project.definitions)

    @property
    def read(self) -> Sequence[str]:
        """The properties to read of each record besides those to declare."""
        known = self._project.definitions.properties[self._kind.name]
        names = {*self._defaults.properties, *self._identity.properties}
        if self._kind.pipeline and not names.isdisjoint(self._kind.pipeline.together):
            names |= self._kind.pipeline.together
        return sorted(names & known.keys())

    def keys(self, records: Iterable[Actual], wish: Callable[[Actual], Wish]) -> Mapping[str, str]:
        """Return the records' keys by id: those that they have, else what is wished for.

        Keys that records have come first: no other one gets them. A record whose key no document
        can have is left out.
        """
        found: dict[str, str] = {}
        left: list[Wish] = []
        for one in records:
            held = self._project.held_key(self._kind, one)
            if self._identity.key_is_id:
                # A document of a line item that names its parent by id does not load beside this.
                is_free, key = self._keys.take(f"{BY_ID}{one.id}"), one.id
            elif held:
                is_free, key = not key_fault(held) and self._keys.take(held), held
            else:
                left.append(wish(one))
                continue
            if is_free:
                found[one.id] = key
            else:
                self._left_out.unusable_keys.append(one.id)
        return found | self._keys.choose(left)

    def declared(self, one: Actual, key: str, names: Sequence[str], ends: Ends) -> NewRecord:
        """Return a record with a key, and with its values of the properties ``names``.

        A default that HubSpot does not have is taken away: whoever edits a folder's defaults did
        not look at these records.
        """
        project, left_out = self._project, self._left_out
        is_found = self._identity.key_is_id or self._project.held_key(self._kind, one)
        have = declared_values(self._kind, project.definitions, names, one)
        values = {name: value for name, value in have.items() if can_hold(value)}
        if len(values) < len(have):
            left_out.unwritable.update(have.keys() - values.keys())
        unmanaged = unlike_defaults(
            self._kind, project.definitions, self._defaults, one, own=values, manage=project.manage
        )
        inherited = self._defaults.associations.keys() - ends.keys()
        if unmanaged or inherited:
            left_out.defaults.update([*unmanaged, *inherited])
        return NewRecord(
            key,
            adopt="" if is_found else one.id,
            target=project.target,
            properties=values,
            numbers=self._numbers,
            references={**ends, **dict.fromkeys(sorted(inherited), ())},
            unmanaged=unmanaged,
        )

"""Associations that a change asks for: what to write for each, and what a read shows. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.applying.task import ChangeTask
from reconcile.hubspot.error_details import join_reasons
from reconcile.model.address import Address
from reconcile.model.outcome import Status
from reconcile.model.plan import LinkChange
from reconcile.model.printable import MAX_MESSAGE
from reconcile.model.records import AssociationTypes, Link, removable

Associations = Mapping[str, frozenset[Link]]
"""The associations that records have, by record id."""


@dataclass(slots=True)
class WantedLink:
    """One association to make or to remove, of one record.

    ``to_id`` is the other record's id; ``plain`` is the unlabelled type of the pair. ``implied`` is
    the same type if HubSpot adds it along with a label, to a pair that had no association.
    """

    task: ChangeTask
    link: LinkChange
    to_id: str
    plain: tuple[str, int]
    implied: tuple[str, int] | None = None

    @property
    def is_parent_link(self) -> bool:
        """Whether it is the association of a new line item with its parent."""
        return self.link not in self.task.change.links

    @property
    def leaves_parent(self) -> bool:
        """Whether it takes a moved line item from its former parent."""
        return not self.link.add and self.link.to in self.task.kind.parents

    def types_to_write(
        self, found: Associations, *, in_doubt: bool = False
    ) -> tuple[tuple[str, int], ...]:
        """Return the types to write for the pair, given the associations found; empty if none.

        ``in_doubt`` says that what was found may be our own write.
        """
        present = self._present(found)
        if not in_doubt:
            is_new = self.link.add and self.link.ours and not present
            self.implied = self.plain if is_new else None
        if self.leaves_parent:  # whatever labels others gave to the pair
            return (self.plain,) if present else ()
        if not self.link.add:
            return tuple(sorted(removable(frozenset(self.link.types), present, self.plain)))
        wanted = frozenset(self.link.ours or self.link.types)
        return () if wanted <= present else tuple(sorted(wanted | present))

    def is_shown(self, found: Associations) -> bool:
        """Return whether the associations found are as the change asks for."""
        present = self._present(found)
        if self.link.add:
            return frozenset(self.link.ours or self.link.types) <= present
        if self.leaves_parent:
            return not present
        return not removable(frozenset(self.link.types), present, self.plain)

    def finish(self) -> None:
        """Count the change as made, or as one that will not be made."""
        if not self.is_parent_link:
            self.task.link()

    def succeed(self) -> None:
        """Add the association to those that the record has of ours, or take it from them."""
        self.finish()
        if self.link.is_to_parent:
            self.task.shown_parent = self.to_id
        if self.leaves_parent:
            self.task.leaving.discard((self.link.to, self.link.id))
        types = set(self.link.ours if self.link.add else self.link.types)
        if self.implied:
            types.add(self.implied)
        links = {Link(self.link.to, self.to_id, number, category) for category, number in types}
        if self.link.add:
            self.task.links |= links
        else:
            self.task.links -= links

    def fail(self, why: str) -> None:
        """End the record's change as failed; its message names every failed association."""
        self.finish()
        still = "not" if self.link.add else "still"
        self.task.missing.append(f"{still} associated with {self.link.shown}: {why}")
        self.task.worsen(Status.FAILED)
        if self.task.status is Status.FAILED:
            self.task.message = join_reasons(self.task.missing, longest=MAX_MESSAGE)

    def conflict(self, why: str) -> None:
        """End the record's change in conflict: the association must not be written."""
        self.finish()
        self.task.worsen(Status.CONFLICT, why)

    def leave_in_doubt(self) -> None:
        """Leave a new line item to be found by reading: it was not seen under its parent."""
        seen = f"written, but not seen under {self.link.shown} before the run ended"
        self.task.doubt(f"{seen}; plan again to check")

    def _present(self, found: Associations) -> AssociationTypes:
        return frozenset(
            (link.category, link.type_id)
            for link in found.get(self.task.id, frozenset())
            if link.id == self.to_id
        )


def parent_link(task: ChangeTask, ids: Mapping[Address, str]) -> Sequence[LinkChange]:
    """Return the association of a new line item with its parent, or nothing for other records.

    The create call made it, or half of it. ``ids`` binds addresses.
    """
    parent = task.change.parent
    if task.change.id or parent is None:
        return ()
    association = task.kind.associations[parent.kind]
    return (
        LinkChange(
            add=True,
            to=association.to,
            id=task.change.parent_id or ids.get(parent, ""),
            address=parent,
            types=(("HUBSPOT_DEFINED", association.type_id),),
            shown=str(parent),
        ),
    )

"""What a plan adopts: records as they are are counted, and how many get their key."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconcile.model.identity import unpinned
from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan, RecordChange
from reconcile.render.phrasing import listed, plural


@dataclass(frozen=True, slots=True)
class Adoptions:
    """The adoptions of a plan; ``keys`` are the key properties by kind."""

    plan: Plan
    keys: Mapping[str, str]

    @property
    def remembered(self) -> int:
        """The number of records of which only the state remembers something else."""
        return sum(change.is_remembered for change in self.plan.records())

    def is_stamp(self, change: RecordChange) -> bool:
        """Return whether a record that exists gets its key, since it has none."""
        key = self.keys.get(change.address.kind)
        return (
            change.action is Action.UPDATE
            and not change.rekey
            and any(field.name == key and not field.before for field in change.fields)
        )

    def is_plain(self, change: RecordChange) -> bool:
        """Return whether a record is adopted as it is: nothing but its key is written."""
        if not change.adopts or change.links or change.why:
            return False
        fields = len(change.fields)
        return change.action is Action.ADOPT or (fields == 1 and self.is_stamp(change))

    def texts(self, *, listed_above: bool) -> Sequence[str]:
        """Return sentences on what is adopted, and on records that may have been meant."""
        adopted = self._adopted(listed_above=listed_above)
        return (*adopted, *self._remembered(), *self._unkeyed())

    def _adopted(self, *, listed_above: bool) -> Iterator[str]:
        plain: Counter[str] = Counter()
        stamps = 0
        for change in self.plan.records():
            plain[change.address.kind] += self.is_plain(change)
            stamps += self.is_stamp(change)
        if plain.total():
            how = "" if listed_above else ", and not listed"
            where = "" if listed_above else " (--verbose lists them)"
            yield f"Adopted as they are{how}: {listed(plain)}{where}"
        if stamps:
            gets = "record gets its key" if stamps == 1 else "records get their keys"
            yield (
                f"{stamps:,} {gets}: workflows in HubSpot that react to any change of a record "
                "will run"
            )

    def _remembered(self) -> Iterator[str]:
        if number := self.remembered:
            whose = "it" if number == 1 else "them"
            yield f"{plural(number, 'record')}: only what reconcile remembers of {whose} changes"

    def _unkeyed(self) -> Iterator[str]:
        for kind, number in self.plan.unkeyed:
            have = "has" if number == 1 else "have"
            yield (
                f"note: {kinds()[kind].count(number)} in this account {have} no "
                f"{self.keys.get(kind, 'key')}; if a new one is among them, adopt it "
                "(`reconcile pull`, `reconcile docs identity`)"
            )


def adoptions(plan: Plan) -> Adoptions:
    """Return what a plan adopts."""
    found = unpinned(plan.identities)
    return Adoptions(plan, {kind: one.key_property for kind, one in found.items()})

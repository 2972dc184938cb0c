"""Identity strategies: how a key leads to its record in HubSpot.

Each strategy says what to look up, what a key must look like and what the account must have. Other
modules ask for that and never which strategy it is; ``fetching`` carries the lookups out.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

from reconcile.model.address import is_record_id
from reconcile.model.definitions import Property

DEFAULT_PROPERTY = "reconcile_key"
"""The unique property that `init` creates if an account has none of its own (reference §7)."""


class Fault(NamedTuple):
    """What is wrong with an identity in an account, and what to do."""

    message: str
    hint: str


class Identity(ABC):
    """How a kind's records are found.

    ``name`` is the property whose value identifies a record, empty if there is none; ``how`` is
    the strategy's name in the project file and in plans.
    """

    __slots__ = ()
    how: ClassVar[str]
    name: str

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties to read in order to identify a record."""
        return (self.name,) if self.name else ()

    @property
    def key_property(self) -> str:
        """The unique property that holds the key; empty if no property does."""
        return ""

    @property
    def sibling_property(self) -> str:
        """The property that tells the records under one parent apart; else empty.

        Such records are looked up through their parents, and several may have the same value.
        """
        return ""

    @property
    def key_is_id(self) -> bool:
        """Whether the key is HubSpot's id. Only HubSpot assigns ids, so nothing can be created."""
        return False

    @property
    def may_lack_key(self) -> bool:
        """Whether records that were adopted are managed without their key in HubSpot."""
        return False

    def with_stamp(self, *, stamp: bool) -> "Identity":
        """Return the same identity, which gives adopted records their keys or does not."""
        del stamp
        return self

    def key_fault(self, key: str, plural: str) -> str:
        """Return why a key cannot be one of this kind's, or empty text."""
        del key, plural
        return ""

    @abstractmethod
    def account_fault(self, definition: Property | None, plural: str) -> Fault | None:
        """Return what the account's definition of the property lacks, if anything."""

    @abstractmethod
    def readiness(self, definition: Property | None) -> str:
        """Return how a kind's records are found and whether the account is ready for it."""


@dataclass(frozen=True, slots=True)
class UniqueProperty(Identity):
    """The key is the value of the unique property ``name``.

    With ``stamp``, records that are adopted get their key; else only the state leads to them.
    """

    how: ClassVar[str] = "unique"
    name: str = DEFAULT_PROPERTY
    stamp: bool = True

    @property
    def may_lack_key(self) -> bool:
        """Whether records that were adopted are managed without their key in HubSpot."""
        return not self.stamp

    def with_stamp(self, *, stamp: bool) -> Identity:
        """Return the same identity, which gives adopted records their keys or does not."""
        return replace(self, stamp=stamp)

    @property
    def key_property(self) -> str:
        """The unique property that holds the key."""
        return self.name

    def account_fault(self, definition: Property | None, plural: str) -> Fault | None:
        """Return whether the account has no such unique text property."""
        if definition is None:
            return Fault(
                f"the account has no property {self.name!r} for {plural}, "
                "so records cannot be found by key",
                "run `reconcile init` once for this target: it plans and creates the property",
            )
        if not definition.unique:
            return Fault(
                f"the property {self.name!r} of {plural} is not unique, "
                "so two records could have the same key",
                "uniqueness can only be set when a property is created: name another property "
                "under the target's `identity`, then run `reconcile init`",
            )
        if definition.type != "string":
            return Fault(
                f"the property {self.name!r} of {plural} holds a {definition.type}, and "
                "HubSpot would change the spelling of keys",
                "name a unique text property under the target's `identity`",
            )
        return None

    def readiness(self, definition: Property | None) -> str:
        """Return whether the account has the unique property."""
        if definition is None:
            return f"{self.name} missing; run `reconcile init`"
        return f"{self.name} " + (
            "ready" if definition.unique else "not unique; choose another property"
        )


@dataclass(frozen=True, slots=True)
class RecordId(Identity):
    """The key is HubSpot's record id."""

    how: ClassVar[str] = "id"
    name: str = field(default="", init=False)

    @property
    def key_is_id(self) -> bool:
        """Whether the key is HubSpot's id: it is."""
        return True

    def key_fault(self, key: str, plural: str) -> str:
        """Return whether a key is not an id."""
        if is_record_id(key):
            return ""
        return (
            f"{key!r} is not a HubSpot record id, and {plural} are found by id here (identity: id)"
        )

    def account_fault(self, definition: Property | None, plural: str) -> Fault | None:
        """Return None: every record has an id."""
        del definition, plural
        return None

    def readiness(self, definition: Property | None) -> str:
        """Return that nothing is needed."""
        del definition
        return "found by HubSpot id"


@dataclass(frozen=True, slots=True)
class WithinParent(Identity):
    """A line item is found among its parent's lines by its declared value of ``name``.

    The value need not be unique elsewhere; the key is a name in git alone.
    """

    how: ClassVar[str] = "within_parent"
    name: str

    @property
    def sibling_property(self) -> str:
        """The property that tells the records under one parent apart."""
        return self.name

    def account_fault(self, definition: Property | None, plural: str) -> Fault | None:
        """Return whether the account has no such text property that can be written."""
        if definition is not None and definition.usable_as_identity:
            return None
        return Fault(
            f"{plural} have no writable text property {self.name!r}, which is needed "
            "to find them under their parents",
            "name one under the target's `identity`, for example within_parent:hs_sku",
        )

    def readiness(self, definition: Property | None) -> str:
        """Return whether the account has the property."""
        ready = definition is not None and definition.usable_as_identity
        state = "ready" if ready else "not a text property that can be written"
        return f"{self.name} within their parents, {state}"


def identity_from(how: str, name: str) -> Identity | None:
    """Return the identity with this strategy and property, or None if there is none."""
    if how == RecordId.how and not name:
        return RecordId()
    strategies = {one.how: one for one in (UniqueProperty, WithinParent)}
    return strategies[how](name) if how in strategies and name else None


Pinned = tuple[tuple[str, str, str], ...]
"""Identities as plans hold them: (kind, how, property), sorted."""


def pinned(identities: Mapping[str, Identity]) -> Pinned:
    """Return identities as a plan holds them, for keeping and for comparing."""
    return tuple((kind, one.how, one.name) for kind, one in sorted(identities.items()))


def unpinned(pins: Iterable[tuple[str, str, str]]) -> Mapping[str, Identity]:
    """Return the identities that a plan was made with, by kind; unknown ones are left out."""
    found = ((kind, identity_from(how, name)) for kind, how, name in pins)
    return {kind: one for kind, one in found if one is not None}

"""Definitions of an account: its properties, pipelines, association labels and owners."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from reconcile.model.address import fold


@dataclass(frozen=True, slots=True)
class Property:
    """A property definition.

    ``type`` is HubSpot's: bool, date, datetime, enumeration, number, phone_number, string.
    ``options`` maps internal values to labels (enumerations only); ``open_options`` says that the
    list is not complete because HubSpot fills it from elsewhere (``externalOptions``).
    ``multiple`` marks multi-select enumerations, whose value is a ``;``-joined set, and ``owner``
    a property whose value is the id of an owner.
    """

    name: str
    type: str
    label: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    open_options: bool = False
    multiple: bool = False
    read_only: bool = False
    unique: bool = False
    sensitive: bool = False
    owner: bool = False

    @property
    def usable_as_identity(self) -> bool:
        """Whether ``within_parent`` can use it: its values are text, stored as written."""
        return self.type == "string" and not self.read_only

    @property
    def personal(self) -> bool:
        """Whether the property's type or sensitivity makes its values personal data."""
        return self.sensitive or self.owner or self.type == "phone_number"


def editable(defined: Mapping[str, Property], computed: Collection[str]) -> frozenset[str]:
    """Return the properties whose values people give, of all ``defined`` ones of a kind.

    ``computed`` are those that HubSpot computes whatever their definitions say.
    """
    return frozenset(name for name, one in defined.items() if not one.read_only).difference(
        computed
    )


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline: its id, its label, and its stages' labels by stage id."""

    id: str
    label: str
    stages: Mapping[str, str]


OWNERS_SCOPE = "crm.objects.owners.read"
"""The scope that reading owners requires (the owners guide)."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A user who can own records. One who is not ``active`` was deactivated.

    ``user`` is the user's own id, by which property histories name people.
    """

    id: str
    email: str
    active: bool = True
    user: str = ""


@dataclass(frozen=True, slots=True)
class Owners:
    """An account's owners: their e-mail addresses by id, and ids by folded address.

    An address leads to deactivated owners only if no active one has it.
    """

    emails: Mapping[str, str]
    ids: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, owners: Iterable[Owner]) -> "Owners":
        """Return an index of these owners."""
        ids: dict[bool, dict[str, tuple[str, ...]]] = {True: {}, False: {}}
        emails: dict[str, str] = {}
        for owner in owners:
            emails[owner.id] = owner.email
            if owner.email:
                some, email = ids[owner.active], fold(owner.email)
                some[email] = (*some.get(email, ()), owner.id)
        return cls(MappingProxyType(emails), MappingProxyType(ids[False] | ids[True]))


@dataclass(frozen=True, slots=True)
class Label:
    """One association type between two objects; ``label`` is empty for the unlabelled one.

    ``category`` is HubSpot's: HUBSPOT_DEFINED, USER_DEFINED, INTEGRATOR_DEFINED.
    """

    category: str
    type_id: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """All definitions a plan may depend on, by kind name.

    ``labels`` is keyed by (kind name, association word); ``currencies`` are the account's, empty
    if it does not list them. ``owners`` is None if nothing needs them, or the token may not read
    them.
    """

    properties: Mapping[str, Mapping[str, Property]]
    pipelines: Mapping[str, tuple[Pipeline, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    labels: Mapping[tuple[str, str], tuple[Label, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    currencies: tuple[str, ...] = ()
    owners: Owners | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A HubSpot account. ``type`` is STANDARD, SANDBOX, DEVELOPER_TEST or APP_DEVELOPER.

    ``currencies`` are those enabled in it, its own first; empty if it does not list them.
    """

    portal_id: int
    type: str
    time_zone: str = ""
    currencies: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """The account's own currency, empty if it does not list its currencies."""
        return self.currencies[0] if self.currencies else ""

"""HUBSPOT_DEFINED association type ids between the object types kept here.

From the "Associate records" page and the SDK's enumeration (ref §11, H). The pairs without an
order, cart or line item are from the same page. Products cannot be associated.
"""

from dataclasses import dataclass

from reconcile.sandbox.object_types import (
    CART,
    COMPANY,
    CONTACT,
    DEAL,
    DISCOUNT,
    INVOICE,
    LINE_ITEM,
    ORDER,
    PAYMENT,
    QUOTE,
    SUBSCRIPTION,
    TICKET,
    ObjectType,
)

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"
PRIMARY = "Primary"


@dataclass(frozen=True)
class AssociationType:
    """One direction of one kind of link."""

    category: str
    type_id: int
    from_type: str
    to_type: str
    label: str | None
    name: str
    """The v3 name, such as ``order_to_contact``."""

    inverse_id: int

    @property
    def is_default(self) -> bool:
        """Return whether this is the unlabelled link that every labelled one implies.

        That with a custom object is the account's own.
        """
        return self.label is None


def _pair(
    one: ObjectType,
    other: ObjectType,
    type_id: int,
    inverse_id: int,
    *,
    label: str | None = None,
    suffix: str = "",
) -> list[AssociationType]:
    """Return both directions of one link."""
    return [
        AssociationType(
            HUBSPOT_DEFINED,
            forward,
            start.id,
            end.id,
            label,
            f"{start.singular}_to_{end.singular}{suffix}",
            backward,
        )
        for start, end, forward, backward in (
            (one, other, type_id, inverse_id),
            (other, one, inverse_id, type_id),
        )
    ]


_UNLABELLED = "_unlabeled"  # HubSpot's spelling, in recordings (hubspot-api-ruby#262)

BUILT_IN: tuple[AssociationType, ...] = (
    *_pair(ORDER, CONTACT, 507, 508),
    *_pair(ORDER, COMPANY, 934, 935, suffix=_UNLABELLED),
    *_pair(ORDER, COMPANY, 509, 510, label=PRIMARY),
    *_pair(ORDER, DEAL, 512, 511),
    *_pair(ORDER, LINE_ITEM, 513, 514),
    *_pair(ORDER, CART, 593, 592),
    *_pair(CART, CONTACT, 586, 587),
    *_pair(CART, DEAL, 1347, 1346),
    *_pair(CART, LINE_ITEM, 590, 591),
    *_pair(LINE_ITEM, DEAL, 20, 19),
    *_pair(DEAL, CONTACT, 3, 4),
    *_pair(DEAL, COMPANY, 341, 342, suffix=_UNLABELLED),
    *_pair(DEAL, COMPANY, 5, 6, label=PRIMARY),
    *_pair(CONTACT, COMPANY, 279, 280, suffix=_UNLABELLED),
    *_pair(CONTACT, COMPANY, 1, 2, label=PRIMARY),
    *_pair(ORDER, QUOTE, 730, 731),
    *_pair(CART, QUOTE, 732, 733),
    *_pair(LINE_ITEM, QUOTE, 68, 67),
    *_pair(DEAL, QUOTE, 63, 64),
    *_pair(QUOTE, CONTACT, 69, 70),
    *_pair(QUOTE, COMPANY, 71, 72),
    *_pair(ORDER, INVOICE, 518, 517),
    *_pair(LINE_ITEM, INVOICE, 410, 409),
    *_pair(ORDER, SUBSCRIPTION, 516, 515),
    *_pair(LINE_ITEM, SUBSCRIPTION, 302, 301),
    *_pair(ORDER, DISCOUNT, 519, 520),
    *_pair(ORDER, PAYMENT, 523, 524),
    *_pair(ORDER, TICKET, 525, 526),
    *_pair(CART, DISCOUNT, 588, 589),
    *_pair(CART, TICKET, 594, 595),  # the inverse id is a guess
)

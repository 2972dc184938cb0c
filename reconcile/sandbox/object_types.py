"""The object types the sandbox keeps, and the names a path may call them by.

Ids from the "Using object APIs" page (ref §11, H); the default property sets from ref §1 and the
"Search the CRM" page's table of defaults.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectType:
    """One object type: its names, and the properties that a read returns by default."""

    id: str
    singular: str
    plural: str
    created_property: str
    """Property that holds the creation time; line items leave hs_createdate null (ref §9)."""

    modified_property: str
    default_properties: tuple[str, ...]
    """What a read without ``properties`` returns, besides the three system properties."""

    legacy_scope: str | None = None
    """An older scope that grants as much as the granular ones (ref §2)."""

    scope_object: str = ""
    """The object in the names of its scopes, where it is not the plural (the objects' guides)."""

    @property
    def is_custom(self) -> bool:
        """Return whether an account defined the object itself."""
        return self.id.startswith("2-")

    @property
    def legacy_name(self) -> str:
        """Return the name in HubSpot's messages, as in ``legacyObjectType=ORDER`` (ref §5)."""
        return self.singular.upper()


CONTACT = ObjectType(
    "0-1",
    "contact",
    "contacts",
    "createdate",
    "lastmodifieddate",
    ("email", "firstname", "lastname"),
)
COMPANY = ObjectType(
    "0-2", "company", "companies", "createdate", "hs_lastmodifieddate", ("domain", "name")
)
DEAL = ObjectType(
    "0-3",
    "deal",
    "deals",
    "createdate",
    "hs_lastmodifieddate",
    ("amount", "closedate", "dealname", "dealstage", "pipeline"),
)
PRODUCT = ObjectType(
    "0-7",
    "product",
    "products",
    "createdate",
    "hs_lastmodifieddate",
    ("description", "name", "price"),
    legacy_scope="e-commerce",
)
LINE_ITEM = ObjectType(
    "0-8",
    "line_item",
    "line_items",
    "createdate",
    "hs_lastmodifieddate",
    (),
    legacy_scope="e-commerce",
)
ORDER = ObjectType("0-123", "order", "orders", "hs_createdate", "hs_lastmodifieddate", ())
CART = ObjectType("0-142", "cart", "carts", "hs_createdate", "hs_lastmodifieddate", ())
TICKET = ObjectType(
    "0-5",
    "ticket",
    "tickets",
    "createdate",
    "hs_lastmodifieddate",
    ("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_category", "subject"),
    legacy_scope="tickets",
)
DISCOUNT = ObjectType(
    "0-84",
    "discount",
    "discounts",
    "hs_createdate",
    "hs_lastmodifieddate",
    (),
    scope_object="line_items",
)
PAYMENT = ObjectType(
    "0-101",
    "commerce_payment",
    "commerce_payments",
    "hs_createdate",
    "hs_lastmodifieddate",
    (),
    scope_object="commercepayments",
)
QUOTE = ObjectType(  # enough of this and the next two to be a line item's parent
    "0-14",
    "quote",
    "quotes",
    "hs_createdate",
    "hs_lastmodifieddate",
    ("hs_expiration_date", "hs_status", "hs_title"),
)
INVOICE = ObjectType("0-53", "invoice", "invoices", "hs_createdate", "hs_lastmodifieddate", ())
SUBSCRIPTION = ObjectType(
    "0-69", "subscription", "subscriptions", "hs_createdate", "hs_lastmodifieddate", ()
)

OBJECT_TYPES = (
    CONTACT,
    COMPANY,
    DEAL,
    PRODUCT,
    LINE_ITEM,
    ORDER,
    CART,
    QUOTE,
    INVOICE,
    SUBSCRIPTION,
    TICKET,
    DISCOUNT,
    PAYMENT,
)


_CUSTOM_ID = re.compile(r"2-[1-9][0-9]{0,19}")


def custom_object(type_id: str) -> ObjectType:
    """Return the type of a custom object: its id is the only name that the sandbox knows (§11)."""
    created, modified = "hs_createdate", "hs_lastmodifieddate"
    return ObjectType(type_id, type_id, type_id, created, modified, (), scope_object="custom")


class _ById(dict[str, ObjectType]):
    """The object types by id, those of custom objects too."""

    def __missing__(self, type_id: str) -> ObjectType:
        if not _CUSTOM_ID.fullmatch(type_id):
            raise KeyError(type_id)
        return custom_object(type_id)


BY_ID = _ById({kind.id: kind for kind in OBJECT_TYPES})

LINE_ITEM_PARENTS = frozenset({DEAL.id, ORDER.id, CART.id, QUOTE.id, INVOICE.id, SUBSCRIPTION.id})
"""A line item belongs to one of these (ref §8, §11)."""

_BY_NAME = {name: kind for kind in OBJECT_TYPES for name in (kind.id, kind.singular, kind.plural)}


def infer_object_type(name: str) -> ObjectType | None:
    """Return the type that a path segment names: plural, singular or id, in any case (ref §1).

    Whether an account has a custom object, its property definitions say.
    """
    return custom_object(name) if _CUSTOM_ID.fullmatch(name) else _BY_NAME.get(name.lower())

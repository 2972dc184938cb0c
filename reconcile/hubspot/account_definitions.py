"""Read an account's definitions and settings: properties, pipelines, labels, owners, scopes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reconcile.errors import CallRefused, HubSpotError
from reconcile.hubspot.refusals import is_forbidden, is_not_found, is_plain_refusal, none_if
from reconcile.hubspot.routes import TOKEN_INFO, Routes
from reconcile.hubspot.schemas import (
    AccountBody,
    GroupsBody,
    LabelsBody,
    OwnerBody,
    OwnersBody,
    PipelinesBody,
    PropertiesBody,
    PropertyBody,
    TokenBody,
    UsageBody,
)
from reconcile.hubspot.transport import Response, Transport
from reconcile.model.definitions import Account, Label, Owner, Pipeline, Property

_NOT_SENSITIVE = "non_sensitive"
_OWNERS = 100
"""Maximum number of owners on a page (the owners specification)."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The account's daily calls by private apps. ``resets_at`` is HubSpot's ISO timestamp."""

    limit: int
    used: int
    resets_at: str = ""


class AccountReader:
    """Reads definitions and settings, and creates key properties."""

    def __init__(self, transport: Transport, routes: Routes) -> None:
        self._transport = transport
        self._routes = routes

    def account(self) -> Account:
        """Return the account that the token belongs to."""
        body = self._get(self._routes.account()).parse(AccountBody)
        company_currency = (body.company_currency,) if body.company_currency else ()
        self._transport.time_zone = body.time_zone or ""
        return Account(
            body.portal_id,
            body.account_type,
            time_zone=body.time_zone or "",
            currencies=company_currency + (body.additional_currencies or ()),
        )

    def scopes(self) -> frozenset[str] | None:
        """Return the token's scopes; None if HubSpot does not say.

        This is the only endpoint that takes the token in its body as well.
        """
        response = none_if(
            is_plain_refusal,
            self._transport.call,
            "POST",
            TOKEN_INFO,
            body={"tokenKey": self._transport.reveal_token()},
            repeatable=True,
        )
        listed = response.parse(TokenBody).scopes if response is not None else None
        return None if listed is None else frozenset(listed)

    def usage(self) -> Usage | None:
        """Return today's calls; None if HubSpot does not say (OAuth apps)."""
        response = none_if(is_plain_refusal, self._get, self._routes.usage())
        if response is None:
            return None
        for item in response.parse(UsageBody).results or ():
            fresh = item.fetch_status in (None, "SUCCESS", "CACHED")
            if fresh and item.usage_limit is not None and item.current_usage is not None:
                return Usage(item.usage_limit, item.current_usage, item.resets_at or "")
        return None

    def properties(self, object_: str) -> Mapping[str, Property]:
        """Return all live definitions by name, including sensitive ones the token may see."""
        found = _properties(self._get(self._routes.properties(object_)).parse(PropertiesBody))
        for level in ("sensitive", "highly_sensitive"):
            path = self._routes.properties(object_)
            response = none_if(is_plain_refusal, self._get, path, dataSensitivity=level)
            if response is None:
                continue
            more = _properties(response.parse(PropertiesBody), sensitive=True)
            # A server that does not know the parameter returns the ordinary list again.
            found.update({name: prop for name, prop in more.items() if name not in found})
        return MappingProxyType(found)

    def property(self, object_: str, name: str) -> Property | None:
        """Return one live definition, or None."""
        response = none_if(
            is_not_found,
            self._transport.call,
            "GET",
            self._routes.property(object_, name),
            repeatable=True,
            route=f"{self._routes.properties(object_)}/{{name}}",
        )
        if response is None:
            return None
        body = response.parse(PropertyBody)
        return None if body.archived or not body.name else _property(body)

    def define_unique(self, object_: str, name: str, label: str, group: str) -> None:
        """Create a unique text property, unless it already exists.

        Raise HubSpotError if a property of this name exists that is not unique text.
        """
        try:
            self._transport.call(
                "POST",
                self._routes.properties(object_),
                body={
                    "name": name,
                    "label": label,
                    "groupName": group,
                    "type": "string",
                    "fieldType": "text",
                    "hasUniqueValue": True,
                },
                repeatable=True,
            )
        except HubSpotError as error:
            if error.status != 409:
                raise
            existing = self.property(object_, name)
            if existing is None or existing.type != "string" or not existing.unique:
                raise CallRefused(
                    f"{object_} already have a property {name} that is not a unique text property",
                    status=409,
                    category=error.category,
                    correlation_id=error.correlation_id,
                    hint="uniqueness cannot be added to an existing property: choose another name",
                ) from None

    def groups(self, object_: str) -> tuple[str, ...]:
        """Return the internal names of the property groups."""
        body = self._get(self._routes.groups(object_)).parse(GroupsBody)
        return tuple(group.name for group in body.results or () if not group.archived)

    def pipelines(self, object_: str) -> tuple[Pipeline, ...]:
        """Return live pipelines with their live stages."""
        body = self._get(self._routes.pipelines(object_)).parse(PipelinesBody)
        return tuple(
            Pipeline(
                pipeline.id,
                pipeline.label or "",
                MappingProxyType(
                    {s.id: s.label or "" for s in pipeline.stages or () if not s.archived}
                ),
            )
            for pipeline in body.results or ()
            if not pipeline.archived
        )

    def owners(self) -> tuple[Owner, ...] | None:
        """Return all owners, deactivated ones last; None if the token may not read them."""
        found: list[Owner] = []
        for active in (True, False):
            params = {"limit": str(_OWNERS), "archived": str(not active).lower()}
            while True:
                response = none_if(is_forbidden, self._get, self._routes.owners(), **params)
                if response is None:
                    return None
                body = response.parse(OwnersBody)
                found += (_owner(one, active=active) for one in body.results or () if one.id)
                after = (body.paging.next.after if body.paging and body.paging.next else None) or ""
                if not after or not body.results:
                    break
                params["after"] = after
        return tuple(found)

    def labels(self, from_object: str, to_object: str) -> tuple[Label, ...]:
        """Return the association types in this direction."""
        response = self._get(self._routes.labels(from_object, to_object), pool="associations")
        return tuple(
            Label(label.category, label.type_id, label.label or "")
            for label in response.parse(LabelsBody).results or ()
        )

    def _get(self, path: str, pool: str = "objects", **params: str) -> Response:
        return self._transport.call("GET", path, params=params or None, repeatable=True, pool=pool)


def _properties(body: PropertiesBody, *, sensitive: bool = False) -> dict[str, Property]:
    listed: Iterable[PropertyBody] = body.results or ()
    return {
        item.name: _property(item, sensitive=sensitive)
        for item in listed
        if item.name and not item.archived
    }


def _property(body: PropertyBody, *, sensitive: bool = False) -> Property:
    change = body.modification_metadata
    # The owners guide names hubspot_owner_id; other definitions name the type that they refer to.
    owner = body.referenced_object_type == "OWNER" or body.name == "hubspot_owner_id"
    return Property(
        name=body.name,
        type=body.type,
        label=body.label or "",
        options=MappingProxyType({o.value: o.label or "" for o in body.options or ()}),
        open_options=bool(body.external_options) or owner,
        multiple=body.type == "enumeration" and body.field_type == "checkbox",
        read_only=bool(body.calculated) or bool(change and change.read_only_value),
        unique=bool(body.has_unique_value),
        owner=owner,
        sensitive=sensitive or (body.data_sensitivity or _NOT_SENSITIVE) != _NOT_SENSITIVE,
    )


def _owner(body: OwnerBody, *, active: bool) -> Owner:
    user = body.user_id_including_inactive or body.user_id or ""
    return Owner(body.id, body.email or "", active, user)

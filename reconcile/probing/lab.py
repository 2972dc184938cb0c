"""Create, change and read the probe's own records and properties, and no others."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconcile.errors import Ambiguous, HubSpotError, Unreachable
from reconcile.hubspot.client import HubSpot
from reconcile.hubspot.types import Refused, Unclear, Write, Written
from reconcile.model.records import Link
from reconcile.probing import findings
from reconcile.probing.findings import NotMade
from reconcile.probing.inventory import Inventory
from reconcile.probing.needs import KINDS
from reconcile.probing.raw_calls import READS, RawCalls, is_answer
from reconcile.probing.raw_response import RawResponse

MARK = "hs_external_order_status"
"""A free text of orders (reference §9). Each change sets a new value, to see when it shows."""

DEFINED = READS + 2
"""Maximum calls to define a property: read its group, create it, read until it shows."""

LINKS_CALLS = 2
"""Maximum calls to read a record's associations: a batch, and a list if it is left out."""

_DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "key": {"type": "string", "fieldType": "text", "hasUniqueValue": True},
    "set": {
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": [{"label": letter.upper(), "value": letter} for letter in "abc"],
    },
}
"""Definitions of the properties that the probe creates."""

LinkTo = tuple[str, str, int]


class Lab(RawCalls):
    """Creates, changes and reads the probe's own records; ``inventory`` lists all it created."""

    def __init__(
        self,
        hubspot: HubSpot,
        api: str,
        run: str,
        *,
        granted: frozenset[str] | None = None,
        currency: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(hubspot, api, sleep=sleep)
        self.prefix = f"reconcile_probe_{run}"
        self.granted = granted
        self.currency = currency
        self.inventory = Inventory()
        self._names = 0
        self._defined: dict[tuple[str, str], str | NotMade] = {}

    def unique_text(self) -> str:
        """Return a text that is unique in the account."""
        self._names += 1
        return f"{self.prefix}-{self._names}"

    # Properties

    def key(self, object_: str) -> str:
        """Return the name of our own unique text property. Raise NotMade if it is refused."""
        return self._define(object_, "key")

    def choices(self, object_: str) -> str:
        """Return the name of our own multi-select property with the options a, b and c."""
        return self._define(object_, "set")

    def _define(self, object_: str, sort: str) -> str:
        if (object_, sort) not in self._defined:
            try:
                self._defined[object_, sort] = self._made(object_, sort)
            except NotMade as refused:
                self._defined[object_, sort] = refused
        made = self._defined[object_, sort]
        if isinstance(made, NotMade):
            raise made
        return made

    def _made(self, object_: str, sort: str) -> str:
        name = f"{self.prefix}_{sort}"
        self.spend()
        groups = self.hubspot.definitions.groups(object_)
        if not groups:
            raise NotMade(f"{object_} have no property group to put {name} in")
        own = [group for group in groups if group.replace("_", "").endswith("information")]
        group = (own or groups)[0]
        body = {"name": name, "label": f"{self.prefix} {sort}", "groupName": group}
        path = self.routes.properties(object_)
        self.inventory.properties[object_, name] = None
        try:
            # Not the client's own method: after a retry, a refusal would prove nothing.
            seen = self.call("POST", path, body={**body, **_DEFINITIONS[sort]}, repeatable=False)
        except HubSpotError as error:
            if not isinstance(error, Unreachable | Ambiguous):
                del self.inventory.properties[object_, name]
            raise
        if not seen.ok:
            del self.inventory.properties[object_, name]
            raise NotMade(f"the property {name} of {object_} was refused: {seen.summary()}")
        path = self.routes.property(object_, name)
        if not self.until(lambda: self.call("GET", path), lambda seen: seen.ok).ok:
            raise NotMade(f"the property {name} of {object_} did not become visible in time")
        return name

    # Making records

    def try_create(
        self, object_: str, properties: Mapping[str, str], links: Sequence[LinkTo] = ()
    ) -> Written | Refused:
        """Create a record as the applier does: in a batch of one, with a trace id."""
        title, name = KINDS[object_].title, self._plan_create(object_)
        write = Write(name, "", {title: name, **properties}, tuple(links))
        self.spend()
        try:
            answer = self.hubspot.records.create(object_, [write], match=title)[name]
        except HubSpotError as error:
            self._refused(object_, name, error)
            if not is_answer(error):
                raise
            answer = Refused(str(error), error.category)
        if isinstance(answer, Unclear):
            raise findings.Unclear(f"the create of {name} had no clear answer: {answer.message}")
        if isinstance(answer, Written):
            self.inventory.add(object_, answer.id)
        self.inventory.answered(object_, name)
        return answer

    def make(
        self,
        object_: str,
        properties: Mapping[str, str] | None = None,
        links: Sequence[LinkTo] = (),
    ) -> str:
        """Create a record that a question needs, and return its id. Raise NotMade if refused."""
        answer = self.try_create(object_, properties or {}, links)
        if isinstance(answer, Refused):
            raise NotMade(f"one of the {object_} that it needs was refused: {answer.message}")
        return answer.id

    def create_raw(self, object_: str, properties: Mapping[str, str]) -> RawResponse:
        """Create a record with the single endpoint, and return the raw response."""
        name = self._plan_create(object_)
        body = {"properties": {KINDS[object_].title: name, **properties}}
        path = self.routes.objects(object_)
        try:
            seen = self.call("POST", path, body=body, repeatable=False)
        except HubSpotError as error:
            self._refused(object_, name, error)
            raise
        if seen.ok:
            self.inventory.add(object_, seen.id)
        if seen.id or not seen.ok:
            self.inventory.answered(object_, name)
        return seen

    def _refused(self, object_: str, name: str, error: HubSpotError) -> None:
        """Note a refused create as answered. Creates are not retried, so a refusal is final."""
        if not isinstance(error, Unreachable | Ambiguous):
            self.inventory.answered(object_, name)

    def upsert(
        self, object_: str, key: str, by_value: Mapping[str, Mapping[str, str]], *, echo: bool
    ) -> RawResponse:
        """Upsert records by a key, with its value as trace id, and return the raw response.

        ``echo`` adds the key to the properties, so that the response shows it.
        """
        names, inputs = [], []
        for value, properties in by_value.items():
            names.append(self._plan_create(object_))
            shown = {key: value} if echo else {}
            sent = {KINDS[object_].title: names[-1], **shown, **properties}
            trace = {"objectWriteTraceId": value}
            inputs.append({"id": value, "idProperty": key, "properties": sent, **trace})
        seen = self.call("POST", self.routes.batch(object_, "upsert"), body={"inputs": inputs})
        for result in seen.results:
            self.inventory.add(object_, result.id)
        if not seen.ok or len(seen.results) + len(seen.errors) == len(inputs):
            for name in names:
                self.inventory.answered(object_, name)
        return seen

    def _plan_create(self, object_: str) -> str:
        """Return a name for a record to create, and list it as a create without an answer."""
        self.require_calls()
        name = self.unique_text()
        self.inventory.unanswered[object_, name] = None
        return name

    # Changing and reading them

    def change(self, id_: str, properties: Mapping[str, str | None]) -> tuple[RawResponse, str]:
        """Change an order of ours; return the response, and the mark to recognise the change by."""
        mark = self.unique_text()
        body = {"properties": {**properties, MARK: mark}}
        return self.call("PATCH", self.routes.record("orders", id_), body=body), mark

    def get(self, object_: str, id_: str, names: Sequence[str] = ()) -> RawResponse:
        """Read one record, and return the raw response."""
        params = {"properties": ",".join(names)} if names else None
        return self.call("GET", self.routes.record(object_, id_), params=params)

    def read_visible(
        self, object_: str, id_: str, names: Sequence[str], mark: str = ""
    ) -> RawResponse:
        """Read a record until it, or the change with this mark, is visible."""

        def is_there(seen: RawResponse) -> bool:
            return seen.ok and (not mark or seen.properties.get(MARK) == mark)

        seen = self.until(lambda: self.get(object_, id_, (*names, MARK)), is_there)
        if not is_there(seen):
            raise findings.Unclear(
                f"the written values did not become visible in time: {seen.summary()}"
            )
        return seen

    def archive(self, object_: str, id_: str) -> None:
        """Archive a record of ours, and verify it."""
        self.call("DELETE", self.routes.record(object_, id_))
        seen = self.until(lambda: self.get(object_, id_), lambda seen: seen.status == 404)
        if seen.status != 404:
            raise findings.Unclear(f"an archived record is still visible: {seen.summary()}")

    def links(self, from_object: str, to_object: str, id_: str) -> frozenset[Link]:
        """Return the associations of a record."""
        self.spend(LINKS_CALLS)
        return self.hubspot.associations.links(from_object, to_object, to_object, [id_])[id_]

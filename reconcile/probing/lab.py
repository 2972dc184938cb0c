"""The hands of the probe: records and properties of its own, and nobody else's."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconcile.errors import ApiError, Unreachable
from reconcile.hubspot.client import HubSpot, Refused, Unclear, Write, Written
from reconcile.model.records import Link
from reconcile.probing import findings
from reconcile.probing.findings import NotMade
from reconcile.probing.inventory import Inventory
from reconcile.probing.lenient_answers import Seen
from reconcile.probing.needs import KINDS
from reconcile.probing.raw_calls import READS, Asker, is_answer

MARK = "hs_external_order_status"
"""A free text of orders (reference §9): a value of its own in each change tells when it shows."""

DEFINED = READS + 2
"""Calls that defining a property takes at most: its group, itself, and until it shows."""

LINKS_CALLS = 2
"""Calls that reading a record's associations takes at most: where the batch is silent, a list."""

_SORTS: Mapping[str, Mapping[str, Any]] = {
    "key": {"type": "string", "fieldType": "text", "hasUniqueValue": True},
    "set": {
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": [{"label": value.upper(), "value": value} for value in "abc"],
    },
}
"""Definitions of the properties that the probe makes."""

LinkTo = tuple[str, str, int]


class Lab(Asker):
    """Makes, changes and reads the probe's own records; ``inventory`` has all that it made."""

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

    def value(self) -> str:
        """A text that nobody else has."""
        self._names += 1
        return f"{self.prefix}-{self._names}"

    # Properties

    def key(self, object_: str) -> str:
        """A unique text property of our own. Raises NotMade where it is refused."""
        return self._define(object_, "key")

    def choices(self, object_: str) -> str:
        """A property of our own with any of the options a, b and c."""
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
        groups = self.hubspot.groups(object_)
        if not groups:
            raise NotMade(f"{object_} have no property group to put {name} in")
        own = [group for group in groups if group.replace("_", "").endswith("information")]
        group = (own or groups)[0]
        body = {"name": name, "label": f"{self.prefix} {sort}", "groupName": group}
        path = self.routes.properties(object_)
        self.inventory.properties[object_, name] = None
        try:
            # Not the client's own method: repeated after no answer, a refusal would prove nothing.
            seen = self.ask("POST", path, body={**body, **_SORTS[sort]}, repeatable=False)
        except ApiError as error:
            if not isinstance(error, Unreachable):
                del self.inventory.properties[object_, name]
            raise
        if not seen.ok:
            del self.inventory.properties[object_, name]
            raise NotMade(f"the property {name} of {object_} was refused: {seen.told()}")
        path = self.routes.property(object_, name)
        if not self.until(lambda: self.ask("GET", path), lambda seen: seen.ok).ok:
            raise NotMade(f"the property {name} of {object_} did not show in time")
        return name

    # Making records

    def attempt(
        self, object_: str, properties: Mapping[str, str], links: Sequence[LinkTo] = ()
    ) -> Written | Refused:
        """Create a record as the applier does: alone in a batch, with a trace id."""
        title, name = KINDS[object_].title, self._announce(object_)
        write = Write(name, "", {title: name, **properties}, tuple(links))
        self.spend()
        try:
            answer = self.hubspot.create(object_, [write], match=title)[name]
        except ApiError as error:
            self._refused(object_, name, error)
            if not is_answer(error):
                raise
            answer = Refused(str(error), error.category)
        if isinstance(answer, Unclear):
            raise findings.Unclear(f"the create of {name} had no clear answer: {answer.message}")
        if isinstance(answer, Written):
            self.inventory.add(object_, answer.id)
        self.inventory.settled(object_, name)
        return answer

    def make(
        self,
        object_: str,
        properties: Mapping[str, str] | None = None,
        links: Sequence[LinkTo] = (),
    ) -> str:
        """Create a record that a question needs; its id."""
        answer = self.attempt(object_, properties or {}, links)
        if isinstance(answer, Refused):
            raise NotMade(f"one of the {object_} that it needs was refused: {answer.message}")
        return answer.id

    def create(self, object_: str, properties: Mapping[str, str]) -> Seen:
        """Create a record alone; the answer as it came."""
        name = self._announce(object_)
        body = {"properties": {KINDS[object_].title: name, **properties}}
        path = self.routes.objects(object_)
        try:
            seen = self.ask("POST", path, body=body, repeatable=False)
        except ApiError as error:
            self._refused(object_, name, error)
            raise
        if seen.ok:
            self.inventory.add(object_, seen.id)
        if seen.id or not seen.ok:
            self.inventory.settled(object_, name)
        return seen

    def _refused(self, object_: str, name: str, error: ApiError) -> None:
        """A create is never repeated after an attempt without an answer: a refusal is the end."""
        if not isinstance(error, Unreachable):
            self.inventory.settled(object_, name)

    def upsert(
        self, object_: str, key: str, by_value: Mapping[str, Mapping[str, str]], *, echo: bool
    ) -> Seen:
        """Upsert records by a key, each with its value as trace id; the answer as it came.

        ``echo`` puts the key among the properties, so that the answer shows it.
        """
        names, inputs = [], []
        for value, properties in by_value.items():
            names.append(self._announce(object_))
            shown = {key: value} if echo else {}
            sent = {KINDS[object_].title: names[-1], **shown, **properties}
            trace = {"objectWriteTraceId": value}
            inputs.append({"id": value, "idProperty": key, "properties": sent, **trace})
        seen = self.ask("POST", self.routes.batch(object_, "upsert"), body={"inputs": inputs})
        for result in seen.results:
            self.inventory.add(object_, result.id)
        if not seen.ok or len(seen.results) + len(seen.errors) == len(inputs):
            for name in names:
                self.inventory.settled(object_, name)
        return seen

    def _announce(self, object_: str) -> str:
        """The name of a record that is about to be made; from now on it would be looked for."""
        self.room()
        name = self.value()
        self.inventory.unsettled[object_, name] = None
        return name

    # Changing and reading them

    def change(self, id_: str, properties: Mapping[str, str | None]) -> tuple[Seen, str]:
        """PATCH an order of ours; the answer, and the mark that tells when the change shows."""
        mark = self.value()
        body = {"properties": {**properties, MARK: mark}}
        return self.ask("PATCH", self.routes.record("orders", id_), body=body), mark

    def get(self, object_: str, id_: str, names: Sequence[str] = ()) -> Seen:
        """Read one record."""
        params = {"properties": ",".join(names)} if names else None
        return self.ask("GET", self.routes.record(object_, id_), params=params)

    def shown(self, object_: str, id_: str, names: Sequence[str], mark: str = "") -> Seen:
        """Read one record as soon as it, or the change with this mark, shows."""

        def is_there(seen: Seen) -> bool:
            return seen.ok and (not mark or seen.properties.get(MARK) == mark)

        seen = self.until(lambda: self.get(object_, id_, (*names, MARK)), is_there)
        if not is_there(seen):
            raise findings.Unclear(f"what was written does not show in time: {seen.told()}")
        return seen

    def archive(self, object_: str, id_: str) -> None:
        """Archive a record of ours, and see that it is."""
        self.ask("DELETE", self.routes.record(object_, id_))
        seen = self.until(lambda: self.get(object_, id_), lambda seen: seen.status == 404)
        if seen.status != 404:
            raise findings.Unclear(f"an archived record still shows: {seen.told()}")

    def links(self, from_object: str, to_object: str, id_: str) -> frozenset[Link]:
        """The associations of a record."""
        self.spend(LINKS_CALLS)
        return self.hubspot.links(from_object, to_object, to_object, [id_])[id_]

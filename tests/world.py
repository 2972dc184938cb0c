"""A project and the account it is for: everything real, over a loopback socket.

``World`` is what a person has in front of them: a folder with ``reconcile.yaml`` and manifests, a
HubSpot account (the sandbox), the two commands, and other people who edit in HubSpot.
"""

import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self
from unicodedata import normalize
from unittest.mock import patch
from urllib.parse import quote

import httpx
from plain import NO_TLS

from reconcile import workflow
from reconcile.errors import ManifestError
from reconcile.hubspot.client import HubSpot
from reconcile.manifests import load
from reconcile.model.address import Address
from reconcile.model.audit import Actor, Origin
from reconcile.model.explanation import reasons_with_hints
from reconcile.model.guarded import counts
from reconcile.model.outcome import Report
from reconcile.model.plan import Action, Plan, RecordChange
from reconcile.model.policy import DRIFT, HELD
from reconcile.model.records import Unit
from reconcile.project import load_settings
from reconcile.sandbox import RequestRecord, Sandbox, Switches
from reconcile.session import Session, connect
from reconcile.stores.contract import Store
from reconcile.stores.store_urls import open_store

Document = Mapping[str, Any]

KEY = "reconcile_key"
ORIGIN = Origin(Actor("test", "os"))
GROUPS = {
    "orders": "order_information",
    "carts": "cart_information",
    "line_items": "lineiteminformation",
}
KIND_OBJECTS = {"order": "orders", "cart": "carts", "line_item": "line_items"}
OBJECTS = ("orders", "carts", "line_items", "contacts", "companies", "deals")
EMAILS = ("ana@example.com", "bo@example.com", "chi@example.com")
COMPANIES = ("501", "502")
_READS = ("/batch/read", "/search", "/access-token-info")


def _definition(name: str, type_: str, field: str, group: str, **more: Any) -> dict[str, Any]:
    label = name.replace("_", " ").title()
    body = {"name": name, "label": label, "type": type_, "fieldType": field, "groupName": group}
    return body | more


def _options(*values: str) -> list[dict[str, str]]:
    return [{"label": value.title(), "value": value} for value in values]


def seed() -> dict[str, Any]:
    """The account's first content: keys, one custom property of each type, labels, neighbours."""
    properties = {
        object_: [
            _definition(KEY, "string", "text", group, hasUniqueValue=True),
            _definition("channel", "enumeration", "select", group, options=_options("web", "shop")),
            _definition(
                "topics", "enumeration", "checkbox", group, options=_options("a", "b", "c d")
            ),
            _definition("gift", "bool", "booleancheckbox", group),
            _definition("due", "date", "date", group),
            _definition("seen_at", "datetime", "date", group),
            _definition("weight", "number", "number", group),
            _definition("memo", "string", "textarea", group),
        ]
        for object_, group in GROUPS.items()
    }
    return {
        "properties": properties,
        "labels": {"orders/companies": [{"name": "payer", "label": "Payer"}]},
        "objects": {
            "contacts": [{"properties": {"email": email}} for email in EMAILS],
            "companies": [{"id": id_, "properties": {"name": f"C {id_}"}} for id_ in COMPANIES],
        },
    }


class World:
    """A project folder, its account and everybody who works with either."""

    def __init__(
        self,
        folder: Path,
        *,
        template: Path | None = None,
        seed: Path | None = None,
        switches: Switches | None = None,
        api: str = "v3",
        identity: Mapping[str, str] | None = None,
        proxy: Callable[[str, str], Any] | None = None,
        store: str = "",
        target: str = "test",
        rate_limit: int = 1_000_000,
        stamp: str = "",
    ) -> None:
        """Remember what to build.

        ``proxy`` wraps the sandbox's URL and stands before it; ``store`` is the URL of a shared
        store, instead of the folder; ``rate_limit`` and ``stamp`` are what the project file says.
        """
        self.folder = folder
        self.api = api
        self.identity = identity or {}
        self._template = template
        self._proxy = proxy
        self._store = store
        self._target = target
        self._rate_limit = rate_limit
        self._stamp = stamp
        self._slept = 0.0
        self._stack = ExitStack()
        self.sandbox = Sandbox(folder / "account.sqlite", seed=seed, switches=switches)
        self.proxy: Any = None

    def __enter__(self) -> Self:
        """Start the account and write the project file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._template is not None:
            shutil.copyfile(self._template, self.folder / "account.sqlite")
        self._stack.enter_context(self.sandbox)
        headers = {"Authorization": f"Bearer {self.sandbox.token}"}
        self.http = self._stack.enter_context(
            httpx.Client(base_url=self.sandbox.url, headers=headers, trust_env=False, verify=NO_TLS)
        )
        url = self.sandbox.url
        if self._proxy is not None:
            self.proxy = self._stack.enter_context(self._proxy(url))
            url = self.proxy.url
        target = {
            "url": url,
            "token": "${env:TOKEN}",
            "rate_limit": str(self._rate_limit),
            "api": self.api,
            "identity": dict(self.identity),
        }
        if not self.identity:
            del target["identity"]
        if self._stamp:
            target["stamp"] = self._stamp
        project = {"version": "1", "targets": {self._target: target}, "manifests": ["manifests"]}
        self.environ = {"TOKEN": self.sandbox.token}
        if self._store:
            project["store"] = "${env:STORE}"
            self.environ |= {"STORE": self._store, "RECONCILE_STATE_KEY": "0123456789abcdef" * 2}
        (self.folder / "reconcile.yaml").write_text(json.dumps(project), encoding="utf-8")
        self.settings = load_settings(self.folder, target=None, environ=self.environ)
        return self

    def __exit__(self, *about: object) -> None:
        """Stop everything."""
        self._stack.close()

    # The author of the manifests

    def declare(self, *documents: Document) -> None:
        """Make these the manifests, and no others."""
        folder = self.folder / "manifests"
        folder.mkdir(exist_ok=True)
        # JSON is YAML with every value quoted: text stays as it is written.
        text = "\n---\n".join(json.dumps(one, ensure_ascii=False) for one in documents)
        (folder / "all.yaml").write_text(text + "\n", encoding="utf-8")

    def manage(self, **given: Any) -> None:
        """Say in the project file what may be written; nothing given is no `manage`."""
        path = self.folder / "reconcile.yaml"
        project = json.loads(path.read_text(encoding="utf-8"))
        target = project["targets"][self._target]
        target.pop("manage", None)
        if given:
            target["manage"] = given
        path.write_text(json.dumps(project), encoding="utf-8")
        self.settings = load_settings(self.folder, target=None, environ=self.environ)

    def units(self) -> tuple[Unit, ...]:
        """What the manifests declare."""
        return load(self.settings.manifests, root=self.settings.root)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Reach the account as a command does, but for waiting."""
        impatient = partial(HubSpot, sleep=self.sleep, clock=self.clock)
        with (
            patch("reconcile.hubspot.client.HubSpot", impatient),
            connect(self.settings, self.environ, "write") as session,
        ):
            yield session

    def plan(
        self,
        *documents: Document,
        recreate: Iterable[str] = (),
        prune: bool = False,
        in_doubt: bool = False,
        allow: Mapping[str, int] | None = None,
    ) -> Plan:
        """Plan the manifests, after writing ``documents`` if there are any.

        All drift is put back and nothing is held back, unless ``allow`` says what is let in. A test
        that means a plan which leaves units out says ``in_doubt``; others ``recover`` first.
        """
        if documents:
            self.declare(*documents)
        again = frozenset(Address.parse(text) for text in recreate)
        with self.session() as session:
            made = self._plan(session, again, prune=prune, allow=allow)
        assert in_doubt or not made.in_doubt, made.in_doubt
        return made

    def apply(
        self,
        planned: Plan | None = None,
        *,
        allow: Mapping[str, int] | None = None,
        halt: bool = False,
        saved: bool = False,
    ) -> Report:
        """Apply a plan; as the command does, one made now if none is given.

        One that was ``saved`` is compared with what the manifests declare now.
        """
        with self.session() as session:
            if planned is None:
                self._recover(session)
                planned = self._plan(session, frozenset(), allow=allow)
                if planned.idle:
                    return workflow.finish(session, planned, ORIGIN, who="test")
            return workflow.apply(
                session,
                planned,
                ORIGIN,
                declared=self.units() if saved else None,
                who="test",
                halt=halt,
                sleep=self.sleep,
            )

    def recover(self) -> None:
        """Resolve the in-doubt writes of interrupted runs, as every command that writes does."""
        with self.session() as session:
            self._recover(session)

    def _recover(self, session: Session) -> None:
        workflow.recover_unfinished(session, ORIGIN, who="test", sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass: in the account, and without anybody waiting."""
        self.http.post("/_sandbox/clock", json={"advance": str(seconds)}).raise_for_status()
        self._slept += seconds

    def clock(self) -> float:
        """Tell the time in seconds, with what was slept."""
        return time.monotonic() + self._slept

    def _plan(
        self,
        session: Session,
        recreate: frozenset[Address],
        *,
        prune: bool = False,
        allow: Mapping[str, int] | None = None,
    ) -> Plan:
        numbers = dict.fromkeys((*HELD, DRIFT), 1) if allow is None else allow
        texts = [f"{name}={number}" for name, number in numbers.items()]
        try:
            made = workflow.plan(session, self.units(), recreate=recreate, prune=prune, allow=texts)
            return made if allow is not None else with_its_numbers(made)
        except ManifestError as error:
            for problem in error.problems:
                error.add_note(str(problem))
            raise

    def converge(self, *documents: Document) -> Report:
        """Declare, apply completely, and see that nothing is left to do."""
        self.declare(*documents)
        report = self.apply()
        assert incomplete(report) == ()
        assert self.plan().units == ()
        return report

    @cached_property
    def store(self) -> Store:
        """Where the target's state is."""
        return self._stack.enter_context(
            closing(open_store(self._store, self.settings.local_folder))
        )

    def files(self) -> list[Path]:
        """The project's files; the account's own are no part of it."""
        return sorted(p for p in self.folder.rglob("*") if "account.sqlite" not in p.name)

    def lose_state(self) -> None:
        """Delete the state, as a fresh clone has none."""
        shutil.rmtree(self.settings.local_folder, ignore_errors=True)

    # Other people in HubSpot

    def make(self, object_: str, /, key: str = "", **properties: str) -> str:
        """Someone creates a record; its id."""
        values = properties | ({KEY: key} if key else {})
        return str(self._post(f"/crm/v3/objects/{object_}", {"properties": values})["id"])

    def edit(self, object_: str, id_: str, /, by: str = "", **properties: str) -> None:
        """Someone edits a record.

        ``by`` says who, as the sandbox takes it: ``INTEGRATION 777 Shopify``, ``CRM_UI`` and the id
        of a user, ``AUTOMATION_PLATFORM 42``. Without it, it is the app whose token this is.
        """
        path = f"/crm/v3/objects/{object_}/{id_}"
        headers = {"X-Sandbox-Source": quote(by)} if by else {}
        body = {"properties": properties}
        self.http.patch(path, json=body, headers=headers).raise_for_status()

    def user(self, email: str) -> str:
        """The id of the user with this address, who may have left."""
        owners = [
            one
            for archived in ("false", "true")
            for one in self.http.get("/crm/v3/owners", params={"archived": archived}).json()[
                "results"
            ]
        ]
        (id_,) = (one["userIdIncludingInactive"] for one in owners if one["email"] == email)
        return str(id_)

    def archive(self, object_: str, id_: str) -> None:
        """Someone deletes a record."""
        self.http.delete(f"/crm/v3/objects/{object_}/{id_}").raise_for_status()

    def merge(self, object_: str, one: str, other: str) -> str:
        """Someone merges two records; the new one's id."""
        body = {"primaryObjectId": one, "objectIdToMerge": other}
        return str(self._post(f"/crm/objects/2026-03/{object_}/merge", body)["id"])

    def link(self, from_: tuple[str, str], to: tuple[str, str], *types: tuple[str, int]) -> None:
        """Someone associates two records, adding to the labels they have."""
        path = f"/crm/v4/objects/{from_[0]}/{from_[1]}/associations"
        if not types:
            self.http.put(f"{path}/default/{to[0]}/{to[1]}").raise_for_status()
            return
        there = self.links(from_, to[0]).get(to[1], frozenset())
        body = [
            {"associationCategory": category, "associationTypeId": number}
            for category, number in sorted(there | set(types))
        ]
        self.http.put(f"{path}/{to[0]}/{to[1]}", json=body).raise_for_status()

    def unlink(self, from_: tuple[str, str], to: tuple[str, str]) -> None:
        """Someone removes every association of two records."""
        path = f"/crm/v4/objects/{from_[0]}/{from_[1]}/associations/{to[0]}/{to[1]}"
        self.http.delete(path).raise_for_status()

    # Looking at the account

    def record(self, object_: str, key: str) -> dict[str, str | None]:
        """The properties of the record with this key, its id among them."""
        names = ",".join(self.property_names(object_))
        path = f"/crm/v3/objects/{object_}/{key}"
        answer = self.http.get(path, params={"idProperty": KEY, "properties": names})
        answer.raise_for_status()
        body = answer.json()
        return body["properties"] | {"id": body["id"]}

    def id_of(self, object_: str, key: str) -> str:
        """The id of the record with this key."""
        return str(self.record(object_, key)["id"])

    def by_key(self, object_: str, key: str) -> str:
        """The id of the only live record with this key, however odd, in any Unicode form."""
        (id_,) = (i for i, one in self.dump(object_).items() if same_key(one.get(KEY), key))
        return id_

    def define_key(self, object_: str) -> None:
        """An admin makes the unique property of an object."""
        body = _definition(KEY, "string", "text", GROUPS[object_], hasUniqueValue=True)
        self._post(f"/crm/v3/properties/{object_}", body)

    @property
    def stages(self) -> dict[str, str]:
        """Ids of the order pipelines and their stages by label."""
        found = self.http.get("/crm/v3/pipelines/orders").json()["results"]
        return {one["label"]: one["id"] for one in found} | {
            stage["label"]: stage["id"] for one in found for stage in one["stages"]
        }

    def keys(self, object_: str) -> "Counter[str]":
        """How many live records carry each key; those without count under ``""``."""
        return Counter(values.get(KEY, "") for values in self.dump(object_).values())

    def links(self, from_: tuple[str, str], to: str) -> dict[str, frozenset[tuple[str, int]]]:
        """The associations of a record by the other's id, as (category, type id)."""
        path = f"/crm/v4/objects/{from_[0]}/{from_[1]}/associations/{to}"
        answer = self.http.get(path, params={"limit": "500"})
        answer.raise_for_status()
        return {
            str(one["toObjectId"]): frozenset(
                (kind["category"], kind["typeId"]) for kind in one["associationTypes"]
            )
            for one in answer.json()["results"]
        }

    def dump(self, object_: str) -> dict[str, dict[str, str]]:
        """Every live record's stored values by id: as the account keeps them, nothing computed."""
        with closing(sqlite3.connect(self.folder / "account.sqlite")) as connection:
            rows = connection.execute(
                "SELECT id, properties FROM record WHERE archived_at IS NULL AND type = ?",
                (_TYPE_IDS[object_],),
            )
            return {
                str(id_): {name: value for name, value in json.loads(text).items() if value}
                for id_, text in rows
            }

    def ever(self, object_: str) -> list[str]:
        """The ids of all records there ever were, archived ones too."""
        with closing(sqlite3.connect(self.folder / "account.sqlite")) as connection:
            rows = connection.execute("SELECT id FROM record WHERE type = ?", (_TYPE_IDS[object_],))
            return [str(id_) for (id_,) in rows]

    def dump_links(self) -> frozenset[tuple[str, str, str, str, str, int]]:
        """Every association of the account."""
        with closing(sqlite3.connect(self.folder / "account.sqlite")) as connection:
            rows = connection.execute("SELECT * FROM association")
            return frozenset((a, str(b), c, str(d), e, f) for a, b, c, d, e, f in rows)

    def property_names(self, object_: str) -> list[str]:
        """The properties records of this object can have."""
        answer = self.http.get(f"/crm/v3/properties/{object_}")
        return [definition["name"] for definition in answer.json()["results"]]

    def writes(self) -> list[RequestRecord]:
        """The calls since the last ``forget_calls`` that may have changed something."""
        return [one for one in self.sandbox.requests() if _writes(one)]

    def forget_calls(self) -> None:
        """Start counting calls anew."""
        self.sandbox.clear_requests()

    def _post(self, path: str, body: object) -> dict[str, Any]:
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


_TYPE_IDS = {
    "orders": "0-123",
    "carts": "0-142",
    "line_items": "0-8",
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "products": "0-7",
}


def _writes(call: RequestRecord) -> bool:
    return call.method != "GET" and not call.path.endswith(_READS)


def same_key(one: str | None, other: str) -> bool:
    """Whether two keys are the same but for their Unicode form."""
    return normalize("NFC", one or "") == normalize("NFC", other)


# Manifest documents


def order(key: str, /, lines: Iterable[Document] = (), **more: Any) -> Document:
    """An order's document; keywords that are no field of it are properties."""
    return _unit("order", key, lines, more)


def cart(key: str, /, lines: Iterable[Document] = (), **more: Any) -> Document:
    """A cart's document."""
    return _unit("cart", key, lines, more)


def line(key: str, /, **properties: str) -> Document:
    """A line item as it stands in its order or cart."""
    return {"key": key, "properties": properties} if properties else {"key": key}


def _unit(kind: str, key: str, lines: Iterable[Document], more: dict[str, Any]) -> Document:
    document: dict[str, Any] = {"kind": kind, "key": key}
    for field in ("associations", "lifecycle", "moved_from", "adopt"):
        if field in more:
            document[field] = more.pop(field)
    if more:
        document["properties"] = more
    if found := list(lines):
        document["line_items"] = found
    return document


# Looking at plans and reports


def with_its_numbers(plan: Plan) -> Plan:
    """A plan that lets everything in, with the numbers that it has."""
    numbers = counts(plan)
    names = sorted(name for name in (*HELD, DRIFT) if numbers.get(name))
    return replace(plan, allowed=tuple(f"{name}={numbers[name]}" for name in names))


def changes(plan: Plan) -> dict[str, RecordChange]:
    """A plan's record changes by address."""
    return {str(change.address): change for change in plan.records()}


def actions(plan: Plan) -> dict[str, Action]:
    """What a plan does to each record."""
    return {address: change.action for address, change in changes(plan).items()}


def held(plan: Plan) -> dict[str, Action]:
    """What a plan holds back, by address, and what it would do."""
    return {str(change.address): change.action for unit in plan.units for change in unit.held}


def drifted(plan: Plan) -> dict[str, list[str]]:
    """What a plan leaves alone: the fields and associations that others changed, by address."""
    return {
        str(left.address): [*(one.name for one in left.fields), *(one.to for one in left.links)]
        for unit in plan.units
        for left in unit.left_alone
    }


def explained(change: RecordChange) -> str:
    """The reasons and hints of a change, a line each, as they are shown."""
    pairs = reasons_with_hints(change.why)
    return "\n".join(text for pair in pairs for text in pair if text)


def statuses(report: Report) -> dict[str, str]:
    """How each record ended."""
    return {str(outcome.address): outcome.status.value for outcome in report.outcomes}


def messages(report: Report) -> dict[str, str]:
    """What was said of each record."""
    return {
        str(outcome.address): outcome.message or "; ".join(map(str, outcome.why))
        for outcome in report.outcomes
    }


def incomplete(report: Report) -> tuple[tuple[str, str, str], ...]:
    """The records that are not done."""
    return tuple(
        (str(outcome.address), outcome.status.value, outcome.message)
        for outcome in report.outcomes
        if outcome.status.value != "done"
    )

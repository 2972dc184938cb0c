"""A shop that has orders already, with a sync that keeps writing them while we take them over.

The account holds orders with line items and without keys. A sync changes statuses and tracking
numbers all the time. We pull manifests, adopt the records, change a price in git and apply it. In
the end every change that we wanted is there, and the sync's values are all what it wrote last.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from world import NO_TLS, World

from reconcile.model.kinds import kinds
from reconcile.model.plan import Action, Plan
from reconcile.pulling.known import Wanted, project_of
from reconcile.pulling.new_files import NewFiles
from reconcile.pulling.puller import Pulled, Puller
from reconcile.pulling.selection import Selection

BATCH = 100
SYNCED = ("hs_external_order_status", "hs_shipping_tracking_number")
"""What the sync writes, and no manifest declares."""

STAGE = "hs_pipeline_stage"
"""What the manifests declare, and the sync moves on as well."""

_TO_ORDER = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 514}


class Shop:
    """The account as its owners see it."""

    def __init__(self, world: World, orders: int) -> None:
        self.world = world
        stages = world.stages
        self.open, self.shipped = stages["Open"], stages["Shipped"]
        self.orders = self._make(
            "orders",
            [
                {
                    "hs_external_order_id": f"E{number:06}",
                    "hs_order_name": f"Order {number}",
                    "hs_total_price": str(10 + number % 90),
                    STAGE: self.open,
                }
                for number in range(orders)
            ],
        )
        self.lines = self._make(
            "line_items",
            [
                {"name": f"Article {number}", "hs_sku": f"S{number}", "price": "5", "quantity": "1"}
                for number in range(orders * 5 // 2)
            ],
        )
        self._link()

    def _make(self, object_: str, records: Sequence[dict[str, str]]) -> list[str]:
        """Make records; return their ids in the same order."""
        name = "hs_external_order_id" if object_ == "orders" else "hs_sku"
        ids: dict[str, str] = {}
        for some in _batches(records):
            body = {"inputs": [{"properties": one, "associations": []} for one in some]}
            made = self._post(f"/crm/v3/objects/{object_}/batch/create", body)
            ids |= {one["properties"][name]: one["id"] for one in made["results"]}
        return [ids[one[name]] for one in records]

    def _link(self) -> None:
        pairs = [
            {"from": {"id": line}, "to": {"id": self.orders[number * 2 // 5]}, "types": [_TO_ORDER]}
            for number, line in enumerate(self.lines)
        ]
        for some in _batches(pairs):
            self._post("/crm/v4/associations/line_items/orders/batch/create", {"inputs": some})

    def _post(self, path: str, body: object) -> Any:
        return self.world.http.post(path, json=body).raise_for_status().json()

    # What we do

    def pull(self) -> Pulled:
        """Write manifests for what has none yet."""
        wanted = Wanted(
            kinds()["order"],
            (STAGE, "hs_total_price"),
            ("hs_sku", "price"),
            "hs_external_order_id",
            (),
        )
        folder = self.world.folder / "manifests"
        folder.mkdir(exist_ok=True)
        units = self.world.units() if any(folder.iterdir()) else ()
        with self.world.session() as session:
            settings = session.settings
            project = project_of(
                session.hubspot,
                session.state(),
                units,
                wanted,
                identities=settings.target.identity,
                target=settings.target.name,
                several=False,
            )
            files = NewFiles(folder, "orders")
            puller = Puller(session.hubspot, project, wanted, files)
            puller.run(Selection())
        files.finish()
        return puller.pulled

    def price(self, number: int, price: str) -> str:
        """Change one line item's price in its manifest; return the line's id."""
        line = self.lines[number]
        for path in sorted((self.world.folder / "manifests").glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            head, found, rest = text.partition(f'adopt: {{id: "{line}"}}')
            if found:
                edited = rest.replace("price: 5\n", f"price: {price}\n", 1)
                path.write_text(head + found + edited, encoding="utf-8")
                return line
        raise AssertionError(f"no manifest adopts {line}")

    # What the sync does

    @contextmanager
    def syncing(self, seed: int = 1) -> Iterator["Sync"]:
        """Have the sync write while the block runs."""
        sync = Sync(self, seed)
        try:
            yield sync
        finally:
            sync.stop()

    def records(self, object_: str) -> dict[str, dict[str, str]]:
        """All live records, as they are stored."""
        return self.world.dump(object_)


class Sync:
    """A program of somebody else: it writes a few orders at a time, until it is stopped."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self._shop, self._random = shop, random.Random(seed)
        self.wrote: dict[tuple[str, str], str] = {}
        """What it wrote last, by record and property."""
        self.count = 0
        self.moves_stages = False
        self._ends = threading.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End it, and raise what went wrong in it."""
        self._ends.set()
        self._thread.join()
        if self._failed:
            raise self._failed[0]

    def wait_for(self, number: int) -> None:
        """Wait until it has written so many orders more."""
        wanted = self.count + number
        while self.count < wanted and not self._failed:
            self._ends.wait(0.01)

    def counted(self, work: Callable[[], Any]) -> tuple[Any, int]:
        """Return the result of some work, and how many orders the sync wrote meanwhile."""
        before = self.count
        return work(), self.count - before

    def _run(self) -> None:
        world = self._shop.world
        headers = {"Authorization": f"Bearer {world.sandbox.token}"}
        try:
            with httpx.Client(
                base_url=world.sandbox.url, headers=headers, trust_env=False, verify=NO_TLS
            ) as http:
                while not self._ends.is_set():
                    self._write(http)
                    self._ends.wait(0.005)
        except BaseException as error:  # noqa: BLE001  (raised by stop, in the test's thread)
            self._failed.append(error)

    def _write(self, http: httpx.Client) -> None:
        some = self._random.sample(self._shop.orders, min(10, len(self._shop.orders)))
        inputs = [{"id": one, "properties": self._values()} for one in some]
        body = {"inputs": inputs}
        http.post("/crm/v3/objects/orders/batch/update", json=body).raise_for_status()
        self.wrote |= {
            (str(one["id"]), name): value
            for one in inputs
            for name, value in one["properties"].items()
        }
        self.count += len(inputs)

    def _values(self) -> dict[str, str]:
        number = self._random.randrange(10**9)
        values = {SYNCED[0]: f"status {number}", SYNCED[1]: f"track {number}"}
        if self.moves_stages and number % 3 == 0:
            values[STAGE] = self._shop.shipped
        return values


def _batches(items: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), BATCH):
        yield list(items[start : start + BATCH])


def only_adopts(plan: Plan) -> bool:
    """Whether a plan writes nothing but keys."""
    return all(
        change.action in (Action.ADOPT, Action.UPDATE)
        and [field.name for field in change.fields] in ([], ["reconcile_key"])
        for change in plan.records()
    )


def carry_out(orders: int, world: World) -> str:
    """Play the story with so many orders; return what happened, in a line.

    Raises AssertionError where anything is lost, made twice or written over.
    """
    shop = Shop(world, orders)
    before = {one: shop.records(one) for one in ("orders", "line_items")}
    with shop.syncing() as sync:
        pulled = shop.pull()
        assert (pulled.records, pulled.lines) == (orders, len(shop.lines))
        plan = world.plan(allow={})
        assert only_adopts(plan)
        report, during = sync.counted(lambda: world.apply(plan))
        assert report.complete
        assert shop.pull().records == 0

        again = world.plan(allow={})
        assert again.empty, [str(change) for change in again.records()][:3]
        sync.moves_stages = True
        sync.wait_for(orders)
        line = shop.price(0, "6.50")
        change = world.plan(allow={})
        assert [(one.id, one.action) for one in change.records()] == [(line, Action.UPDATE)]
        drifted = sum(len(unit.left_alone) for unit in change.units)
        assert drifted > orders / 10
        report, more = sync.counted(lambda: world.apply(change))
        assert report.complete
    last = world.plan(allow={})
    assert last.empty
    after = {one: shop.records(one) for one in ("orders", "line_items")}
    assert {one: after[one].keys() for one in after} == {one: before[one].keys() for one in before}
    for (record, name), value in sync.wrote.items():
        assert after["orders"][record][name] == value, (record, name)
    for record, values in before["orders"].items():
        now = after["orders"][record]
        assert now["hs_total_price"] == values["hs_total_price"]
        assert now[STAGE] == sync.wrote.get((record, STAGE), values[STAGE])
        assert now["reconcile_key"] == values["hs_external_order_id"]
    prices = {record: one["price"] for record, one in after["line_items"].items()}
    assert prices == {**dict.fromkeys(shop.lines, "5"), line: "6.5"}
    return (
        f"{orders:,} orders, {len(shop.lines):,} line items: the sync wrote {during + more:,} "
        f"orders during applies, {sync.count:,} in all; drift in {drifted:,} orders left alone"
    )

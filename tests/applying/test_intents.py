"""Nothing is sent before the journal, durably in the store, says what is about to be sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from world import EMAILS, World, line, order

from reconcile.applying.run_head import LOGS
from reconcile.model.address import Address
from reconcile.stores.local import LocalStore
from reconcile.stores.logs import Log

READS = ("/batch/read", "/search", "/access-token-info")


def announced(home: Path) -> set[str]:
    """Every record's key, id and write trace that an intent of a journal on this disk names."""
    store = LocalStore(home)
    names: set[str] = set()
    for log in store.folders(LOGS):
        for _, entry in Log(store, log).entries():
            found = json.loads(entry)
            if found["about"] == "intent":
                for address, _, record_id, trace in found["records"]:
                    names |= {Address.parse(address).key, record_id, trace} - {""}
    return names


def written(method: str, path: str, body: Any) -> Iterator[set[str]]:
    """For each record that a request writes, the names that an intent can know it by."""
    if method == "GET" or path.endswith(READS):
        return
    if "inputs" not in body:
        yield {unquote(path.rpartition("/")[2])}
        return
    for one in body["inputs"]:
        if "from" in one:
            yield {one["from"]["id"]}
        else:
            yield {one[name] for name in ("id", "objectWriteTraceId") if name in one}


def test_every_write_is_in_the_journal_when_it_reaches_hubspot(watched: World) -> None:
    """Whatever is written: a run that dies then is resolved by what its journal names."""
    home = watched.settings.local_folder
    sent: list[str] = []
    unannounced: list[tuple[str, str, set[str]]] = []

    def look(method: str, path: str, body: Any) -> None:
        """See what a process finds that looks at the disk now."""
        for names in written(method, path, body):
            sent.append(path.rpartition("/crm/")[2])
            if not names & announced(home):
                unannounced.append((method, path, names))

    watched.proxy.hook = look
    contact = {"contact": [{"email": EMAILS[0]}]}
    lines = [line("A:1", name="x"), line("A:2", name="y")]
    watched.converge(order("A", lines, memo="1", associations=contact), order("B", memo="1"))
    watched.converge(order("A", [line("A:1", name="z"), lines[1]], memo="2"), order("B", memo="2"))
    watched.declare(order("A", lifecycle={"state": "absent"}), order("B", memo="3"))
    watched.apply()

    kinds_of_writes = ("upsert", "create", "update", "archive", "associations")
    for what in kinds_of_writes:
        assert any(what in path for path in sent), (what, sorted(set(sent)))
    assert unannounced == []

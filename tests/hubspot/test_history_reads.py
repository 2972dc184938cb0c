"""Reading what many records' properties were before."""

from collections.abc import Callable
from typing import Any

import pytest

from reconcile.errors import HubSpotError
from reconcile.hubspot.history_reads import HistoryReader
from reconcile.hubspot.routes import Routes
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.model.batches import HISTORIES
from reconcile.model.records import Version

Talk = Callable[..., tuple[Transport, Any]]
MISSING = {"category": "OBJECT_NOT_FOUND", "message": "Could not get", "context": {"ids": ["2"]}}


def record(id_: str, *values: str) -> dict[str, Any]:
    """A record whose memo had these values, the latest first."""
    versions = [{"value": one, "timestamp": "t", "sourceType": "CRM_UI"} for one in values]
    return {"id": id_, "properties": {}, "propertiesWithHistory": {"memo": versions}}


def reader(transport: Transport) -> HistoryReader:
    """A reader without threads."""
    return HistoryReader(transport, Routes("v3"), Pool(1))


def test_histories_are_by_id_and_the_latest_first(talk: Talk) -> None:
    """In any order of the answer; what is named as missing is left out."""
    answer = {"status": "COMPLETE", "results": [record("3", "c"), record("1", "b", "a")]}
    transport, script = talk((207, answer | {"errors": [MISSING]}))
    found = reader(transport).histories("orders", ["1", "2", "3", "1"], ["memo"])
    assert found == {
        "1": {"memo": (Version("b", "t", "CRM_UI"), Version("a", "t", "CRM_UI"))},
        "3": {"memo": (Version("c", "t", "CRM_UI"),)},
    }
    (body,) = script.bodies
    assert body["propertiesWithHistory"] == ["memo"]
    assert body["inputs"] == [{"id": "1"}, {"id": "2"}, {"id": "3"}]


def test_a_call_asks_for_no_more_records_than_hubspot_takes(talk: Talk) -> None:
    """HubSpot refuses more than fifty where histories are asked for."""
    ids = [str(number) for number in range(HISTORIES + 1)]
    first = {"results": [record(id_, "x") for id_ in ids[:HISTORIES]]}
    transport, script = talk((200, first), (200, {"results": [record(ids[-1], "x")]}))
    assert reader(transport).histories("orders", ids, ["memo"]).keys() == set(ids)
    assert [len(body["inputs"]) for body in script.bodies] == [50, 1]


def test_a_record_that_an_answer_is_silent_about_is_asked_for_alone(talk: Talk) -> None:
    """It may be gone; nothing else is taken for that."""
    gone = {"category": "OBJECT_NOT_FOUND", "message": "resource not found"}
    transport, script = talk((200, {"results": []}), (404, gone))
    assert reader(transport).histories("orders", ["1"], ["memo"]) == {}
    assert [one.method for one in script.requests] == ["POST", "GET"]
    transport, _ = talk((200, {"results": []}), (200, record("1", "x")))
    assert reader(transport).histories("orders", ["1"], ["memo"]) == {
        "1": {"memo": (Version("x", "t", "CRM_UI"),)}
    }
    transport, _ = talk((200, {"results": []}), (400, {"message": "no"}))
    with pytest.raises(HubSpotError, match="leaves out '1'"):
        reader(transport).histories("orders", ["1"], ["memo"])


def test_an_answer_with_another_record_is_not_taken_for_ours(talk: Talk) -> None:
    """A merged record may answer for its former id (reference §8)."""
    transport, _ = talk((200, {"results": [record("9", "x")]}), (404, MISSING))
    assert reader(transport).histories("orders", ["1"], ["memo"]) == {}


def test_a_version_names_its_source(talk: Talk) -> None:
    """What HubSpot says of it is one printable line each; what it leaves out is empty."""
    said = {
        "value": "x",
        "timestamp": "t",
        "sourceType": "CRM_UI",
        "sourceId": "userId:41",
        "sourceLabel": "Ana\n\x1b[31m" + "a" * 200,
        "updatedByUserId": 41,
    }
    body = {"id": "1", "properties": {}, "propertiesWithHistory": {"memo": [said, {"value": "y"}]}}
    transport, _ = talk((200, body))
    first, second = reader(transport).history("orders", "1", ["memo"])["memo"]
    assert (first.source_id, first.user) == ("userId:41", "41")
    assert first.label.isprintable()
    assert len(first.label) == 80
    assert second == Version("y", "", "")

"""Reading records and associations, from answers that are not as asked."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconcile.errors import HubSpotError, UsageError
from reconcile.hubspot.association_reads import AssociationReader
from reconcile.hubspot.record_reads import RecordReader
from reconcile.hubspot.routes import Routes, quoted
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.model.batches import split
from reconcile.model.records import Actual, Link

Talk = Callable[..., tuple[Transport, Any]]
ABSENT_KEY = {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["nw-1"]}}
MISSING = {"category": "OBJECT_NOT_FOUND", "message": "Could not get", "context": {"ids": ["2"]}}


def reader(transport: Transport, workers: int = 1) -> RecordReader:
    return RecordReader(transport, Routes("v3"), Pool(workers))


def link_reader(transport: Transport) -> AssociationReader:
    return AssociationReader(transport, Routes("v3"), Pool(1))


def record(id_: str, **properties: str | None) -> dict[str, Any]:
    return {"id": id_, "properties": properties, "archived": False, "createdAt": "x"}


def test_what_is_not_there_is_left_out(talk: Talk) -> None:
    """A 207 with OBJECT_NOT_FOUND is an ordinary answer, and null values stay None."""
    answer = {"status": "COMPLETE", "results": [record("1", a=None)], "errors": [MISSING]}
    transport, script = talk((207, answer))
    found = reader(transport).read("orders", ["1", "2", "1"], ["a"])
    assert found == {"1": Actual("1", {"a": None})}
    assert script.bodies[0]["inputs"] == [{"id": "1"}, {"id": "2"}]
    assert "idProperty" not in script.bodies[0]


def test_records_are_keyed_as_they_were_asked_for(talk: Talk) -> None:
    """The key in manifests is the key of the answer, whatever HubSpot made of its case."""
    transport, script = talk((200, {"results": [record("7", k="nw-1 ")]}))
    found = reader(transport).read("orders", ["NW-1"], ["a"], id_property="k", archived=True)
    assert list(found) == ["NW-1"]
    assert script.bodies[0]["properties"] == ["a", "k"]
    assert script.bodies[0]["idProperty"] == "k"
    assert script.requests[0].url.params["archived"] == "true"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"results": [record("9", k="NW-9")]}, "not requested"),
        ({"results": [record("9")]}, "not requested"),
        ({"results": [{"properties": {"k": "NW-1"}}]}, "not requested"),
        ({"results": [record("7", k="NW-1"), record("8", k="NW-1")]}, "answered twice"),
        ({"results": [], "errors": [{"category": "VALIDATION_ERROR", "message": "bad"}]}, "bad"),
        ({"results": [], "status": "PENDING"}, "not finished"),
        ({"results": [], "numErrors": 2}, "without naming"),
        ({"results": [record("7", k="NW-1")], "errors": [ABSENT_KEY]}, "and also reports"),
    ],
)
def test_records_that_were_not_requested_are_errors(talk: Talk, answer: Any, reason: str) -> None:
    """A wrong record, a second one, or half an answer is never taken for the requested one."""
    transport, _ = talk((200, answer))
    with pytest.raises(HubSpotError, match=reason):
        reader(transport).read("orders", ["NW-1"], [], id_property="k")


def test_a_merged_record_is_not_there_under_its_former_id(talk: Talk) -> None:
    """A batch that answers a former id with the new record does not pass it for the old one."""
    merged = {"results": [record("9"), record("2")]}
    transport, script = talk((200, merged), (200, record("9")))
    found = reader(transport).read("orders", ["1", "2"], [])
    assert list(found) == ["2"]
    assert [request.url.path for request in script.requests[1:]] == ["/crm/v3/objects/orders/1"]


def test_two_records_merged_into_one_are_both_not_there(talk: Talk) -> None:
    """The record that they became may come once or twice, and may be asked for beside them."""
    for results in ([record("9")], [record("9"), record("9")]):
        transport, _ = talk(*[(200, {"results": results})] * 2, (200, record("9")))
        assert reader(transport).read("orders", ["1", "2"], []) == {}
    transport, _ = talk((200, {"results": [record("9")]}), (200, record("9")))
    assert list(reader(transport).read("orders", ["1", "9"], [])) == ["9"]


def test_an_unexpected_record_that_none_was_merged_into_is_an_error(talk: Talk) -> None:
    """A record that was not requested is an error even if a requested one is missing."""
    transport, _ = talk((200, {"results": [record("9")]}), (404, {"category": "OBJECT_NOT_FOUND"}))
    with pytest.raises(HubSpotError, match="'9', which was not requested"):
        reader(transport).read("orders", ["1"], [])


def test_more_records_than_asked_for_are_an_error(talk: Talk) -> None:
    """A further record beside one for every id cannot be the result of a merge."""
    transport, _ = talk((200, {"results": [record("1"), record("9")]}))
    with pytest.raises(HubSpotError, match="not requested"):
        reader(transport).read("orders", ["1"], [])


def test_keys_that_differ_only_in_case_are_not_requested(talk: Talk) -> None:
    """HubSpot may hold them for one."""
    transport, script = talk((200, {}))
    with pytest.raises(ValueError, match="differ only in case"):
        reader(transport).read("orders", ["a", "A "], [], id_property="k")
    assert script.requests == []


def test_reads_are_split_in_batches_of_100(talk: Talk) -> None:
    """250 ids are three calls, in any order, and none for no ids."""
    ids = [str(n) for n in range(250)]
    transport, script = talk((207, {"errors": [{**MISSING, "context": {"ids": ids}}]}))
    read = reader(transport, workers=3)
    assert read.read("orders", [], []) == {}
    assert read.read("orders", ids, []) == {}
    assert sorted(len(body["inputs"]) for body in script.bodies) == [50, 100, 100]


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "message": "resource not found", "correlationId": "c"},
        {"category": "OBJECT_NOT_FOUND", "message": "Object not found. objectId are 9"},
    ],
)
def test_one_record_that_is_not_there_is_none(talk: Talk, body: Any) -> None:
    """HubSpot says so in two ways."""
    transport, _ = talk((404, body))
    assert reader(transport).get("orders", "9", []) is None


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Unable to infer object type from: x"},
        {"code": 404, "message": "HTTP 404 Not Found"},
        b"<html>",
    ],
)
def test_a_wrong_path_is_not_an_absent_record(talk: Talk, body: Any) -> None:
    """A 404 for the whole path must not look like a record to be created."""
    transport, _ = talk((404, body))
    with pytest.raises(HubSpotError):
        reader(transport).get("x", "9", [])


def test_one_record_may_answer_under_another_id(talk: Talk) -> None:
    """After a merge the old id leads to the new record, and the caller can see it."""
    transport, script = talk((200, record("9", a="1")))
    found = reader(transport).get("orders", "1", ["a"], archived=True)
    assert found == Actual("9", {"a": "1"})
    assert dict(script.requests[0].url.params) == {"properties": "a", "archived": "true"}


def test_one_record_by_key_is_checked(talk: Talk) -> None:
    """A record with another key is not taken for the requested one."""
    transport, script = talk((200, record("9", k="K1")))
    assert reader(transport).get("orders", "k1", [], id_property="k")
    assert script.requests[0].url.params["idProperty"] == "k"
    with pytest.raises(HubSpotError, match="not the requested one"):
        reader(transport).get("orders", "K2", [], id_property="k")


def test_one_record_without_an_id_is_an_error(talk: Talk) -> None:
    """An empty object is not a record."""
    transport, _ = talk((200, {}))
    with pytest.raises(HubSpotError, match="no id"):
        reader(transport).get("orders", "1", [])


def test_many_properties_are_asked_for_in_pieces(talk: Talk) -> None:
    """A URL never grows so long that a server answers 414."""
    names = [f"{n:03}" + "x" * 97 for n in range(100)]
    transport, script = talk((200, record("1", a="1")), (200, record("1", b="2")))
    found = reader(transport).get("orders", "1", names)
    assert found == Actual("1", {"a": "1", "b": "2"})
    assert len(script.requests) == 3
    assert all(len(str(request.url)) < 8000 for request in script.requests)
    asked = ",".join(request.url.params["properties"] for request in script.requests)
    assert asked.split(",") == names


def page(from_id: str, to: list[Any], after: str | None = None) -> dict[str, Any]:
    listed: dict[str, Any] = {"from": {"id": from_id}, "to": to}
    return listed | ({"paging": {"next": {"after": after, "link": "x"}}} if after else {})


def other(id_: Any, *types: int) -> dict[str, Any]:
    kinds = [{"category": "HUBSPOT_DEFINED", "typeId": n, "label": None} for n in types]
    return {"toObjectId": id_, "associationTypes": kinds}


def test_associations_are_followed_page_by_page(talk: Talk) -> None:
    """Each record has pages of its own, and every type of a pair is a link."""
    transport, script = talk(
        (
            207,
            {
                "results": [page("1", [other(50, 934, 509)], "p2"), page("2", [other("51", 934)])],
                "errors": [unlinked("3")],
            },
        ),
        (200, {"results": [page("1", [other("52", 934)])]}),
    )
    found = link_reader(transport).links("orders", "company", "companies", ["1", "2", "3"])
    assert found == {
        "1": {Link("company", "50", 934), Link("company", "50", 509), Link("company", "52", 934)},
        "2": {Link("company", "51", 934)},
        "3": frozenset(),
    }
    assert script.bodies[1]["inputs"] == [{"id": "1", "after": "p2"}]


def unlinked(id_: str) -> dict[str, Any]:
    """How live answers report a record without associations."""
    return {
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No company is associated with order {id_}.",
        "context": {"fromObjectId": [id_], "fromObjectType": ["order"]},
    }


def test_records_without_associations_have_none(talk: Talk) -> None:
    """HubSpot reports them as errors of a category of its own, which cost no further call."""
    answer = {"results": [], "errors": [unlinked("1")], "numErrors": 1}
    transport, script = talk((207, answer))
    found = link_reader(transport).links("orders", "company", "companies", ["1"])
    assert found == {"1": frozenset()}
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"results": [page("9", [])]}, "not requested"),
        ({"results": [{"to": []}]}, "not requested"),
        ({"results": [page("1", []), page("1", [])]}, "twice"),
        ({"results": [page("1", [])], "errors": [unlinked("1")]}, "and also reports"),
        ({"results": [page("1", [{"associationTypes": [{"typeId": 1}]}])]}, "without its record"),
        ({"results": [page("1", [{"toObjectId": 7}])]}, "or its type"),
        ({"results": [page("1", [], "same")]}, "a cursor came twice"),
        ({"errors": [{"category": "VALIDATION_ERROR", "message": "bad"}]}, "bad"),
    ],
)
def test_odd_association_answers_are_errors(talk: Talk, answer: Any, reason: str) -> None:
    """Pages that never end or belong to another record stop the reading."""
    transport, _ = talk((200, answer))
    with pytest.raises(HubSpotError, match=reason):
        link_reader(transport).links("orders", "company", "companies", ["1"])


def test_associations_are_read_1000_at_a_time(talk: Talk) -> None:
    """2,500 records are three calls."""
    ids = [str(n) for n in range(2500)]
    transport, script = talk((207, {"errors": [unlinked(id_) for id_ in ids]}))
    found = link_reader(transport).links("orders", "c", "contacts", ids)
    assert len(found) == 2500
    assert [len(body["inputs"]) for body in script.bodies] == [1000, 1000, 500]


def test_the_pool_keeps_the_order() -> None:
    """Results come in the order of the items, whichever ends first."""
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_done.wait(5)
        if item == 1:
            second_done.set()
        return item * 2

    with Pool(2) as pool:
        assert pool.map(work, range(6)) == [0, 2, 4, 6, 8, 10]


def test_a_failure_lets_the_others_finish_and_begins_no_more() -> None:
    """What is under way ends before the error is raised, and nothing goes on behind its back."""
    failed = threading.Event()
    finished: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            failed.set()
            raise LookupError("first")
        assert failed.wait(5)
        threading.Event().wait(0.05)
        finished.append(item)

    with Pool(2) as pool:
        with pytest.raises(LookupError, match="first"):
            pool.map(work, range(100))
        seen = list(finished)
        threading.Event().wait(0.1)
        assert finished == seen
        assert len(finished) <= 3


def test_a_pool_needs_a_worker() -> None:
    """No workers could do no work."""
    with pytest.raises(ValueError, match="at least one"):
        Pool(0)


def test_splitting_loses_nothing() -> None:
    """Pieces have the size asked for, the last one what is left."""
    assert list(split([1, 2, 3, 4, 5], 2)) == [[1, 2], [3, 4], [5]]
    assert list(split([], 2)) == []


def test_path_parts_are_quoted() -> None:
    """An id from outside stays one part of the path."""
    assert quoted("a/b?c#d%é") == "a%2Fb%3Fc%23d%25%C3%A9"
    for bad in ("", ".", ".."):
        with pytest.raises(ValueError, match="cannot be part"):
            quoted(bad)


def test_quoted_ids_reach_the_server_as_written(talk: Talk) -> None:
    """The HTTP library does not quote again or normalise."""
    transport, script = talk(httpx.Response(200, json=record("1", k="../x y")))
    reader(transport).get("orders", "../x y", [], id_property="k")
    assert script.requests[0].url.raw_path.startswith(b"/crm/v3/objects/orders/..%2Fx%20y?")


@pytest.mark.parametrize(
    ("api", "paths"),
    [
        (
            "v3",
            [
                "/crm/v3/objects/orders/batch/read",
                "/crm/v3/objects/orders/1",
                "/crm/v3/properties/orders/a",
                "/crm/v3/properties/orders/groups",
                "/crm/v3/pipelines/orders",
                "/crm/v4/associations/orders/carts/batch/read",
                "/crm/v4/objects/orders/1/associations/carts",
                "/crm/v4/associations/orders/carts/labels",
                "/account-info/v3/details",
                "/account-info/v3/api-usage/daily/private-apps",
            ],
        ),
        (
            "2026-03",
            [
                "/crm/objects/2026-03/orders/batch/read",
                "/crm/objects/2026-03/orders/1",
                "/crm/properties/2026-03/orders/a",
                "/crm/properties/2026-03/orders/groups",
                "/crm/pipelines/2026-03/orders",
                "/crm/associations/2026-03/orders/carts/batch/read",
                "/crm/objects/2026-03/orders/1/associations/carts",
                "/crm/associations/2026-03/orders/carts/labels",
                "/account-info/2026-03/details",
                "/account-info/2026-03/api-usage/daily/private-apps",
            ],
        ),
    ],
)
def test_both_families_of_paths(api: str, paths: list[str]) -> None:
    """The dated versions move the version behind the family's name."""
    routes = Routes(api)
    assert paths == [
        routes.batch("orders", "read"),
        routes.record("orders", "1"),
        routes.property("orders", "a"),
        routes.groups("orders"),
        routes.pipelines("orders"),
        routes.association_batch("orders", "carts", "read"),
        routes.record_associations("orders", "1", "carts"),
        routes.labels("orders", "carts"),
        routes.account(),
        routes.usage(),
    ]


@pytest.mark.parametrize("api", ["v2", "", "2026", "2026-03/../x", "v3\n"])
def test_unknown_versions_are_refused(api: str) -> None:
    """A version that is neither v3 nor a date is a mistake in the settings."""
    with pytest.raises(UsageError):
        Routes(api)

"""A value that HubSpot has refused once is not sent again for every other record."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import ceil, log2

import pytest
from proxy import Proxy, Seen
from world import Document, World, cart, messages, order, statuses

from reconcile.applying.refused_values import RefusedValues
from reconcile.errors import InvalidValue
from reconcile.hubspot.types import Refused, Write
from reconcile.model.batches import OBJECTS
from reconcile.model.kinds import kinds
from reconcile.sandbox import Switches

WORKERS = 4
ALONE = ceil(log2(OBJECTS)) + 1
"""Refused calls until one record of a full batch stands alone, halving."""


def withdraw(world: World, object_: str = "orders", *left: str) -> None:
    """Have somebody take options of ``channel`` away, right before the next write."""

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith(("/batch/update", "/upsert")) or method == "PATCH":
            options = [{"label": value.title(), "value": value} for value in left or ("web",)]
            world.http.patch(f"/crm/v3/properties/{object_}/channel", json={"options": options})

    world.proxy.seen.clear()
    world.proxy.hook = hook


def refused(world: World) -> list[Seen]:
    """The calls that HubSpot refused."""
    return [one for one in world.proxy.seen if one.status == 400]


def ends(world: World, *documents: Document) -> dict[str, str]:
    """Apply and return how each record ended, by key."""
    report = world.apply(world.plan(*documents))
    return {a.rpartition("/")[2]: status for a, status in statuses(report).items()}


def test_a_thousand_records_with_one_bad_value_take_a_few_tens_of_refused_calls(
    watched: World,
) -> None:
    """Each thread finds one culprit alone at the most; then nobody asks again."""
    keys = [f"O{n:04}" for n in range(1000)]
    watched.converge(*(order(key, channel="web") for key in keys))
    plan = watched.plan(*(order(key, channel="shop") for key in keys))
    withdraw(watched)

    report = watched.apply(plan)

    assert set(statuses(report).values()) == {"failed"}
    assert len(set(messages(report).values())) == 1
    assert "channel: shop was not one of the allowed options" in messages(report)["order/O0000"]
    assert 1 <= len(refused(watched)) <= WORKERS * ALONE
    assert Counter(v["channel"] for v in watched.dump("orders").values()) == {"web": 1000}


@pytest.mark.parametrize("rescued", [True, False])
def test_bad_and_good_values_mixed_end_exactly_right(
    build: Callable[..., World],
    rescued: bool,  # noqa: FBT001
) -> None:
    """Two kinds of bad values are found among others, whether or not traces rescue an update."""
    world = build(proxy=Proxy, switches=Switches(trace_ids_rescue_batch_update=rescued))
    wanted = {
        f"O{n:03}": {"channel": "shop"} if n % 7 == 3 else {"topics": "b"} if n % 11 == 5 else {}
        for n in range(300)
    }
    start = {key: {"channel": "web", "topics": "a", "memo": "1"} for key in wanted}
    world.converge(*(order(key, **values) for key, values in start.items()))
    documents = [
        order(key, **start[key] | values | {"memo": "2"}) for key, values in wanted.items()
    ]
    plan = world.plan(*documents)

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("/batch/update"):
            for name, left in (("channel", "web"), ("topics", "a")):
                options = [{"label": left, "value": left}]
                world.http.patch(f"/crm/v3/properties/orders/{name}", json={"options": options})

    world.proxy.seen.clear()
    world.proxy.hook = hook
    report = world.apply(plan)

    bad = {f"order/{key}" for key, values in wanted.items() if values}
    assert {a for a, status in statuses(report).items() if status == "failed"} == bad
    assert {a for a, status in statuses(report).items() if status == "done"} == {
        f"order/{key}" for key, values in wanted.items() if not values
    }
    for key, values in wanted.items():
        (name,) = values or ("",)
        assert messages(report)[f"order/{key}"].count(f"{name}: ") == bool(values)
        assert world.record("orders", key)["memo"] == ("1" if values else "2")
    # Three batches, each with both bad values: both stand alone once a thread, then all is known.
    assert len(refused(world)) <= (0 if rescued else WORKERS * 2 * ALONE)


def test_two_bad_records_among_a_hundred_stop_none_of_the_others(watched: World) -> None:
    """HubSpot names the value, so the two that send it are sent apart from the rest."""
    keys = [f"O{n:02}" for n in range(100)]
    watched.converge(*(order(key, channel="web", memo="1") for key in keys))
    bad = {keys[17], keys[64]}
    plan = watched.plan(
        *(order(key, channel="shop" if key in bad else "web", memo="2") for key in keys)
    )
    withdraw(watched)
    report = watched.apply(plan)
    assert {a for a, s in statuses(report).items() if s == "failed"} == {f"order/{k}" for k in bad}
    assert Counter(v["memo"] for v in watched.dump("orders").values()) == {"1": 2, "2": 98}
    # The hundred, the two, the first of the two; then the other 98 in one call.
    assert [len(one.inputs) for one in refused(watched)] == [100, 2, 1]
    updates = watched.proxy.to("POST", "orders/batch/update")
    assert [len(one.inputs) for one in updates] == [100, 2, 1, 98]


def test_a_property_that_is_gone_fails_all_that_send_it_and_no_others(watched: World) -> None:
    """Whatever the value, HubSpot has no such property any more."""
    keys = [f"O{n:03}" for n in range(250)]
    watched.converge(*(order(key, memo="1") for key in keys))
    several = {key: {"weight": str(n + 1)} for n, key in enumerate(keys) if n % 2}
    plan = watched.plan(*(order(key, memo="2", **several.get(key, {})) for key in keys))

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("/batch/update"):
            watched.http.delete("/crm/v3/properties/orders/weight")

    watched.proxy.seen.clear()
    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert {a for a, s in statuses(report).items() if s == "failed"} == {
        f"order/{key}" for key in several
    }
    assert {a for a, s in statuses(report).items() if s == "done"} == {
        f"order/{key}" for key in keys if key not in several
    }
    assert len(refused(watched)) <= WORKERS * (ALONE + 1)


def test_a_taken_unique_value_fails_those_that_send_it_and_no_others(watched: World) -> None:
    """Other values of the same property belong to nobody."""
    body = {"name": "erp", "label": "ERP", "type": "string", "fieldType": "text"}
    body |= {"groupName": "order_information", "hasUniqueValue": True}
    watched.http.post("/crm/v3/properties/orders", json=body).raise_for_status()
    keys = [f"O{n:02}" for n in range(40)]
    watched.converge(*(order(key, memo="1") for key in keys))
    watched.make("orders", erp="taken")
    documents = [order(k, memo="2", erp=f"free {k}") for k in keys[2:]]
    found = ends(watched, *(order(k, memo="2", erp="taken") for k in keys[:2]), *documents)
    assert {key for key, status in found.items() if status == "failed"} == set(keys[:2])
    assert Counter(found.values()) == {"failed": 2, "done": 38}


def test_what_is_refused_of_one_kind_says_nothing_of_another(watched: World) -> None:
    """An option withdrawn from orders is still one of carts."""
    watched.converge(order("A", channel="web"), cart("A", channel="web"), cart("B"))
    plan = watched.plan(order("A", channel="shop"), cart("A", channel="shop"), cart("B"))
    withdraw(watched)
    assert statuses(watched.apply(plan)) == {"order/A": "failed", "cart/A": "done"}


def test_new_records_with_a_refused_value_fail_in_every_batch(watched: World) -> None:
    """Traces tell which of a batch were refused; the good ones are made."""
    keys = [f"O{n:03}" for n in range(250)]
    plan = watched.plan(*(order(k, channel="web" if int(k[1:]) % 5 else "shop") for k in keys))
    withdraw(watched)
    report = watched.apply(plan)
    assert Counter(statuses(report).values()) == {"failed": 50, "done": 200}
    assert Counter(v["channel"] for v in watched.dump("orders").values()) == {"web": 200}
    assert refused(watched) == []


def test_a_refusal_that_names_nothing_is_asked_for_each_record(watched: World) -> None:
    """Nobody can know that it holds for others: here it holds for one at a time."""
    keys = [f"O{n}" for n in range(8)]
    watched.converge(*(order(key, memo="1") for key in keys))
    plan = watched.plan(*(order(key, memo="2") for key in keys))
    body = {"status": "error", "message": "not now", "category": "VALIDATION_ERROR"}
    watched.proxy.seen.clear()
    watched.proxy.hook = lambda _method, path, _body: (
        (400, body) if path.endswith("/batch/update") else None
    )
    assert set(statuses(watched.apply(plan)).values()) == {"failed"}
    assert sum(len(one.inputs) == 1 for one in refused(watched)) == len(keys)


STAGE = {"hs_pipeline": "p1", "hs_pipeline_stage": "s"}


@pytest.mark.parametrize(
    ("sent", "invalid", "other", "is_known"),
    [
        pytest.param({"a": "1"}, [("a", "INVALID_OPTION")], {"a": "1", "b": "2"}, True, id="value"),
        pytest.param({"a": "1"}, [("a", "INVALID_OPTION")], {"a": "2"}, False, id="another value"),
        pytest.param({"a": "1"}, [("a", "INVALID_OPTION")], {"b": "1"}, False, id="elsewhere"),
        pytest.param({"a": "1"}, [("a", "")], {"a": "1"}, True, id="without a code"),
        pytest.param({"a": "1"}, [("a", "READ_ONLY_VALUE")], {"a": "2"}, True, id="read-only"),
        pytest.param({"a": "1"}, [("a", "PROPERTY_DOESNT_EXIST")], {"a": "2"}, True, id="gone"),
        pytest.param(
            {"a": "1"}, [("a", "PROPERTY_DOESNT_EXIST")], {"b": "1"}, False, id="gone, not sent"
        ),
        pytest.param({"a": "1"}, [], {"a": "1"}, False, id="names nothing"),
        pytest.param({"a": "1"}, [("b", "INVALID_OPTION")], {"b": "1"}, False, id="not sent"),
        pytest.param(
            {"a": ""}, [("a", "MISSING_REQUIRED_PROPERTY")], {"a": ""}, False, id="required"
        ),
        pytest.param(
            {"a": "x"}, [("a", "UNIQUE_VALUE_CONFLICT")], {"a": "y"}, False, id="other unique value"
        ),
        pytest.param(
            {"a": "x"}, [("a", "UNIQUE_VALUE_CONFLICT")], {"a": "x"}, True, id="same unique value"
        ),
        pytest.param(STAGE, [("hs_pipeline_stage", "INVALID_OPTION")], STAGE, True, id="stage"),
        pytest.param(
            STAGE,
            [("hs_pipeline_stage", "INVALID_OPTION")],
            STAGE | {"hs_pipeline": "p2"},
            False,
            id="stage of another pipeline",
        ),
        pytest.param(
            {"hs_pipeline_stage": "s"},
            [("hs_pipeline_stage", "INVALID_OPTION")],
            {"hs_pipeline_stage": "s"},
            False,
            id="stage of whatever pipeline the record has",
        ),
    ],
)
def test_a_refusal_holds_for_others_only_where_it_is_about_what_is_sent(
    sent: Mapping[str, str],
    invalid: list[tuple[str, str]],
    other: Mapping[str, str],
    is_known: bool,  # noqa: FBT001
) -> None:
    """The value, or the property itself; never what depends on the rest of a record."""
    known = RefusedValues(kinds()["order"])
    values = tuple(InvalidValue(name, f"{name} is bad", code) for name, code in invalid)
    first = Refused("bad, and more of this record", "VALIDATION_ERROR", invalid=values)
    known.learn(Write("t1", "1", sent), first)
    alike = replace(first, message=values[0].message) if is_known else None
    assert known.refusal_of(Write("t2", "2", other)) == alike


def test_a_message_is_about_the_records_own_value_alone() -> None:
    """One that was refused for two values teaches each with a message of its own."""
    known = RefusedValues(kinds()["order"])
    both = tuple(InvalidValue(name, f"{name} is bad", "INVALID_OPTION") for name in "ab")
    known.learn(Write("t1", "1", {"a": "1", "b": "2"}), Refused("a and b", invalid=both))
    found = known.refusal_of(Write("t2", "2", {"b": "2"}))
    assert found == replace(Refused("b is bad"), invalid=both[1:])

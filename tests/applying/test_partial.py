"""One bad record among many costs that record and no other."""

from collections.abc import Callable

import pytest
from proxy import Proxy
from world import KEY, World, cart, incomplete, line, messages, order, statuses

from reconcile.sandbox import Switches

MANY = [f"O{n:03}" for n in range(120)]


def refuse(world: World, object_: str, key: str) -> None:
    """Have the account refuse writes of the record whose memo is the key's (``poison``)."""

    def poisoned(body: object) -> bool:
        return isinstance(body, dict) and any(
            one["properties"].get("memo") == "poison" for one in body.get("inputs", [body])
        )

    refusal = {
        "status": "error",
        "message": "Property values were not valid",
        "category": "VALIDATION_ERROR",
    }
    world.proxy.hook = lambda method, path, body: (
        (400, refusal)
        if f"/{object_}/" in path and not path.endswith("/read") and poisoned(body)
        else None
    )


@pytest.mark.matrix(keep=1)
@pytest.mark.parametrize(
    ("kind", "object_"), [(order, "orders"), (cart, "carts")], ids=["order", "cart"]
)
def test_a_bad_update_among_many_is_found_by_halving(
    build: Callable[..., World], kind: Callable[..., object], object_: str
) -> None:
    """A batch update is refused as a whole, traces or not; the others get theirs."""
    world = build(proxy=Proxy)
    world.converge(*(kind(key, memo="1") for key in MANY))
    plan = world.plan(*(kind(key, memo="poison" if key == MANY[7] else "2") for key in MANY))
    refuse(world, object_, MANY[7])

    report = world.apply(plan)

    name = kind(MANY[7])["kind"]
    assert [f"{name}/{MANY[7]}"] == [address for address, _, _ in incomplete(report)]
    assert statuses(report)[f"{name}/{MANY[7]}"] == "failed"
    assert _count(world, object_) == {"1": 1, "2": 119}
    world.proxy.hook = None
    assert incomplete(world.apply()) == ()
    assert world.plan().units == ()


def test_a_bad_create_refused_as_a_whole_is_found_by_halving(watched: World) -> None:
    """Even where traces do not help."""
    plan = watched.plan(
        *(order(key, [line(f"{key}:1", name="x")], memo="1") for key in MANY[:20]),
        order("BAD", [line("BAD:1", name="x")], memo="poison"),
    )
    refuse(watched, "orders", "BAD")
    report = watched.apply(plan)
    assert [(address, status) for address, status, _ in incomplete(report)] == [
        ("order/BAD", "failed"),
        ("line_item/BAD:1", "skipped"),
    ]
    assert 20 == len(watched.dump("orders")) == len(watched.dump("line_items"))


@pytest.mark.parametrize("tokens", [True, False])
def test_a_key_that_an_archived_record_keeps_fails_alone(
    build: Callable[..., World],
    tokens: bool,  # noqa: FBT001
) -> None:
    """The message names the owner, and the others are made."""
    world = build(
        switches=Switches(archived_unique_value="reserved", unique_conflict_has_tokens=tokens)
    )
    owner = world.make("orders", MANY[3])
    world.archive("orders", owner)
    world.declare(*(order(key, [line(f"{key}:1", name="x")]) for key in MANY))

    report = world.apply()

    bad = f"order/{MANY[3]}", f"line_item/{MANY[3]}:1"
    assert [(bad[0], "failed"), (bad[1], "skipped")] == [
        (address, status) for address, status, _ in incomplete(report)
    ]
    assert owner in messages(report)[bad[0]]
    assert 119 == len(world.dump("orders")) == len(world.dump("line_items"))


def test_a_line_that_the_account_refuses_fails_alone(build: Callable[..., World]) -> None:
    """Its order and its siblings are made."""
    world = build(switches=Switches(archived_unique_value="reserved"))
    world.archive("line_items", world.make("line_items", "A:2"))
    world.declare(order("A", [line(f"A:{n}", name="x") for n in range(5)]))
    assert [address for address, _, _ in incomplete(world.apply())] == ["line_item/A:2"]
    assert len(world.links(("orders", world.id_of("orders", "A")), "line_items")) == 4


@pytest.mark.parametrize("rescued", [True, False])
def test_an_option_withdrawn_in_the_last_moment_fails_its_records(
    build: Callable[..., World],
    rescued: bool,  # noqa: FBT001
) -> None:
    """Whether traces rescue a batch update is not known; either way the others are written."""
    world = build(proxy=Proxy, switches=Switches(trace_ids_rescue_batch_update=rescued))
    world.converge(*(order(key, channel="web", memo="1") for key in "ABCD"))
    plan = world.plan(
        order("A", channel="shop", memo="2"), *(order(k, channel="web", memo="2") for k in "BCD")
    )

    def hook(method: str, path: str, body: object) -> None:
        if path.endswith("orders/batch/update"):
            options = [{"label": "Web", "value": "web"}]
            world.http.patch("/crm/v3/properties/orders/channel", json={"options": options})

    world.proxy.hook = hook
    report = world.apply(plan)

    assert {"A": "failed"} | dict.fromkeys("BCD", "done") == {
        address.removeprefix("order/"): status for address, status in statuses(report).items()
    }
    assert "shop" in messages(report)["order/A"]
    assert _count(world, "orders") == {"1": 1, "2": 3}


def test_a_unique_clash_by_case_is_reported_not_duplicated(build: Callable[..., World]) -> None:
    """In an account that folds case a record under another spelling is the same record."""
    world = build(switches=Switches(unique_values_case_folded=True))
    world.make("orders", "ab", memo="x")
    world.declare(order("AB", memo="x"))
    world.apply()
    assert len(world.dump("orders")) == 1
    assert world.plan().units == ()


@pytest.mark.long
def test_every_unproved_belief_about_the_account_leads_to_the_same_end(
    build: Callable[..., World],
) -> None:
    """A correct client is correct under every switch."""
    for switches in (
        Switches(numbers_read_back="as_sent"),
        Switches(cleared_reads_back="null"),
        Switches(unique_values_trimmed=True, unique_values_case_folded=True),
        Switches(unique_values_normalised=True),
        Switches(second_parent="refused"),
        Switches(second_parent="moved", updated_at_drifts=False),
        Switches(association_write_needs="from", not_found_has_category=False),
        Switches(missing_scopes_shape="oauth", trace_ids_rescue_batch_update=True),
        Switches(create_associations="lenient", line_item_external_id_is_dropped=False),
    ):
        world = build(switches=switches)
        world.converge(order("A", [line("A:1", price="1.50")], memo="x", weight="2.00"), cart("C"))
        world.converge(order("A", [line("A:1", price="1.5")], memo="", weight="02"), cart("C"))
        world.converge(order("A", [line("A:1", price="9")], memo="y", weight=""), cart("C"))
        assert world.keys("orders") == {"A": 1}
        assert world.keys("line_items") == {"A:1": 1}
        world.archive("carts", world.id_of("carts", "C"))
        assert [(a, s) for a, s, _ in incomplete(world.apply())] == [("cart/C", "conflict")]


def _count(world: World, object_: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for values in world.dump(object_).values():
        memo = values.get("memo", "")
        found[memo] = found.get(memo, 0) + 1
        assert values[KEY]
    return found

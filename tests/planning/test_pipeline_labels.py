"""A stage must belong to the pipeline that the record will have (cases 07 and 08)."""

from collections.abc import Callable, Mapping

import pytest
from world import World, actions, changes, explained, order, statuses

from reconcile.model.plan import Action
from reconcile.sandbox import Switches

STAGES = {"New": "w-new", "Packed": "w-packed", "Delivered": "w-delivered"}


@pytest.fixture
def shop(build: Callable[..., World]) -> World:
    """A world with a second pipeline, Wholesale, which has a stage Delivered too."""
    return with_wholesale(build())


def with_wholesale(world: World) -> World:
    """Someone adds a pipeline."""
    stages = [
        {"stageId": id_, "label": label, "displayOrder": order_}
        for order_, (label, id_) in enumerate(STAGES.items())
    ]
    body = {
        "pipelineId": "wholesale",
        "label": "Wholesale",
        "displayOrder": 1,
        "stages": stages,
    }
    world.http.post("/crm/v3/pipelines/orders", json=body).raise_for_status()
    return world


def put_into_stage(world: World, pipeline: str, stage: str, key: str = "O-1") -> None:
    """The order is applied in this pipeline and stage."""
    world.converge(order(key, hs_pipeline=pipeline, hs_pipeline_stage=stage))


def why(world: World, **properties: str) -> str:
    """Why the order is in conflict when it declares these."""
    change = changes(world.plan(order("O-1", **properties)))["order/O-1"]
    assert change.action is Action.CONFLICT
    assert explained(change).startswith("manifests/all.yaml:1:")
    return explained(change).split(": ", 1)[1]


def test_a_pipeline_alone_would_leave_a_stage_of_another_one(shop: World) -> None:
    """Case 07: a conflict that names both pipelines, the stage, and the stages there are."""
    put_into_stage(shop, "Order Pipeline", "Open")
    assert why(shop, hs_pipeline="Wholesale") == (
        "hs_pipeline: the order is in the stage Open of Order Pipeline, and Wholesale has New, "
        "Packed, Delivered; declare hs_pipeline_stage too"
    )
    assert statuses(shop.apply()) == {"order/O-1": "conflict"}
    assert shop.record("orders", "O-1")["hs_pipeline_stage"] == shop.stages["Open"]


def test_a_stage_of_another_pipeline_is_a_conflict_with_labels(shop: World) -> None:
    """Case 08: the order is in Wholesale, and only Order Pipeline has the stage Shipped."""
    put_into_stage(shop, "Wholesale", "New")
    assert why(shop, hs_pipeline_stage="Shipped") == (
        "hs_pipeline_stage: 'Shipped' is a stage of Order Pipeline, and Wholesale has New, "
        "Packed, Delivered; declare hs_pipeline too"
    )
    assert why(shop, hs_pipeline="Wholesale", hs_pipeline_stage="Shipped").endswith("Delivered")


def test_a_stage_by_its_id_must_fit_as_well(shop: World) -> None:
    """The author's spelling is shown, and the pipelines' labels."""
    put_into_stage(shop, "Order Pipeline", "Open")
    assert why(shop, hs_pipeline_stage="w-new").startswith(
        "hs_pipeline_stage: 'w-new' is a stage of Wholesale, and Order Pipeline has Open, "
    )


@pytest.mark.parametrize("api", ["v3", "2026-03"])
def test_pipeline_and_stage_go_together(build: Callable[..., World], api: str) -> None:
    """Both declared, the order moves from one pipeline to the other."""
    world = with_wholesale(build(api=api))
    put_into_stage(world, "Order Pipeline", "Open")
    put_into_stage(world, "Wholesale", "Packed")
    assert world.record("orders", "O-1")["hs_pipeline_stage"] == "w-packed"


def test_a_label_of_two_pipelines_means_the_stage_of_the_records_own(shop: World) -> None:
    """The record's pipeline is known, so that nothing is in doubt."""
    put_into_stage(shop, "Wholesale", "New")
    put_into_stage(shop, "Order Pipeline", "Open", key="O-2")
    shop.converge(
        order("O-1", hs_pipeline_stage="Delivered"), order("O-2", hs_pipeline_stage="Delivered")
    )
    assert shop.record("orders", "O-1")["hs_pipeline_stage"] == "w-delivered"
    assert shop.record("orders", "O-2")["hs_pipeline_stage"] != "w-delivered"


def test_a_label_of_two_pipelines_is_a_conflict_of_a_record_in_none(shop: World) -> None:
    """A new order has no pipeline yet."""
    assert why(shop, hs_pipeline_stage="Delivered") == (
        "hs_pipeline_stage: 'Delivered' is a stage of several pipelines; declare hs_pipeline too"
    )
    shop.converge(order("O-1", hs_pipeline_stage="Shipped"))


@pytest.mark.parametrize(
    "properties",
    [
        {"hs_pipeline": "Wholesale"},
        {"hs_pipeline": "Wholesale", "hs_pipeline_stage": "New"},
        {"hs_pipeline_stage": ""},
        {"hs_pipeline": "", "hs_pipeline_stage": ""},
    ],
)
def test_what_leaves_no_stage_of_another_pipeline_is_planned(
    shop: World, properties: Mapping[str, str]
) -> None:
    """A new order may have a pipeline and no stage: it has none of another one."""
    shop.converge(order("O-1", **properties))


def test_a_cleared_pipeline_takes_its_stage_along(shop: World) -> None:
    """A stage belongs to a pipeline, so that one of none is a conflict."""
    put_into_stage(shop, "Wholesale", "New")
    assert why(shop, hs_pipeline="") == (
        "hs_pipeline: the order is in the stage New of Wholesale, and would have no pipeline; "
        "clear hs_pipeline_stage too"
    )
    assert why(shop, hs_pipeline="", hs_pipeline_stage="New") == (
        "hs_pipeline_stage: hs_pipeline is cleared, and a stage belongs to a pipeline"
    )
    shop.converge(order("O-1", hs_pipeline="", hs_pipeline_stage=""))


def test_a_stage_that_is_ignored_counts_as_the_one_that_stands(shop: World) -> None:
    """What is left alone has to fit too."""
    put_into_stage(shop, "Order Pipeline", "Open")
    document = order(
        "O-1",
        hs_pipeline="Wholesale",
        hs_pipeline_stage="New",
        lifecycle={"ignore": ["hs_pipeline_stage"]},
    )
    change = changes(shop.plan(document))["order/O-1"]
    assert "is in the stage Open of Order Pipeline" in explained(change)


def test_a_stage_in_a_pipeline_that_is_gone_is_a_conflict(shop: World) -> None:
    """Someone deletes the pipeline that the order is in."""
    put_into_stage(shop, "Wholesale", "New")
    shop.http.delete("/crm/v3/pipelines/orders/wholesale").raise_for_status()
    assert why(shop, hs_pipeline_stage="Open") == (
        "hs_pipeline_stage: the order is in a pipeline that no longer exists ('wholesale'); "
        "declare hs_pipeline too"
    )
    shop.converge(order("O-1", hs_pipeline="Order Pipeline", hs_pipeline_stage="Open"))


def test_a_pipeline_alone_that_keeps_a_foreign_stage_is_never_sent(
    build: Callable[..., World],
) -> None:
    """Where HubSpot refuses such a change the plan says the same."""
    world = with_wholesale(build(switches=Switches(foreign_stage_stays=False)))
    put_into_stage(world, "Order Pipeline", "Open")
    plan = world.plan(order("O-1", hs_pipeline="Wholesale"))
    assert actions(plan) == {"order/O-1": Action.CONFLICT}
    put_into_stage(world, "Wholesale", "Packed")

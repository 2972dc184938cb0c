"""A token that expires or is revoked during a run ends the run, and the run can be resumed."""

from collections import Counter
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
from proxy import Proxy
from world import World, changes, line, order, statuses

from reconcile.audit.log import AuditLog
from reconcile.audit.query import all_entries, summaries
from reconcile.model.outcome import Report
from reconcile.model.plan import Plan
from reconcile.recovery.runs import unfinished
from reconcile.render.report import write_report
from reconcile.render.run_status import write_status
from reconcile.sandbox.scopes import ALL_SCOPES

ENDED = "the token expired or was revoked while it was in use: HTTP 401: "


class Rotation:
    """Revokes the project's token right before a call, or after HubSpot has carried it out."""

    def __init__(self, world: World) -> None:
        self.world = world
        # Whoever else works in the account has a token of their own.
        world.http.headers["Authorization"] = f"Bearer {world.sandbox.add_token(ALL_SCOPES)}"

    def revoke_before(self, method: str, ending: str, nth: int = 1) -> None:
        """Revoke it before the nth call like this."""
        seen = iter(range(1, nth + 1))

        def hook(asked: str, path: str, _: object) -> None:
            if asked == method and path.endswith(ending) and next(seen, 0) == nth:
                self.world.sandbox.revoke_token(self.world.environ["TOKEN"])

        self.world.proxy.hook = hook

    def revoke_after(self, method: str, ending: str) -> None:
        """Revoke it right before the call that follows one like this."""
        sent = False

        def hook(asked: str, path: str, _: object) -> None:
            nonlocal sent
            if sent:
                self.world.sandbox.revoke_token(self.world.environ["TOKEN"])
            sent = sent or (asked == method and path.endswith(ending))

        self.world.proxy.hook = hook

    def renew(self) -> None:
        """Give the project another token."""
        self.world.proxy.hook = None
        self.world.environ["TOKEN"] = self.world.sandbox.add_token(ALL_SCOPES)


@pytest.fixture
def rotation(build: Callable[..., World]) -> Iterator[Rotation]:
    """Return a project whose token can end, and its account."""
    yield Rotation(build(proxy=Proxy))


def mixed(world: World) -> Plan:
    """Plan every kind of write: create, update, associate, dissociate and archive."""
    world.converge(
        order("UPD", memo="1", associations={"company": [{"id": "501"}]}),
        order("OLD", [line("OLD:1", name="Mug", price="1")], memo="1"),
    )
    lines = [line("NEW:1", name="Mug", price="1"), line("NEW:2", name="Cup", price="2")]
    return world.plan(
        order("UPD", memo="2", associations={"company": [{"id": "502"}]}),
        order("OLD", lifecycle={"state": "absent"}),
        order("NEW", lines, associations={"company": [{"id": "501", "label": "Payer"}]}),
    )


def shown(report: Report) -> str:
    """The report as a terminal shows it."""
    stream = StringIO()
    write_report(report, stream, personal=True, color=False)
    return stream.getvalue()


def status_of(world: World) -> str:
    """What `reconcile status` says."""
    stream = StringIO()
    runs = [one.run.progress for one in unfinished(world.store)]
    write_status("test", runs, "", stream, color=False)
    return stream.getvalue()


PHASES = {
    "reading before creating": ("before", "POST", "/orders/batch/read"),
    "creating an order": ("before", "POST", "/orders/batch/upsert"),
    "reading what was created": ("after", "POST", "/orders/batch/upsert"),
    "updating": ("before", "PATCH", "/orders/UPD"),
    "reading after updating": ("after", "PATCH", "/orders/UPD"),
    "creating line items": ("before", "POST", "/line_items/batch/create"),
    "reading line items": ("after", "POST", "/line_items/batch/create"),
    "dissociating": ("before", "POST", "/labels/archive"),
    "associating": ("before", "POST", "/orders/companies/batch/create"),
    "reading associations": ("after", "POST", "/orders/companies/batch/create"),
    "archiving a line item": ("before", "POST", "/line_items/batch/archive"),
    "reading what was archived": ("after", "POST", "/line_items/batch/archive"),
    "archiving an order": ("before", "POST", "/orders/batch/archive"),
    "the last reading": ("after", "POST", "/orders/batch/archive"),
}


@pytest.mark.matrix(keep=4)
@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_a_token_that_ends_in_any_phase_ends_the_run_and_resume_finishes_it(
    rotation: Rotation, phase: tuple[str, str, str]
) -> None:
    """Nothing is called failed, the reason is shown everywhere, and nothing is done twice."""
    world = rotation.world
    plan = mixed(world)
    when, method, ending = phase
    if when == "before":
        rotation.revoke_before(method, ending)
    else:
        rotation.revoke_after(method, ending)
    asked = len(world.proxy.seen)

    report = world.apply(plan)

    refused = [one for one in world.proxy.seen[asked:] if one.status == 401]
    assert 1 <= len(refused) <= 8  # those in flight, and a reading of what was written
    assert set(statuses(report).values()) <= {"done", "skipped", "unknown"}
    assert not report.complete
    assert report.resumable
    assert f"The run ended early: {ENDED}" in shown(report)
    assert "Continue with `reconcile resume`." in shown(report)
    assert f"It ended early: {ENDED}" in status_of(world)
    log = AuditLog(world.store)
    *_, last = (entry for entry in all_entries(log) if entry.run)
    assert {one.status for one in last.records} <= {"done", "skipped", "begun", "written"}
    *_, message = (entry.message for entry in all_entries(log) if entry.message)
    assert message.values is not None
    assert message.values[0].startswith(ENDED)

    rotation.renew()
    (pending,) = unfinished(world.store)
    resumed = world.apply(pending.plan)

    assert set(statuses(resumed).values()) == {"done"}
    assert unfinished(world.store) == []
    assert world.keys("orders") == {"UPD": 1, "NEW": 1}
    assert world.keys("line_items") == {"NEW:1": 1, "NEW:2": 1}
    assert len(world.ever("orders")) == 3
    assert len(world.ever("line_items")) == 3
    assert world.plan().units == ()


@pytest.mark.long
def test_a_token_that_ends_among_thousands_fails_none_of_them(rotation: Rotation) -> None:
    """Batches that were not begun are not sent, and their records are not called failed."""
    world = rotation.world
    keys = [f"O{n:04}" for n in range(1000)]
    plan = world.plan(*(order(key, memo="1") for key in keys))
    rotation.revoke_before("POST", "/orders/batch/upsert", nth=4)

    report = world.apply(plan)

    ends = Counter(statuses(report).values())
    assert set(ends) <= {"done", "skipped", "unknown"}
    assert ends["skipped"] >= 500
    assert len([one for one in world.proxy.seen if one.status == 401]) <= 10

    rotation.renew()
    (pending,) = unfinished(world.store)
    assert set(statuses(world.apply(pending.plan)).values()) == {"done"}
    assert world.keys("orders") == dict.fromkeys(keys, 1)


def test_a_token_that_ends_while_planning_is_reported_so(rotation: Rotation) -> None:
    """A plan that cannot be finished says that the token has come to its end."""
    world = rotation.world
    world.declare(order("O", memo="1"))
    rotation.revoke_before("GET", "/properties/orders")
    with pytest.raises(Exception, match="the token expired or was revoked") as caught:
        world.plan()
    assert getattr(caught.value, "hint", "") == ("set a valid token, and run the command again")
    assert unfinished(world.store) == []
    assert list(summaries(AuditLog(world.store))) == []
    rotation.renew()
    assert set(changes(world.plan())) == {"order/O"}

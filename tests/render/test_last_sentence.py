"""What the last sentence of an apply says of what an earlier run did, and of refused values."""

import pytest
from world import World, order

from reconcile.model.address import Address
from reconcile.model.outcome import APPLIED_EARLIER, Outcome, Report, Status
from reconcile.model.plan import Action, TargetPin
from reconcile.render.report import sentence

PIN = TargetPin("shop", 7, "STANDARD")
CORRECT = "Correct the values that HubSpot refused in the manifests, then plan again."
AGAIN = "Plan and apply again to continue."


def outcome(key: str, status: Status, message: str = "") -> Outcome:
    """Return how the creation of one order ended."""
    return Outcome(Address("order", key), Action.CREATE, status, message=message)


def test_a_run_that_did_nothing_says_so() -> None:
    """What an earlier run did was not created by this one."""
    done = tuple(outcome(key, Status.DONE, APPLIED_EARLIER) for key in "ABC")
    assert sentence(Report(PIN, done)).startswith(
        "Apply complete: nothing was left to do; an earlier run carried out 3 changes. "
    )


def test_a_run_that_did_the_rest_says_what_was_done_before() -> None:
    """Some of the records were done by an earlier run."""
    both = outcome("A", Status.DONE, APPLIED_EARLIER), outcome("B", Status.DONE)
    assert "2 orders created (1 of them by an earlier run)." in sentence(Report(PIN, both))


@pytest.mark.parametrize(
    ("refused", "unknown", "says"),
    [("AB", False, CORRECT), ("A", False, AGAIN), ("", False, AGAIN), ("AB", True, AGAIN)],
    ids=["every one", "one of two", "none", "and one unknown"],
)
def test_running_again_is_named_only_where_it_can_help(
    refused: str, says: str, *, unknown: bool
) -> None:
    """A value that HubSpot refused is refused again."""
    ends = [outcome("A", Status.FAILED), outcome("B", Status.FAILED), outcome("C", Status.DONE)]
    if unknown:
        ends.append(outcome("D", Status.UNKNOWN))
    report = Report(PIN, tuple(ends), refused=frozenset(Address("order", key) for key in refused))
    assert sentence(report).endswith(says)


def test_commands_are_typed_with_their_options() -> None:
    """Whoever resumes gets the command that leads to the same project."""
    report = Report(PIN, (outcome("A", Status.SKIPPED),), resumable=True)
    said = sentence(report, lambda *words: f"reconcile -C shop {' '.join(words)}")
    assert said.endswith(" Continue with `reconcile -C shop resume`.")


def test_a_refused_value_of_a_real_run(watched: World) -> None:
    """An option that somebody takes away before the write is refused whenever it is sent."""
    watched.converge(*(order(key, channel="web") for key in "AB"))
    plan = watched.plan(*(order(key, channel="shop") for key in "AB"))

    def hook(method: str, path: str, _: object) -> None:
        if path.endswith("/batch/update"):
            watched.http.patch(
                "/crm/v3/properties/orders/channel",
                json={"options": [{"label": "Web", "value": "web"}]},
            )

    watched.proxy.hook = hook
    report = watched.apply(plan)
    assert report.refused == {Address("order", "A"), Address("order", "B")}
    assert sentence(report).endswith(CORRECT)

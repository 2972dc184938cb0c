"""Outcomes in a journal's lines are read as they were written."""

from hypothesis import given
from hypothesis import strategies as st

from reconcile.applying.journal_lines import encode_line, read_line
from reconcile.applying.journal_outcomes import decode, encode
from reconcile.model.address import Address
from reconcile.model.explanation import Explanation
from reconcile.model.outcome import HubSpotWarning, Outcome, Rewrite, Status
from reconcile.model.plan import Action
from reconcile.model.records import NOWHERE, Location

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
LOCATION = st.builds(Location, TEXT, st.integers(0, 99), st.integers(0, 99))


def tuples(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    """A few of something."""
    return st.lists(of, max_size=3).map(tuple)


OUTCOME = st.builds(
    Outcome,
    address=st.builds(Address, st.just("order"), st.from_regex(r"[A-Z0-9:-]{1,9}", fullmatch=True)),
    action=st.sampled_from(Action),
    status=st.sampled_from(Status),
    id=TEXT,
    message=TEXT,
    rewrites=tuples(st.builds(Rewrite, TEXT, TEXT, TEXT, st.booleans())),
    not_persisted=tuples(TEXT),
    written=st.booleans(),
    standing=st.booleans(),
    warnings=tuples(st.builds(HubSpotWarning, TEXT, TEXT, st.booleans())),
    why=tuples(st.builds(Explanation, TEXT, TEXT, st.just(NOWHERE) | LOCATION)),
)


@given(OUTCOME)
def test_an_outcome_is_read_as_it_was_written(outcome: Outcome) -> None:
    """With every reason, hint and location, whatever characters they have."""
    line = encode_line("R-1", 7, {"about": "outcomes", "records": [encode(outcome)]})
    (raw,) = read_line("R-1", 7, line)["records"]
    assert decode(raw) == outcome

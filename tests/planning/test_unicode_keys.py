"""One key in two Unicode forms: an é as one code point, or as an e and its accent, is one key."""

from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import KEY, World, actions, cart, changes, explained, incomplete, line, order, statuses

from reconcile.errors import ManifestError
from reconcile.model.address import fold, other_forms
from reconcile.model.plan import Action
from reconcile.planning.cost import calls
from reconcile.sandbox import Switches

pytestmark = pytest.mark.long  # one rule, in every place that it holds

COMPOSED = "Caf\u00e9-1"
DECOMPOSED = "Cafe\u0301-1"
MIXED = "\u00e9e\u0301"
"""A key that is in neither form as a whole."""

EITHER_WAY = pytest.mark.parametrize(
    ("declared", "stored"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)]
)
WORLDS = [Switches(), Switches(unique_values_normalised=True)]
KEYS = st.text() | st.text(
    "\u00e9\u00c9eE\u0301\u0345\u00dfS\u0130\u1fbc \u1e9b\ufb03\u212a\u212b", max_size=6
)


@pytest.fixture(params=WORLDS, ids=["byte for byte", "normalised"])
def account(request: pytest.FixtureRequest, build: Callable[..., World]) -> World:
    """Both possible behaviours of HubSpot: with and without a difference between the forms."""
    return build(switches=request.param)


@given(KEYS)
def test_all_spellings_of_a_key_fold_alike(key: str) -> None:
    """Form, case and outer spaces make no difference, nor does folding twice."""
    folded = fold(key)
    assert fold(folded) == folded == normalize("NFC", folded) == folded.strip()
    for form in ("NFC", "NFD"):
        assert fold(f" {normalize(form, key)}\n") == folded
    assert all(fold(other) == folded and other != key for other in other_forms(key))


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_keys_have_one_form(key: str) -> None:
    """Letters without accents are trimmed and folded, and never looked for twice."""
    assert fold(key) == key.strip().casefold()
    assert other_forms(key) == ()


def test_a_key_of_mixed_form_has_two_others() -> None:
    """Somebody may have typed either half anew."""
    assert other_forms(MIXED) == ("\u00e9\u00e9", "e\u0301e\u0301")


@pytest.mark.matrix(keep=2)
@EITHER_WAY
def test_a_record_under_the_other_form_is_the_record(
    account: World, declared: str, stored: str
) -> None:
    """It is adopted and updated, never doubled, and its key is left as it is."""
    record = account.make("orders", stored, memo="1")

    plan = account.plan(order(declared, memo="1"))

    change = changes(plan)[f"order/{declared}"]
    assert (change.action, change.id, change.rekey) == (Action.ADOPT, record, False)
    assert incomplete(account.apply(plan)) == ()
    assert account.plan().units == ()
    account.converge(order(declared, memo="2"))
    account.lose_state()
    account.converge(order(declared, memo="3"))
    assert account.dump("orders")[record]["memo"] == "3"
    assert account.keys("orders") == {stored: 1}


@pytest.mark.matrix(keep=2)
@EITHER_WAY
def test_a_manifest_in_the_other_form_changes_nothing(
    account: World, declared: str, stored: str
) -> None:
    """Neither the order, nor its lines, nor what points at it is written again."""

    def documents(key: str, other: str) -> tuple[object, ...]:
        one = order(key, [line(f"{key}:1", name="x")], memo="1")
        return one, cart("C", associations={"order": [{"key": other}]})

    account.converge(*documents(stored, stored))
    assert account.plan(*documents(declared, stored)).units == ()  # type: ignore[arg-type]
    assert account.plan(*documents(declared, declared)).units == ()  # type: ignore[arg-type]
    account.converge(*documents(declared, stored))
    account.lose_state()
    account.converge(*documents(declared, stored))
    assert account.keys("orders") == {stored: 1}
    assert account.keys("line_items") == {f"{stored}:1": 1}
    order_id = account.by_key("orders", stored)
    cart_id = account.by_key("carts", "C")
    assert set(account.links(("carts", cart_id), "orders")) == {order_id}


def test_two_documents_that_differ_in_form_alone_are_one_problem(world: World) -> None:
    """Both locations are named, and the difference of the keys is written out."""
    with pytest.raises(ManifestError) as caught:
        world.plan(order(COMPOSED), cart(COMPOSED), order(DECOMPOSED))
    (problem,) = caught.value.problems
    assert problem.line == 5
    assert "first in manifests/all.yaml:1:1" in problem.message
    assert r"'Caf\xe9-1' and 'Cafe\u0301-1' are one key" in problem.hint


def test_a_key_does_not_move_from_its_own_other_form(world: World) -> None:
    """Nothing is renamed by it."""
    with pytest.raises(ManifestError) as caught:
        world.plan(order(COMPOSED, moved_from=DECOMPOSED))
    assert "Unicode form" in caught.value.problems[0].hint


@EITHER_WAY
def test_a_former_key_is_found_in_the_other_form(
    account: World, declared: str, stored: str
) -> None:
    """A record that the state does not know is renamed all the same."""
    record = account.make("orders", stored, memo="1")
    account.converge(order("NEW", memo="1", moved_from=declared))
    assert account.id_of("orders", "NEW") == record
    assert account.keys("orders") == {"NEW": 1}


@pytest.mark.matrix(keep=2)
@EITHER_WAY
def test_references_resolve_in_the_other_form(account: World, declared: str, stored: str) -> None:
    """Whether what they point at exists, is declared, or is made by the same plan."""
    theirs = account.make("carts", stored)
    points = {"cart": [{"key": declared}]}
    account.converge(order("A", associations=points))
    assert set(account.links(("orders", account.id_of("orders", "A")), "carts")) == {theirs}

    new = stored.replace("1", "2"), declared.replace("1", "2")
    points = {"cart": [{"key": new[0]}]}
    account.converge(
        order("A", associations=points),
        cart(new[1]),
        {"kind": "line_item", "key": "L", "parent": {"cart": {"key": new[0]}}},
    )
    made = account.by_key("carts", new[1])
    assert set(account.links(("orders", account.id_of("orders", "A")), "carts")) == {made}
    assert set(account.links(("carts", made), "line_items")) == {account.id_of("line_items", "L")}


@EITHER_WAY
def test_a_parent_is_found_in_the_other_form(account: World, declared: str, stored: str) -> None:
    """A line may hang under an order that nobody declares."""
    theirs = account.make("orders", stored)
    parent = {"order": {"key": declared}}
    account.converge({"kind": "line_item", "key": "L", "parent": parent})
    lines = account.links(("orders", theirs), "line_items")
    assert set(lines) == {account.id_of("line_items", "L")}


@EITHER_WAY
def test_what_appears_in_the_other_form_is_not_doubled(
    account: World, declared: str, stored: str
) -> None:
    """Between plan and apply somebody makes the record."""
    plan = account.plan(order(declared, memo="1"), order("B", memo="1"))
    account.make("orders", stored, memo="theirs")
    assert statuses(account.apply(plan)) == {f"order/{declared}": "conflict", "order/B": "done"}
    assert account.keys("orders") == {stored: 1, "B": 1}


def test_the_form_that_is_written_goes_before(world: World) -> None:
    """Where an account has both, each manifest means the one it spells; the other is left alone."""
    ids = {key: world.make("orders", key, memo="0") for key in (COMPOSED, DECOMPOSED)}
    for key, other in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        plan = world.plan(order(key, memo="1"))
        assert changes(plan)[f"order/{key}"].id == ids[key]
        assert world.dump("orders")[ids[other]]["memo"] == "0"


def test_the_record_applied_is_not_exchanged_for_one_in_the_form_that_is_written(
    world: World,
) -> None:
    """If another record appears under the exact key, it is ambiguous which one is meant."""
    ours = world.make("orders", DECOMPOSED, memo="1")
    world.converge(order(COMPOSED, memo="1"))
    theirs = world.make("orders", COMPOSED, memo="theirs")
    change = changes(world.plan(order(COMPOSED, memo="2")))[f"order/{COMPOSED}"]
    assert change.action is Action.CONFLICT
    assert ours in explained(change)
    assert theirs in explained(change)


def test_one_of_many_is_looked_for_alone(world: World) -> None:
    """Only keys that were not found and have another form are asked for a second time."""
    world.make("orders", COMPOSED, memo="1")
    world.make("orders", "B", memo="1")
    world.declare(order(DECOMPOSED, memo="1"), order("B", memo="1"), order("C", memo="1"))
    world.forget_calls()
    plan = world.plan()
    assert actions(plan) == {
        f"order/{DECOMPOSED}": Action.ADOPT,
        "order/B": Action.ADOPT,
        "order/C": Action.CREATE,
    }
    reads = [one for one in world.sandbox.requests() if one.path.endswith("/orders/batch/read")]
    assert len(reads) == 2


def test_an_apply_says_what_looking_twice_costs(world: World) -> None:
    """Just before creating, keys of another form are asked for once more, batch by batch."""
    world.declare(*(order(f"Caf\u00e9-{number}", memo="1") for number in range(450)))
    plan = world.plan()
    world.forget_calls()
    world.apply(plan)
    assert abs(calls(plan) - len(world.sandbox.requests())) <= 1


@pytest.mark.parametrize("stored", other_forms(MIXED))
def test_a_key_of_mixed_form_is_found_in_both_others(world: World, stored: str) -> None:
    """Composed or decomposed, the record is the same."""
    record = world.make("orders", stored, memo="1")
    world.converge(order(MIXED, memo="2"))
    assert {id_: one[KEY] for id_, one in world.dump("orders").items()} == {record: stored}


@EITHER_WAY
def test_lines_of_one_parent_are_told_apart_in_either_form(
    build: Callable[..., World], declared: str, stored: str
) -> None:
    """Found within their parent, lines with a name in the other form are the same lines."""
    world = build(identity={"line_item": "within_parent:name"})
    parent = world.make("orders", "A")
    made = world.make("line_items", name=stored)
    world.link(("line_items", made), ("orders", parent))
    world.converge(order("A", [line("A:1", name=declared)]))
    assert list(world.dump("line_items")) == [made]
    twice = order("A", [line("A:1", name=declared), line("A:2", name=stored)])
    with pytest.raises(ManifestError):
        world.plan(twice)


@EITHER_WAY
def test_the_state_knows_a_record_in_either_form(
    account: World, declared: str, stored: str
) -> None:
    """A key cleared in HubSpot is put back onto the record, however the manifest spells it now."""
    account.converge(order(stored, memo="1"))
    record = account.by_key("orders", stored)
    account.edit("orders", record, **{KEY: ""})
    account.converge(order(declared, memo="1"))
    assert account.by_key("orders", declared) == record
    assert len(account.dump("orders")) == 1

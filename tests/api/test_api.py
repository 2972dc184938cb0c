"""The public API: what `import reconcile` offers to a program."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest

import reconcile

DOCS = Path(reconcile.__file__).parent / "docs" / "python.md"

EXPORTED = {
    *("Account", "Ambiguous", "AuthError", "CallRefused", "Fatal", "GuardRefused"),
    *("HubSpotError", "Locked", "ManifestError", "Outcome", "Plan", "Problem", "Project"),
    *("RateLimited", "ReconcileError", "Report", "StalePlan", "Status", "Unfinished"),
    *("Unreachable", "UsageError", "__version__", "cart", "line_item", "load_plan", "open"),
    "order",
}


@pytest.fixture
def project(tmp_path: Path) -> reconcile.Project:
    """A folder without a project file: its target is an embedded sandbox, ready for use."""
    (tmp_path / "reconcile.yaml").write_text(
        "version: 1\nmanifests: [manifests]\ntargets: {local: {sandbox: true}}\n"
    )
    program = [Path(sys.executable).with_name("reconcile"), "-C", tmp_path, "init"]
    subprocess.run([*program, "--auto-approve"], check=True, capture_output=True)
    return reconcile.open(tmp_path, environ={})


def declared(price: str = "30.00") -> list[dict[str, object]]:
    """Return one order with a line item."""
    lines = [reconcile.line_item("A:1", {"name": "Mug", "quantity": 2, "price": Decimal("4.50")})]
    return [reconcile.order("A", {"hs_total_price": price}, lines=lines)]


def test_exported_names() -> None:
    """Exactly these, each documented and importable; any other is an AttributeError."""
    assert set(reconcile.__all__) == set(dir(reconcile)) == EXPORTED
    for name in EXPORTED - {"__version__"}:
        assert getattr(reconcile, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'connect'"):
        _ = reconcile.connect  # type: ignore[attr-defined]


def test_importing_takes_nothing_along() -> None:
    """`import reconcile` loads no module of its own rooms, and none of its libraries."""
    code = "import reconcile, sys; print([n for n in sys.modules if n.startswith(('reconcile.', "
    code += "'pydantic', 'httpx', 'yaml'))])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_blocks_of_the_documentation_run(
    project: reconcile.Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the project's folder, as they are shown; what they print has no personal values."""
    monkeypatch.chdir(project.settings.root)
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "python.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "  + order/SHOP-1003\n" in printed
    assert "Harbour Cafe" not in printed
    assert "Plan: 1 order, 1 line item to create." in printed


def test_a_plan_is_saved_loaded_and_applied(project: reconcile.Project, tmp_path: Path) -> None:
    """The digest stays; a declaration that has changed since then is left alone."""
    file = tmp_path / "a.plan"
    with project.connect() as account:
        plan = account.plan(units=declared())
        plan.save(file)
        loaded = reconcile.load_plan(file)
        assert (loaded.digest, loaded.data.units) == (plan.digest, plan.data.units)
        assert json.loads(plan.to_json())["content_digest"] == plan.digest
        stale = account.apply(loaded, units=declared(price="31.00"))
        assert not stale.complete
        assert {str(one.status) for one in stale.outcomes} == {"conflict"}
        report = account.apply(loaded, units=declared())
        assert report.complete
        assert [str(one.action) for one in report.outcomes] == ["create", "create"]
        assert account.plan(units=declared()).empty
        assert account.apply(account.plan(units=declared())).outcomes == ()


def test_a_conflict_explains_itself_to_programs(project: reconcile.Project) -> None:
    """The plan's change and the report's outcome have each reason, its hint and its location."""
    contact = {"contact": [{"id": "12345"}]}
    units = [
        reconcile.order("A", {"hs_total_price": "much", "nonesuch": "x"}, associations=contact)
    ]
    with project.connect() as account:
        plan = account.plan(units=units)
        report = account.apply(plan)
    (change,), (outcome,) = plan.changes, report.outcomes
    assert outcome.why == change.why
    assert {one.location.file for one in change.why} == {"units[0] (order/A)"}
    assert [(one.reason, one.hint) for one in change.why] == [
        (
            "hs_total_price: 'much' is not a number; write digits with a point, as in 19.90",
            "",
        ),
        ("no contact has id '12345'", "create it in HubSpot first, or correct the reference"),
        ("orders have no property 'nonesuch'", ""),
    ]
    shown = [line for line in str(plan).splitlines() if line.startswith("      ")]
    assert [line.startswith("      hint: ") for line in shown] == [False, False, True, False]


def test_a_plan_of_the_projects_manifests(project: reconcile.Project) -> None:
    """Without units, the project's files are read; saved, the plan is compared with them."""
    folder = project.settings.root / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text("kind: order\nkey: A\n")
    (folder / "b.yaml").write_text("kind: order\nkey: B\n")
    with project.connect() as account:
        assert [str(one.address) for one in account.plan().changes] == ["order/A", "order/B"]
        some = account.plan(folder / "b.yaml")
        assert [str(one.address) for one in some.changes] == ["order/B"]
        some.save(project.settings.root / "b.plan")
        assert account.apply(reconcile.load_plan(project.settings.root / "b.plan")).complete


def test_all_problems_of_declarations_at_once(project: reconcile.Project) -> None:
    """Each names its declaration, by number and address; the error's text lists them."""
    units = [
        reconcile.order("A", {"hs_total_price": 4.5}),  # type: ignore[dict-item]
        reconcile.cart("B", {"Bad": "1", "hs_tags": None}),
        reconcile.order("a"),
    ]
    with project.connect() as account, pytest.raises(reconcile.ManifestError) as caught:
        account.plan(units=units)
    assert str(caught.value).split("\n") == [
        "4 problems in the manifests",
        "units[0] (order/A): 4.5 is of the type float",
        "units[1] (cart/B): 'Bad' is not a property name",
        "units[1] (cart/B): the property hs_tags has no value",
        "units[2] (order/a): the order 'a' is declared twice; first in units[0] (order/A)",
    ]


def test_guards_are_allowed_by_number(project: reconcile.Project) -> None:
    """Another number is refused with both; without one they are held back; the right one acts."""
    with project.connect() as account:
        account.apply(account.plan(units=declared()))
        rest = [reconcile.order("B")]
        for number in (3, 0):
            text = f"prune={number} was given, but the plan has 2"
            with pytest.raises(reconcile.GuardRefused, match=text):
                account.plan(units=rest, prune=True, allow={"prune": number})
        report = account.apply(account.plan(units=rest, prune=True))
        assert len(report.held) == 2
        assert not report.complete
        assert account.apply(account.plan(units=rest, prune=True, allow={"prune": 2})).complete


@pytest.mark.parametrize(
    ("allow", "said"),
    [
        ({"both": True}, "the number of records for both is of the type bool"),
        ({"both": 1.0}, "the number of records for both is of the type float"),
        ({"drift": "1"}, "the number of records for drift is of the type str"),
        ({"prune": None}, "the number of records for prune is of the type NoneType"),
        ({"drift": -1}, "the number of records for drift is negative"),
        ({"drift": 10**15}, "the number of records for drift has more than 15 digits"),
        ({"bath": 1}, "'bath' is not one of both, "),
    ],
)
def test_what_is_allowed_is_checked(
    project: reconcile.Project, allow: dict[str, int], said: str
) -> None:
    """The error names the guard, and what is wrong with its number."""
    with project.connect() as account, pytest.raises(reconcile.UsageError, match=said):
        account.plan(units=declared(), allow=allow)


def test_a_token_that_can_only_read_plans(project: reconcile.Project) -> None:
    """A connection for reading reaches the account as well."""
    with project.connect(read_only=True) as account:
        assert not account.plan(units=declared()).empty


class Stage(str, Enum):  # noqa: UP042  (a StrEnum prints its value)
    """What prints its name, not its value."""

    OPEN = "open"


@pytest.mark.parametrize("value", [Stage.OPEN, 4.5, Decimal("NaN"), b"x", {"a": "b"}])
def test_values_without_one_text_are_refused(project: reconcile.Project, value: object) -> None:
    """What would print otherwise than it was meant, or not at all, is a problem."""
    units = [reconcile.order("A", {"hs_order_name": value})]  # type: ignore[dict-item]
    with project.connect() as account, pytest.raises(reconcile.ManifestError):
        account.plan(units=units)


def test_numbers_keep_their_digits(project: reconcile.Project) -> None:
    """A Decimal is written out, an int as its digits."""
    values = {"hs_order_name": Decimal("1E+2"), "hs_total_price": 30, "hs_tax": Decimal("0.10")}
    with project.connect() as account:
        (change,) = account.plan(units=[reconcile.order("A", values)]).changes
    found = {field.name: field.after for field in change.fields}
    assert found == {
        "hs_order_name": "100",
        "hs_total_price": "30",
        "hs_tax": "0.10",
        "reconcile_key": "A",
    }


def test_arguments_that_contradict_each_other(project: reconcile.Project) -> None:
    """Each is an error of its own, before anything is read or written."""
    with pytest.raises(reconcile.UsageError, match="line_items cannot be given"):
        reconcile.order("A", lines=[reconcile.line_item("A:1")], line_items=[])
    with pytest.raises(reconcile.UsageError, match="kind cannot be given"):
        reconcile.order("A", kind="cart")
    folder = project.settings.root / "manifests"
    folder.mkdir()
    (folder / "a.yaml").write_text("kind: order\nkey: X\n")
    with project.connect() as account:
        with pytest.raises(reconcile.UsageError, match="units is a list"):
            account.plan(units=reconcile.order("A"))  # type: ignore[arg-type]
        with pytest.raises(reconcile.UsageError, match="only a part of it"):
            account.plan(units=declared(), prune=True)
        with pytest.raises(reconcile.UsageError, match="only a part of it"):
            account.plan(folder, prune=True)
        with pytest.raises(reconcile.UsageError, match="loaded from a file"):
            account.apply(account.plan(units=declared()), units=declared())
        with pytest.raises(reconcile.ManifestError, match=r"units\[0\]: 'A' is not a declaration"):
            account.plan(units=["A"])  # type: ignore[list-item]


def test_a_plan_of_another_account_is_refused(project: reconcile.Project, tmp_path: Path) -> None:
    """An empty one too: it would close what this account's interrupted runs have left."""
    other = tmp_path / "other"
    other.mkdir()
    with project.connect() as account:
        account.apply(account.plan(units=declared()))
        empty = account.plan(units=declared())
    assert empty.empty
    wrong = pytest.raises(reconcile.UsageError, match="the plan is for account")
    with reconcile.open(other, environ={}).connect() as account, wrong:
        account.apply(empty)


def test_files_that_cannot_be_used_are_errors_of_ours(
    project: reconcile.Project, tmp_path: Path
) -> None:
    """As everything is that a program may have to catch."""
    with project.connect() as account:
        plan = account.plan(units=declared())
    with pytest.raises(reconcile.UsageError, match="the plan cannot be saved"):
        plan.save(tmp_path / "missing" / "a.plan")
    with pytest.raises(reconcile.UsageError, match="cannot be read"):
        reconcile.load_plan(tmp_path / "missing.plan")


def test_a_plan_of_a_selection(project: reconcile.Project) -> None:
    """Its report speaks of the selection, and nothing else is archived."""
    two = [reconcile.order("A"), reconcile.order("B"), reconcile.cart("C")]
    with project.connect() as account:
        plan = account.plan(units=two, select=["order/*"], exclude=["order/b"])
        assert [str(one.address) for one in plan.changes] == ["order/A"]
        assert (plan.data.selected.units, plan.data.selected.left_out) == (1, 2)
        assert account.apply(plan).complete
        assert account.plan(units=two, select=["order/a"]).empty
        assert account.apply(account.plan(units=two)).complete
        pruned = account.plan(units=[reconcile.order("D")], select=["order/B"], prune=True)
        held = [str(one.address) for unit in pruned.data.units for one in unit.held]
        assert held == ["order/B"]
        for options, says in (
            ({"select": ["order/X"]}, "'order/X' matches no record"),
            ({"exclude": ["changed:main"]}, "changed:REF compares manifests"),
            ({"select": "order/A"}, "select and exclude are lists"),
        ):
            with pytest.raises(reconcile.UsageError, match=says):
                account.plan(units=two, **options)  # type: ignore[arg-type]

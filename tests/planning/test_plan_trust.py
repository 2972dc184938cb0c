"""A plan file that was changed, digests included, is refused or shows what it does."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from held import held, left
from hypothesis import given
from hypothesis import strategies as st
from planfiles import Line, parsed, sealed, unit_of, written
from proxy import Proxy
from random_examples import examples
from world import World, cart, line, order

from reconcile.errors import UsageError
from reconcile.model.digest import canonical
from reconcile.model.plan import Action, Plan
from reconcile.model.records import Location
from reconcile.planning.plan_file import dump, load
from reconcile.project import Limits
from reconcile.render.json_plan import to_json
from reconcile.render.markdown import markdown
from reconcile.render.output import write_plan

Edit = Callable[[Line, Line], None]
"""Changes a plan file's second line, which is about all units, and one unit's line."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, template: Path) -> bytes:
    """Return the file of a plan that holds every action and every sort of association."""
    with World(tmp_path_factory.mktemp("trust") / "world", template=template) as world:
        company = {"company": [{"id": "501", "label": "Payer"}]}
        contact = {"contact": [{"email": "ana@example.com"}]}
        world.converge(
            order("A-1", [line("A-1:1", name="Mug", price="5"), line("A-1:2", name="Cup")]),
            order("A-2", hs_order_name="Old", memo="a", associations=contact),
            order("A-3", memo="c"),
            order("A-4", hs_order_name="Gone", memo="d"),
            order("A-5"),
            order("A-8", [line("A-8:1", name="Lid")], memo="e"),
            order("A-9", weight="1", due="2026-01-02", associations=contact),
        )
        world.edit("orders", world.id_of("orders", "A-8"), memo="edited")
        linked = ("orders", world.id_of("orders", "A-9"))
        world.edit(*linked, weight="7", due="2026-01-03")
        (ana,) = world.links(linked, "contacts")
        world.unlink(linked, ("contacts", ana))
        world.settings = replace(
            world.settings,
            limits=Limits(create="99", update="50%"),
            drift={"order": {"weight": Location("reconcile.yaml", 1, 1)}},
        )
        world.make("orders", "A-6", memo="theirs")
        world.make("carts", "C-2")
        world.edit("orders", world.id_of("orders", "A-3"), memo="drifted")
        shipped = {"hs_pipeline": "Order Pipeline", "hs_pipeline_stage": "Shipped"}
        planned = world.plan(
            order("A-1", [line("A-1:1", name="Mug", price="6"), line("A-1:3", name="Jug")]),
            order("A-2", hs_order_name="New", memo="b", associations=company, **shipped),
            order("A-3", memo="c", hs_order_name="Kept"),
            order("A-4", lifecycle={"state": "absent"}),
            order("A-5", lifecycle={"state": "forget"}),
            order("A-6", memo="ours"),
            order("A-8", [line("A-8:1", name="Cap")], memo="f"),
            order("A-9", weight="1", due="2026-01-02", associations=contact),
            order(
                "A-7",
                [line("A-7:1", name="Pot", quantity="2")],
                memo="1",
                hs_tags="",
                associations={**contact, "cart": [{"key": "C-1"}, {"key": "C-2"}]},
                **shipped,
            ),
            cart("C-1", hs_total_price="10"),
            cart("C-2"),
            allow={"adopt-update": 1},
        )
    assert left(planned) == {
        "order/A-3": {"memo"},
        "order/A-9": {f"contact/{ana}", "due"},
    }
    assert list(held(planned)) == ["order/A-8", "line_item/A-8:1"]
    actions = {change.action for change in planned.records()}
    assert actions == set(Action) - {Action.DEFINE, Action.CONFLICT, Action.ASSOCIATE}
    return b"".join(dump(planned, version="0.1", created="2026-01-02T03:04:05Z"))


# What apply would send, read from the plan as the applier reads it, and from what is shown


def sent(plan: Plan) -> list[Any]:
    """Every write: the record, its values, its parent and its associations."""
    return [
        [
            str(change.action),
            change.address.kind,
            change.address.key,
            change.id,
            {} if change.action is Action.ARCHIVE else {f.name: f.after for f in change.fields},
            str(unit.address) if change.parent else "",
            change.parent_id,
            [
                [one.add, one.to, one.id or str(one.address), list(map(list, one.ours))]
                if one.ours
                else [one.add, one.to, one.id or str(one.address), list(map(list, one.types))]
                for one in change.links
            ],
        ]
        for unit in plan.units
        for change in unit.changes
        if change.action not in (Action.CONFLICT, Action.ADOPT, Action.FORGET)
    ]


_ACTIONS = {"create": "create", "delete": "archive"}


def shown(text: str) -> list[Any]:
    """The same as in the JSON."""
    found = []
    for one in json.loads(text)["resource_changes"]:
        (does,) = one["change"]["actions"]
        if does in ("no-op", "forget"):
            continue
        after = one["change"]["after"] or {}
        links = [
            [
                link["action"] == "associate",
                link["to"],
                link["id"] or link["shown"].partition(" ")[2].replace("key=", f"{link['to']}/"),
                link.get("declared", link["types"]),
            ]
            for link in one["links"]
        ]
        action = _ACTIONS.get(does) or ("update" if after else "associate")
        parent = "" if one["address"] == one["unit"] else one["unit"]
        key = [action, one["type"], one["name"], one["id"], after, parent]
        found.append([*key, one.get("parent_id", ""), links])
    return found


def judge(data: bytes) -> bool:
    """Whether a file is loaded; then what it shows is what it sends, in every form."""
    try:
        plan, footer = load(data)
    except UsageError as error:
        assert str(error).startswith("the plan file ")
        return False
    assert sent(plan) == shown(to_json(plan, personal=True, digest=footer.content))
    out = StringIO()
    write_plan(plan, out, personal=True, color=False)
    for action, *_, values, _parent, _parent_id, _links in sent(plan):
        for value in values.values() if action in ("create", "update") else ():
            assert _told(value, plan, out.getvalue()), value
    assert markdown(plan, digest=footer.content)
    return True


def _told(value: str, plan: Plan, text: str) -> bool:
    names = [label.text for label in plan.labels if label.value == value]
    cut = [value[:30]] if value.isprintable() else []
    return not value or any(one in text for one in (*names, *cut)) or "\\" in text


def test_base(base: bytes) -> None:
    """A plan that was not changed is loaded, and shows what it does."""
    assert judge(base)
    assert written(parsed(base)) == base


def _keep(_: Line, unit: Line) -> None:
    unit["changes"][0]["keep"] = [["hs_total_price", "999999"]]


def _keep_too(_: Line, unit: Line) -> None:
    unit["changes"][0]["keep"] = [["memo", "999999"]]


def _twice(_: Line, unit: Line) -> None:
    fields = unit["changes"][0]["fields"]
    fields.insert(1, fields[1] | {"after": "999999"})


def _key(_: Line, unit: Line) -> None:
    unit["changes"][0]["fields"][0]["after"] = "O-999"


def _shown(_: Line, unit: Line) -> None:
    unit["changes"][0]["fields"][-1]["shown_after"] = "1"


def _title(_: Line, unit: Line) -> None:
    unit["changes"][0]["title"] = "Another order"


def _label(about: Line, _: Line) -> None:
    about["labels"].append(["order", "memo", "1", "nothing"])


def _two_labels(about: Line, _: Line) -> None:
    about["labels"].append([*about["labels"][0][:3], "zzz"])


def _personal(_: Line, unit: Line) -> None:
    unit["changes"][0]["fields"][-1]["personal"] = True


def _limit(about: Line, _: Line) -> None:
    about["guards"] = []


def _parent(_: Line, unit: Line) -> None:
    unit["changes"][-1]["parent_id"] = "4711"


def _parent_name(_: Line, unit: Line) -> None:
    unit["changes"][-1]["parent"] = ["order", "A-1"]


def _ours(_: Line, unit: Line) -> None:
    unit["changes"][0]["links"][0]["ours"] = [["HUBSPOT_DEFINED", 1]]


def _type(_: Line, unit: Line) -> None:
    unit["changes"][0]["links"][0]["references"][0][-1] = 1


def _both_types(_: Line, unit: Line) -> None:
    link = unit["changes"][0]["links"][0]
    link["references"][0][-1] = 1
    link["types"] = [["HUBSPOT_DEFINED", 1]]


def _link_shown(_: Line, unit: Line) -> None:
    unit["changes"][0]["links"][0]["shown"] = "contact email=bo@example.com"


def _no_reference(_: Line, unit: Line) -> None:
    del unit["changes"][0]["links"][0]["references"]


def _other_key(_: Line, unit: Line) -> None:
    unit["changes"][0]["links"][0]["address"] = ["cart", "C-9"]


def _conflict(_: Line, unit: Line) -> None:
    unit["changes"][0]["action"] = "conflict"


def _adopts(_: Line, unit: Line) -> None:
    del unit["changes"][0]["adopts"]


def _new_reason(_: Line, unit: Line) -> None:
    unit["changes"][0]["fields"][-1]["reason"] = "drift"


def _made_again(_: Line, unit: Line) -> None:
    unit["changes"][0]["state"] = "0" * 64


def _no_definitions(_: Line, unit: Line) -> None:
    del unit["definitions"]


def _unchanged(about: Line, _: Line) -> None:
    about["target"]["portal_id"] = -1


def _field_order(_: Line, unit: Line) -> None:
    unit["changes"][0]["fields"].reverse()


def _root_last(_: Line, unit: Line) -> None:
    unit["changes"].reverse()


def _unknown(_: Line, unit: Line) -> None:
    unit["changes"][0]["also"] = "more"


def _let_in(_: Line, unit: Line) -> None:
    unit["changes"], unit["held"] = unit["held"], []


def _half_let_in(_: Line, unit: Line) -> None:
    unit["changes"].append(unit["held"].pop())


def _held_for_nothing(_: Line, unit: Line) -> None:
    unit["held"], unit["changes"] = unit["changes"], []


def _without_its_allowance(shared: Line, _: Line) -> None:
    shared["allowed"] = []


def _without_its_policy(shared: Line, _: Line) -> None:
    shared["reverts"] = []


def _drift_put_back(_: Line, unit: Line) -> None:
    (left,) = unit.pop("left_alone")
    change = unit["changes"][0]
    change["fields"] = sorted(change["fields"] + left["fields"], key=lambda one: str(one["name"]))
    change["keep"] = [one for one in change["keep"] if one[0] != "memo"]


def _link_put_back(_: Line, unit: Line) -> None:
    (left,) = unit["left_alone"]
    unit["changes"][0]["links"] = left.pop("links")


def _left_and_changed(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["fields"][0]["name"] = "weight"


def _left_for_another_reason(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["fields"][0]["reason"] = "change"


def _left_kind(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["address"][0] = "widget"


def _left_elsewhere(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["address"][1] = "A-1"


def _left_link(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["links"][0]["to"] = "widget"


def _left_nothing(_: Line, unit: Line) -> None:
    unit["left_alone"][0]["fields"] = unit["left_alone"][0]["links"] = []


def _limit_of_nothing(shared: Line, _: Line) -> None:
    shared["limits"][0][0] = "widget"


def _limit_of_no_kind(shared: Line, _: Line) -> None:
    shared["limits"][0][1] = "widget"


EDITS: list[tuple[str, Edit]] = [
    ("A-7", one)
    for one in (_keep, _keep_too, _twice, _key, _shown, _title, _label, _two_labels, _personal)
]
EDITS += [
    ("A-7", one) for one in (_limit, _parent, _parent_name, _ours, _type, _both_types, _link_shown)
]
EDITS += [
    ("A-7", one)
    for one in (_no_reference, _other_key, _conflict, _new_reason, _made_again, _no_definitions)
]
EDITS += [("A-7", one) for one in (_unchanged, _field_order, _root_last, _unknown)]
EDITS += [
    ("A-6", _adopts),
    ("A-2", _both_types),
    ("A-2", _title),
    ("A-4", _title),
    ("A-1", _parent),
    *(("A-8", one) for one in (_let_in, _half_let_in)),
    *(("A-6", one) for one in (_without_its_allowance, _held_for_nothing)),
    *(("A-3", one) for one in (_drift_put_back, _left_for_another_reason, _left_elsewhere)),
    *(("A-9", one) for one in (_without_its_policy, _link_put_back, _left_and_changed)),
    *(("A-9", one) for one in (_left_kind, _left_link, _left_nothing)),
    *(("A-9", one) for one in (_limit_of_nothing, _limit_of_no_kind)),
]


@pytest.mark.parametrize(("key", "edit"), EDITS, ids=lambda one: getattr(one, "__name__", one))
def test_contradiction_is_refused(base: bytes, key: str, edit: Edit) -> None:
    """What is shown, kept, guarded or pinned beside the values is derived, or must fit them."""
    lines = parsed(base)
    edit(lines[1], unit_of(lines, key))
    assert not judge(written(lines))


def test_units_out_of_order_are_refused(base: bytes) -> None:
    """Also if whole lines change places, or one occurs twice."""
    lines = parsed(base)
    assert not judge(written([*lines[:2], *reversed(lines[2:])]))
    assert not judge(written([*lines, lines[-1]]))


def test_spelling_of_its_own_is_refused(base: bytes) -> None:
    """A name that occurs twice in an object is refused: readers may take either value."""
    lines = base.splitlines(keepends=True)[:-1]
    count = f'"unchanged":{json.loads(lines[0])["unchanged"]}'.encode()
    for old, new in (
        (b'"after":"1"', b'"after":"999999","after":"1"'),
        (count, count + b".0"),
        (count, count.replace(b":", b':"') + b'"'),
        (count, count.replace(b":", b": ")),
    ):
        changed = [one.replace(old, new, 1) for one in lines]
        assert changed != lines
        assert not judge(sealed(changed))


@pytest.mark.parametrize(
    "number", ["NaN", "1e999", "-1e999", "9" * 100_000, "9" * 4000, "9" * 30, "1.5", "٣", "true"]
)
@pytest.mark.parametrize(
    "name", ["format", "serial", "unchanged", "portal_id", "others", "limits", "types"]
)
def test_malformed_number_is_refused(base: bytes, name: str, number: str) -> None:
    """A number that is not one, or not one of ours, is refused everywhere."""
    lines = parsed(base)
    mark = "here it is"
    if name in ("format", "serial"):
        lines[0][name] = mark
    elif name == "limits":
        lines[1]["limits"][0][2] = mark
    elif name == "portal_id":
        lines[1]["target"][name] = mark
    elif name == "types":
        unit_of(lines, "A-7")["changes"][0]["links"][0]["types"][0][1] = mark
    elif name == "others":
        unit_of(lines, "A-7")[name] = mark
    else:
        lines[1][name] = mark
    raw = [canonical(one).replace(f'"{mark}"'.encode(), number.encode()) + b"\n" for one in lines]
    assert not judge(sealed(raw))


@pytest.mark.parametrize(
    "text",
    [
        "adopt-update",
        "adopt-update=",
        "adopt-update=0",
        "adopt-update=01",
        "adopt-update=-1",
        "adopt-update=x",
        "adopt-update=٣",
        "adopt-update= 1",
        "adopt-update=1\n",
        "adopt-update=1_0",
        "adopt-update=" + "9" * 5000,
        "widget=1",
        "=1",
        "",
    ],
)
def test_malformed_allowance_is_refused(base: bytes, text: str) -> None:
    """What was allowed is the name of a guard or limit, and a number."""
    lines = parsed(base)
    assert lines[1]["allowed"] == ["adopt-update=1"]
    lines[1]["allowed"] = [text]
    assert not judge(written(lines))
    lines[1]["allowed"] = ["adopt-update=1", "adopt-update=2"]
    assert not judge(written(lines))


@pytest.mark.parametrize("text", ["NaN", "1e999", "9e999999999", "٣", "9" * 100_000, "-", "\x00"])
def test_odd_text_is_shown_as_it_is_sent(base: bytes, text: str) -> None:
    """Values are text: whatever it says is shown, and sent, and nothing fails on the way."""
    lines = parsed(base)
    unit_of(lines, "C-1")["changes"][0]["fields"][-1]["after"] = text
    assert judge(written(lines))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in parsed JSON: the container and the name or index in it."""
    for name in value if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], dict | list):
            yield from places(value[name])


OTHERS: tuple[Any, ...] = ("", "x", "999999", "order", "A-1", 0, 1, -1, 2**53 + 1, 1.5)
OTHERS += (None, True, False, [], {}, [""], ["order", "A-1"], "memo", "drift", "create", "0" * 64)


@pytest.mark.long
def test_every_place_changed(base: bytes) -> None:
    """Changed in any one place, a plan is refused or shows what it does.

    Every name is taken out or renamed, every value replaced by each of many others.
    """
    size, loaded = sum(1 for one in parsed(base) for _ in places(one)), 0
    for number in range(size):
        for other in (*OTHERS, ...):
            lines = parsed(base)
            container, name = [two for one in lines for two in places(one)][number]
            if other is ...:
                old = container.pop(name)
                if isinstance(container, dict):
                    container[f"{name}_"] = old
            elif container[name] == other and type(container[name]) is type(other):
                continue
            else:
                container[name] = copy.deepcopy(other)
            loaded += judge(written(lines))
    assert loaded > 50


SOME = examples(300)


@SOME
@given(data=st.data())
def test_several_places_changed(base: bytes, data: st.DataObject) -> None:
    """The same for several places at a time, with values from elsewhere in the plan too."""
    lines = parsed(base)
    for _ in range(data.draw(st.integers(1, 4))):
        everywhere = [two for one in lines for two in places(one)]
        container, name = data.draw(
            st.sampled_from(range(len(everywhere))).map(everywhere.__getitem__)
        )
        source, there = data.draw(
            st.sampled_from(range(len(everywhere))).map(everywhere.__getitem__)
        )
        others = st.sampled_from(OTHERS) | st.just(source[there]) | st.text(max_size=5)
        container[name] = copy.deepcopy(data.draw(others))
    judge(written(lines))


def test_what_is_sent_is_what_the_plan_holds(build: Callable[..., World]) -> None:
    """The values that reach HubSpot are those of the plan's fields, and no others."""
    world = build(proxy=Proxy)
    documents = (
        order("A-1", [line("A-1:1", name="Pot", quantity="2")], memo="1", hs_tags=""),
        cart("C-1", hs_total_price="10"),
    )
    planned = world.plan(*documents)
    plan = load(b"".join(dump(planned, version="0.1", created="now")))[0]
    assert world.apply(plan).complete
    bodies = [
        one["properties"]
        for seen in world.proxy.seen
        if seen.path.endswith(("/batch/upsert", "/batch/create")) and "/objects/" in seen.path
        for one in seen.inputs
    ]
    wanted = [values for _, _, _, _, values, *_ in sent(plan)]
    assert sorted(map(str, map(sorted, (b.items() for b in bodies)))) == sorted(
        map(str, map(sorted, (w.items() for w in wanted)))
    )

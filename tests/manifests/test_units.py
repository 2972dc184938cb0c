"""Which records belong together, and which are declared twice."""

import random
from typing import Any

from reconcile.model.address import Address
from reconcile.model.records import Location, Reference


def test_units_and_lines_are_sorted_by_address(project: Any) -> None:
    """The order of documents does not show."""
    units = project.units(
        "{kind: order, key: B, line_items: [{key: Z}, {key: Y}]}\n"
        "---\n{kind: order, key: A}\n---\n{kind: cart, key: C}\n"
    )
    assert [str(unit.address) for unit in units] == ["cart/C", "order/A", "order/B"]
    assert [line.address.key for line in units[2].lines] == ["Y", "Z"]


def test_a_line_joins_the_declared_parent_it_names(project: Any) -> None:
    """Nested and standing alone are two spellings of one thing; case and file do not matter."""
    project.write("a/lines.yaml", "{kind: line_item, key: X, parent: {order: {key: nw-1}}}")
    project.write("b/orders.yaml", "{kind: order, key: NW-1, line_items: [{key: Y}]}")
    (unit,) = project.load()
    assert unit.address == Address("order", "NW-1")
    assert unit.parent is None
    assert [line.address.key for line in unit.lines] == ["X", "Y"]


def test_a_line_under_a_foreign_parent_is_a_unit_without_root(project: Any) -> None:
    """Lines under one parent that no manifest declares are one unit; the parent is no record."""
    by_id, by_key = project.units(
        '{kind: line_item, key: C, parent: {order: {id: "501"}}}\n---\n'
        "{kind: line_item, key: B, parent: {cart: {key: other}}}\n---\n"
        '{kind: line_item, key: A, parent: {order: {id: "501"}}}\n'
    )[::-1]
    assert by_id.address == Address("order", "id:501")
    assert by_id.root is None
    assert by_id.parent == Reference("order", "id", "501", "", Location("a.yaml", 1, 35))
    assert [line.address.key for line in by_id.lines] == ["A", "C"]
    assert by_key.address == Address("cart", "other")
    assert by_key.parent.by == "key"


def test_an_order_named_by_its_id_and_by_a_key_that_is_its_id_is_one_problem(
    project: Any,
) -> None:
    """If keys are ids these are two names of one record: both locations are reported."""
    line = '{{kind: line_item, key: {}, parent: {{order: {{{}: "501"}}}}}}\n'
    project.write("a.yaml", line.format("X", "id"))
    for other in ('{kind: order, key: "501"}\n', line.format("Y", "key")):
        project.write("b.yaml", f"# later\n{other}")
        assert len(project.load()) == 2
        (problem,) = project.problems(by_id=["order"])
        assert (problem.file, problem.line, problem.column) == ("a.yaml", 1, 35)
        assert problem.message.startswith("the order '501' is named by its id here, and by its key")
        assert "b.yaml:2:" in problem.message
        assert problem.hint == "write parent: {order: {key: 501}} here too"
    project.write("a.yaml", line.format("X", "key"))
    assert [str(unit.address) for unit in project.load(by_id=["order"])] == ["order/501"]


def test_a_parent_of_another_kind_is_another_record(project: Any) -> None:
    """A cart and an order of the same key do not share lines."""
    cart, order = project.units(
        "{kind: order, key: A}\n---\n{kind: line_item, key: X, parent: {cart: {key: A}}}\n"
    )
    assert (cart.root, len(cart.lines)) == (None, 1)
    assert order.lines == ()


def test_keys_are_unique_per_kind_across_files(project: Any) -> None:
    """The second of two keys that fold alike is the problem, and names the first."""
    project.write("a.yaml", "{kind: order, key: NW-1}\n---\n{kind: cart, key: NW-1}")
    project.write("b.yaml", "# again\n{kind: order, key: nw-1}")
    (problem,) = project.problems()
    assert (problem.file, problem.line, problem.column) == ("b.yaml", 2, 1)
    assert "'nw-1' is declared twice; first in a.yaml:1:1" in problem.message
    assert "'NW-1' is the same key" in problem.hint


def test_line_item_keys_are_unique_wherever_they_stand(project: Any) -> None:
    """Lines of different orders, and lines standing alone, share one set of keys."""
    project.write(
        "a.yaml",
        "{kind: order, key: A, line_items: [{key: X}, {key: X}]}\n---\n"
        "{kind: order, key: B, line_items: [{key: X}]}\n---\n"
        "{kind: line_item, key: x, parent: {order: {key: A}}}\n",
    )
    assert [problem.line for problem in project.problems()] == [1, 3, 5]


def test_an_order_declared_three_times_is_two_problems(project: Any) -> None:
    """Each later one names the first."""
    project.write("a.yaml", "---\n".join(["{kind: order, key: A}\n"] * 3))
    assert [p.message[-10:] for p in project.problems()] == ["a.yaml:1:1"] * 2


def test_the_order_of_input_does_not_matter(project: Any) -> None:
    """The same documents in other files, or the same paths in another order, mean the same."""
    documents = [f"{{kind: order, key: A{n}, line_items: [{{key: L{n}}}]}}" for n in range(9)]
    documents += [
        f"{{kind: line_item, key: M{n}, parent: {{order: {{key: A{n}}}}}}}" for n in (1, 2)
    ]
    seen = set()
    for seed in range(5):
        random.Random(seed).shuffle(documents)
        for n, document in enumerate(documents):
            project.write(f"{n:02}.yaml", document)
        names = [f"{n:02}.yaml" for n in range(len(documents))]
        random.Random(seed).shuffle(names)
        units = project.load(*names)
        seen.add(str([[str(record.address) for record in unit.records] for unit in units]))
    assert len(seen) == 1

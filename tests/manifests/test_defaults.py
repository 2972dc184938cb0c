"""Defaults: what the documents of a folder and below have, and where each value is from."""

from typing import Any

import pytest

from reconcile.errors import ManifestError
from reconcile.manifests import load
from reconcile.manifests.identity_rules import identity_problems
from reconcile.model.digest import desired_digest
from reconcile.model.identity import UniqueProperty, WithinParent
from reconcile.model.records import Desired, Location, Unit

ORDER = "kind: order\nkey: A\n"
BEGIN = "begin it with kind: defaults, or rename the file if it is for another program"
TOP = """\
kind: defaults
order:
  properties:
    hs_currency_code: EUR
    hs_tags: web
  associations:
    company: [{id: "501"}]
  lifecycle:
    ignore: [hs_tags]
line_item:
  properties: {hs_sku: none}
"""


def order(units: tuple[Unit, ...]) -> Desired:
    """The root of the only unit."""
    (unit,) = units
    assert unit.root
    return unit.root


def places(record: Desired) -> dict[str, str]:
    """Where each property's value is from."""
    return {name: str(record.location_of(name)) for name in record.properties}


def problem(project: Any, *paths: str) -> str:
    """The only problem, with its place; fails where there are more."""
    (found,) = project.problems(*paths)
    return str(found)


def test_documents_below_have_the_defaults(project: Any) -> None:
    """Properties, references and what to ignore; each value knows the file it is from."""
    project.write("defaults.yaml", TOP)
    project.write("eu/a.yaml", ORDER + "properties: {hs_order_name: One}\n")
    found = order(project.load())
    assert dict(found.properties) == {
        "hs_order_name": "One",
        "hs_currency_code": "EUR",
        "hs_tags": "web",
    }
    assert places(found) == {
        "hs_order_name": "eu/a.yaml:3:29",
        "hs_currency_code": "defaults.yaml:4:23",
        "hs_tags": "defaults.yaml:5:14",
    }
    assert found.ignore == {"hs_tags"}
    assert found.ignored_in == Location("defaults.yaml", 9, 13)
    (reference,) = found.references
    assert reference.value == "501"
    assert reference.location == Location("defaults.yaml", 7, 15)
    assert found.inherits(reference.location)
    assert not found.inherits(found.location_of("hs_order_name"))


def test_the_nearest_folder_wins_and_a_document_over_all(project: Any) -> None:
    """Maps are merged by name; a list replaces another as a whole."""
    project.write("defaults.yaml", TOP)
    project.write(
        "eu/defaults.yml",
        "kind: defaults\norder:\n  properties: {hs_tags: eu, hs_source_store: EU}\n"
        "  associations: {company: [{id: '502'}], contact: [{email: a@example.com}]}\n",
    )
    project.write("eu/pt/a.yaml", ORDER + "properties: {hs_source_store: PT}\n")
    found = order(project.load())
    assert dict(found.properties) == {
        "hs_source_store": "PT",
        "hs_currency_code": "EUR",
        "hs_tags": "eu",
    }
    assert places(found) == {
        "hs_source_store": "eu/pt/a.yaml:3:31",
        "hs_currency_code": "defaults.yaml:4:23",
        "hs_tags": "eu/defaults.yml:3:25",
    }
    assert [(r.to, r.value) for r in found.references] == [
        ("company", "502"),
        ("contact", "a@example.com"),
    ]
    assert found.ignore == {"hs_tags"}


def test_an_empty_list_takes_associations_and_ignored_properties_away(project: Any) -> None:
    """It replaces the list of the defaults, as every list does."""
    project.write("defaults.yaml", TOP)
    project.write("a.yaml", ORDER + "associations: {company: []}\nlifecycle: {ignore: []}\n")
    found = order(project.load())
    assert found.references == ()
    assert found.ignore == frozenset()
    assert found.ignored_in == Location("a.yaml", 4, 21)


@pytest.mark.parametrize("where", ["document", "folder"])
def test_a_property_is_taken_away(project: Any, where: str) -> None:
    """For one document, or for a folder and below; a document there can still give it a value."""
    project.write("defaults.yaml", TOP)
    if where == "document":
        project.write("eu/a.yaml", ORDER + "unmanaged: [hs_tags]\n")
    else:
        project.write("eu/defaults.yaml", "kind: defaults\norder: {unmanaged: [hs_tags]}\n")
        project.write("eu/a.yaml", ORDER)
        project.write("eu/b.yaml", "kind: order\nkey: B\nproperties: {hs_tags: own}\n")
        assert project.load("eu/b.yaml")[0].root.properties["hs_tags"] == "own"
    found = order(project.load("eu/a.yaml"))
    assert dict(found.properties) == {"hs_currency_code": "EUR"}
    assert found.location_of("hs_tags") == found.location


def test_line_items_have_theirs_wherever_they_stand(project: Any) -> None:
    """Nested in orders and carts, and in documents of their own."""
    project.write("defaults.yaml", TOP)
    line = "line_items: [{key: %s, properties: {name: Tea}}]\n"
    project.write("a.yaml", ORDER + line % "A:1")
    project.write("b.yaml", "kind: cart\nkey: B\n" + line % "B:1")
    project.write("c.yaml", "kind: line_item\nkey: A:2\nparent: {order: {key: A}}\n")
    lines = [line for unit in project.load() for line in unit.lines]
    assert len(lines) == 3
    assert all(one.properties["hs_sku"] == "none" for one in lines)
    assert all(one.location_of("hs_sku").file == "defaults.yaml" for one in lines)


def test_a_line_item_takes_its_own_default_away(project: Any) -> None:
    """``unmanaged`` stands in each record, as ``properties`` does."""
    project.write("defaults.yaml", TOP)
    lines = "line_items: [{key: A1, unmanaged: [hs_sku]}, {key: A2}]\n"
    project.write("a.yaml", ORDER + lines)
    (unit,) = project.load()
    assert [dict(line.properties) for line in unit.lines] == [{}, {"hs_sku": "none"}]


@pytest.mark.parametrize("state", ["absent", "forget"])
def test_what_is_absent_or_forgotten_has_none(project: Any, state: str) -> None:
    """So an edited default does not change them, nor the line items nested in them."""
    text = (
        f"{ORDER}lifecycle: {{state: {state}}}\nunmanaged: [hs_tags]\nline_items: [{{key: A1}}]\n"
    )
    project.write("a.yaml", text.replace("unmanaged: [hs_tags]\n", ""))
    without = [desired_digest(unit) for unit in project.load()]
    project.write("a.yaml", text)
    ignoring = "line_item:\n  lifecycle: {ignore: [hs_sku]}\n"
    project.write("defaults.yaml", TOP.replace("line_item:\n", ignoring))
    assert [desired_digest(unit) for unit in project.load()] == without


def test_the_digest_is_of_what_is_resolved(project: Any) -> None:
    """A value has the same digest in a document and in a default."""
    project.write("defaults.yaml", "kind: defaults\norder: {properties: {hs_tags: x}}\n")
    project.write("a.yaml", ORDER)
    project.write("sub/b.yaml", "kind: order\nkey: B\nproperties: {hs_tags: y}\n")
    before = {unit.address.key: desired_digest(unit) for unit in project.load()}
    project.write("defaults.yaml", "kind: defaults\norder: {properties: {hs_tags: y}}\n")
    after = {unit.address.key: desired_digest(unit) for unit in project.load()}
    assert after["A"] != before["A"]
    assert after["B"] == before["B"]
    project.write("a.yaml", ORDER + "properties: {hs_tags: y}\n")
    assert {unit.address.key: desired_digest(unit) for unit in project.load()} == after


# Which folders


@pytest.mark.parametrize("paths", [["."], ["manifests/eu"], ["manifests/eu/a.yaml"], ["link.yaml"]])
def test_a_document_is_the_same_whatever_is_selected(project: Any, paths: list[str]) -> None:
    """The defaults of all folders above it apply, also beside the paths and through a link."""
    project.write("defaults.yaml", TOP)
    project.write("manifests/defaults.yaml", "kind: defaults\norder: {properties: {hs_tags: m}}\n")
    project.write("manifests/eu/a.yaml", ORDER)
    project.write("other/defaults.yaml", "kind: defaults\norder: {properties: {hs_tags: o}}\n")
    (project.root / "link.yaml").symlink_to("manifests/eu/a.yaml")
    found = order(project.load(*paths))
    assert dict(found.properties) == {"hs_currency_code": "EUR", "hs_tags": "m"}


def test_folders_above_the_project_do_not_count(project: Any) -> None:
    """What a document means does not depend on where the project was cloned to."""
    project.write("defaults.yaml", TOP)
    project.write("shop/a.yaml", ORDER)
    root = project.root / "shop"
    assert not order(load([root], root=root)).properties


def test_defaults_outside_the_project_are_refused(project: Any, tmp_path_factory: Any) -> None:
    """There it would depend on the path given how many folders above count."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.yaml").write_text(ORDER)
    assert order(load([outside], root=project.root)).address.key == "A"
    (outside / "defaults.yaml").write_text(TOP)
    for path in (outside, outside / "a.yaml"):
        with pytest.raises(ManifestError, match="apply in the project's folder only"):
            load([path], root=project.root)


def test_links_to_defaults_stay_in_the_project(project: Any, tmp_path_factory: Any) -> None:
    """One link may share a file between folders; one that leads out, or nowhere, is refused."""
    project.write("shared/common.txt", TOP)
    project.write("manifests/a.yaml", ORDER)
    link = project.root / "manifests" / "defaults.yaml"
    link.symlink_to("../shared/common.txt")
    found = order(project.load("manifests"))
    assert found.location_of("hs_tags") == Location("manifests/defaults.yaml", 5, 14)
    outside = tmp_path_factory.mktemp("outside") / "x.yaml"
    outside.write_text(TOP)
    for target, words in ((outside, "leads out of the project"), ("gone", "does not exist")):
        link.unlink()
        link.symlink_to(target)
        for path in ("manifests", "manifests/a.yaml"):
            assert words in problem(project, path)


def test_defaults_alone_are_no_manifests(project: Any) -> None:
    """A folder that declares nothing is an error, as without them; so is the file as a path."""
    project.write("a.yaml", ORDER)
    project.write("eu/defaults.yaml", TOP)
    assert problem(project, "eu") == "eu: no manifest in this folder"
    assert problem(project, "eu/defaults.yaml") == "eu/defaults.yaml: defaults declare no record"
    assert [unit.address.key for unit in project.load()] == ["A"]


def test_a_folder_may_have_the_name_of_the_file(project: Any) -> None:
    """It is a folder like any other."""
    project.write("defaults.yaml/a.yaml", ORDER)
    assert order(project.load()).address.key == "A"


def test_defaults_that_nothing_uses_are_checked(project: Any) -> None:
    """All problems are reported at once, not when the first document is added."""
    project.write("a.yaml", ORDER)
    project.write("eu/defaults.yaml", "kind: defaults\norder: {propertis: {}}\n")
    assert "eu/defaults.yaml:2:9: unknown field 'propertis'" in problem(project)


# Problems


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("order: {}", "1:1", "this document has no 'kind'", BEGIN),
        (
            "[a]",
            "1:1",
            "a document must be names with values (name: value)",
            BEGIN,
        ),
        (
            "kind: order\nkey: A",
            "1:7",
            "a file of defaults holds no 'order', only kind: defaults",
            "move this document to a file with another name",
        ),
        (
            "kind: defaults\norders: {}",
            "2:1",
            "defaults are for a kind, and 'orders' is not one; did you mean 'order'?",
            "the kinds are order, cart and line_item",
        ),
        (
            "kind: defaults\nproperties: {hs_tags: x}",
            "2:1",
            "defaults are for a kind, and 'properties' is not one",
            "put it below a kind, as in order: {properties: {hs_currency_code: EUR}}",
        ),
        (
            "kind: defaults\norder:",
            "2:7",
            "'order' of defaults has no value",
            "give it one, or leave it out",
        ),
        *(
            (
                f"kind: defaults\norder: {{{field}: x}}",
                "2:9",
                f"unknown field '{field}' in 'order' of defaults",
                "the fields are properties, associations, lifecycle, unmanaged and lines",
            )
            for field in ("key", "adopt", "moved_from", "parent")
        ),
        *(
            (
                f"kind: defaults\norder: {{lifecycle: {{{field}: x}}}}",
                "2:21",
                f"unknown field '{field}' in 'lifecycle' of defaults",
                "the only field is ignore",
            )
            for field in ("state", "protect")
        ),
        (
            "kind: defaults\norder: {properties: {hs_tags: }}",
            "2:31",
            "the property hs_tags has no value",
            'write "" to clear the property in HubSpot, or leave it out to keep it unmanaged',
        ),
        (
            "kind: defaults\nline_item: {properties: {amount: 5}}",
            "2:34",
            "HubSpot computes amount from quantity, price and discount",
            "leave it out: HubSpot would replace a value written here",
        ),
        (
            "kind: defaults\norder: {associations: {contakt: []}}",
            "2:24",
            "an order has no association 'contakt'; did you mean 'contact'?",
            "the associations are contact, company, deal, discount, invoice, payment, quote, "
            "subscription, ticket and cart",
        ),
        (
            "kind: defaults\norder: {properties: {hs_tags: x}, unmanaged: [hs_tags]}",
            "2:47",
            "the property hs_tags has a value here, and is listed as unmanaged",
            "remove one of the two",
        ),
        (
            "kind: defaults\norder: {unmanaged: [hs_tags]}",
            "2:21",
            "no default here gives orders the property hs_tags",
            "'unmanaged' takes away what a default gives; a property that nothing declares is "
            "unmanaged without it",
        ),
        ("", "", "no document in this file", "remove the file if this is intended"),
    ],
)
def test_problems_of_defaults_have_their_place(
    project: Any, text: str, place: str, message: str, hint: str
) -> None:
    """Each is reported once, however many documents there are below."""
    project.write("a.yaml", ORDER)
    project.write("b.yaml", "kind: order\nkey: B\n")
    project.write("defaults.yaml", text)
    expected = [f"defaults.yaml:{place}: {message}" if place else f"defaults.yaml: {message}"]
    found = project.problems()
    assert [str(one) for one in found] == expected
    assert found[0].hint == hint


def test_defaults_in_another_file_are_refused(project: Any) -> None:
    """All of them must be known before the first document is read."""
    project.write("a.yaml", TOP)
    (found,) = project.problems()
    assert str(found) == "a.yaml:1:7: defaults are read only from files of their own"
    assert "defaults.yaml" in found.hint


@pytest.mark.parametrize("second", ["defaults.yaml", "defaults.yml"])
def test_a_kind_has_one_place_for_its_defaults_in_a_folder(project: Any, second: str) -> None:
    """Both places are named; documents for other kinds may stand beside each other."""
    project.write("eu/a.yaml", ORDER)
    cart = "kind: defaults\ncart: {properties: {hs_tags: x}}\n"
    again = "kind: defaults\norder: {}\n"
    if second == "defaults.yaml":
        project.write("eu/defaults.yaml", f"{TOP}---\n{cart}---\n{again}")
        place = "eu/defaults.yaml:17:1"
    else:
        project.write("eu/defaults.yaml", TOP)
        project.write("eu/defaults.yml", f"{cart}---\n{again}")
        place = "eu/defaults.yml:5:1"
    (found,) = project.problems()
    assert str(found) == f"{place}: this folder has defaults of orders already"
    assert found.hint == "move them to eu/defaults.yaml:2:1"


def test_a_name_that_is_unmanaged_without_a_default_is_a_problem(project: Any) -> None:
    """A mistyped one would leave the default in force."""
    project.write("defaults.yaml", TOP)
    project.write("a.yaml", ORDER + "unmanaged: [hs_tag]\n")
    assert problem(project) == (
        "a.yaml:3:13: no default here gives orders the property hs_tag; did you mean 'hs_tags'?"
    )


def test_broken_defaults_cause_no_further_problems(project: Any) -> None:
    """What they would have given is not known, so nothing is said about its absence."""
    project.write("defaults.yaml", "kind: defaults\norder: {properties: {hs_tags: }}\n")
    project.write("eu/defaults.yaml", "kind: defaults\norder: {unmanaged: [hs_tags]}\n")
    project.write("eu/a.yaml", ORDER + "unmanaged: [hs_tags]\n")
    assert "the property hs_tags has no value" in problem(project)


def test_many_records_with_one_wrong_default_have_one_problem(project: Any) -> None:
    """It is in the default's line, and names no record."""
    project.write(
        "defaults.yaml",
        "kind: defaults\norder:\n  associations: {cart: [{key: C}]}\n",
    )
    project.write("c.yaml", "kind: cart\nkey: C\nlifecycle: {state: absent}\n")
    orders = "---\n".join(f"kind: order\nkey: A{n}\n" for n in range(100))
    project.write("orders.yaml", orders)
    (found,) = project.problems()
    assert str(found) == "defaults.yaml:3:25: the cart 'C' is declared absent"
    assert found.hint == "remove it from the defaults, since it is archived: c.yaml:1:1"
    project.write("c.yaml", "kind: cart\nkey: D\nmoved_from: C\n")
    (found,) = project.problems()
    assert str(found) == "defaults.yaml:3:25: the cart 'C' is 'D' now"
    assert found.hint == "write the new key in the defaults; c.yaml:1:1 moves it"


def test_a_default_that_tells_no_lines_apart_is_one_problem(project: Any) -> None:
    """Its message names no line item, so that those of all orders are equal."""
    within = {kind: UniqueProperty("k") for kind in ("order", "cart")}
    identities = {**within, "line_item": WithinParent("name")}
    project.write("defaults.yaml", "kind: defaults\nline_item: {properties: {name: Tea}}\n")
    for key in "AB":
        lines = ", ".join(f"{{key: {key}{n}}}" for n in range(3))
        project.write(f"{key}.yaml", f"kind: order\nkey: {key}\nline_items: [{lines}]\n")
    found = {str(one) for unit in project.load() for one in identity_problems(unit, identities)}
    assert found == {
        "defaults.yaml:2:32: name identifies line items here, and is 'tea' in another of the same "
        "parent too"
    }

"""What is wrong in manifests and the project file: one message with the place, and nothing done."""

from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, SHOP, Project

ORDER = "kind: order\nkey: A-1\nproperties:\n"
REFERS = f"{ORDER}  hs_order_name: x\nassociations:\n"

PROBLEMS = {
    "broken YAML": (
        "kind: order\nkey: [A\nproperties: {a: b\n",
        "shop.yaml:3:11: this is not YAML: did not find expected ',' or ']'",
    ),
    "a tab": ("kind: order\n\tkey: A\n", "shop.yaml:2:1: this is not YAML: found a tab"),
    "a number sign in text": (
        f"{ORDER}  hs_order_name: Order #1001\n",
        "shop.yaml:4:24: YAML reads the text from this # on as a comment",
    ),
    "an ampersand before text": (
        f"{ORDER}  hs_shipping_address_name: &Sons Ltd\n",
        "shop.yaml:4:29: & begins an anchor in YAML, and nothing refers to this one",
    ),
    "a quote left open": (
        f"{ORDER}  hs_shipping_address_city: 's-Hertogenbosch\n",
        "shop.yaml:4:29: this quote is not closed",
    ),
    "one key in two Unicode forms": (
        "kind: cart\nkey: Caf\u00e9\n---\nkind: cart\nkey: Cafe\u0301\n",
        "shop.yaml:4:1: the cart 'Cafe\u0301' is declared twice; first in manifests/shop.yaml:1:1",
    ),
    "no mapping": ("just text\n", "shop.yaml:1:1: a document must be names with values"),
    "an empty file": ("", "shop.yaml: no document in this file"),
    "a duplicate name": (
        "kind: order\nkey: A\nkey: B\nproperties: {hs_order_name: x}\n",
        "shop.yaml:3:1: 'key' is given twice; first in line 2, column 1",
    ),
    "an unknown kind": (
        "kind: ordr\nkey: A\nproperties: {}\n",
        "shop.yaml:1:7: unknown kind 'ordr'; did you mean 'order'?",
    ),
    "an unknown field": (
        f"{ORDER}  hs_order_name: x\nlifecycle: {{ignor: [a]}}\n",
        "shop.yaml:5:13: unknown field 'ignor' in 'lifecycle'; did you mean 'ignore'?",
    ),
    "the key as a property": (
        f"{ORDER}  reconcile_key: A-1\n",
        "shop.yaml:4:18: reconcile_key holds the record's key; write it as `key:` only",
    ),
    "a bare empty value": (
        f"{ORDER}  hs_order_name:\n",
        "shop.yaml:4:17: the property hs_order_name has no value\n"
        '  hint: write "" to clear the property in HubSpot, or leave it out',
    ),
    "one key twice": (
        f"{ORDER}  hs_order_name: x\n---\nkind: order\nkey: a-1\nproperties: {{}}\n",
        "shop.yaml:6:1: the order 'a-1' is declared twice; first in manifests/shop.yaml:1:1",
    ),
}
"""What manifests get wrong by themselves."""

CONFLICTS = {
    "an unknown property": (
        f"{ORDER}  hs_order_nam: x\n",
        "orders have no property 'hs_order_nam'; did you mean 'hs_order_name'?",
    ),
    "a wrong option": (
        "kind: line_item\nkey: L\nparent: {order: {key: A-1}}\n"
        "properties: {recurringbillingfrequency: monthli}\n---\n" + ORDER + "  hs_order_name: x\n",
        "shop.yaml:4:41: recurringbillingfrequency: 'monthli'",
    ),
    "text for a number": (
        f"{ORDER}  hs_total_price: twelve\n",
        "shop.yaml:4:19: hs_total_price: 'twelve' is not a number",
    ),
    "a decimal comma": (
        f"{ORDER}  hs_total_price: 12,50\n",
        "shop.yaml:4:19: hs_total_price: '12,50' is not a number",
    ),
    "a wrong pipeline": (
        f"{ORDER}  hs_pipeline: Order Pipline\n",
        "shop.yaml:4:16: hs_pipeline: 'Order Pipline' is not a pipeline of this account "
        "(Order Pipeline); did you mean 'Order Pipeline'?",
    ),
    "a wrong stage": (
        f"{ORDER}  hs_pipeline: Order Pipeline\n  hs_pipeline_stage: Opn\n",
        "shop.yaml:5:22: hs_pipeline_stage: 'Opn' is not a stage of Order Pipeline",
    ),
    "a read-only property": (
        f"{ORDER}  hs_object_id: 5\n",
        "shop.yaml:4:17: hs_object_id is read-only: HubSpot computes it",
    ),
    "an unknown label": (
        f'{REFERS}  company: [{{id: "501", label: primry}}]\n',
        "shop.yaml:6:13: 'primry' is not an association label from orders to company",
    ),
    "nobody's e-mail": (
        f"{REFERS}  contact: [{{email: nobody@example.com}}]\n",
        "shop.yaml:6:13: no contact has email 'nobody@example.com'",
    ),
    "nobody's id": (f'{REFERS}  company: [{{id: "9"}}]\n', "shop.yaml:6:13: no company has id '9'"),
    "nobody's key": (
        f"{REFERS}  cart: [{{key: NONE}}]\n",
        "shop.yaml:6:10: no cart has key 'NONE'",
    ),
    "no such parent": (
        "kind: line_item\nkey: L\nparent: {order: {key: NONE}}\nproperties: {name: x}\n",
        "shop.yaml:3:9: no order has key 'NONE'",
    ),
}
"""What the account does not take, or does not have."""


@pytest.mark.parametrize(("text", "message"), PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")], ids=" ".join)
def test_problem_names_its_place(
    reader: Project, command: tuple[str, ...], text: str, message: str
) -> None:
    """Every mistake in a manifest is told with file, line and column before anything is written."""
    reader.write(text)
    said = reader.refused(*command)
    assert message in said
    assert said.startswith("error: 1 problem in the manifests\nmanifests/")


@pytest.mark.parametrize(("text", "message"), CONFLICTS.values(), ids=CONFLICTS)
def test_a_conflict_names_its_place_and_stops_nothing_else(
    reader: Project, text: str, message: str
) -> None:
    """What depends on the account is a conflict of its record; the rest is planned."""
    reader.write(text)
    reader.write("kind: cart\nkey: C-2\nproperties: {hs_cart_name: x}\n", "manifests/cart.yaml")
    said = reader.fine("plan")
    assert message in said
    assert "1 cart to create; 1 conflict (left alone)." in said


def test_apply_leaves_a_conflict_alone_and_does_the_rest(project: Project) -> None:
    """It says why, with the place, and ends with 5."""
    project.write(f"{REFERS}  contact: [{{email: nobody@example.com}}]\n")
    project.write("kind: cart\nkey: C-2\nproperties: {hs_cart_name: x}\n", "manifests/cart.yaml")
    said = project.fine("apply", "--auto-approve", code=5)
    assert said.count("manifests/shop.yaml:6:13: no contact has email 'nobody@example.com'") == 2
    assert (project.account.count("orders"), project.account.count("carts")) == (0, 1)


def test_two_files_with_one_key(reader: Project) -> None:
    """A key that two files declare is an error that names both places."""
    reader.write(SHOP, "manifests/zz.yaml")
    said = reader.refused("plan")
    assert "manifests/zz.yaml:1:1: the order 'A-1' is declared twice" in said
    assert "first in manifests/shop.yaml:1:1" in said
    assert "manifests/zz.yaml:15:1: the cart 'C-1' is declared twice" in said


def test_all_problems_at_once(reader: Project) -> None:
    """Several problems are told in one run, in the order they stand, and conflicts after them."""
    text = f"{ORDER}  hs_order_nam: x\n  hs_total_price: twelve\n  hs_tax:\n"
    reader.write(text, "manifests/b.yaml")
    reader.write(
        "kind: cart\nkey: C\nproperties: {hs_tax: low, reconcile_key: C}\n", "manifests/a.yaml"
    )
    reader.write(
        "kind: cart\nkey: D\nproperties: {}\nassociations: {contact: [{email: no@example.com}]}\n",
        "manifests/shop.yaml",
    )
    lines = reader.refused("plan").splitlines()
    assert lines[0] == "error: 2 problems in the manifests"
    assert [line.split(": ")[0] for line in lines[1:] if not line.startswith("  ")] == [
        "manifests/a.yaml:3:42",
        "manifests/b.yaml:6:10",
        "and 4 conflicts with what the account holds",
        "manifests/a.yaml:3:22",
        "manifests/b.yaml:4:17",
        "manifests/b.yaml:5:19",
        "manifests/shop.yaml:4:26",
    ]


def test_problems_are_told_where_the_account_cannot_be_asked(reader: Project) -> None:
    """A token that is refused does not hide what is known without it."""
    reader.write(f"{ORDER}  hs_tax:\n")
    reader.token("pat-wrong")
    said = reader.refused("plan")
    assert said.startswith("error: 1 problem in the manifests\nmanifests/shop.yaml:4:10: ")
    assert "hint: the manifests could not be checked against the account: " in said


def test_a_key_that_an_unread_document_may_declare_is_no_conflict(reader: Project) -> None:
    """Where a manifest cannot be read, nobody knows what it declares."""
    reader.write(f"{REFERS}  cart: [{{key: C-9}}]\n  contact: [{{email: no@example.com}}]\n")
    reader.write("kind: cart\nkey: C-9\nkey: C-9\nproperties: {\n", "manifests/z.yaml")
    said = reader.refused("plan")
    assert "no contact has email" in said
    assert "no cart has key" not in said


def test_no_call_before_manifests_are_valid(reader: Project) -> None:
    """While no document can be read HubSpot is not asked anything."""
    reader.write("kind: nothing\n")
    reader.refused("plan")
    assert reader.account.server.requests() == []


@pytest.mark.parametrize("command", [("plan",), ("validate",), ("apply", "--auto-approve")])
def test_empty_folder_is_fatal(reader: Project, command: tuple[str, ...]) -> None:
    """No manifests is an error, never "nothing desired"."""
    (reader.folder / "manifests" / "shop.yaml").unlink()
    assert "manifests: no manifest in this folder" in reader.refused(*command)


def test_missing_folder_is_fatal(reader: Project) -> None:
    """A folder that is not there is an error that names it."""
    said = reader.refused("plan", "nowhere")
    assert (
        "nowhere: no such file or folder\n"
        "  hint: create it, or correct the path: in `manifests:` of reconcile.yaml, or as typed"
    ) in said


def test_unreadable_encoding(reader: Project) -> None:
    """A file that is not UTF-8 is an error that names it."""
    (reader.folder / "manifests" / "shop.yaml").write_bytes(b"kind: order\nkey: caf\xe9\n")
    assert "manifests/shop.yaml" in reader.refused("plan")


def test_github_gets_annotations(reader: Project) -> None:
    """On GitHub each problem is also an annotation of its line, and each conflict a warning."""
    reader.write(f"{ORDER}  hs_total_price: twelve\n  hs_tax:\n")
    reader.env(GITHUB_ACTIONS="true", RECONCILE_TARGET="shop", CI="true")
    result = reader.run("plan")
    assert result.out.startswith("::error file=manifests/shop.yaml,line=5,col=10::")
    warning = "::warning file=manifests/shop.yaml,line=4,col=19::hs_total_price: "
    assert warning in result.err
    reader.write(f"{ORDER}  hs_total_price: twelve\n")
    result = reader.run("plan")
    assert warning in result.err
    assert warning not in result.out


def test_annotations_name_files_as_the_repository_does(reader: Project) -> None:
    """The project may be a folder of the repository; GitHub knows paths from the top only."""
    reader.write("kind: nothing\n")
    reader.env(GITHUB_ACTIONS="true", RECONCILE_TARGET="shop", CI="true")
    reader.env(GITHUB_WORKSPACE=str(reader.folder.parent))
    place = f"{reader.folder.name}/manifests/shop.yaml,line=1,col=7"
    assert reader.run("plan").out.startswith(f"::error file={place}::")


def test_one_record_by_id_and_by_key(reader: Project) -> None:
    """Where keys are ids, a parent named by id is the record declared under that key."""
    reader.settings(PROJECT + "    identity: {order: id}\n")
    reader.write('kind: order\nkey: "501"\nproperties: {hs_order_name: x}\n')
    line = 'kind: line_item\nkey: L\nparent: {order: {id: "501"}}\nproperties: {name: x}\n'
    reader.write(line, "manifests/line.yaml")
    said = reader.refused("validate")
    assert "manifests/line.yaml:3:9: the order '501' is named by its id here" in said
    assert "by its key in manifests/shop.yaml:1:1" in said


SETTINGS = {
    "an unknown field": (
        PROJECT.replace("target: shop", "targt: shop"),
        "reconcile.yaml:3:1: unknown field 'targt'; did you mean 'target'?",
    ),
    "an unknown default": (
        PROJECT.replace("target: shop", "target: shp"),
        "reconcile.yaml:3:9: there is no target 'shp'; did you mean 'shop'?",
    ),
    "another host": (
        PROJECT.replace("{url}", "https://example.com\n    portal: 1"),
        "reconcile.yaml:6:10: 'url'",
    ),
    "a token in the file": (
        PROJECT.replace("${env:SHOP_TOKEN}", "pat-na1-in-the-file"),
        "reconcile.yaml:7:12: 'token' must be ${env:NAME}",
    ),
    "no portal": (
        PROJECT.replace("    url: {url}\n", ""),
        "reconcile.yaml:6:5: the target 'shop' has no 'portal'",
    ),
    "broken YAML": ("version: [1\n", "reconcile.yaml:2:1: this is not YAML"),
    "another version": (
        PROJECT.replace("version: 1", "version: 2"),
        "reconcile.yaml:1:10: version",
    ),
    "nothing": ("", "reconcile.yaml: must hold one document"),
}


@pytest.mark.parametrize(("text", "message"), SETTINGS.values(), ids=SETTINGS)
def test_project_file_names_its_place(reader: Project, text: str, message: str) -> None:
    """Every mistake in reconcile.yaml is told with line and column, and no token with it."""
    reader.settings(text)
    said = reader.refused("plan")
    assert message in said
    assert said.startswith("error: 1 problem in reconcile.yaml\n")
    assert "pat-na1-in-the-file" not in said


def test_reconcile_yml_is_pointed_out(reader: Project) -> None:
    """A project file with the other ending is not overlooked in silence."""
    (reader.folder / "reconcile.yaml").rename(reader.folder / "reconcile.yml")
    said = reader.refused("plan")
    assert "error: there is a reconcile.yml\nhint: rename it to reconcile.yaml" in said


def test_no_manifests_named(reader: Project) -> None:
    """Without a project file and without paths plan says what to do."""
    (reader.folder / "reconcile.yaml").unlink()
    said = reader.refused("plan")
    assert "error: no manifests were given" in said
    assert "run `reconcile init`" in said


def test_links_out_of_the_tree_are_refused(reader: Project, tmp_path: Path) -> None:
    """A symbolic link that leads out of the project is not followed."""
    outside = tmp_path / "outside.yaml"
    outside.write_text(SHOP)
    (reader.folder / "manifests" / "link.yaml").symlink_to(outside)
    assert "manifests/link.yaml" in reader.refused("plan")

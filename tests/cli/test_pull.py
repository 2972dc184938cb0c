"""`pull`: manifests for records that exist, which plan as adopted and nothing else."""

import signal

import pytest

from tests.cli.conftest import PROJECT, Project, Relay, Shop

HOSTILE = 'x: "y" # no comment\nand & more *'
LABELS = {"hs_pipeline_stage": "Shipped"}


def test_what_is_pulled_plans_as_adopted_and_nothing_else(project: Project, shop: Shop) -> None:
    """With labels, lines and associations; then it is as declared."""
    stages = shop.http.get("/crm/v3/pipelines/orders").json()["results"][0]["stages"]
    shipped = next(one["id"] for one in stages if one["label"] == "Shipped")
    first = shop.order(
        {"name": "Mug", "hs_sku": "M-1", "price": "10.00", "quantity": "2"},
        {"name": HOSTILE, "hs_sku": "M-2", "price": "1.5", "quantity": "1"},
        hs_external_order_id="450",
        hs_order_name=HOSTILE,
        hs_pipeline_stage=shipped,
        hs_total_price="21.50",
    )
    shop.order(hs_external_order_id="NO", hs_total_price="0.10")
    said = project.fine(
        "pull",
        "orders",
        "--all",
        "--properties",
        "hs_order_name,hs_pipeline_stage,hs_total_price",
        "--lines",
        "name,hs_sku,price",
        "--key",
        "hs_external_order_id",
    )
    assert "Wrote 2 orders with 2 line items into manifests/orders-0001.yaml." in said
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    assert f'key: "450"\nadopt: {{id: "{first}"}}\n' in text
    assert "hs_pipeline_stage: Shipped" in text
    assert "hs_total_price: 21.5\n" in text
    assert 'key: "NO"' in text
    planned = project.fine("plan")
    assert "Plan: 2 orders, 2 line items to adopt." in planned
    assert "4 records get their keys" in planned
    project.fine("apply", "--auto-approve")
    assert "No changes. 4 records are as declared." in project.fine("plan")


def test_a_second_run_adds_only_what_is_new(project: Project, shop: Shop) -> None:
    """What a document adopts, or the state knows, is left out; files are left as they are."""
    for number in range(3):
        shop.order(hs_external_order_id=f"E{number}", hs_total_price="1")
    pull = ("pull", "orders", "--all", "--properties", "hs_total_price", "--key")
    project.fine(*pull, "hs_external_order_id", "--split", "2")
    before = project.files()
    assert "No new orders: 3 orders known already." in project.fine(*pull, "hs_external_order_id")
    assert project.files() == before
    shop.order(hs_external_order_id="E9", hs_total_price="1")
    assert "Wrote 1 order into manifests/orders-0003.yaml." in project.fine(
        *pull, "hs_external_order_id"
    )
    assert {name: project.files()[name] for name in before} == before
    assert "Plan: 4 orders to adopt." in project.fine("plan")


def test_what_documents_adopt_by_a_value_is_left_out(project: Project, shop: Shop) -> None:
    """It would be adopted twice."""
    shop.order(hs_external_order_id="A", hs_total_price="1")
    shop.post("/_sandbox/clock", {"advance": "120"})
    project.write("{kind: order, key: X, adopt: {hs_external_order_id: a}}", "manifests/x.yaml")
    assert "No new orders: 1 order known already." in project.fine("pull", "orders", "--all")
    assert "1 order to adopt." in project.fine("plan")


def test_a_file_of_a_month_is_left_as_it_is(project: Project, shop: Shop) -> None:
    """Where it is a link, or ends in a value that a line end would change, too."""
    shop.order(hs_external_order_id="A")
    args = ("pull", "orders", "--all", "--properties", "hs_total_price", "--split", "month")
    project.fine(*args)
    (path,) = (project.folder / "manifests").iterdir()
    text = path.read_bytes() + b"---\nkind: order\nkey: B\nproperties:\n  hs_tags: |\n    end"
    real = path.parent / "sub" / "real.yaml"
    real.parent.mkdir()
    real.write_bytes(text)
    real.chmod(0o600)
    path.unlink()
    path.symlink_to(real)
    shop.order(hs_external_order_id="B")
    said = project.fine(*args)
    assert f"Wrote 1 order into manifests/{path.stem}-2.yaml." in said
    assert path.is_symlink()
    assert (real.read_bytes(), real.stat().st_mode & 0o777) == (text, 0o600)
    assert "1 order to create; 2 orders to adopt" in project.fine("plan")


@pytest.mark.parametrize("split", ["1000", "month"])
def test_of_two_pulls_at_once_one_is_refused(project: Project, shop: Shop, split: str) -> None:
    """Whatever the files are called. Then it finds nothing to do: each record is declared once."""
    for number in range(3):
        shop.order(hs_external_order_id=f"E{number}")
    args = ("pull", "orders", "--all", "--properties", "hs_total_price", "--split", split)
    with Relay(project.account, "/crm/v3/objects/orders") as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        first = project.process(*args)
        assert relay.held.wait(20)
        project.settings(PROJECT)
        assert "Wrote 3 orders into" in project.fine(*args[:-2])
        relay.release()
        end = project.end(first)
    assert end.code == 1
    path = project.folder / "manifests" / "orders-0001.yaml"
    assert f"error: {path} was written meanwhile, by another pull perhaps; nothing" in end.err
    assert "hint: run the command again" in end.err
    assert list(path.parent.iterdir()) == [path]
    assert "No new orders: 3 orders known already." in project.fine(*args)
    assert "Plan: 3 orders to adopt." in project.fine("plan")


def test_what_was_pulled_before_an_interrupt_is_written(project: Project, shop: Shop) -> None:
    """Whole documents, in whole files; the same command pulls the rest."""
    for start in range(0, 1100, 100):
        inputs = [{"properties": {"hs_total_price": str(n)}} for n in range(start, start + 100)]
        shop.post("/crm/v3/objects/orders/batch/create", {"inputs": inputs})
    args = ("pull", "orders", "--all", "--properties", "hs_total_price", "--split", "600")
    with Relay(project.account, "/crm/v3/objects/orders", after=10) as relay:
        project.settings(PROJECT.replace("{url}", relay.url))
        process = project.process(*args)
        assert relay.held.wait(20)
        process.send_signal(signal.SIGINT)
        relay.release()
        end = project.end(process)
    assert end.code == 1
    names = "manifests/orders-0001.yaml, manifests/orders-0002.yaml"
    assert f"Wrote 1,000 orders into {names}." in end.out
    assert "It ended early: run the same command again for the records that are left." in end.out
    project.settings(PROJECT)
    assert "Wrote 100 orders into manifests/orders-0003.yaml." in project.fine(*args)
    assert "Plan: 1,100 orders to adopt." in project.fine("plan")


def test_repeated_and_missing_keys_are_said(project: Project, shop: Shop) -> None:
    """Several orders with one key get their ids behind it; one without gets its id."""
    first, second = (shop.order(hs_external_order_id="SAME") for _ in range(2))
    third = shop.order(hs_total_price="3")
    said = project.fine(
        *("pull", "orders", "--all", "--properties", "hs_total_price"),
        *("--key", "hs_external_order_id"),
    )
    assert "1 order without a hs_external_order_id that can be a key: its id is the key." in said
    rest = f"these have their id behind it or in its place: {second}"
    assert f"Several have the key 'SAME'; {rest}" in said
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    assert f'key: SAME\nadopt: {{id: "{first}"}}' in text
    assert f'key: SAME-{second}\nadopt: {{id: "{second}"}}' in text
    assert f'key: "{third}"\nadopt: {{id: "{third}"}}' in text
    assert "3 orders to adopt" in project.fine("plan")


def test_only_some_are_pulled(project: Project, shop: Shop) -> None:
    """By id or by a value that the records have now."""
    some, other = shop.order(hs_external_order_id="A"), shop.order(hs_external_order_id="B")
    project.write(f'{some}\n\n"{some}"\n', "ids.txt")
    args = ("--properties", "hs_total_price", "--key", "hs_external_order_id")
    assert "Wrote 1 order " in project.fine("pull", "orders", "--ids", "ids.txt", *args)
    shop.post("/_sandbox/clock", {"advance": "120"})
    where = ("--where", "hs_external_order_id=B")
    assert "Wrote 1 order " in project.fine("pull", "orders", *where, *args)
    text = (project.folder / "manifests/orders-0002.yaml").read_text(encoding="utf-8")
    assert f'adopt: {{id: "{other}"}}' in text


def define_properties(shop: Shop) -> None:
    """Add a property of each type to orders."""
    for name, type_, field, options in (
        ("channel", "enumeration", "select", {"web": "The web", "shop": "Shop"}),
        ("topics", "enumeration", "checkbox", {"a": "A", "b": "B", "c": "C"}),
        ("gift", "bool", "booleancheckbox", {}),
        ("due", "date", "date", {}),
        ("seen_at", "datetime", "date", {}),
    ):
        body = {"name": name, "label": name, "type": type_, "fieldType": field}
        listed = [{"value": value, "label": label} for value, label in options.items()]
        more = {"options": listed} if listed else {}
        group = {"groupName": "order_information"}
        shop.post("/crm/v3/properties/orders", body | more | group)


@pytest.mark.parametrize(
    "where",
    [
        *["hs_total_price=10", "hs_total_price=10.00", "hs_total_price=010.0"],
        *["hs_pipeline_stage=Shipped", "hs_pipeline_stage={shipped}", "hs_pipeline={pipeline}"],
        *["hs_pipeline=Order Pipeline", "gift=true", "channel=web", "channel=The web"],
        *["topics=b;a", "topics=B;a", "due=2026-01-02", "seen_at=2026-01-02T04:04:05+01:00"],
        *["hubspot_owner_id={owner}", "hubspot_owner_id=ANA@example.com", "hs_order_name=ana's"],
    ],
)
def test_a_value_may_be_written_as_in_a_manifest(project: Project, shop: Shop, where: str) -> None:
    """By label, by address, and in any spelling of its type; what is like it does not count."""
    define_properties(shop)
    pipeline = shop.http.get("/crm/v3/pipelines/orders").json()["results"][0]
    stages = {one["label"]: one["id"] for one in pipeline["stages"]}
    owner = shop.http.get("/crm/v3/owners").json()["results"][0]
    shop.order(hs_total_price="100", topics="a;b;c", channel="shop", due="2026-01-03")
    order = shop.order(
        hs_total_price="10",
        hs_pipeline=pipeline["id"],
        hs_pipeline_stage=stages["Shipped"],
        channel="web",
        topics="a;b",
        gift="true",
        due="2026-01-02",
        seen_at="2026-01-02T03:04:05Z",
        hubspot_owner_id=owner["id"],
        hs_order_name="Ana's",
    )
    shop.post("/_sandbox/clock", {"advance": "120"})
    names = {"shipped": stages["Shipped"], "pipeline": pipeline["id"], "owner": owner["id"]}
    where = where.format(**names).replace("ANA@example.com", owner["email"].upper())
    said = project.fine("pull", "orders", "--where", where, "--properties", "hs_total_price")
    assert "Wrote 1 order into" in said
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    assert f'adopt: {{id: "{order}"}}' in text


def test_a_value_that_no_order_has_is_named(project: Project, shop: Shop) -> None:
    """It may be mistyped."""
    shop.order(hs_total_price="10")
    shop.post("/_sandbox/clock", {"advance": "120"})
    for value in ("11", "1"):
        said = project.fine("pull", "orders", "--where", f"hs_total_price={value}")
        assert f"No order has hs_total_price '{value}'. HubSpot's search finds a new" in said


def test_a_value_that_is_not_an_option_is_refused(project: Project, shop: Shop) -> None:
    """With those that are."""
    define_properties(shop)
    said = project.refused("pull", "orders", "--where", "channel=wap")
    assert "error: --where channel: 'wap' is not one of the options (web, shop)" in said


def test_ids_may_come_from_a_spreadsheet(project: Project, shop: Shop) -> None:
    """With a byte order mark, and line ends of Windows."""
    some = shop.order()
    project.write(f"\ufeff{some}\r\n", "ids.csv")
    assert "Wrote 1 order into" in project.fine("pull", "orders", "--ids", "ids.csv")


def test_associations_are_named_by_email(project: Project, shop: Shop) -> None:
    """Only if they are asked for."""
    order = shop.order(hs_external_order_id="A")
    contact = shop.make("contacts", email="ana.paula@example.com")
    ends = {"from": {"id": order}, "to": {"id": contact}}
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 507}]
    body = {"inputs": [ends | {"types": types}]}
    shop.post("/crm/v4/associations/orders/contacts/batch/create", body)
    args = ("pull", "orders", "--all", "--properties", "hs_total_price", "--associations")
    project.fine(*args, "contact")
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    assert 'associations:\n  contact: [{email: "ana.paula@example.com"}]\n' in text
    assert "1 order to adopt." in project.fine("plan")


def test_labels_of_associations_are_kept(project: Project, shop: Shop) -> None:
    """HubSpot's own and the account's, each of a pair."""
    order = shop.order(hs_external_order_id="A")
    company = shop.make("companies", name="Vista Mar")
    body = {"label": "Payer # 1", "name": "payer"}
    shop.post("/crm/v4/associations/orders/companies/labels", body)
    known = shop.http.get("/crm/v4/associations/orders/companies/labels").json()["results"]
    payer = next(one["typeId"] for one in known if one["label"] == body["label"])
    types = [
        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 509},
        {"associationCategory": "USER_DEFINED", "associationTypeId": payer},
    ]
    ends = {"from": {"id": order}, "to": {"id": company}, "types": types}
    shop.post("/crm/v4/associations/orders/companies/batch/create", {"inputs": [ends]})
    project.fine(
        *("pull", "orders", "--all", "--properties", "hs_total_price"),
        *("--associations", "company"),
    )
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    both = f'{{id: "{company}", label: "Payer # 1"}}, {{id: "{company}", label: primary}}'
    assert f"associations:\n  company: [{both}]\n" in text
    assert "1 order to adopt." in project.fine("plan")


def test_what_integrations_keep_writing_is_left_to_them(project: Project, shop: Shop) -> None:
    """Without names, so are personal properties; both are declared if they are named."""
    shop.order(hs_external_order_id="A", hs_total_price="5", hs_order_name="Ana's order")
    said = project.fine("pull", "orders", "--all")
    assert "hs_total_price: last written by an integration on 1 of 1 record\n" in said
    assert "Left out as personal (--properties declares them): " in said
    assert "hs_billing_address_city" in said
    text = (project.folder / "manifests/orders-0001.yaml").read_text(encoding="utf-8")
    assert "hs_total_price" not in text
    assert "Ana" not in text
    assert "1 order to adopt." in project.fine("plan")


def test_only_what_may_be_managed_is_pulled(project: Project, shop: Shop) -> None:
    """What ``manage`` does not list is left out, and refused if it is named."""
    shop.order({"name": "Mug"}, hs_external_order_id="A", hs_total_price="5")
    project.settings(PROJECT + "    manage: {order: [hs_order_note]}\n")
    args = ("pull", "orders", "--all")
    assert "hs_total_price of orders is not listed" in project.refused(
        *args, "--properties", "hs_total_price"
    )
    assert "`manage:` does not list line items" in project.refused(*args, "--lines", "name")
    said = project.refused(*args, "--associations", "contact")
    assert "does not list associations of orders with contact" in said
    assert "Wrote 1 order into" in project.fine(*args)
    assert "1 order to adopt." in project.fine("plan")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["orders"], "say which records to pull"),
        (["orders", "--all", "--where", "a=b"], "say which records to pull"),
        (["orders", "--where", "a"], "not of the form PROPERTY=VALUE"),
        (["orders", "--where", "nope=b"], "orders have no property 'nope'"),
        (["orders", "--where", "hs_pipeline_stage=Shiped"], "did you mean 'Shipped'? hint: write"),
        (["orders", "--where", "hs_total_price=10,5"], "hs_total_price: '10,5' is not a number"),
        (["orders", "--all", "--split", "week"], "--split takes month"),
        (["orders", "--all", "--into", "elsewhere"], "is not a folder of manifests"),
        (["orders", "--all", "--into", "manifests/a.txt/deep"], "is not a folder of manifests"),
        (["orders", "--all", "--associations", "contacts"], "cannot be associated with 'contacts'"),
        (
            ["orders", "--all", "--properties", "hs_total_prise,hs_createdate,reconcile_key"],
            "did you mean 'hs_total_price'?; hs_createdate cannot be written; reconcile_key holds",
        ),
        (["orders", "--all", "--lines", "nope"], "line items have no property 'nope'"),
    ],
)
def test_what_cannot_be_pulled_is_refused(
    project: Project, shop: Shop, args: list[str], words: str
) -> None:
    """With one message, and nothing written."""
    project.write("no folder", "manifests/a.txt")
    shop.order(hs_external_order_id="A")
    assert words in " ".join(project.refused("pull", *args).split())


def test_ids_that_no_order_has_are_named(project: Project, shop: Shop) -> None:
    """Whether HubSpot never had them, or somebody archived the order since the list was made."""
    some, gone = shop.order(), shop.order()
    shop.http.delete(f"/crm/v3/objects/orders/{gone}").raise_for_status()
    project.write(f"{gone}\n999999999\n", "ids.txt")
    rest = "no order of the account has; archived ones do not count"
    out = " ".join(project.fine("pull", "orders", "--ids", "ids.txt").split())
    assert f"No new orders. Left out: 2 ids that {rest}: {gone}, 999999999" in out
    project.write(f"{gone}\n{some}\n", "ids.txt")
    out = " ".join(project.fine("pull", "orders", "--ids", "ids.txt").split())
    assert "Wrote 1 order" in out
    assert (
        f"Left out: 1 id that no order of the account has; archived ones do not count: {gone}"
        in out
    )


def test_a_wrong_id_has_its_place(project: Project, shop: Shop) -> None:
    """In the file of ids."""
    assert shop.order()
    for wrong in ("NW-7", "007", "\u0667", "1" * 21):
        project.write(f"12\n{wrong}\n", "ids.txt")
        refused = project.refused("pull", "orders", "--ids", "ids.txt")
        assert f"ids.txt:2: {wrong!r} is not the id" in refused

"""The Northwind manifests say what the CSV files say, recomputed here by another route."""

import calendar
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from random_examples import examples
from ruamel.yaml import YAML

NORTHWIND = Path(__file__).parents[2] / "examples" / "northwind"
TEXT_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml where there is one

# Only the address may hold commas, so it is the one greedy group.
ORDER = re.compile(
    r"(?P<id>\d{5}),(?P<customer>[A-Z]{5}),\d,(?P<date>\S+) 00:00:00\.000,[^,]+,"
    r"(?P<shipped>NULL|\S+)(?: 00:00:00\.000)?,(?P<shipper>[123]),(?P<freight>\d+\.\d\d),"
    r"(?P<name>[^,]+),(?P<street>.+),(?P<city>[^,]+),(?P<state>[^,]+),(?P<postal_code>[^,]+),"
    r"(?P<country>[^,]+)"
)
CUSTOMER = re.compile(
    r"(?P<id>[A-Z]{5}),(?P<company>[^,]+),(?P<contact>[^,]+),(?P<jobtitle>[^,]+),(?P<address>.+),"
    r"(?P<city>[^,]+),(?P<state>[^,]+),(?P<zip>[^,]+),(?P<country>[^,]+),(?P<phone>[^,]+),[^,]+"
)
LINE = re.compile(
    r"(?P<order>\d+),(?P<product>\d+),(?P<price>\d+\.\d\d),(?P<quantity>\d+),(?P<discount>[\d.]+)"
)

Document = dict[str, Any]


def load_make() -> ModuleType:
    """The script as a module; it lies outside every package."""
    spec = importlib.util.spec_from_file_location("northwind_make", NORTHWIND / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = load_make()


def raw(name: str) -> list[str]:
    """The lines of a CSV file under its header."""
    return (NORTHWIND / "data" / f"{name}.csv").read_text("utf-8").splitlines()[1:]


def matched(pattern: re.Pattern[str], name: str) -> list[dict[str, str]]:
    """The rows of a CSV file, each matching the pattern in full."""
    matches = [pattern.fullmatch(line) for line in raw(name)]
    assert None not in matches
    return [match.groupdict() for match in matches if match]


def manifests() -> list[Path]:
    """Every committed manifest file."""
    return sorted(
        path for folder in ("orders", "carts") for path in NORTHWIND.glob(f"{folder}/**/*.yaml")
    )


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Every committed document, read as text."""
    texts = [path.read_text("utf-8") for path in manifests()]
    return [found for text in texts for found in yaml.load_all(text, Loader=TEXT_LOADER)]


@pytest.fixture(scope="module")
def orders(documents: list[Document]) -> dict[str, Document]:
    """The committed orders by Northwind number."""
    return {d["key"].removeprefix("NW-"): d for d in documents if d["kind"] == "order"}


@pytest.fixture(scope="module")
def carts(documents: list[Document]) -> dict[str, Document]:
    """The committed carts by key."""
    return {d["key"]: d for d in documents if d["kind"] == "cart"}


@pytest.fixture(scope="module")
def contacts() -> dict[str, dict[str, str]]:
    """The seeded contacts' properties by email."""
    seed = json.loads((NORTHWIND / "sandbox-seed.json").read_text("utf-8"))
    return {c["properties"]["email"]: c["properties"] for c in seed["objects"]["contacts"]}


def cents(line: dict[str, str]) -> Fraction:
    """The exact net price of an order line, in cents."""
    return Fraction(line["price"]) * int(line["quantity"]) * (1 - Fraction(line["discount"])) * 100


def rounded_half_up(amount: Fraction) -> int:
    """The nearest whole number, the greater one of two."""
    return (2 * amount + 1) // 2


def as_cents(text: str) -> int:
    """The cents of an amount written with exactly two decimals."""
    assert re.fullmatch(r"\d+\.\d\d", text)
    return int(text.replace(".", ""))


# The script


def test_committed_files_are_what_a_fresh_run_makes() -> None:
    """Folder and script agree byte for byte, with no file too many or too few."""
    assert make.files() == make.committed()


def test_the_command_finds_a_difference_and_puts_it_right(tmp_path: Path) -> None:
    """`--check` names an edited, a missing and a foreign file; a run rewrites the first two."""
    folder = shutil.copytree(NORTHWIND, tmp_path / "northwind")

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, folder / "make.py", *arguments],
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
        return done.returncode, done.stdout, done.stderr

    assert run("--check") == (0, "", "")
    edited, missing = folder / "orders/1996/07-july.yaml", folder / "carts/unshipped.yaml"
    before = edited.read_bytes(), missing.read_bytes()
    edited.write_bytes(before[0].replace(b"14.00", b"15.00", 1))
    missing.unlink()
    (folder / "orders/1996/13-smarch.yaml").touch()
    named = "carts/unshipped.yaml", "orders/1996/07-july.yaml", "orders/1996/13-smarch.yaml"
    assert run("--check") == (1, "", "".join(f"differs: {name}\n" for name in named))
    assert run() == (0, "", "")
    assert (edited.read_bytes(), missing.read_bytes()) == before


def test_only_addresses_hold_commas() -> None:
    """The source writes `, ` inside addresses only, and `,` between fields never before a space."""
    for name, fields, address in (("orders", 14, 9), ("customers", 11, 4)):
        for row in (line.split(",") for line in raw(name)):
            surplus = range(address + 1, address + 1 + len(row) - fields)
            assert [i for i, piece in enumerate(row) if piece.startswith(" ")] == list(surplus)
    for name, fields in (("products", 10), ("shippers", 3), ("order-details", 5)):
        assert {line.count(",") for line in raw(name)} == {fields - 1}


# What the manifests say


def test_counts(
    documents: list[Document],
    orders: dict[str, Document],
    carts: dict[str, Document],
    contacts: dict[str, dict[str, str]],
) -> None:
    """830 orders with 2,155 line items, 21 carts and 91 contacts, all keys distinct."""
    items = [item["key"] for order in orders.values() for item in order["line_items"]]
    assert (len(orders), len(carts), len(items), len(contacts)) == (830, 21, 2155, 91)
    assert len(documents) == 851
    assert len({key.casefold() for key in [*orders, *carts, *items]}) == 830 + 21 + 2155


def test_each_order_lies_in_the_file_of_its_month() -> None:
    """A folder a year and a file a month: 23 of them from July 1996 to May 1998."""
    files = [path for path in manifests() if path.parent.parent.name == "orders"]
    assert len(files) == 23
    for path in files:
        month = f"{path.parent.name}-{path.name[:2]}"
        dates = re.findall(r"hs_external_created_date: (\d{4}-\d\d)", path.read_text("utf-8"))
        assert set(dates) == {month}


def test_orders_say_what_the_csv_says(orders: dict[str, Document]) -> None:
    """Dates, shippers and addresses are the source's characters; NULL is an absent property."""
    shippers = dict(line.split(",")[:2] for line in raw("shippers"))
    companies = {row["id"]: row["company"] for row in matched(CUSTOMER, "customers")}
    rows = matched(ORDER, "orders")
    assert [row["id"] for row in rows] == list(orders)
    for row in rows:
        said = dict(orders[row["id"]]["properties"])
        address = {
            f"hs_shipping_address_{part}": row[part]
            for part in ("name", "street", "city", "state", "postal_code", "country")
            if row[part] != "NULL"
        }
        assert {k: v for k, v in said.items() if k.startswith("hs_shipping_address")} == address
        assert said["hs_shipping_cost"] == row["freight"]
        assert said["hs_tags"] == shippers[row["shipper"]]
        assert said["hs_external_created_date"] == f"{row['date']}T00:00:00Z"
        assert said["hs_external_order_id"] == row["id"]
        year, month, day = row["date"].split("-")
        spoken = f"{int(day)} {calendar.month_name[int(month)]} {year}"
        assert said["hs_order_name"] == f"{companies[row['customer']]}, {spoken}"


def test_line_items_say_what_the_csv_says(orders: dict[str, Document]) -> None:
    """Each order line is one item: name, SKU, quantity, price as written, discount in percent."""
    products = dict(line.split(",")[:2] for line in raw("products"))
    expected: dict[str, list[Document]] = {}
    for row in matched(LINE, "order-details"):
        properties = {
            "name": products[row["product"]],
            "hs_sku": row["product"],
            "quantity": row["quantity"],
            "price": row["price"],
        }
        if Fraction(row["discount"]):
            properties["hs_discount_percentage"] = str(Fraction(row["discount"]) * 100)
        key = f"NW-{row['order']}:{row['product']}"
        expected.setdefault(row["order"], []).append({"key": key, "properties": properties})
    assert {number: order["line_items"] for number, order in orders.items()} == expected


def test_totals_are_the_sums_of_the_lines_rounded_half_up(orders: dict[str, Document]) -> None:
    """Subtotal sums the lines' rounded cents; with the freight, all come to 1,330,735.98."""
    subtotals: Counter[str] = Counter()
    for row in matched(LINE, "order-details"):
        subtotals[row["order"]] += rounded_half_up(cents(row))
    for number, order in orders.items():
        said = order["properties"]
        assert as_cents(said["hs_subtotal_price"]) == subtotals[number]
        freight = as_cents(said["hs_shipping_cost"])
        assert as_cents(said["hs_total_price"]) == subtotals[number] + freight
        assert said["hs_currency_code"] == "USD"
    everything = (as_cents(order["properties"]["hs_total_price"]) for order in orders.values())
    assert sum(everything) == 133_073_598


def test_readme_numbers_about_rounding() -> None:
    """81 nets in 64 orders are no whole cents, 53 exactly half a cent; half-even differs for 27."""
    lines = matched(LINE, "order-details")
    split = [line for line in lines if cents(line).denominator != 1]
    halves = [line for line in split if cents(line).denominator == 2]
    to_even = [line for line in lines if round(cents(line)) != rounded_half_up(cents(line))]
    assert (len(split), len({line["order"] for line in split})) == (81, 64)
    assert (len(halves), len(to_even)) == (53, 27)
    exact: dict[str, Fraction] = {}
    whole: Counter[str] = Counter()
    for line in lines:
        exact[line["order"]] = exact.get(line["order"], Fraction(0)) + cents(line)
        whole[line["order"]] += rounded_half_up(cents(line))
    assert sum(whole[number] != rounded_half_up(exact[number]) for number in exact) == 7


def test_readme_numbers_about_discounts() -> None:
    """838 lines have a discount; for 200 of them the amount per unit would be no whole cents."""
    lines = [line for line in matched(LINE, "order-details") if Fraction(line["discount"])]
    per_unit = [Fraction(line["price"]) * Fraction(line["discount"]) * 100 for line in lines]
    assert (len(lines), sum(amount.denominator != 1 for amount in per_unit)) == (838, 200)


def test_stage_follows_the_shipping_date(orders: dict[str, Document]) -> None:
    """Unshipped is Open, shipped since 7 April 1998 (30 days) is Shipped, the rest is Delivered."""
    stages: Counter[str] = Counter()
    for row in matched(ORDER, "orders"):
        said = orders[row["id"]]["properties"]
        if row["shipped"] == "NULL":
            expected = "Open", "Not shipped"
        else:
            expected = "Shipped" if row["shipped"] >= "1998-04-07" else "Delivered", "Shipped"
        assert (said["hs_pipeline_stage"], said["hs_fulfillment_status"]) == expected
        assert said["hs_pipeline"] == "Order Pipeline"
        stages[expected[0]] += 1
    assert stages == {"Delivered": 732, "Shipped": 77, "Open": 21}


def test_each_unshipped_order_and_only_those_has_a_cart(
    orders: dict[str, Document], carts: dict[str, Document]
) -> None:
    """A cart names its order, repeats its totals and contact, and has no lines of its own."""
    unshipped = [row["id"] for row in matched(ORDER, "orders") if row["shipped"] == "NULL"]
    linked = {
        n: o["associations"]["cart"] for n, o in orders.items() if "cart" in o["associations"]
    }
    assert linked == {number: [{"key": f"NW-CART-{number}"}] for number in unshipped}
    assert list(carts) == [f"NW-CART-{number}" for number in unshipped]
    for number in unshipped:
        order, cart = orders[number], carts[f"NW-CART-{number}"]
        assert set(cart) == {"kind", "key", "properties", "associations"}
        assert f"derived from unshipped order NW-{number}" in cart["properties"]["hs_cart_name"]
        assert cart["associations"] == {"contact": order["associations"]["contact"]}
        for price in ("hs_subtotal_price", "hs_shipping_cost", "hs_total_price"):
            assert cart["properties"][price] == order["properties"][price]


def test_each_order_names_its_customers_contact(
    orders: dict[str, Document], contacts: dict[str, dict[str, str]]
) -> None:
    """Emails are ASCII, distinct for all 91 customers, and lead from order to the right company."""
    customers = {row["id"]: row for row in matched(CUSTOMER, "customers")}
    by_company = {contact["company"]: contact for contact in contacts.values()}
    assert len(by_company) == 91
    for customer in customers.values():
        said = by_company[customer["company"]]
        fields = ("jobtitle", "address", "city", "state", "zip", "country", "phone")
        expected = {field: customer[field] for field in fields if customer[field] != "NULL"}
        assert {field: said[field] for field in fields if field in said} == expected
        assert f"{said['firstname']} {said['lastname']}" == customer["contact"]
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)+@example\.com", said["email"])
    for row in matched(ORDER, "orders"):
        [reference] = orders[row["id"]]["associations"]["contact"]
        assert contacts[reference["email"]]["company"] == customers[row["customer"]]["company"]


@pytest.mark.parametrize(
    ("contact", "parts", "email"),
    [
        ("Frédérique Citeaux", ("Frédérique", "Citeaux"), "frederique.citeaux@example.com"),
        ("Isabel de Castro", ("Isabel", "de Castro"), "isabel.de.castro@example.com"),
        ("José Pedro Freyre", ("José Pedro", "Freyre"), "jose.pedro.freyre@example.com"),
    ],
)
def test_names_become_emails(contact: str, parts: tuple[str, str], email: str) -> None:
    """A name splits before its last word or its particle; its email has no accents or capitals."""
    assert (make.name_parts(contact), make.email(contact)) == (parts, email)


def test_accents_and_leading_zeros_survive(orders: dict[str, Document]) -> None:
    """`México D.F.` and `05021` are in the files as in the source, as many times."""
    rows = matched(ORDER, "orders")
    for part in ("city", "postal_code"):
        name = f"hs_shipping_address_{part}"
        said = Counter(order["properties"].get(name, "NULL") for order in orders.values())
        assert said == Counter(row[part] for row in rows)
    text = "".join(path.read_text("utf-8") for path in manifests())
    assert "\n  hs_shipping_address_postal_code: 05021\n" in text
    for word in ("México D.F.", "Münster", "Århus", "Táchira", "Québec", "Côte de Blaye", "Soße"):
        assert word in text
    assert "�" not in text


def test_no_null_anywhere() -> None:
    """The source's NULL became absence: the word is in no file, in whatever case."""
    for path, content in make.files().items():
        assert b"null" not in content.lower(), path


# The YAML


def test_every_document_reads_back_as_the_record_it_was_made_from(
    documents: list[Document],
) -> None:
    """Every value of every committed document is exactly the intended text."""
    made_orders, made_carts = make.records()
    expected = []
    for record in (*made_carts, *made_orders):
        document: Document = {
            "kind": record.kind,
            "key": record.key,
            "properties": record.properties,
            "associations": {kind: [reference] for kind, reference in record.associations.items()},
        }
        if record.line_items:
            document["line_items"] = [
                {"key": key, "properties": properties}
                for key, properties in record.line_items.items()
            ]
        expected.append(document)
    assert documents == expected


def plain_scalars(text: str) -> Iterator[str]:
    """The scalars of a YAML text that stand without quotes."""
    for event in yaml.parse(text, Loader=TEXT_LOADER):
        if isinstance(event, yaml.ScalarEvent) and event.style is None:
            yield event.value


def test_committed_plain_scalars_are_not_empty_or_null_like() -> None:
    """No unquoted value is one that the manifest reader refuses, and every SKU is quoted."""
    for path in manifests():
        text = path.read_text("utf-8")
        refused = {"", "~", "null"}
        assert not [v for v in plain_scalars(text) if v.casefold() in refused]
        assert text.count("hs_sku: ") == len(re.findall(r'hs_sku: "\d+",', text))


MARKS = (
    *(" ", "  ", ": ", ":", " #", "#", "- ", "-", "? ", "?", "---", "...", "\n---\n", "\n", "\r\n"),
    *("\t", "\0", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\u200d"),
    *('"', "'", "\\", "\\n", "%", "@", "`", "!", "!!int", "&a", "*a", "|", ">", "<<", "=", ","),
    *("[", "]", "{", "}", "~", "null", "NULL", "no", "0o7", "1e3", "1_000", "12:30", "0x1F"),
    *("é", "ﬁ", "²", "가", "👩\u200d🚀", "🧾", "\U0010ffff", "\ue000", "a", "Z", "0", "1996-07-04"),
)
TEXTS = st.text() | st.lists(st.sampled_from(MARKS), max_size=6).map("".join)


def ruamel_base(text: str) -> Any:
    """`text` as a YAML 1.2 reader takes it, every scalar as text."""
    return YAML(typ="base", pure=True).load(StringIO(text))


@examples(400)
@example("")
@example("a" * 2000)
@example("a: " * 700)
@given(text=TEXTS)
def test_any_text_survives_yaml(text: str) -> None:
    """Whatever the text, YAML 1.1 and 1.2 readers get it back, in a block and between braces."""
    block, flow = make.scalar(text), make.scalar(text, flow=True)
    pairs = (
        (f"key: {block}\nnext: x\n", {"key": text, "next": "x"}),
        (f"a:\n  - key: {block}\n", {"a": [{"key": text}]}),
        (f"a: [{{b: {flow}}}]\n", {"a": [{"b": text}]}),
        (f"a: {{b: {flow}, c: {flow}}}\n", {"a": {"b": text, "c": text}}),
        (f"a: {make.braces({'hs_sku': text, 'b': text})}\n", {"a": {"hs_sku": text, "b": text}}),
    )
    for written, expected in pairs:
        assert yaml.load(written, Loader=yaml.BaseLoader) == expected  # noqa: S506 - text only
        assert yaml.load(written, Loader=TEXT_LOADER) == expected  # noqa: S506 - text only
        assert ruamel_base(written) == expected


@given(text=TEXTS)
def test_a_scalar_is_one_visible_line_and_never_null(text: str) -> None:
    """A written scalar is printable, and one without quotes is not what any reader calls null."""
    for written in (make.scalar(text), make.scalar(text, flow=True)):
        assert written.isprintable()
        assert written.startswith('"') or written.casefold() not in {"", "~", "null"}


@pytest.mark.parametrize(
    "text",
    [
        *("05021", "14.00", "1996-07-04T00:00:00Z", "NO", "NW-10248:11", "5ª Ave.", "B-6000"),
        *("Chef Anton's Cajun Seasoning", "Split Rail Beer & Ale", "Rua do Paço, 67", "Århus"),
    ],
)
def test_what_a_person_would_not_quote_is_not_quoted(text: str) -> None:
    """Numbers, dates, accents and apostrophes stand plain, for the files are there to be read."""
    assert make.scalar(text) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("~", '"~"'),
        ("Null", '"Null"'),
        ("Carrera 22 #8-35", '"Carrera 22 #8-35"'),
        ("North: South", '"North: South"'),
        (" x ", '" x "'),
        ('"hi" \\', '"\\"hi\\" \\\\"'),
        ("one\ntwo\tthree", '"one\\ntwo\\tthree"'),
        ("a\u2028b", '"a\\U00002028b"'),
    ],
)
def test_what_would_be_misread_is_quoted(text: str, written: str) -> None:
    """Nulls, comments, colons, edges of space and invisible characters go between quotes."""
    assert make.scalar(text) == written

"""Make the Northwind manifests and the sandbox's contacts from the CSV files in `data/`.

    python examples/northwind/make.py           # write them
    python examples/northwind/make.py --check   # only say which differ from what it would write

The same CSV files always give the same bytes. The decisions behind it are in README.md.
"""

import argparse
import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
CART_COPIES = (
    *("hs_currency_code", "hs_subtotal_price", "hs_shipping_cost", "hs_total_price"),
    *("hs_external_created_date", "hs_source_store"),
)
DAYS = ("orderDate", "shippedDate")
ORDERS_NOTE = "# Made by make.py from data/; README.md says how."
CARTS_NOTE = """\
# Made by make.py from data/; README.md says how.
# Northwind has no carts: each is derived from an order that has not shipped and carries its totals.
# The lines stay with the order, since a HubSpot line item has one parent."""

Fields = Mapping[str, str]


class Record(NamedTuple):
    """One manifest document, still as text values."""

    kind: str
    key: str
    properties: Fields
    line_items: Mapping[str, Fields]  # by key
    associations: Mapping[str, Fields]  # one reference to each kind


# Reading


def read(name: str) -> list[Fields]:
    """The rows of one CSV file, each without the fields that say NULL.

    The files quote nothing, so a comma in an address makes its row too long. Only addresses hold
    commas (a test checks it), so the surplus is glued together again there.
    """
    text = (HERE / "data" / name).read_text("utf-8")
    header, *rows = [line.split(",") for line in text.rstrip("\n").split("\n")]
    address = next((i for i, field in enumerate(header) if field.lower().endswith("address")), 0)
    for row in rows:
        end = address + 1 + len(row) - len(header)
        row[address:end] = [",".join(row[address:end])]
    return [
        {field: value for field, value in zip(header, row, strict=True) if value != "NULL"}
        for row in rows
    ]


def day(timestamp: str) -> date:
    """The day of `1996-07-04 00:00:00.000`; every Northwind time is midnight."""
    return date.fromisoformat(timestamp.removesuffix(" 00:00:00.000"))


# Meaning


def name_parts(contact: str) -> tuple[str, str]:
    """First and last name; the last name is the last word, or starts at a lower-case one (`de`)."""
    words = contact.split()
    cut = next((i for i, word in enumerate(words) if word.islower()), len(words) - 1)
    return " ".join(words[:cut]), " ".join(words[cut:])


def email(contact: str) -> str:
    """`Frédérique Citeaux` becomes `frederique.citeaux@example.com`."""
    letters = unicodedata.normalize("NFKD", contact)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return ".".join(plain.lower().split()) + "@example.com"


def contact(customer: Fields) -> Fields:
    """A customer's contact person, in properties every HubSpot account has."""
    first, last = name_parts(customer["contactName"])
    properties = {
        "email": email(customer["contactName"]),
        "firstname": first,
        "lastname": last,
        "jobtitle": customer["contactTitle"],
        "company": customer["companyName"],
        "phone": customer["phone"],
        "address": customer["address"],
        "city": customer["city"],
        "state": customer.get("region", ""),
        "zip": customer.get("postalCode", ""),
        "country": customer["country"],
    }
    return present(properties)


def net(line: Fields) -> Decimal:
    """What an order line costs after its discount, rounded half up to cents."""
    whole = Decimal(line["unitPrice"]) * Decimal(line["quantity"])
    return (whole * (1 - Decimal(line["discount"]))).quantize(Decimal("0.01"), ROUND_HALF_UP)


def line_item(line: Fields, product: Fields) -> Fields:
    """An order line; HubSpot works out the amount."""
    percentage = (Decimal(line["discount"]) * 100).normalize()
    properties = {
        "name": product["productName"],
        "hs_sku": line["productID"],
        "quantity": line["quantity"],
        "price": line["unitPrice"],
        "hs_discount_percentage": f"{percentage:f}" if percentage else "",
    }
    return present(properties)


def stage(row: Fields, last_day: date) -> str:
    """Where the order stands in HubSpot's default order pipeline on the last day of the data."""
    if "shippedDate" not in row:
        return "Open"
    recent = day(row["shippedDate"]) > last_day - timedelta(days=30)
    return "Shipped" if recent else "Delivered"


def money(row: Fields, lines: Iterable[Fields]) -> Fields:
    """What an order costs; its subtotal is the sum of its rounded lines."""
    subtotal = sum(map(net, lines), Decimal(0))
    return {
        "hs_currency_code": "USD",
        "hs_subtotal_price": str(subtotal),
        "hs_shipping_cost": row["freight"],
        "hs_total_price": str(subtotal + Decimal(row["freight"])),
    }


def present(properties: Fields) -> Fields:
    """The properties that have a value: what is absent stays unmanaged."""
    return {name: value for name, value in properties.items() if value}


def order(row: Fields, customer: Fields, items: Mapping[str, Fields], derived: Fields) -> Record:
    """One Northwind order; `derived` holds the properties that other rows decide."""
    key, ordered, shipped = f"NW-{row['orderID']}", day(row["orderDate"]), "shippedDate" in row
    properties = {
        "hs_order_name": f"{customer['companyName']}, {ordered.day} {ordered:%B %Y}",
        **derived,
        "hs_fulfillment_status": "Shipped" if shipped else "Not shipped",
        "hs_external_order_id": row["orderID"],
        "hs_external_created_date": f"{ordered}T00:00:00Z",
        "hs_source_store": "Northwind",
        "hs_shipping_address_name": row["shipName"],
        "hs_shipping_address_street": row["shipAddress"],
        "hs_shipping_address_city": row["shipCity"],
        "hs_shipping_address_state": row.get("shipRegion", ""),
        "hs_shipping_address_postal_code": row.get("shipPostalCode", ""),
        "hs_shipping_address_country": row["shipCountry"],
    }
    links = {"contact": {"email": email(customer["contactName"])}}
    if not shipped:
        links["cart"] = {"key": f"NW-CART-{row['orderID']}"}
    return Record("order", key, present(properties), items, links)


def cart(unshipped: Record) -> Record:
    """The cart derived from an order that has not shipped: its totals, without its lines."""
    key = unshipped.associations["cart"]["key"]
    theirs = unshipped.properties
    properties = {
        "hs_cart_name": f"{theirs['hs_order_name']} (derived from unshipped order {unshipped.key})",
        **{name: theirs[name] for name in CART_COPIES},
        "hs_external_status": theirs["hs_fulfillment_status"],
        "hs_external_cart_id": key,
    }
    return Record("cart", key, properties, {}, {"contact": unshipped.associations["contact"]})


def records() -> tuple[list[Record], list[Record]]:
    """Every order, by number, and a cart for each that has not shipped."""
    customers = {row["customerID"]: row for row in read("customers.csv")}
    products = {row["productID"]: row for row in read("products.csv")}
    shippers = {row["shipperID"]: row["companyName"] for row in read("shippers.csv")}
    details = groupby(read("order-details.csv"), key=lambda line: line["orderID"])
    lines_of = {number: tuple(lines) for number, lines in details}
    rows = read("orders.csv")
    last_day = max(day(row[field]) for row in rows for field in DAYS if field in row)
    orders = []
    for row in rows:
        lines = lines_of[row["orderID"]]
        items = {
            f"NW-{row['orderID']}:{line['productID']}": line_item(line, products[line["productID"]])
            for line in lines
        }
        derived = {
            **money(row, lines),
            "hs_pipeline": "Order Pipeline",
            "hs_pipeline_stage": stage(row, last_day),
            "hs_tags": shippers[row["shipVia"]],
        }
        orders.append(order(row, customers[row["customerID"]], items, derived))
    return orders, [cart(made) for made in orders if "cart" in made.associations]


# Writing


def quoted(text: str) -> str:
    """`text` as a double-quoted YAML scalar on one line."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    letters = (
        escapes.get(letter) or (letter if letter.isprintable() else f"\\U{ord(letter):08X}")
        for letter in text
    )
    return f'"{"".join(letters)}"'


def scalar(text: str, *, flow: bool = False) -> str:
    """`text` as a YAML scalar: plain where both YAML 1.1 and 1.2 read it unharmed, else quoted.

    Plain `NO`, `05021` and `1996-07-04` are unharmed, because manifests are read as text. Inside
    braces or brackets (`flow`) fewer characters are harmless.
    """
    plain = (
        text[:1].isalnum()  # neither empty nor starting with a space or an indicator
        and text.isprintable()  # no line breaks, tabs or other invisible characters
        and not text.endswith((" ", ":"))
        and not any(mark in text for mark in (": ", " #"))
        and not (flow and any(mark in text for mark in ",:?[]{}"))
        and text.casefold() != "null"
    )
    return text if plain else quoted(text)


def braces(fields: Fields) -> str:
    """Fields on one line; a SKU is quoted, so that nobody takes it for a number."""
    pairs = (
        f"{name}: {quoted(value) if name == 'hs_sku' else scalar(value, flow=True)}"
        for name, value in fields.items()
    )
    return f"{{{', '.join(pairs)}}}"


def document(record: Record) -> str:
    """One manifest document."""
    text = [f"kind: {record.kind}", f"key: {scalar(record.key)}", "properties:"]
    text += [f"  {name}: {scalar(value)}" for name, value in record.properties.items()]
    if record.line_items:
        text.append("line_items:")
    for key, fields in record.line_items.items():
        text += [f"  - key: {scalar(key)}", f"    properties: {braces(fields)}"]
    text.append("associations:")
    text += [f"  {kind}: [{braces(fields)}]" for kind, fields in record.associations.items()]
    return "\n".join(text) + "\n"


def manifest(note: str, documents: Iterable[Record]) -> bytes:
    """A manifest file: its documents under a comment."""
    return "---\n".join([f"{note}\n", *map(document, documents)]).encode()


def month_file(made: Record) -> str:
    """The file of an order: a folder a year, a file a month."""
    ordered = date.fromisoformat(made.properties["hs_external_created_date"][:10])
    return f"orders/{ordered:%Y/%m-%B}.yaml".lower()


def files() -> dict[str, bytes]:
    """Everything this script makes: content by path."""
    orders, carts = records()
    months = groupby(orders, month_file)
    made = {path: manifest(ORDERS_NOTE, documents) for path, documents in months}
    made["carts/unshipped.yaml"] = manifest(CARTS_NOTE, carts)
    contacts = [{"properties": contact(customer)} for customer in read("customers.csv")]
    seed = {"objects": {"contacts": contacts}}
    made["sandbox-seed.json"] = (json.dumps(seed, indent=2, ensure_ascii=False) + "\n").encode()
    return made


def committed() -> dict[str, bytes]:
    """The same as it lies in the folder, with any file that this script would not make."""
    paths = [HERE / "sandbox-seed.json", *HERE.glob("orders/**/*.*"), *HERE.glob("carts/**/*.*")]
    return {path.relative_to(HERE).as_posix(): path.read_bytes() for path in paths if path.exists()}


def main() -> None:
    """Write the files, or with `--check` only compare them."""
    parser = argparse.ArgumentParser(description="Make the Northwind manifests from data/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    check: bool = parser.parse_args().check
    made = files()
    if check:
        found = committed()
        differing = sorted(path for path in made | found if made.get(path) != found.get(path))
        sys.exit("\n".join(f"differs: {path}" for path in differing) or 0)
    for path, content in made.items():
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_bytes(content)


if __name__ == "__main__":
    main()

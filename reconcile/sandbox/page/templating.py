"""From values to HTML: the templates, what they may call, and the policy the browser enforces.

Autoescaping is on for everything. The one exception is the style sheet, a file of ours, which the
policy admits by its hash; so a value that slipped through could neither run, load nor restyle.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconcile.sandbox.object_types import CART, LINE_ITEM, OBJECT_TYPES, ORDER, ObjectType
from reconcile.sandbox.page import request_words, urls
from reconcile.sandbox.wire_format import iso

_HERE = Path(__file__).parent / "templates"
_LONG = 300
_MARKS = range(0x2400, 0x2420)  # the pictures Unicode has of the control characters
_NO_PICTURE = (
    *range(0x80, 0xA0),
    *(0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
)
_VISIBLE: dict[int, int | str] = {
    **{code: picture for code, picture in enumerate(_MARKS) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **{code: f"⟨U+{code:04X}⟩" for code in _NO_PICTURE},
}


def render(template: str, **values: object) -> str:
    """Return a rendered template."""
    return _environment().get_template(template).render(values)


@cache
def policy() -> str:
    """Return the policy for its header; it forbids frames, against clickjacking."""
    return f"{_meta_policy()}; frame-ancestors 'none'"


def visible(text: object) -> str:
    """Return a text with invisible and direction-changing characters made visible."""
    return str(text).translate(_VISIBLE)


def when(moment: int | str) -> Markup:
    """Return an instant, in epoch milliseconds or HubSpot's format, for people to read."""
    text = iso(moment) if isinstance(moment, int) else moment
    date, _, time = text.removesuffix("Z").partition("T")
    shown = Markup('<time datetime="{}"><span class="date">{}</span> {}</time>')
    return shown.format(text, date, time.partition(".")[0])


def title(kind: ObjectType, *, one: bool = False) -> str:
    """Return an object type's name for people."""
    name = kind.singular if one else kind.plural
    return name.replace("_", " ").capitalize()


def _place(kind: ObjectType) -> tuple[bool, int]:
    """Put what this is about before what it is linked to."""
    first = (ORDER, LINE_ITEM, CART)
    return (kind not in first, first.index(kind) if kind in first else OBJECT_TYPES.index(kind))


@cache
def _style() -> str:
    return (_HERE / "page.css").read_text(encoding="utf-8").strip()


@cache
def _meta_policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; base-uri 'none'"
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"visible": visible, "when": when, "title_of": title}
    environment.globals |= {
        "style": Markup(_style()),  # noqa: S704  (a file of ours, named in the policy by its hash)
        "policy": _meta_policy(),
        "long": _LONG,
        "home": urls.HOME,
        "to": urls.to,
        "record_path": urls.record,
        "kinds": sorted(OBJECT_TYPES, key=_place),
        "describe": request_words.describe,
        "status_words": request_words.status_words,
        "tone": request_words.tone,
    }
    return environment

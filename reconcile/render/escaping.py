"""Escape untrusted text for each medium it is shown in. No other module does.

Manifests and HubSpot hold text that anybody may have written. On a terminal it must not move the
cursor, hide itself or reorder a line; in Markdown it must not become markup, a mention, a link or
our own marker; in a CI log it must not become a command of the runner.
"""

import hashlib
import html
import re
from collections.abc import Iterable
from unicodedata import combining, east_asian_width, normalize

from reconcile.render.text_diff import LONGEST, differences, excerpt, grouped

PERSONAL = "changed (personal)"
EMPTY = "(empty)"
CLEARED = "(cleared)"
DIFFERS = "(differs)"
_NOT_SHOWN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
    r"|##\["  # a GitHub runner takes ##[command] anywhere in a line
)
_NOT_ASCII = re.compile(r"[^\x20-\x7e]|##\[")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "##[": "#\\x23["}
_UNCLEAR = re.compile(r'\A["\s]|\s\Z|\s\s| -> ')
_PLACEHOLDERS = frozenset((PERSONAL, EMPTY, CLEARED, DIFFERS))
_BACKTICKS = re.compile(r"`+")
_EMAIL = re.compile(r"[^\s@<>\"'(),;]+@[^\s@<>\"'(),;]+")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)")
_NAME = re.compile(r"[\w.:/-]*", re.ASCII)


def _escape(match: re.Match[str]) -> str:
    return _written_out(match.group())


def _written_out(found: str) -> str:
    if found in _SHORT:
        return _SHORT[found]
    code = ord(found)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str) -> str:
    """Return ``text`` on one line, with what hides, directs or has no known look written out.

    Code points that are unassigned, or for private use, look like each other or as a font has it.
    """
    text = _NOT_SHOWN.sub(_escape, text)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char.isspace() else _written_out(char) for char in text
    )


def line_start(line: str) -> str:
    """Escape a line of output that a runner would take for a workflow command (``::error::``)."""
    if line.lstrip().startswith("::"):
        return line.replace("::", "\\x3a:", 1)
    return line


def quoted(text: str) -> str:
    """Return ``text`` in double quotes, escaped so that it can be read back exactly."""
    return f'"{visible(_backslashed(text))}"'


def value(text: str) -> str:
    """Return a property's value, shortened; in quotes if its limits would be unclear."""
    return _clear(shorten(text))


def pair(before: str, after: str) -> tuple[str, str]:
    """Return two differing values so that the difference can be seen.

    Of long ones every difference is shown or counted. Where one is only of look-alikes (an
    ordinary and a narrow space, a letter and its decomposed form), they are written out in ASCII.
    """
    plain = before.isascii() and after.isascii()
    if plain and max(len(before), len(after)) <= LONGEST:
        return _clear(before), _clear(after)
    found = differences(before, after)
    ascii_ = not plain and any(
        normalize("NFKC", before[slice(*one.before)]) == normalize("NFKC", after[slice(*one.after)])
        for one in found
    )
    groups = grouped(found)
    before = excerpt(before, [one.before for one in groups])
    after = excerpt(after, [one.after for one in groups])
    return (_in_ascii(before), _in_ascii(after)) if ascii_ else (_clear(before), _clear(after))


def shorten(text: str) -> str:
    """Return ``text`` with its middle left out if it is long."""
    return excerpt(text)


def width(text: str) -> int:
    """Return how many columns ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def mask(text: str, values: Iterable[str] = ()) -> str:
    """Return a message without personal values, as far as they can be recognised, for CI.

    Masks ``values``, e-mail addresses, and quoted text that is not a plain name. An unquoted value
    is not recognised: code that writes messages must quote values or leave them out.
    """
    for known in sorted({v for v in values if v.strip()}, key=lambda v: (-len(v), v)):
        pattern = re.escape(known) if len(known) > 3 else rf"(?<!\w){re.escape(known)}(?!\w)"
        text = re.sub(pattern, "(personal)", text)
    text = _EMAIL.sub("(personal)", text)
    return _QUOTED.sub(lambda m: m[0] if _NAME.fullmatch(m[0][1:-1]) else '"…"', text)


def code_span(text: str) -> str:
    """Return Markdown inline code: nothing in it is markup, a mention, a reference or a link."""
    text = _unmarked(visible(text))
    ticks = "`" * (max(map(len, _BACKTICKS.findall(text)), default=0) + 1)
    pad = " " if not text.strip() or text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Return a Markdown code block whose fence no line can close. Lines must be escaped already."""
    body = _unmarked("\n".join(map(line_start, lines)))
    fence = "`" * max(3, max(map(len, _BACKTICKS.findall(body)), default=0) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def html_code(text: str) -> str:
    """Return HTML inline code, for HTML blocks, in which Markdown is not parsed."""
    return f"<code>{html.escape(_unmarked(visible(text)))}</code>"


def marker_name(text: str) -> str:
    """Return ``text`` as part of an HTML comment. Different texts give different names."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-")[:60]
    if name == text:
        return name
    return f"{name}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def annotation_data(text: str) -> str:
    """Escape the message of a GitHub workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation_property(text: str) -> str:
    """Escape a property of a GitHub workflow command."""
    return annotation_data(text).replace(":", "%3A").replace(",", "%2C")


def _backslashed(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _in_ascii(text: str) -> str:
    return f'"{_NOT_ASCII.sub(_escape, _backslashed(text))}"'


def _clear(text: str) -> str:
    if text in _PLACEHOLDERS or _UNCLEAR.search(text) or visible(text) != text:
        return quoted(text)
    return text


def _unmarked(text: str) -> str:
    return text.replace("<!--", "<\\x21--")

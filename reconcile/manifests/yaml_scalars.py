"""Spellings of a text as a YAML scalar: without quotes, in single quotes, in double quotes."""

from collections.abc import Iterator

PLAIN, SINGLE, DOUBLE = "", "'", '"'

_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def spellings(text: str, style: str, *, plain: bool) -> Iterator[str]:
    """Yield spellings of a text: the one in ``style``, the one without quotes, the others.

    Depending on what is around it, a spelling may read as another text: whoever uses one reads it
    back. ``plain`` allows the one without quotes.
    """
    # Double quotes are the usual ones, but not around what they make harder to read.
    usual = (SINGLE, DOUBLE) if '"' in text or "\\" in text else (DOUBLE, SINGLE)
    for one in dict.fromkeys((style, PLAIN, *usual)):
        if one == DOUBLE:
            yield in_double_quotes(text)
        elif text.isprintable() and one == SINGLE:
            yield f"'{text.replace(SINGLE, SINGLE * 2)}'"
        elif text.isprintable() and plain:
            yield text


def in_double_quotes(text: str) -> str:
    """Return a text in double quotes on one line, with what cannot be seen written out."""
    return f'"{"".join(map(_escape, text))}"'


def _escape(char: str) -> str:
    if char in _ESCAPED:
        return _ESCAPED[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

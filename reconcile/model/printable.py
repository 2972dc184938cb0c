"""Text from others, such as servers, as one printable line."""

MAX_MESSAGE = 500
"""Most characters that are shown of one message."""


def clean(text: str, longest: int = MAX_MESSAGE) -> str:
    """Return one printable line: control characters, escapes and bidi marks become spaces."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

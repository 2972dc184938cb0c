"""JSON as it is printed: in ASCII, with what terminals and CI logs would obey escaped."""

import json
from collections.abc import Mapping


def json_text(data: object, *, indent: int | None = None, compact: bool = False) -> str:
    """Return JSON for a terminal or a CI log.

    ``##[`` begins a command in logs of GitHub and Azure, wherever it stands in a line.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(data, ensure_ascii=True, indent=indent, separators=separators)
    return text.replace("##[", "#\\u0023[").replace("\x7f", "\\u007f")


def json_line(format_version: str, data: Mapping[str, object]) -> str:
    """Return one line of JSON for each record, row or event, for programs that read line by line.

    Each line has ``format_version`` (MAJOR.MINOR), so that a line which was cut out of its output
    still says how to read it.
    """
    return json_text({"format_version": format_version, **data})

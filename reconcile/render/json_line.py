"""One line of JSON for each record, row or event, for programs that read line by line."""

import json
from collections.abc import Mapping


def json_line(format_version: str, data: Mapping[str, object]) -> str:
    """Return one line of JSON in ASCII, escaped for terminals and CI logs.

    Each line has ``format_version`` (MAJOR.MINOR), so that a line which was cut out of its output
    still says how to read it.
    """
    line = json.dumps({"format_version": format_version, **data}, ensure_ascii=True)
    return line.replace("##[", "#\\u0023[").replace("\x7f", "\\u007f")

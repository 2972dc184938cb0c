"""Changing the project file as a person would: one line, every comment where it was."""

from difflib import ndiff
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconcile.manifests.files import PROJECT_FILE


def name_store(root: Path, url: str) -> bool:
    """Make ``url`` the project file's ``store:``; whether that was done.

    Not done where there is no file, where it has several targets (the others' state is not
    there yet), and where the edit would touch any other line.
    """
    path = root / PROJECT_FILE
    try:
        before = path.read_text(encoding="utf-8")
        edited = _with_store(before, url)
        if edited is None or not _only_adds_a_line(before, edited):
            return False
        path.write_text(edited, encoding="utf-8")
    except (OSError, UnicodeError, YAMLError):
        return False
    return True


def _with_store(text: str, url: str) -> str | None:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    data = yaml.load(text)
    if not isinstance(data, dict) or len(data.get("targets") or ()) != 1:
        return None
    data["store"] = url
    stream = StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


def _only_adds_a_line(before: str, after: str) -> bool:
    changed = [
        line
        for line in ndiff(before.splitlines(), after.splitlines())
        if line.startswith(("+ ", "- "))
    ]
    return all(line[2:].startswith("store:") for line in changed)

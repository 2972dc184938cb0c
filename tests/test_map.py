"""The map of the code for contributors names what is there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "reconcile"
MAP = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = MAP.partition("## One value on its way")[0]
WALK = MAP.partition("## One value on its way")[2].partition("## Vocabulary")[0]


def test_modules_of_the_map_exist() -> None:
    """Every module and folder that the map names is there."""
    named = sorted(set(re.findall(r"`([a-z_]+(?:/[a-z_]+)+)`", MAP)))
    missing = [
        name for name in named if not (ROOT / f"{name}.py").is_file() and not (ROOT / name).is_dir()
    ]
    assert named
    assert missing == []


def test_every_room_is_on_the_map() -> None:
    """Each package has its line in the table of rooms, and each line its package or module."""
    listed = {
        name
        for cell in re.findall(r"^\| (`.+?) \|", ROOMS, re.MULTILINE)
        for name in re.findall(r"`([a-z_]+)`", cell)
    }
    packages = {path.name for path in ROOT.iterdir() if any(path.glob("*.py"))}
    assert packages <= listed
    assert [name for name in listed - packages if not (ROOT / f"{name}.py").is_file()] == []


def test_types_of_the_walk_exist() -> None:
    """Every type that the value has on its way is defined in the package, or built in."""
    named = {*re.findall(r"`([A-Z]\w+)`", WALK)}
    assert named
    assert named <= _defined()


def _defined() -> set[str]:
    """Return the names of all classes and aliases of the package."""
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return found


def test_map_has_dated_decisions() -> None:
    """Each of ten decisions or more has its date, its reason and what it costs."""
    rows = re.findall(r"^\| (\d{4}-\d\d-\d\d) \|(.+)\|$", MAP, re.MULTILINE)
    dates = [date for date, _ in rows]
    assert len(dates) >= 10
    assert dates == sorted(dates)
    assert all(cell.strip() for _, row in rows for cell in row.split("|"))

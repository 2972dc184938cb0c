"""Find the seed that a user names: a file, or one of the examples."""

from pathlib import Path

from reconcile.errors import UsageError

SEED_FILE = "sandbox-seed.json"
_PACKAGE = Path(__file__).resolve().parents[1]


def find_seed(source: str, root: Path) -> Path:
    """Return the seed file that ``source`` names: a file, a folder with one, or an example.

    Examples are looked for above the project's folder, and beside reconcile's own code: in a
    checkout, or in the package, which brings their seeds along.
    Raises UsageError if there is none.
    """
    named = Path.cwd() / source
    for path in (named, named / SEED_FILE):
        if path.is_file():
            return path
    examples = _examples(root)
    if source in examples:
        return examples[source]
    if named.is_dir():
        raise UsageError(f"the folder {source} has no {SEED_FILE}")
    if examples:
        hint = f"the examples are {', '.join(sorted(examples))}"
    else:
        hint = "this installation has no examples; name a seed file"
    raise UsageError(f"there is no seed file and no example named {source!r}", hint=hint)


def _examples(root: Path) -> dict[str, Path]:
    """Return the seed of each example by name; those nearest to the project's folder win."""
    found: dict[str, Path] = {}
    for folder in (_PACKAGE, _PACKAGE.parent, *reversed(root.resolve().parents), root):
        for path in sorted((folder / "examples").glob(f"*/{SEED_FILE}")):
            found[path.parent.name] = path
    return found

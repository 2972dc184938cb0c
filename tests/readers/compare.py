"""Ask a person about plans, and compare the answers.

``compare.py ask FOLDER`` writes the plans as a reader gets them, and a file for the answers.
``compare.py check FILE`` says which of the answers in it are right; exits with 1 unless all are.
The reader gets nothing but the folder.
"""

import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reader_plans import PLANS

from reconcile.render.html_report import html_report
from reconcile.render.markdown import markdown

QUESTIONS = tomllib.loads(Path(__file__).with_name("questions.toml").read_text(encoding="utf-8"))


def ask(folder: Path) -> None:
    """Write the plans as Markdown, and the questions with room for answers."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PLANS.items():
        (folder / f"{name}.md").write_text(markdown(make()), encoding="utf-8")
        (folder / f"{name}.html").write_text("".join(html_report(make())), encoding="utf-8")
    lines = [f"{one['plan']}: {one['ask']}\n> \n" for one in QUESTIONS["question"]]
    (folder / "answers.txt").write_text("\n".join(lines), encoding="utf-8")


def wrong(text: str) -> list[str]:
    """Return the questions that are answered wrongly, each with the answer given."""
    given = re.findall(r"^> ?(.*)$", text, re.MULTILINE)
    asked = QUESTIONS["question"]
    if len(given) != len(asked):
        return [f"{len(given)} answers to {len(asked)} questions"]
    return [
        f"{one['plan']}: {one['ask']} {answer}"
        for one, answer in zip(asked, given, strict=True)
        if not re.search(one["answer"], answer, re.IGNORECASE)
    ]


def main() -> int:
    """Run the command."""
    what, path = sys.argv[1], Path(sys.argv[2])
    if what == "ask":
        ask(path)
        return 0
    found = wrong(path.read_text(encoding="utf-8"))
    sys.stdout.write("".join(f"wrong: {one}\n" for one in found) or "all right\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

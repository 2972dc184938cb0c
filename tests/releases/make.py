"""Make the sample of this version: ``.venv/bin/python tests/releases/make.py 0.1.0``.

Runs the program on a sandbox, kills it in the middle of an apply, and saves what lies there then
in ``tests/releases/VERSION``. From the version's tag on its sample is frozen: later versions must
read it, so this script does not make it again.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import reconcile  # noqa: E402  (found through the line above)
from tests.releases.sample import SAMPLES, TARGET, save  # noqa: E402

PROJECT = f"""\
version: 1
targets: {{{TARGET}: {{sandbox: {{seed: seed.json}}}}}}
manifests: [shop.yaml]
"""

SEED = """\
{"objects": {
  "contacts": [{"id": "301", "properties": {"email": "ines.rocha@example.com"}}],
  "companies": [{"id": "501", "properties": {"name": "Harbour Café"}}]
}}
"""

ORDER = """\
kind: order
key: S-{n}
properties:
  hs_order_name: Order {n}, Café
  hs_total_price: {price}
  hs_pipeline: Order Pipeline
  hs_pipeline_stage: Open
line_items:
  - {{key: "S-{n}:mug", properties: {{name: Mug, quantity: {n}, price: 14.50}}}}
  - {{key: "S-{n}:cup", properties: {{name: Cup, quantity: 2, price: 9.50}}}}
associations:
  contact: [{{email: ines.rocha@example.com}}]
  company: [{{id: "501", label: primary}}]
---
"""

CART = """\
kind: cart
key: C-1
properties: {hs_cart_name: A cart}
line_items:
  - {key: "C-1:bowl", properties: {name: Bowl, quantity: 1, price: 26.00}}
---
"""

PROTECTED = """\
kind: order
key: P-1
properties: {hs_order_name: Not to be removed}
lifecycle: {protect: true}
---
"""

CONFLICT = """\
kind: order
key: X-1
properties: {hs_order_name: Of a contact that the account does not have}
associations: {contact: [{email: nobody@example.com}]}
---
"""

RENAMED = """\
kind: order
key: N-1
moved_from: S-4
properties: {hs_order_name: Of another key}
line_items: [{key: "S-4:mug"}, {key: "S-4:cup"}]
---
"""

ABSENT = """\
kind: order
key: S-3
lifecycle: {state: absent}
---
"""

SMALL_CHANGES = 60
"""Applies of one change each: with what else is logged, they fill more than a segment."""

WHO = {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ines"}
"""Whom the audit log names, wherever the sample is made."""


def require_unreleased(version: str, root: Path = ROOT) -> None:
    """Exit where a version has a tag: what it left behind does not change any more."""
    tag = f"v{version}"
    done = subprocess.run(
        ["git", "tag", "--list", tag], cwd=root, capture_output=True, text=True, check=True
    )
    if done.stdout.strip():
        sys.exit(f"{tag} is released, and its sample is frozen: a later version must read it")


def orders(*numbers: int, price: str = "20.00") -> str:
    """Return the manifests of some orders."""
    return "".join(ORDER.format(n=n, price=price) for n in numbers)


def run_program(folder: Path, *typed: str, kill_at: str = "", code: int = 0) -> None:
    """Run reconcile in a folder; with ``kill_at``, until that point (``tests/crashes/victim``)."""
    program = f"import sys; sys.path.insert(0, {str(SAMPLES.parent / 'crashes')!r}); import victim"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; victim.run()", *typed],
        cwd=folder,
        env=_environment() | ({"CRASH_AT": kill_at} if kill_at else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != (-signal.SIGKILL if kill_at else code):
        sys.exit(f"reconcile {' '.join(typed)} ended with {done.returncode}:\n{done.stderr}")


def _environment() -> dict[str, str]:
    kept = ("HOME", "LANG", "PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | WHO | {"USER": "ines"}


def live(folder: Path) -> None:
    """Do what a shop does in a few months, up to an apply that is killed."""
    shop = folder / "shop.yaml"
    (folder / "reconcile.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "seed.json").write_text(SEED, encoding="utf-8")
    shop.write_text(orders(1, 2, 3, 4) + CART + PROTECTED, encoding="utf-8")
    run_program(folder, "init", "--auto-approve")
    run_program(folder, "plan", "--out", "first.plan")
    run_program(folder, "apply", "first.plan", "--reason", "the first orders")
    (folder / "first.plan").unlink()
    shop.write_text(orders(1, 2) + CART + PROTECTED + ABSENT + RENAMED + CONFLICT, encoding="utf-8")
    run_program(folder, "apply", "--auto-approve", code=5)
    _small_changes(folder)
    run_program(folder, "audit", "redact", "order/S-1", "--auto-approve", "--reason", "asked for")
    run_program(folder, "state", "push", "file:elsewhere")
    run_program(folder, "state", "pull", "file:elsewhere")
    shop.write_text(
        orders(1, 2, price="30.00") + orders(5, 6) + CART + PROTECTED + RENAMED + CONFLICT,
        encoding="utf-8",
    )
    # HubSpot has carried the call out, and nobody has read its answer.
    run_program(folder, "apply", "--auto-approve", kill_at="upsert:1:after")


def _small_changes(folder: Path) -> None:
    cart = reconcile.cart
    with reconcile.open(folder, environ=WHO).connect() as account:
        for number in range(SMALL_CHANGES):
            units = [cart("C-1", {"hs_cart_name": "A cart" if number % 2 else "The cart"})]
            report = account.apply(account.plan(units=units), reason=f"change {number}")
            assert report.complete


def main() -> None:
    """Make the sample of this version."""
    if sys.argv[1:] != [reconcile.__version__]:
        sys.exit(f"usage: make.py {reconcile.__version__}: only this version's sample can be made")
    require_unreleased(reconcile.__version__)
    with TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        project.mkdir()
        live(project)
        save(project, SAMPLES / reconcile.__version__)


if __name__ == "__main__":
    main()

"""What each command does when all is well."""

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import __version__
from reconcile.sandbox import Sandbox, Switches
from tests.cli.conftest import PROJECT, SCRIPT, SHOP, Account, MakeProject, Project
from tests.proxy import Proxy

OWN = "version: 1\nmanifests: [manifests]\ntargets: {own: {sandbox: true}}\n"
TARGET = "Target shop: account {portal} (DEVELOPER_TEST)"


RECORDS = [f"crm.objects.{kind}.{way}" for kind in ("orders", "carts") for way in ("read", "write")]
RECORDS += ["e-commerce", "crm.pipelines.orders.read"]


def framed(project: Project, out: str) -> bool:
    """Whether output begins and ends with the line that names target, account and type."""
    line = TARGET.format(portal=project.account.server.portal_id)
    lines = out.splitlines()
    return lines[0] == lines[-1] == line


def in_terminal(project: Project, *args: str, typed: str = "") -> tuple[int, str]:
    """Run the program with a terminal of its own; exit code and the screen.

    When it asks, ``typed`` is typed, or SIGINT sent where that is empty.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, *args],
        cwd=project.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    asked = False
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
        if not asked and b"Only 'yes' is accepted" in shown:
            asked = True
            if typed:
                os.write(ours, typed.encode())
            else:
                time.sleep(0.3)  # a signal between asking and waiting would be lost on Python
                process.send_signal(signal.SIGINT)
    os.close(ours)
    screen = shown.decode().replace("\r\n", "\n")
    for secret in project.secrets:
        assert secret not in screen
    return process.wait(60), screen


# init


@pytest.fixture
def bare(make_project: MakeProject, tmp_path: Path) -> object:
    """A project on an account without the keys' properties."""
    account = Account(tmp_path / "bare.sqlite")
    account.server = Sandbox(account.path)
    with account.server:
        yield make_project(account)


def test_init_makes_properties_once(bare: Project) -> None:
    """init makes the three unique properties, and run again changes nothing."""
    out = bare.fine("init", "--auto-approve")
    assert "Plan: 3 properties to define." in out
    assert len(bare.account.writes()) == 3
    before = bare.account.dump(), bare.files()
    out = bare.fine("init", "--auto-approve")
    ready, support = out.splitlines()
    assert ready == "Target shop is ready: every key property exists."
    assert support.startswith("HubSpot supports /crm/v4")
    assert (bare.account.dump(), bare.files()) == before


def test_init_makes_no_property_of_what_may_not_be_written(bare: Project) -> None:
    """An account has room for a few unique properties only."""
    bare.settings(f"{PROJECT}    manage: {{order: [hs_tags], create: true}}\n")
    assert "Plan: 1 property to define." in bare.fine("init", "--auto-approve")
    (made,) = bare.account.writes()
    assert "orders" in made


def test_init_writes_a_project_file_only_when_absent(bare: Project) -> None:
    """In an empty folder init writes a reconcile.yaml that works; one that is there stays."""
    bare.write(SHOP.partition("associations")[0])
    bare.fine("init", "--auto-approve")
    assert (bare.folder / "reconcile.yaml").read_text().startswith("version: 1\nmanifests")
    (bare.folder / "reconcile.yaml").unlink()
    out = bare.fine("init", "--auto-approve")
    assert "Wrote " in out
    written = (bare.folder / "reconcile.yaml").read_bytes()
    assert "1 order, 1 line item" in bare.fine("validate")
    bare.fine("plan")
    bare.fine("init", "--auto-approve")
    assert (bare.folder / "reconcile.yaml").read_bytes() == written


def test_an_account_without_unique_properties_for_line_items(
    make_project: MakeProject, tmp_path: Path
) -> None:
    """init says what else there is, and with that everything works."""
    account = Account(tmp_path / "poor.sqlite")
    switches = Switches(line_items_may_have_unique_properties=False)
    account.server = Sandbox(account.path, switches=switches)
    with account.server:
        project = make_project(account)
        said = project.run("init", "--auto-approve").err
        identity = 'identity: {line_item: "within_parent:hs_sku"}'
        assert f"write {identity} in the target" in said
        project.settings(PROJECT + f"    {identity}\n")
        shop = SHOP.partition("associations")[0]
        project.write(shop.replace("{name: Mug,", '{name: Mug, hs_sku: "07",'))
        project.fine("init", "--auto-approve")
        assert "Keys     line items: hs_sku within their parents, ready\n" in project.fine("doctor")
        project.fine("apply", "--auto-approve")
        assert "No changes" in project.fine("plan")


def test_init_without_permission(bare: Project) -> None:
    """A token that may not make properties: the definitions, where an admin makes them, exit 1."""
    reading = [f"crm.objects.{name}.read" for name in ("orders", "carts", "line_items")]
    bare.token(bare.account.server.add_token(reading))
    said = bare.refused("init", "--auto-approve")
    assert "the token may not create these properties; nothing was written" in said
    for kind in ("orders", "carts", "line items"):
        assert f"  {kind}: a single-line text property named reconcile_key" in said
    assert "Settings > Data management > Properties" in said


def test_init_without_permission_writes_no_project_file(bare: Project) -> None:
    """A refused init leaves the folder as it was."""
    bare.token(bare.account.server.add_token(["crm.objects.orders.read"]))
    before = bare.files()
    assert bare.run("init", "--auto-approve").code == 1
    assert bare.files() == before


DENIED = {
    "status": "error",
    "message": "no",
    "category": "MISSING_SCOPES",
    "errors": [{"context": {"requiredGranularScopes": ["crm.schemas.orders.write"]}}],
}


@pytest.fixture
def proxied(bare: Project) -> Iterator[tuple[Project, Proxy]]:
    """The same, reached through a proxy that can interfere."""
    with Proxy(bare.account.url) as proxy:
        bare.settings(PROJECT.replace("{url}", proxy.url))
        yield bare, proxy


def test_init_tells_what_it_made_before_it_was_refused(
    proxied: tuple[Project, Proxy],
) -> None:
    """Where HubSpot does not tell scopes, a refusal can come after the first property."""
    project, proxy = proxied

    def hook(method: str, path: str, body: object) -> tuple[int, object] | None:
        refused = (method, path) == ("POST", "/crm/v3/properties/orders")
        return (403, DENIED) if refused or path.endswith("/access-token-info") else None

    proxy.hook = hook
    said = project.run("init", "--auto-approve").err
    made = "reconcile_key of carts, reconcile_key of line items"
    assert (
        f"the token may not create these properties; created before that: {made}\n  orders: "
        in said
    )
    assert "  carts: " not in said
    assert "nothing was written" not in said
    proxy.hook = None
    assert "Plan: 1 property to define." in project.fine("init", "--auto-approve")


def test_init_tells_what_it_made_before_another_error(proxied: tuple[Project, Proxy]) -> None:
    """An account may be full: the reason stays, and what was made is said."""
    project, proxy = proxied
    full = {"message": "Only 10 unique properties are allowed", "category": "LIMIT"}
    last = ("POST", "/crm/v3/properties/orders")
    proxy.hook = lambda method, path, _: (400, full) if (method, path) == last else None
    said = project.run("init", "--auto-approve").err
    assert "error: HTTP 400: Only 10 unique properties are allowed\n  created before that: " in said
    assert "hint: run `reconcile init` again" in said


@pytest.mark.parametrize(
    ("hidden", "waits", "code"), [(0.4, (0.0, 0.1, 0.4), 0), (60.0, (0.0, 0.1), 1)]
)
def test_init_waits_until_new_properties_show(
    proxied: tuple[Project, Proxy], hidden: float, waits: tuple[float, ...], code: int
) -> None:
    """HubSpot shows new definitions a moment later; init looks again, but not for ever."""
    project, proxy = proxied
    project.monkeypatch.setattr("reconcile.applying.define_properties.WAITS", waits)
    made: list[float] = []

    def hook(method: str, path: str, body: object) -> tuple[int, object] | None:
        if not path.endswith("/properties/carts"):
            return None
        if method == "POST":
            made.append(time.monotonic())
        elif made and time.monotonic() < made[0] + hidden:
            return 200, proxy.to("GET", path)[0].answer
        return None

    proxy.hook = hook
    result = project.run("init", "--auto-approve")
    assert result.code == code, result.err
    if code:
        assert "error: HubSpot accepted the property reconcile_key of carts, but" in result.err
        assert "does not show it yet, 0.1 seconds later" in result.err
        assert "hint: run `reconcile init` again in a minute" in result.err


def test_init_declined(bare: Project) -> None:
    """Anything but yes makes nothing."""
    code, screen = in_terminal(bare, "init", typed="y\n")
    assert code == 1
    assert "Nothing was created." in screen
    assert bare.account.writes() == []


def test_init_confirmed(bare: Project) -> None:
    """A typed yes makes the properties."""
    code, screen = in_terminal(bare, "init", typed="yes\n")
    assert (code, len(bare.account.writes())) == (0, 3)
    assert "Create these in shop?" in screen


# validate


def test_validate_is_offline(reader: Project) -> None:
    """validate needs neither token nor network, in CI as well, and counts what it found."""
    reader.monkeypatch.delenv("SHOP_TOKEN")
    reader.account.server.clear_requests()
    out = reader.fine("validate")
    assert out == "The manifests are valid: 1 order, 1 line item, 1 cart.\n"
    assert reader.account.server.requests() == []
    reader.env(CI="true")
    reader.fine("validate", "--target", "shop")


def test_validate_takes_paths(reader: Project) -> None:
    """validate checks the files it is given in place of the project's."""
    reader.write("kind: cart\nkey: Z\nproperties: {}\n", "other.yaml")
    assert reader.fine("validate", "other.yaml") == "The manifests are valid: 1 cart.\n"


# plan and show


def test_plan_writes_nothing(reader: Project) -> None:
    """plan changes neither HubSpot nor any file."""
    before = reader.account.dump(), reader.files()
    out = reader.fine("plan")
    assert "Plan: 1 order, 1 line item, 1 cart to create." in out
    assert framed(reader, out)
    assert (reader.account.dump(), reader.files()) == before


def test_detailed_exit_code(project: Project) -> None:
    """--detailed-exitcode tells changes (2) from none (0); without it both are 0."""
    project.fine("plan")
    project.fine("plan", "--detailed-exitcode", code=2)
    project.fine("apply", "--auto-approve")
    project.fine("plan", "--detailed-exitcode", code=0)


def test_saved_plan_is_private(reader: Project) -> None:
    """A plan file holds order data: it is for its owner's eyes, and replaces one that was there."""
    path = reader.write("old", "p")
    path.chmod(0o644)
    result = reader.run("plan", "--out", "p")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    digest, cost, saved = result.err.splitlines()
    assert re.fullmatch("Content digest: [0-9a-f]{64}", digest)
    assert cost.startswith("Applying this takes about ")
    assert saved == "The plan is saved in p. To apply exactly this plan: reconcile apply p"
    assert [path.name for path in reader.folder.iterdir() if path.name.startswith(".p")] == []


def test_show_is_what_plan_printed(reader: Project) -> None:
    """show prints a saved plan as plan did, without account or token."""
    out = reader.fine("plan", "--out", "p")
    reader.monkeypatch.delenv("SHOP_TOKEN")
    reader.account.server.clear_requests()
    assert reader.fine("show", "p") == out
    assert reader.account.server.requests() == []


@pytest.mark.parametrize(
    ("form", "ci", "shown"),
    [
        ("terminal", False, True),
        ("terminal", True, False),
        ("json", False, True),
        ("json", True, False),
        ("markdown", False, False),
        ("markdown", True, False),
        ("html", False, False),
        ("html", True, False),
    ],
)
def test_personal_data(reader: Project, form: str, *, ci: bool, shown: bool) -> None:
    """Personal values show outside CI only, in Markdown and HTML never; their names always do."""
    reader.fine("plan", "--out", "p")
    if ci:
        reader.env(CI="true")
    out = reader.fine("show", "p", "--format", form)
    for value in ("Porto", "ines.rocha@example.com"):
        assert (value in out) is shown
    assert ("changed (personal)" in out) is not shown
    assert "hs_shipping_address_city" in out
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_plan_in_ci_hides_personal_data(reader: Project) -> None:
    """plan itself hides personal values in CI."""
    reader.env(CI="true")
    out = reader.fine("plan", "--target", "shop")
    assert "Porto" not in out
    assert "ines.rocha" not in out
    assert "changed (personal)" in out


def test_json_is_json(reader: Project) -> None:
    """--format json gives one document with the target and the changes."""
    reader.fine("plan", "--out", "p")
    made = json.loads(reader.fine("show", "p", "--format", "json"))
    assert made["target"]["portal_id"] == reader.account.server.portal_id
    addresses = [change["address"] for change in made["resource_changes"]]
    assert addresses == ["cart/C-1", "order/A-1", "line_item/A-1:mug"]


def test_markdown_names_the_target(reader: Project) -> None:
    """Markdown begins with the target and ends with the line that plan frames with."""
    reader.fine("plan", "--out", "p")
    lines = reader.fine("show", "p", "--format", "markdown").splitlines()
    line = TARGET.format(portal=reader.account.server.portal_id)
    assert lines[0] == "<!-- reconcile:plan:shop -->"
    assert lines[2].startswith("### Plan for `shop`: account ")
    assert lines[-1] == f"`{line}`"
    at = next(n for n, text in enumerate(lines) if text.startswith("Applying this takes about "))
    assert lines[at + 1].startswith("Content digest: `")


def test_html_is_a_page_in_utf_8(reader: Project) -> None:
    """Whatever the encoding of the terminal is."""
    reader.fine("plan", "--out", "p")
    reader.env(PYTHONIOENCODING="ascii")
    page = reader.fine("show", "p", "--format", "html")
    assert page.startswith("<!doctype html>\n")
    assert '<meta charset="utf-8">' in page
    assert "order/A-1" in page
    assert page.endswith("</html>\n")


# apply


def test_apply_file_does_not_ask(project: Project) -> None:
    """apply FILE carries the plan out as it stands, and asks nobody."""
    project.fine("plan", "--out", "p")
    out = project.fine("apply", "p")
    assert framed(project, out)
    assert "Apply complete: 1 order, 1 line item, 1 cart created." in out
    assert project.account.count("orders") == 1


def test_apply_converges(project: Project) -> None:
    """After apply nothing is left to do, and applying again writes nothing."""
    out = project.fine("apply", "--auto-approve")
    assert framed(project, out)
    project.account.server.clear_requests()
    out = project.fine("apply", "--auto-approve")
    assert "No changes. 3 records are as declared." in out
    assert framed(project, out)
    assert project.account.writes() == []


def test_apply_nothing_does_not_ask(project: Project) -> None:
    """With nothing to do nobody has to confirm."""
    project.fine("apply", "--auto-approve")
    project.fine("apply")


def test_apply_asks(project: Project) -> None:
    """On a terminal apply shows the plan in colour, asks, and goes on after a typed yes."""
    code, screen = in_terminal(project, "apply", typed="yes\n")
    assert code == 0
    assert "Apply this to shop?" in screen
    assert "Only 'yes' is accepted" in screen
    assert screen.index("to create.") < screen.index("Apply this") < screen.index("Apply complete")
    assert "\x1b[32m" in screen
    assert project.account.count("orders") == 1


def test_no_color(project: Project) -> None:
    """NO_COLOR keeps a terminal's text plain."""
    project.env(NO_COLOR="1")
    code, screen = in_terminal(project, "plan")
    assert code == 0
    assert re.findall(r"\x1b\[[0-9;]*[1-9][0-9;]*m", screen) == []


@pytest.mark.matrix(keep=2)
@pytest.mark.parametrize("typed", ["y\n", "\n", "YES\n", "no\n", "yes please\n"])
def test_apply_declined(project: Project, typed: str) -> None:
    """Anything but yes applies nothing: exit 1."""
    code, screen = in_terminal(project, "apply", typed=typed)
    assert code == 1
    assert "Nothing was applied." in screen
    assert project.account.writes() == []
    assert not (project.folder / "state").exists()


def test_apply_interrupted_at_the_question(project: Project) -> None:
    """Ctrl-C and Ctrl-D at the question apply nothing."""
    for typed in ("", "\x04"):
        code, screen = in_terminal(project, "apply", typed=typed)
        assert code == 1
        assert screen.endswith("\nNothing was applied.\n")
        assert "Traceback" not in screen
    assert project.account.writes() == []


def test_apply_over_a_limit_does_not_ask(project: Project) -> None:
    """What a limit refuses is not asked about first."""
    project.settings(f"{PROJECT}limits: {{create: 2}}\n")
    code, screen = in_terminal(project, "apply", typed="yes\n")
    assert code == 3
    assert "Apply this" not in screen
    assert project.account.writes() == []


def test_apply_of_nothing_but_what_is_held_back_does_not_ask(project: Project) -> None:
    """There is nothing to agree to."""
    project.fine("apply", "--auto-approve")
    (project.folder / "state").rename(project.folder / "lost")
    project.write(SHOP.partition("---\n")[0].replace("20.00", "21.00"))
    project.account.server.clear_requests()
    for code, said in ((5, "were held back"), (0, "are still held back")):
        ended, screen = in_terminal(project, "apply", typed="")
        assert ended == code
        assert "Apply this" not in screen
        assert f"2 declared changes {said}" in screen
    assert project.account.writes() == []


def test_apply_in_ci(project: Project) -> None:
    """In CI apply works where the local store is accepted, without personal data in its output."""
    project.env(CI="true")
    out = project.fine("apply", "--auto-approve", "--target", "shop", "--accept-local-store")
    assert "Apply complete" in out
    assert "Porto" not in out


def test_apply_reports_what_failed(make_project: MakeProject, tmp_path: Path) -> None:
    """A record that HubSpot refuses is named with its reason, the rest is done: exit 5."""
    account = Account(tmp_path / "a.sqlite", switches=Switches(deactivated_owners_may_own=False))
    with account.server:
        project = make_project(account)
        left = "{hubspot_owner_id: leo@example.com}"
        project.write(f"{SHOP}---\nkind: order\nkey: A-2\nproperties: {left}\n")
        result = project.run("apply", "--auto-approve")
        assert result.code == 5
        assert "x order/A-2  create failed: " in result.out
        assert "Applied in part: 1 of 2 orders, " in result.out
        assert project.account.count("orders") == 1


def test_doctor_asks_for_owners_where_manifests_name_one(reader: Project) -> None:
    """Their scope is needed for plan and apply then, and only then."""
    scopes = [*RECORDS, "crm.objects.contacts.read"]
    reader.token(reader.account.server.add_token(scopes))
    out = reader.fine("doctor")
    assert "Scopes   plan: all granted\n" in out
    optional = "optional: without crm.objects.owners.read, plan and drift name users only by id\n"
    assert optional in out
    owned = "kind: order\nkey: A-2\nproperties: {hubspot_owner_id: olive@example.com}\n"
    reader.write(owned, "manifests/owned.yaml")
    out = reader.fine("doctor", code=1)
    assert "Scopes   plan: missing crm.objects.owners.read\n" in out
    assert optional not in out


def test_no_project_file_means_a_sandbox(project: Project) -> None:
    """Without reconcile.yaml plan and apply work on an embedded sandbox, and say so."""
    (project.folder / "reconcile.yaml").unlink()
    project.write("kind: cart\nkey: Z\nproperties: {hs_cart_name: z}\n", "z.yaml")
    project.fine("init", "--auto-approve")
    (project.folder / "reconcile.yaml").unlink()
    out = project.fine("plan", "z.yaml")
    assert out.startswith("Target sandbox: sandbox account ")
    assert (project.folder / "state" / "sandbox" / "sandbox.sqlite").exists()


# sandbox


def test_sandbox_info_and_reset(reader: Project) -> None:
    """info tells what is in a sandbox, reset erases it, and both can be asked of none."""
    reader.write(OWN, "reconcile.yaml")
    reader.write(SHOP.partition("associations")[0])
    assert "has no sandbox data yet" in reader.fine("sandbox", "info")
    assert "has no sandbox data yet" in reader.fine("sandbox", "reset")
    reader.fine("init", "--auto-approve")
    reader.fine("apply", "--auto-approve")
    out = reader.fine("sandbox", "info")
    assert [line.split() for line in out.splitlines() if "orders" in line] == [["orders", "1"]]
    path = reader.folder / "state" / "own" / "sandbox.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    erased = reader.fine("sandbox", "reset", "--auto-approve")
    assert erased == "Erased the sandbox of target own.\n"
    assert not path.exists()


BROKEN = {
    "a seed that is no JSON": ("seed.json", "{bad", "the sandbox's seed cannot be loaded"),
    "a seed HubSpot refuses": (
        "seed.json",
        '{"objects": {"contacts": [{"properties": {"emial": "x"}}]}}',
        "objects.contacts[0]",
    ),
    "data of another program": (
        "state/own/sandbox.sqlite",
        "something else",
        "is damaged, or not a sandbox database",
    ),
}


@pytest.mark.parametrize(("name", "text", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_sandbox(reader: Project, name: str, text: str, message: str) -> None:
    """A sandbox that cannot be served is told in one line, by plan and by serve."""
    reader.write(OWN.replace("true", "{seed: seed.json}"), "reconcile.yaml")
    reader.write("{}", "seed.json")
    reader.write(text, name)
    for command in (("plan",), ("sandbox", "serve")):
        said = reader.refused(*command)
        assert message in said


def test_sandbox_folder_in_the_way(reader: Project) -> None:
    """A file where the state folder should be is told as such."""
    reader.write(OWN, "reconcile.yaml")
    reader.write("in the way", "state")
    for command in (("plan",), ("sandbox", "serve")):
        assert "Not a directory" in reader.refused(*command)


# doctor and version


def test_doctor_is_content(reader: Project) -> None:
    """doctor shows the account, what is granted, the limits left and the keys: exit 0."""
    out = reader.fine("doctor")
    portal = reader.account.server.portal_id
    lines = out.splitlines()
    assert lines[0] == "Target   shop"
    assert lines[1] == f"Account  {portal}, type DEVELOPER_TEST"
    assert lines[2] == f"API      v3 at {reader.account.url}"
    assert [f"Scopes   {name}: all granted" in lines for name in ("plan", "apply", "init")]
    assert "calls left today" in out
    assert "Keys     orders: reconcile_key ready" in lines


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("crm.objects.orders.read", "plan"),
        ("crm.pipelines.orders.read", "plan"),
        ("crm.objects.carts.write", "apply"),
    ],
)
def test_doctor_misses_a_scope(reader: Project, missing: str, command: str) -> None:
    """A scope that plan or apply lacks is named, and makes doctor exit with 1."""
    scopes = [*RECORDS, "crm.objects.contacts.read", "crm.schemas.orders.read"]
    reader.token(reader.account.server.add_token([s for s in scopes if s != missing]))
    out = reader.fine("doctor", code=1)
    assert f"Scopes   {command}: missing {missing}\n" in out
    assert ("Scopes   plan: all granted" in out) is (command == "apply")


def test_doctor_without_init_scopes(reader: Project) -> None:
    """Lacking the scopes of init alone is told and is no failure."""
    scopes = [*RECORDS, "crm.objects.contacts.read"]
    reader.token(reader.account.server.add_token(scopes))
    out = reader.fine("doctor")
    assert "Scopes   init: missing crm.schemas.orders.write, crm.schemas.carts.write\n" in out


def test_doctor_asks_for_what_manifests_associate(reader: Project) -> None:
    """The scopes of associated objects are needed where manifests associate with them."""
    reader.token(reader.account.server.add_token(RECORDS))
    out = reader.fine("doctor", code=1)
    assert "Scopes   plan: missing crm.objects.contacts.read\n" in out
    assert "Scopes   apply may also need crm.objects.contacts.write to associate\n" in out
    reader.write(
        SHOP.replace("  contact: [{email: ines.rocha@example.com}]", "  cart: [{key: C-1}]")
    )
    out = reader.fine("doctor")
    assert "Scopes   plan: all granted\n" in out
    assert "contacts" not in out
    reader.write("kind: nothing\n")
    out = reader.fine("doctor")
    assert "Scopes   of associated objects: unknown, the manifests have problems" in out


def test_doctor_before_init(bare: Project) -> None:
    """doctor says that the keys' properties are missing and what makes them."""
    assert "orders: reconcile_key missing; run `reconcile init`" in bare.fine("doctor")


def test_doctor_of_a_sandbox(reader: Project) -> None:
    """doctor names an embedded sandbox as such, and no address of HubSpot's."""
    reader.write(OWN, "reconcile.yaml")
    out = reader.fine("doctor")
    assert "Target   own (sandbox)" in out
    assert "hubapi" not in out


def test_doctor_writes_nothing(reader: Project) -> None:
    """doctor uses the writing token and writes nothing."""
    reader.settings(PROJECT.replace("token:", "token_write:"))
    before = reader.account.dump(), reader.files()
    reader.account.server.clear_requests()
    reader.fine("doctor")
    assert (reader.account.dump(), reader.files()) == before
    assert reader.account.writes() == []


def test_version(reader: Project) -> None:
    """version shows the package's version."""
    assert reader.fine("version").startswith(f"reconcile {__version__} (Python 3.")

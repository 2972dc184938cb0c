"""Mistyped commands and options, files and folders that are not there, nobody to ask."""

from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, Project, run_script

MISTYPED = {
    "a command": (("pln",), "no such command 'pln'. Did you mean 'plan'?"),
    "an unknown command": (("destroy",), "no such command 'destroy'."),
    "a subcommand": (("sandbox", "serv"), "no such command 'serv'. Did you mean 'serve'?"),
    "an option": (("plan", "--outt", "x"), "no such option '--outt'. Did you mean '--out'?"),
    "an option like none": (("plan", "--unheard"), "no such option '--unheard'.\nhint: usage: "),
    "an option before the command": (
        ("--target", "shop", "plan"),
        "no such option '--target'.\nhint: a command's options go after its name, as in "
        "`reconcile plan --target NAME`; see ",
    ),
    "an option before the subcommand": (
        ("state", "--target", "shop", "list"),
        "hint: a command's options go after its name",
    ),
    "an option of the program": (("--versio",), "no such option '--versio'. Did you mean '--ver"),
    "a format": (("show", "--format", "yaml", "p"), "'--format': 'yaml' is not one of"),
    "a guard": (("plan", "--allow", "rekeys=1"), "'--allow': 'rekeys' is not one of both, adopt-"),
    "a guard without a number": (("plan", "--allow", "rekey"), "'--allow': write rekey= and the n"),
    "a guard with an empty number": (("plan", "--allow", "both="), "'--allow': write both="),
    "a share of drift": (("plan", "--allow", "drift=50%"), "'--allow': write drift="),
    "a limit without a number": (("apply", "--allow", "limit-update"), "write limit-update="),
    "a guard given twice": (
        ("plan", "--allow", "both=1", "--allow", "rekey=2", "--allow", "both=2"),
        "'--allow': both is given twice",
    ),
    "a number that is none": (("plan", "--allow", "prune=0"), "'--allow': write prune="),
    "a port": (("sandbox", "serve", "--port", "70000"), "'--port': 70000 is not in the range"),
    "no file": (("show",), "missing argument 'FILE'"),
    "two files": (("apply", "a", "b"), "got unexpected extra argument"),
    "an option's value": (("plan", "--target"), "'--target' requires an argument"),
    "a folder": (("-C", "nowhere", "plan"), "'-C' / '--chdir': Directory 'nowhere' does not exist"),
    "a folder for a file": (("plan", "--out", "manifests"), "File 'manifests' is a directory"),
}


@pytest.mark.parametrize(("args", "message"), MISTYPED.values(), ids=MISTYPED)
def test_mistyped(reader: Project, args: tuple[str, ...], message: str) -> None:
    """A mistyped command line exits with 1, says what is near, and points to the help."""
    said = reader.refused(*args)
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") <= 2


def test_exit_code_of_the_process(tmp_path: Path) -> None:
    """The process itself ends with 1 on a mistyped option, not with click's 2."""
    done = run_script("plan", "--nope", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no such option '--nope'")


def test_no_command_shows_the_help(reader: Project) -> None:
    """Called with nothing it shows its help, and fails: a script that forgot must notice."""
    result = reader.run()
    assert result.code == 1
    assert "Commands:" in result.err


@pytest.mark.parametrize("name", ["shp", "", "SHOP"])
def test_unknown_target(reader: Project, name: str) -> None:
    """A target that is not in reconcile.yaml is refused, naming those there are."""
    said = reader.refused("plan", "--target", name)
    assert f"error: there is no target {name!r} in reconcile.yaml" in said
    assert "shop" in said


def test_unknown_target_from_the_environment(reader: Project) -> None:
    """RECONCILE_TARGET is checked as --target is."""
    reader.env(RECONCILE_TARGET="shp")
    assert "there is no target 'shp'" in reader.refused("plan")


def test_several_targets_and_none_chosen(reader: Project) -> None:
    """With two targets and no default one has to be chosen."""
    text = PROJECT.replace("target: shop\n", "")
    reader.settings(text + "  other:\n    sandbox: true\n")
    assert "error: choose a target: other or shop" in reader.refused("plan")


def test_ci_has_no_default_target(reader: Project) -> None:
    """With CI set the target must be named, though reconcile.yaml has a default."""
    reader.env(CI="true")
    said = reader.refused("plan")
    assert "error: with CI set there is no default target\nhint: pass --target shop" in said


@pytest.mark.parametrize("given", [(), ("plan.file",)], ids=["planning", "saved"])
def test_ci_must_accept_a_local_store(reader: Project, given: tuple[str, ...]) -> None:
    """With CI set apply refuses to keep its state on the runner unless told so."""
    if given:
        reader.fine("plan", "--out", *given)
    reader.env(CI="true")
    said = reader.refused("apply", *given, "--target", "shop", "--auto-approve")
    assert "a CI runner's disk is discarded" in said
    assert "--accept-local-store" in said


@pytest.mark.parametrize("address", ["A-1", "order", "/x", "order/"])
def test_recreate_wants_an_address(reader: Project, address: str) -> None:
    """--recreate takes kind/key and says so."""
    assert repr(address) in reader.refused("plan", "--recreate", address)


def test_recreate_wants_a_kind(reader: Project) -> None:
    """--recreate knows the kinds."""
    said = reader.refused("plan", "--recreate", "ordr/A-1")
    assert "'ordr/A-1' does not name a known kind\nhint: the kinds are order, cart and line" in said


def test_recreate_is_not_for_a_saved_plan(reader: Project) -> None:
    """A saved plan says already what is made again."""
    reader.fine("plan", "--out", "p")
    assert "--recreate cannot be used with a plan file" in reader.refused(
        "apply", "p", "--recreate", "order/A"
    )


@pytest.mark.parametrize("where", ["nowhere/plan.file", "reconcile.yaml/plan.file"])
def test_plan_cannot_be_saved(reader: Project, where: str) -> None:
    """--out to a place that cannot be written is an error, and leaves no piece behind."""
    assert f"error: the plan cannot be saved in {where}: " in reader.refused("plan", "--out", where)


def test_read_only_folder(reader: Project) -> None:
    """A file system that takes nothing is told as such."""
    assert "the plan cannot be saved" in reader.refused("plan", "--out", "/proc/plan.file")


def test_nobody_to_confirm_apply(reader: Project) -> None:
    """Without a terminal apply shows the plan and refuses to go on by itself."""
    said = reader.refused("apply")
    assert "error: cannot ask for confirmation: the input is not a terminal" in said
    assert "--auto-approve" in said


def test_nobody_to_confirm_reset(reader: Project) -> None:
    """Without a terminal a sandbox is not erased, and the hint does not speak of plans."""
    reader.write(
        "version: 1\nmanifests: [manifests]\ntargets: {own: {sandbox: true}}\n", "reconcile.yaml"
    )
    reader.fine("init", "--auto-approve")
    said = reader.refused("sandbox", "reset")
    assert said == (
        "error: cannot ask for confirmation: the input is not a terminal\n"
        "hint: add --auto-approve\n"
    )


def test_sandbox_commands_are_for_sandboxes(reader: Project) -> None:
    """serve, reset and info refuse a target that is an account."""
    for name in ("serve", "reset", "info"):
        assert "target shop is a HubSpot account, not a sandbox" in reader.refused("sandbox", name)


def test_unexpected_failure_is_one_line(reader: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a bug of ours ends in one line without a traceback, and a way to get one."""
    monkeypatch.setattr("reconcile.cli.common.load_settings", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(Project, "_clean", lambda _, result: result)
    result = reader.run("plan")
    assert result.code == 1
    assert result.err.splitlines() == [
        "error: internal error: ZeroDivisionError: division by zero",
        "hint: run it again with RECONCILE_DEBUG=1 and report the output",
    ]
    reader.env(RECONCILE_DEBUG="1")
    assert "Traceback" in reader.run("plan").err

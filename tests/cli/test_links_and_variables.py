"""What the project file and the command line name: links out of the project, ports, variables."""

from pathlib import Path

import pytest

from tests.cli.conftest import PROJECT, TOKEN, Project

ORDER = "kind: order\nkey: OUT-1\n"


def outside(project: Project) -> Path:
    """Return a folder beside the project's, with a manifest in it."""
    folder = project.folder.with_name("outside")
    folder.mkdir()
    (folder / "orders.yaml").write_text(ORDER, encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", ["validate", "plan"])
@pytest.mark.parametrize(
    "named", ["more/out.yaml", "more/out", "more/out/orders.yaml", "more/in/out.yaml"]
)
def test_a_link_out_of_the_project_is_refused_when_it_is_named(
    project: Project, command: str, named: str
) -> None:
    """It may come from a pull request, and the name from a list of changed files."""
    folder = outside(project)
    more = project.folder / "more"
    more.mkdir()
    (more / "in").symlink_to(".")
    (more / "out.yaml").symlink_to(folder / "orders.yaml")
    (more / "out").symlink_to(folder)
    said = project.refused(command, named)
    assert "this link leads out of the project" in said
    assert "OUT-1" not in said


def test_a_path_outside_the_project_is_the_users_own_word(project: Project) -> None:
    """No link of the project leads there; links out there are not the project's either."""
    folder = outside(project)
    (folder / "link.yaml").symlink_to(folder / "orders.yaml")
    for path in (folder, folder / "orders.yaml", folder / "link.yaml", "../outside/orders.yaml"):
        assert project.run("validate", path).code == 0


def test_a_project_that_is_reached_by_a_link_is_not_left_by_it(project: Project) -> None:
    """The way to the project's folder is not in the project."""
    other = project.folder.with_name("other-name")
    other.symlink_to(project.folder)
    project.write(ORDER, "more/orders.yaml")
    assert project.run("validate", other / "more" / "orders.yaml", cwd=other).code == 0


def test_a_link_to_nothing_is_named_one(project: Project) -> None:
    """A manifest that is named, one in a folder, and the project file."""
    (project.folder / "manifests" / "gone.yaml").symlink_to(project.folder / "nothing.yaml")
    for path in ("manifests", "manifests/gone.yaml"):
        said = project.refused("validate", path)
        assert "manifests/gone.yaml: a link to " in said
        assert "nothing.yaml, which does not exist" in said
    file = project.folder / "reconcile.yaml"
    file.unlink()
    file.symlink_to(project.folder / "settings.yaml")
    said = project.refused("plan")
    assert "reconcile.yaml: a link to " in said
    assert "settings.yaml, which does not exist" in said


def test_a_state_that_is_a_link_out_of_the_project_is_named(project: Project) -> None:
    """With the place that it leads to, and no word on a field that the file does not have."""
    folder = outside(project)
    (project.folder / "state").symlink_to(folder)
    said = project.run("plan").err
    assert (
        f"{project.folder / 'state'} is a link that leads out of the project, to {folder}" in said
    )
    assert "1:1" not in said


def test_a_field_that_goes_through_a_link_names_it(project: Project) -> None:
    """Not the path alone, which looks as if it stayed inside."""
    folder = outside(project)
    (project.folder / "link").symlink_to(folder)
    project.settings(PROJECT + "state: link/state\n")
    said = project.run("plan").err
    line = len(PROJECT.splitlines()) + 1
    assert f"reconcile.yaml:{line}:8: 'state' must stay inside the folder of reconcile.yaml" in said
    assert f"{project.folder / 'link'} is a link to {folder}" in said


@pytest.mark.parametrize("port", ["65536", "99999"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_port_that_is_none_is_refused(project: Project, host: str, port: str) -> None:
    """It would wrap around to another program's port, which would get the token."""
    project.settings(PROJECT.replace("{url}", f"http://{host}:{port}"))
    said = project.refused("plan")
    assert "reconcile.yaml:6:10: 'url' must have a port from 1 to 65535" in said


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/", "http://127.0.0.1:8080/crm", "http://127.0.0.2", "x", "[]"]
)
def test_a_bad_url_is_the_only_problem(project: Project, url: str) -> None:
    """Whether the target needs a portal depends on the URL that was meant."""
    project.settings(PROJECT.replace("{url}", url))
    said = project.refused("plan")
    assert "reconcile.yaml:6:10: 'url' must be " in said
    assert "portal" not in said


@pytest.mark.parametrize(
    ("settings", "command"),
    [
        (PROJECT, ("lock", "show", "${env:FAR}")),
        (PROJECT, ("state", "push", "${env:FAR}")),
        (PROJECT + "store: ${env:FAR}\n", ("plan",)),
        (PROJECT.replace(TOKEN, "FAR"), ("plan",)),
    ],
)
def test_an_empty_variable_is_not_called_unset(
    project: Project, settings: str, command: tuple[str, ...]
) -> None:
    """Whoever set it looks for the value, not for the name."""
    project.settings(settings)
    project.monkeypatch.setenv("FAR", "")
    assert "FAR is set, but empty" in project.refused(*command)
    project.monkeypatch.delenv("FAR")
    assert "FAR is not set" in project.refused(*command)

"""The project file, the environment and --target."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reconcile.errors import ManifestError, Problem, ReconcileError, UsageError
from reconcile.model.identity import RecordId, UniqueProperty
from reconcile.model.kinds import kinds
from reconcile.model.records import Location
from reconcile.project import Settings, Token, load_settings, starter_text

NOTHING: Mapping[str, str] = {}

FULL = """\
version: 1
target: northwind-sandbox
targets:
  northwind-sandbox:
    sandbox: {seed: data/seed.json}
  production:
    portal: 12345678
    token_read: ${env:READ}
    token_write: ${env:WRITE}
    url: https://api-eu1.hubapi.com
    api: 2026-03
    rate_limit: 90
    identity: {order: "unique:order_no", line_item: id}
manifests: [orders, carts]
state: data/state
drift: {order: {hs_tags: revert, hs_pipeline_stage: revert}}
limits: {archive: 20, create: 50%}
"""


def settings(folder: Path, text: str = FULL, target: str | None = None) -> Settings:
    """The settings that a project file makes."""
    (folder / "reconcile.yaml").write_text(text, encoding="utf-8")
    return load_settings(folder, target=target, environ=NOTHING)


def problems(folder: Path, text: str) -> tuple[Problem, ...]:
    """What is wrong with a project file; fails where nothing is."""
    with pytest.raises(ManifestError) as caught:
        settings(folder, text)
    return caught.value.problems


def target_problem(folder: Path, fields: str) -> Problem:
    """The one thing wrong with a target of these fields; they begin at line 4, column 9."""
    text = f"version: 1\nmanifests: [a]\ntargets:\n  one: {{{fields}}}\n"
    (problem,) = problems(folder, text)
    return problem


def one_target(folder: Path, fields: str) -> Any:
    """A target of these fields."""
    text = f"version: 1\nmanifests: [a]\ntargets:\n  one: {{{fields}}}\n"
    return settings(folder, text).target


def test_the_default_target_is_read(tmp_path: Path) -> None:
    """Paths are absolute, a sandbox has no rate limit, and a target has a home of its own."""
    found = settings(tmp_path)
    assert found.has_file
    assert found.root == tmp_path
    assert found.manifests == (tmp_path / "orders", tmp_path / "carts")
    assert found.state == tmp_path / "data" / "state"
    assert found.local_folder == tmp_path / "data" / "state" / "northwind-sandbox"
    assert found.target.name == "northwind-sandbox"
    assert found.target.sandbox.seed == tmp_path / "data" / "seed.json"
    assert found.target.rate_limit is None
    assert found.drift == {
        "order": {
            "hs_tags": Location("reconcile.yaml", 16, 17),
            "hs_pipeline_stage": Location("reconcile.yaml", 16, 34),
        }
    }


def test_a_share_is_a_limit_for_each_kind(tmp_path: Path) -> None:
    """It is of the managed records, and at least 20; a number is a limit for all kinds."""
    limits = settings(tmp_path).limits
    assert limits.limits({"order": 1001, "cart": 8}) == {
        ("archive", ""): 20,
        ("create", "order"): 500,
        ("create", "cart"): 20,
        ("create", "line_item"): 20,
    }


def test_without_limits_there_are_none(tmp_path: Path) -> None:
    """And nothing that others changed is put back."""
    found = settings(tmp_path, FULL.partition("drift:")[0])
    assert found.limits.limits({"order": 1001}) == {}
    assert found.drift == {}


def test_a_real_target_is_read(tmp_path: Path) -> None:
    """Every field of a target arrives; kinds without an identity get the default one."""
    target = settings(tmp_path, target="production").target
    assert target.sandbox is None
    assert (target.portal, target.url, target.api) == (
        12345678,
        "https://api-eu1.hubapi.com",
        "2026-03",
    )
    assert target.rate_limit == 90
    assert target.identity == {
        "order": UniqueProperty("order_no"),
        "cart": UniqueProperty("reconcile_key"),
        "line_item": RecordId(),
    }


def test_a_target_has_defaults(tmp_path: Path) -> None:
    """A portal is enough; the state lies beside the project file."""
    found = settings(tmp_path, "version: 1\ntargets: {prod: {portal: 1}}\nmanifests: [.]\n")
    assert found.target.name == "prod"
    assert (found.target.url, found.target.api) == ("https://api.hubapi.com", "v3")
    assert found.target.rate_limit == 190
    assert set(found.target.identity) == set(kinds())
    assert found.local_folder == tmp_path / "state" / "prod"
    assert found.manifests == (tmp_path,)


def test_settings_do_not_change(tmp_path: Path) -> None:
    """What was read stays what it was."""
    found = settings(tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.root = tmp_path  # type: ignore[misc]
    with pytest.raises(ValidationError):
        found.target.url = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        found.target.identity["order"] = RecordId()  # type: ignore[index]


def test_without_a_file_there_is_an_empty_sandbox(tmp_path: Path) -> None:
    """Trying reconcile out takes no project file."""
    found = load_settings(tmp_path, target=None, environ=NOTHING)
    assert not found.has_file
    assert found.target.name == "sandbox"
    assert found.target.sandbox is not None
    assert found.target.sandbox.seed is None
    assert found.target.rate_limit is None
    assert found.manifests == ()
    assert found.local_folder == tmp_path / "state" / "sandbox"
    assert load_settings(tmp_path, target="sandbox", environ=NOTHING) == found


@pytest.mark.parametrize(("flag", "environ"), [("prod", {}), (None, {"RECONCILE_TARGET": "prod"})])
def test_without_a_file_there_is_only_the_sandbox(
    tmp_path: Path, flag: str | None, environ: Mapping[str, str]
) -> None:
    """A real account needs a project file."""
    with pytest.raises(UsageError, match=r"no target 'prod' without a reconcile\.yaml"):
        load_settings(tmp_path, target=flag, environ=environ)


def test_a_misspelt_project_file_is_no_absence(tmp_path: Path) -> None:
    """reconcile.yml would otherwise silently mean the sandbox."""
    (tmp_path / "reconcile.yml").touch()
    with pytest.raises(UsageError, match=r"reconcile\.yml"):
        load_settings(tmp_path, target=None, environ=NOTHING)


def test_a_dangling_project_file_is_no_absence(tmp_path: Path) -> None:
    """A link to nothing is an error, not the sandbox."""
    (tmp_path / "reconcile.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(ManifestError):
        load_settings(tmp_path, target=None, environ=NOTHING)


@pytest.mark.parametrize(
    ("flag", "variable", "chosen"),
    [
        (None, None, "northwind-sandbox"),
        (None, "production", "production"),
        (None, "", "northwind-sandbox"),
        ("northwind-sandbox", "production", "northwind-sandbox"),
    ],
)
def test_flag_beats_environment_beats_file(
    tmp_path: Path, flag: str | None, variable: str | None, chosen: str
) -> None:
    """The target is what was said last and nearest."""
    (tmp_path / "reconcile.yaml").write_text(FULL)
    environ = {} if variable is None else {"RECONCILE_TARGET": variable}
    assert load_settings(tmp_path, target=flag, environ=environ).target.name == chosen


@pytest.mark.parametrize(
    "text", [None, FULL, "version: 1\ntargets: {a: {portal: 1}}\nmanifests: [a]"]
)
def test_in_ci_the_target_has_to_be_said(tmp_path: Path, text: str | None) -> None:
    """A pipeline must not depend on a default, be it the file's, the only one or the sandbox."""
    if text:
        (tmp_path / "reconcile.yaml").write_text(text)
    with pytest.raises(UsageError, match="no default target") as caught:
        load_settings(tmp_path, target=None, environ={"CI": "true"})
    assert "--target" in caught.value.hint


def test_in_ci_flag_and_variable_count(tmp_path: Path) -> None:
    """Either of them says it; an empty CI is none."""
    (tmp_path / "reconcile.yaml").write_text(FULL)
    name = "production"
    for flag, environ in [
        (name, {"CI": "1"}),
        (None, {"CI": "1", "RECONCILE_TARGET": name}),
        (None, {"CI": ""}),
    ]:
        assert load_settings(tmp_path, target=flag, environ=environ)


def test_one_of_several_targets_has_to_be_chosen(tmp_path: Path) -> None:
    """Without a default, all names are shown."""
    text = FULL.replace("target: northwind-sandbox\n", "", 1)
    with pytest.raises(UsageError, match="northwind-sandbox or production"):
        settings(tmp_path, text)


@pytest.mark.parametrize(
    ("flag", "words"), [("prodution", "did you mean 'production'"), ("", "''")]
)
def test_an_unknown_target_is_refused(tmp_path: Path, flag: str, words: str) -> None:
    """With the nearest name; an empty --target is not no --target."""
    with pytest.raises(UsageError, match=words) as caught:
        settings(tmp_path, target=flag)
    assert "northwind-sandbox and production" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://api.hubapi.com",
        "https://api-na1.hubapi.com",
        "https://api-eu1.hubapi.com",
    ],
)
def test_urls_of_hubspot_are_fine(tmp_path: Path, url: str) -> None:
    """The global host and the regional ones."""
    assert one_target(tmp_path, f"portal: 1, url: '{url}'").url == url


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:65535", "https://localhost"],
)
def test_urls_of_this_machine_are_fine_and_need_no_portal(tmp_path: Path, url: str) -> None:
    """A sandbox that is served here has its own account."""
    assert one_target(tmp_path, f"token: '${{env:T}}', url: '{url}'").portal is None


@pytest.mark.parametrize(
    "url",
    [
        "http://api.hubapi.com",
        "https://api.hubapi.com.evil.example",
        "https://evil.example",
        "https://evil.example/api.hubapi.com",
        "https://api.hubapi.com@evil.example",
        "https://user:secret@api.hubapi.com",
        "https://api.hubapi.com:8443",
        "https://api.hubapi.com/",
        "https://api.hubapi.com/crm",
        "https://api.hubapi.com?x",
        "https://api.hubapi.com#x",
        "https://API.hubapi.com",
        "https://apiXhubapi.com",
        "https://api-evil.hubapi.com",
        "https://api-eu12.hubapi.com",
        "https://app.hubapi.com",
        "https://api-eu1.hubapi.com\\n",
        "http://127.0.0.2",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://localhost.evil.example",
        "http://localhost:80:80",
        "http://localhost:",
        "http://localhost:0x50",
        "http://user@localhost",
        "http://0.0.0.0",
        "http://[::]",
        "http://192.168.0.1",
        "http://169.254.169.254",
        "file:///etc/passwd",
        "//localhost",
        "localhost",
        "",
    ],
)
def test_tokens_go_nowhere_else(tmp_path: Path, url: str) -> None:
    """Any other URL is refused, and not repeated, since it may hold a secret."""
    problem = target_problem(tmp_path, f'portal: 1, url: "{url}"')
    assert "'url' must be" in problem.message
    assert "evil" not in problem.message
    assert "secret" not in problem.message


@pytest.mark.parametrize("field", ["token", "token_read", "token_write"])
@pytest.mark.parametrize(
    "value",
    ["pat-na1-s3cret", "x${env:s3cret}", "${env:s3cret}x", "${file:s3cret}", "$s3cret", "[s3cret]"],
)
def test_tokens_never_stand_in_the_file(tmp_path: Path, field: str, value: str) -> None:
    """Only the whole name of a variable will do, and what stands there is not repeated."""
    problem = target_problem(tmp_path, f'portal: 1, {field}: "{value}"')
    assert "must be ${env:NAME}" in problem.message
    assert "s3cret" not in str(problem) + problem.hint
    assert (problem.line, problem.column) == (4, 22 + len(field))


@pytest.mark.parametrize(
    "fields",
    [
        "portal: '${env:P}'",
        "portal: 1, url: '${env:U}'",
        "sandbox: {seed: '${env:S}'}",
        "portal: 1, identity: {order: '${env:I}'}",
        "portal: 1, api: 'x${env:A}'",
    ],
)
def test_variables_are_for_tokens_alone(tmp_path: Path, fields: str) -> None:
    """A variable's value reaches no other field."""
    assert "can only be used in store, token" in target_problem(tmp_path, fields).message


def test_variables_are_for_tokens_of_targets_alone(tmp_path: Path) -> None:
    """Nor any field outside of the targets."""
    found = problems(
        tmp_path,
        "version: 1\nmanifests: ['${env:A}']\nstate: '${env:B}'\ntargets: {a: {portal: 1}}\n",
    )
    assert [(p.line, p.message[:14]) for p in found] == [
        (2, "${env:…} can o"),
        (3, "${env:…} can o"),
    ]


@pytest.mark.parametrize(
    ("fields", "column", "words"),
    [
        ("url: https://api.hubapi.com", 8, "the target 'one' has no 'portal'"),
        ("portal: x", 17, "'portal' must be a whole number"),
        ("portal: 0", 17, "'portal' must be more than 0"),
        ("portal: -1", 17, "whole number"),
        ("portal: 1.0", 17, "whole number"),
        ("portal: ~", 17, "'portal' has no value"),
        ("portal: [1]", 17, "whole number"),
        ("portal: 1, api: v4", 25, "'api' must be 'v3' or '2026-03'"),
        ("portal: 1, rate_limit: 0", 32, "more than 0"),
        ("portal: 1, rate_limt: 9", 20, "unknown field 'rate_limt'; did you mean 'rate_limit'?"),
        ("portal: 1, name: x", 20, "unknown field 'name'"),
        ("portal: 1, command: rm", 20, "unknown field 'command'"),
        ("portal: 1, identity: {ordr: id}", 31, "'ordr' is not a kind; did you mean 'order'?"),
        ("portal: 1, identity: {order: ids}", 38, '"id", "unique:PROPERTY"'),
        ("portal: 1, identity: {order: 'id:x'}", 38, '"id", "unique:PROPERTY"'),
        ("portal: 1, identity: {order: 'unique:'}", 38, '"id", "unique:PROPERTY"'),
        ("portal: 1, identity: {order: 'unique:X'}", 38, '"id", "unique:PROPERTY"'),
        ("portal: 1, identity: {line_item: 'within_parent:'}", 42, '"within_parent:PROPERTY"'),
        ("portal: 1, identity: {order: 'within_parent:x'}", 30, "orders have no parent"),
        ("portal: 1, identity: [id]", 30, "must be names with values"),
        ("portal: 1, manage: [order]", 28, "'manage' must be like {order: [hs_tags, contact]"),
        ("portal: 1, manage: {}", 28, "'manage' must be like {order: [hs_tags, contact]"),
        ("portal: 1, manage: {ordr: all}", 28, "'ordr', which is not a kind, create or archive"),
        ("portal: 1, manage: {creat: all}", 28, "did you mean 'create'?"),
        ("portal: 1, manage: {create: yes}", 28, "must set create to true or false"),
        ("portal: 1, manage: {order: memo}", 28, "must set order to a list of names, or to all"),
        ("portal: 1, manage: {order: {a: b}}", 28, "must set order to a list of names, or to all"),
        ("portal: 1, manage: {order: [A]}", 28, "names 'A' for order, which is not a property"),
        ("sandbox: false", 18, "true or {seed: FILE}"),
        ("sandbox: {sed: x}", 19, "unknown field 'sed'; did you mean 'seed'?"),
        ("sandbox: {seed: ../x.json}", 25, "must stay inside"),
        ("sandbox: {seed: /etc/passwd}", 25, "must stay inside"),
        ("sandbox: {seed: [x]}", 25, "must be a path"),
        ("sandbox: true, portal: 1", 24, "a sandbox target has no 'portal'"),
        ("sandbox: true, url: 'http://localhost'", 24, "a sandbox target has no 'url'"),
        ("sandbox: true, token: '${env:X}'", 24, "a sandbox target has no 'token'"),
    ],
)
def test_targets_are_checked(tmp_path: Path, fields: str, column: int, words: str) -> None:
    """Each slip is one problem at its own place."""
    problem = target_problem(tmp_path, fields)
    assert (problem.file, problem.line, problem.column) == ("reconcile.yaml", 4, column)
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("manifests: [a]\ntargets: {a: {portal: 1}}", (1, 1), "'version' is missing"),
        ("version: 2\nnew: [x]", (1, 10), "version '2' is not supported"),
        ("version: 1\ntargets: {a: {portal: 1}}", (1, 1), "'manifests' is missing"),
        ("version: 1\nmanifests: [a]", (1, 1), "'targets' is missing"),
        ("version: 1\nmanifests: [a]\ntargets: {}", (3, 10), "'targets' must not be empty"),
        ("version: 1\nmanifests: [a]\ntargets: [a]", (3, 10), "must be names with values"),
        ("version: 1\nmanifests: [a]\ntargets: {a: b}", (3, 14), "must be names with values"),
        ("version: 1\nmanifests: []\ntargets: {a: {portal: 1}}", (2, 12), "must not be empty"),
        ("version: 1\nmanifests: a\ntargets: {a: {portal: 1}}", (2, 12), "must be a list"),
        ("version: 1\nmanifests: [../a]\ntargets: {a: {portal: 1}}", (2, 13), "stay inside"),
        ("version: 1\nmanifests: ['']\ntargets: {a: {portal: 1}}", (2, 13), "must be a path"),
        ("version: 1\nmanifests: [a]\ntargets: {../a: {portal: 1}}", (3, 11), "names a folder"),
        ("version: 1\nmanifests: [a]\ntargets: {A: {portal: 1}}", (3, 11), "names a folder"),
        (
            "version: 1\nmanifests: [a]\ntargets: {prod: {portal: 1}}\ntarget: prd",
            (4, 9),
            "there is no target 'prd'; did you mean 'prod'?",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\nlimits: {updates: 1}",
            (4, 10),
            "unknown field 'updates'; did you mean 'update'?",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\nlimits: {update: -1}",
            (4, 18),
            "'update' must be a whole number, or a share from 1% to 100%",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\nlimits: {create: 101%}",
            (4, 18),
            "'create' must be a whole number, or a share from 1% to 100%",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\ndrift: {ordr: {a: revert}}",
            (4, 8),
            "'drift' names 'ordr', which is not a kind; did you mean 'order'?",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\ndrift: {order: {A: revert}}",
            (4, 8),
            "'drift' names 'A', which is not a property name",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\ndrift: {order: {a: keep}}",
            (4, 8),
            "'drift' must set a to `revert`",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\ndrift: {order: [a]}",
            (4, 8),
            "'drift' must be like {order: {hs_tags: revert}}",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\nguards: {rekye: 1}",
            (4, 1),
            "guards: has no effect any more",
        ),
        (
            "version: 1\nmanifests: [a]\ntargets: {a: {portal: 1}}\nmanifest: b",
            (4, 1),
            "unknown field 'manifest'; did you mean 'manifests'?",
        ),
        ("version: 1\nversion: 1", (2, 1), "is given twice"),
        ("version: [1", (2, 1), "not YAML"),
        ("", (0, 0), "one document"),
        ("[a]", (0, 0), "one document"),
        ("version: 1\n---\nversion: 1", (0, 0), "one document"),
    ],
)
def test_the_file_is_checked(tmp_path: Path, text: str, place: tuple[int, int], words: str) -> None:
    """Each slip is one problem at its own place."""
    (problem,) = problems(tmp_path, text)
    assert words in problem.message
    assert (problem.line, problem.column) == place


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    """The error counts them and names the file."""
    text = FULL.replace("12345678", "x").replace("state:", "stat:").replace("orders", "/etc")
    with pytest.raises(ManifestError, match=r"3 problems in reconcile\.yaml") as caught:
        settings(tmp_path, text)
    assert [problem.line for problem in caught.value.problems] == [7, 14, 15]


def test_a_seed_behind_a_link_is_refused(tmp_path: Path, tmp_path_factory: Any) -> None:
    """A link out of the folder is out of the folder."""
    (tmp_path / "seed.json").symlink_to(tmp_path_factory.mktemp("outside") / "x.json")
    assert "stay inside" in target_problem(tmp_path, "sandbox: {seed: seed.json}").message


def test_tokens_are_read_per_purpose(tmp_path: Path) -> None:
    """Reading and writing have tokens of their own."""
    found = settings(tmp_path, target="production")
    environ = {"READ": "r-1", "WRITE": "w-1"}
    assert found.token("read", environ).reveal() == "r-1"
    assert found.token("write", environ).reveal() == "w-1"


@pytest.mark.parametrize("purpose", ["read", "write"])
def test_one_token_may_serve_both(tmp_path: Path, purpose: Any) -> None:
    """``token`` is used where there is no token for the purpose."""
    text = FULL.replace("token_read:", "token:").replace("    token_write: ${env:WRITE}\n", "")
    found = settings(tmp_path, text, target="production")
    assert found.token(purpose, {"READ": "t"}).reveal() == "t"


@pytest.mark.parametrize(("purpose", "other"), [("read", "write"), ("write", "read")])
def test_no_token_serves_the_other_purpose(tmp_path: Path, purpose: Any, other: Any) -> None:
    """Planning never gets a token that can write, nor applying one that cannot."""
    text = FULL.replace(f"    token_{purpose}: ${{env:{purpose.upper()}}}\n", "")
    found = settings(tmp_path, text, target="production")
    assert found.token(other, {other.upper(): "t"})
    with pytest.raises(UsageError, match="production has no token to") as caught:
        found.token(purpose, {"READ": "t", "WRITE": "t"})
    assert f"token_{purpose}" in caught.value.hint


@pytest.mark.parametrize("environ", [{}, {"READ": ""}])
def test_a_missing_token_names_variable_and_target(
    tmp_path: Path, environ: Mapping[str, str]
) -> None:
    """Who has to set what is in the message."""
    found = settings(tmp_path, target="production")
    how = "set, but empty" if environ else "not set"
    with pytest.raises(UsageError, match=rf"READ is {how}.*production") as caught:
        found.token("read", environ)
    assert "READ" in caught.value.hint
    assert "create a token in HubSpot under " in caught.value.hint


def test_a_missing_token_of_a_served_sandbox_is_not_made_in_hubspot(tmp_path: Path) -> None:
    """What listens on this machine is a sandbox, and `sandbox serve` printed its token."""
    text = "version: 1\nmanifests: [m]\ntargets: {a: {url: 'http://127.0.0.1:8080', \
token: '${env:READ}'}}\n"
    with pytest.raises(UsageError, match="READ is not set") as caught:
        settings(tmp_path, text).token("read", {})
    assert "`reconcile sandbox serve` prints the token" in caught.value.hint
    assert "HubSpot" not in caught.value.hint


@pytest.mark.parametrize("text", ["s3cret\n", "s3 cret", "s3cret\r\nX: y", "s3crét", "s3cret\x00"])
def test_tokens_fit_a_header(tmp_path: Path, text: str) -> None:
    """What could break a header is refused without being shown."""
    found = settings(tmp_path, target="production")
    with pytest.raises(UsageError, match="READ does not hold a token") as caught:
        found.token("read", {"READ": text})
    assert "s3" not in str(caught.value) + caught.value.hint


def test_tokens_do_not_show() -> None:
    """No way of printing, storing or copying gives a token away."""
    token = Token("s3cret")
    assert f"{token} {token!r} {token!s} {[token]}".count("***") == 4
    for store in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            store(token)
    assert not hasattr(token, "__dict__")


def test_settings_hold_names_of_variables_alone(tmp_path: Path) -> None:
    """Printing settings shows where a token comes from, never the token."""
    assert "READ" in repr(settings(tmp_path, target="production"))


@pytest.mark.parametrize("folder", ["manifests", "my orders", 'odd "name"'])
def test_the_starter_loads(tmp_path: Path, folder: str) -> None:
    """What init writes works at once, with the sandbox."""
    found = settings(tmp_path, starter_text(folder))
    assert found.target.name == "sandbox"
    assert found.manifests == (tmp_path / folder,)


def test_the_starter_s_production_target_loads_too(tmp_path: Path) -> None:
    """Taking the comment signs away is all it needs. It begins with updates of what exists."""
    found = settings(tmp_path, starter_text().replace("\n#  ", "\n  "), target="production")
    assert found.target.portal == 12345678
    assert all(found.target.manage.allows(kind, "memo") for kind in kinds())
    assert not found.target.manage.may_create
    assert not found.target.manage.may_archive
    assert found.token("write", {"HUBSPOT_WRITE_TOKEN": "t"})


def test_all_errors_are_the_products_own(tmp_path: Path) -> None:
    """A project file that is a folder, or no text, is reported like any other."""
    (tmp_path / "reconcile.yaml").mkdir()
    with pytest.raises(ReconcileError):
        load_settings(tmp_path, target=None, environ=NOTHING)


def test_comments_may_stand_anywhere_in_the_project_file(tmp_path: Path) -> None:
    """Its values are names, not people's text: one space before a comment will do."""
    text = "version: 1 # ours\nmanifests: [a] #here\ntargets: {s: {sandbox: true}}\ntarget: s #1\n"
    (tmp_path / "reconcile.yaml").write_text(text, encoding="utf-8")
    assert load_settings(tmp_path, target=None, environ={}).target.name == "s"

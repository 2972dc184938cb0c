"""Where tokens come from, and until when HubSpot supports what a target uses."""

import pytest

from reconcile.hubspot.error_bodies import ErrorBody, Refusal, error_from
from reconcile.project import starter_text
from tests.cli.conftest import PROJECT, Project

WHERE = "Development > Keys > Service keys"
V3 = ("/crm/v4", "until 2027-03-30", "v1 to v3 until September 2027", "`api: 2026-03`")


@pytest.mark.parametrize("command", [("doctor",), ("init", "--auto-approve")], ids=" ".join)
def test_a_target_on_v3_is_told_when_its_support_ends(
    project: Project, command: tuple[str, ...]
) -> None:
    """With both days, and the way on."""
    out = project.fine(*command)
    assert all(text in out for text in V3)


def test_a_target_on_a_dated_version_is_told_when_its_support_ends(project: Project) -> None:
    """Its own day, and not that of the others."""
    project.settings(PROJECT + "    api: 2026-03\n")
    out = project.fine("doctor")
    assert "Support  HubSpot supports a dated version for 18 months: 2026-03 until" in out
    assert "/crm/v4" not in out


def test_the_sandbox_has_no_end_of_support(project: Project) -> None:
    """It is a look-alike, and stays."""
    project.settings("version: 1\nmanifests: [manifests]\ntargets: {sandbox: {sandbox: true}}\n")
    assert "Support" not in project.fine("doctor", "--target", "sandbox")


def test_a_missing_scope_or_token_leads_to_service_keys(project: Project) -> None:
    """Legacy private apps cannot be made any more."""
    token = project.account.server.add_token(["crm.objects.orders.read"])
    project.token(token)
    assert f"a service key gets them in HubSpot under {WHERE}" in project.fine("doctor", code=1)
    hubspot = PROJECT.replace("{url}", "https://api.hubapi.com")
    project.settings(hubspot + "    portal: 12345678\n")
    project.monkeypatch.delenv("SHOP_TOKEN")
    assert WHERE in project.refused("plan")


def test_the_first_project_file_names_service_keys_and_the_end_of_support() -> None:
    """It is what a newcomer fills in."""
    text = starter_text()
    assert WHERE in text
    assert "v3 is supported until September 2027, its /crm/v4 until 2027-03-30" in text
    assert "private app" not in text


def test_a_refusal_for_a_missing_scope_names_the_service_key_first() -> None:
    """As does the hint about the daily limit, which all of them share."""
    body = b'{"message": "no", "category": "MISSING_SCOPES"}'
    hint = error_from(Refusal.read(403, {}, body), {}, "").hint
    assert hint.startswith("give the token's service key or app")
    daily = Refusal(429, ErrorBody.model_validate({"policyName": "DAILY"}), is_json=True)
    assert "all service keys and private apps" in error_from(daily, {}, "").hint

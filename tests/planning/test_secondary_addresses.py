"""Contacts that are referred to by one of their secondary e-mail addresses (case 02)."""

from collections.abc import Callable
from typing import Any

import pytest
from world import World, actions, changes, explained, order

from reconcile.model.plan import Action
from reconcile.sandbox import Switches

NEW, OLD = "ana.new@example.com", "ana.old@example.com"


def merged(world: World) -> str:
    """Someone merges two contacts; the id of the one that has both addresses."""
    one, other = (world.make("contacts", email=email) for email in (NEW, OLD))
    return world.merge("contacts", one, other)


def of(key: str, email: str) -> Any:
    """An order of the contact with this address."""
    return order(key, associations={"contact": [{"email": email}]})


@pytest.mark.parametrize("address", [OLD, "Ana.Old@Example.com", NEW])
def test_a_contact_is_found_by_any_of_its_addresses(world: World, address: str) -> None:
    """HubSpot answers with the contact under its first one, and the reference resolves."""
    contact = merged(world)
    world.converge(of("O-1", address))
    assert world.links(("orders", world.id_of("orders", "O-1")), "contacts").keys() == {contact}


def test_both_addresses_of_a_contact_resolve_in_one_call(watched: World) -> None:
    """Nothing has to be asked for alone where the answer shows all addresses."""
    contact = merged(watched)
    documents = of("O-1", OLD), of("O-2", NEW), of("O-3", "ana@example.com")
    plan = watched.plan(*documents)
    assert [changes(plan)[f"order/O-{n}"].links[0].id for n in (1, 2)] == [contact] * 2
    assert len(watched.proxy.to("POST", "/contacts/batch/read")) == 1
    watched.converge(*documents)


def test_an_answer_that_shows_no_other_address_is_asked_for_alone(watched: World) -> None:
    """A contact that cannot be attributed counts neither as unexpected nor as absent."""
    contact = merged(watched)

    def hide(_: str, path: str, answer: Any) -> Any:
        if "/contacts/" in path:
            for one in answer.get("results", [answer]):
                one.get("properties", {}).pop("hs_additional_emails", None)
        return answer

    watched.proxy.edit = hide
    plan = watched.plan(of("O-1", OLD), of("O-2", "bo@example.com"))
    (link,) = changes(plan)["order/O-1"].links
    assert link.id == contact
    assert len(watched.proxy.to("GET", f"/contacts/{OLD.replace('@', '%40')}")) == 1
    watched.proxy.edit = None
    watched.converge(of("O-1", OLD), of("O-2", "bo@example.com"))


def test_an_address_that_finds_nobody_is_a_conflict(build: Callable[..., World]) -> None:
    """An account in which only the first address counts has no contact with the other."""
    world = build(switches=Switches(secondary_emails_find_contacts=False))
    merged(world)
    plan = world.plan(of("O-1", OLD), of("O-2", NEW))
    assert actions(plan) == {"order/O-1": Action.CONFLICT, "order/O-2": Action.CREATE}
    assert f"no contact has email '{OLD}'" in explained(changes(plan)["order/O-1"])

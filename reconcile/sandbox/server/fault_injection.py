"""The way of one request through the faults that strike it."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from starlette.responses import Response

from reconcile.sandbox.api_errors import HubSpotError
from reconcile.sandbox.faults import delivery
from reconcile.sandbox.faults.fault_effects import Course, Intervention
from reconcile.sandbox.rules import recalculation, recycling_bin
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.record_writes import recomputed
from reconcile.sandbox.runtime import Service
from reconcile.sandbox.scopes import ALL_SCOPES
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.database_file import transaction

Answer = tuple[Response, bool]
"""An answer, and whether what it tells of was written."""


async def through(
    service: Service,
    course: Course,
    token: str,
    handle: Callable[[], Answer],
    refuse: Callable[[HubSpotError], Response],
) -> Answer:
    """Have a request handled as its course says."""
    if course.wait:
        await asyncio.sleep(course.wait)
    _intervene(service, course.before, token)
    written = False
    if course.refusal is not None:
        said = delivery.refused(course.refusal, service.switches, service.apps)
        response = refuse(said) if isinstance(said, HubSpotError) else said
    elif course.is_dropped:
        response = Response()
    else:
        answers = [handle() for _ in range(course.times)]
        response = answers[-1 if course.answers_last else 0][0]
        written = any(wrote for _, wrote in answers)
    _intervene(service, course.after, token)
    return delivery.delivered(response, course), written


def disturbed(call: Call, course: Course, *, writes: bool) -> Call:
    """Have a call see what its course says; only reads are stale."""
    if course.loses_associations:
        call.switches = replace(call.switches, create_associations="lost")
    call.stored_as = course.stored_as
    if not writes:
        call.reads_as_of = _ago(call, course.stale_seconds)
        call.keys_as_of = _ago(call, course.key_lag_seconds)
        call.links_as_of = _ago(call, course.link_lag_seconds)
        call.definitions_as_of = _ago(call, course.definition_lag_seconds)
    return call


def catch_up(service: Service) -> None:
    """Do what HubSpot has to do by itself until now."""
    now = service.clock.now_ms()
    if recycling_bin.bin_is_due(service.connection, now):
        with transaction(service.connection, write=True):
            recycling_bin.empty_bin(service.connection, now)
    due = recalculation.due(service.connection, now)
    if due:
        recalculation.run(_call_of(service, record_tables.BY_HUBSPOT), due, recomputed)


def _ago(call: Call, seconds: float | None) -> int | None:
    return None if seconds is None else call.now - round(seconds * 1000)


def _call_of(service: Service, source: str) -> Call:
    """Build a call that no client made."""
    return replace(service.call(service.clock.now_ms()), scopes=ALL_SCOPES, source=source)


def _intervene(
    service: Service, interventions: Iterable[tuple[int, Intervention]], token: str
) -> None:
    """Do what others do to the account; one that cannot be done is noted at its rule."""
    for number, act in interventions:
        try:
            with transaction(service.connection, write=True):
                act(_call_of(service, record_tables.BY_PERSON), token)
        except HubSpotError as error:
            service.definitions.forget()
            service.faults.note(number, error.message)

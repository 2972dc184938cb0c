"""Applying the faults that strike a request, before, during and after its handling."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from starlette.responses import Response

from reconcile.sandbox.api_errors import ApiError
from reconcile.sandbox.faults import delivery
from reconcile.sandbox.faults.fault_effects import Effects, Intervention
from reconcile.sandbox.rules import recalculation, recycling_bin
from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.rules.record_writes import recomputed
from reconcile.sandbox.runtime import Runtime
from reconcile.sandbox.scopes import ALL_SCOPES
from reconcile.sandbox.storage import record_tables
from reconcile.sandbox.storage.database_file import transaction

Answer = tuple[Response, bool]
"""An answer, and whether the request's writes were committed."""


async def handle_with(
    runtime: Runtime,
    effects: Effects,
    token: str,
    handle: Callable[[], Answer],
    refuse: Callable[[ApiError], Response],
) -> Answer:
    """Handle a request, with the effects of the faults that strike it."""
    if effects.wait:
        await asyncio.sleep(effects.wait)
    _intervene(runtime, effects.before, token)
    written = False
    if effects.refusal is not None:
        refusal = delivery.refused(effects.refusal, runtime.switches, runtime.apps)
        response = refuse(refusal) if isinstance(refusal, ApiError) else refusal
    elif effects.is_dropped:
        response = Response()
    else:
        answers = [handle() for _ in range(effects.times)]
        response = answers[-1 if effects.answers_last else 0][0]
        written = any(wrote for _, wrote in answers)
    _intervene(runtime, effects.after, token)
    return delivery.delivered(response, effects), written


def with_effects(call: Call, effects: Effects, *, writes: bool) -> Call:
    """Apply the effects of faults to a call; only reads are stale."""
    if effects.loses_associations:
        call.switches = replace(call.switches, create_associations="lost")
    call.stored_as = effects.stored_as
    if not writes:
        call.reads_as_of = _ago(call, effects.stale_seconds)
        call.keys_as_of = _ago(call, effects.key_lag_seconds)
        call.links_as_of = _ago(call, effects.link_lag_seconds)
        call.definitions_as_of = _ago(call, effects.definition_lag_seconds)
    return call


def run_due_work(runtime: Runtime) -> None:
    """Do HubSpot's own work that is due: purge the recycling bin, recalculate records."""
    now = runtime.clock.now_ms()
    if recycling_bin.bin_is_due(runtime.connection, now):
        with transaction(runtime.connection, write=True):
            recycling_bin.empty_bin(runtime.connection, now)
    due = recalculation.due(runtime.connection, now)
    if due:
        recalculation.run(_call_of(runtime, record_tables.BY_HUBSPOT), due, recomputed)


def _ago(call: Call, seconds: float | None) -> int | None:
    return None if seconds is None else call.now - round(seconds * 1000)


def _call_of(runtime: Runtime, source: str) -> Call:
    """Return a call that no client made."""
    return replace(runtime.call(runtime.clock.now_ms()), scopes=ALL_SCOPES, source=source)


def _intervene(
    runtime: Runtime, interventions: Iterable[tuple[int, Intervention]], token: str
) -> None:
    """Make other people's changes to the account; record at its rule why one is not possible."""
    for number, act in interventions:
        try:
            with transaction(runtime.connection, write=True):
                act(_call_of(runtime, record_tables.BY_PERSON), token)
        except ApiError as error:
            runtime.definitions.forget()
            runtime.faults.note(number, error.message)

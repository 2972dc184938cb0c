"""Erase a record's values from the audit log. The redaction itself stays in the chain."""

from collections.abc import Sequence

from reconcile.audit import value_store
from reconcile.audit.log import AuditLog
from reconcile.audit.redactions import REDACT
from reconcile.model.address import Address
from reconcile.model.audit import Event, Facts, Origin, StoredValues


def holdings(log: AuditLog, addresses: Sequence[Address]) -> tuple[StoredValues, ...]:
    """Return where the log has values of some records. Read the whole log."""
    children: dict[Address, set[Address]] = {address.folded(): set() for address in addresses}
    for entry in log.entries():
        for one in entry.records:
            if one.parent is not None and one.parent.folded() in children:
                children[one.parent.folded()].add(one.address)
    found = []
    for address in addresses:
        blobs = list(value_store.blobs_of(log.store, address))
        found.append(
            StoredValues(
                address,
                tuple(name for name, _ in blobs),
                sum(number for _, number in blobs),
                tuple(sorted(children[address.folded()])),
            )
        )
    return tuple(found)


def redact(log: AuditLog, held: Sequence[StoredValues], origin: Origin) -> None:
    """Erase the values of records everywhere, whichever entry they belong to.

    The chain records it first, so that after a crash no values are missing without explanation;
    redacting again erases the rest.
    """
    facts: Facts = {
        "addresses": tuple(str(one.address) for one in held),
        "values": sum(one.values for one in held),
    }
    log.append([Event(REDACT, origin, facts=facts)])
    for one in held:
        for name, _ in value_store.blobs_of(log.store, one.address):
            value_store.erase(log.store, name, one.address)

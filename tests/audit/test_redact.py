"""Redacting: a record's values are erased everywhere; the chain stays intact and records it."""

import json

import pytest
from making import ANA, CART, MUG, ORDER, run

from reconcile.audit.integrity import verify
from reconcile.audit.log import AuditLog
from reconcile.audit.redact import holdings, redact
from reconcile.audit.value_store import blobs_of, erase
from reconcile.model.address import Address
from reconcile.stores.local import LocalStore


def everything(store: LocalStore) -> bytes:
    """All that the store holds of the log."""
    return b"".join(data for _, data in store.read_many(store.names("audit")))


def test_values_go_and_the_chain_stays(store: LocalStore, log: AuditLog) -> None:
    """Every run's values of the record are erased, other records' are not."""
    head = run(log)
    head = run(log, "R-2", after=head)
    held = holdings(log, [ORDER])
    assert (held[0].values, len(held[0].blobs)) == (10, 2)
    redact(log, held, ANA)
    assert b"12.50" not in everything(store)
    assert b"Shipped" not in everything(store)
    assert b"Mug" in everything(store)
    found = verify(log, head)
    assert found.findings == ()
    assert (found.erased, found.erased_in, found.missing, found.kept) == (1, 2, 0, ())


def test_the_digests_reveal_nothing_without_the_salt(store: LocalStore, log: AuditLog) -> None:
    """The salts of the redacted record are erased with its values; its fields' names stay."""
    run(log)
    (name,) = store.names("audit-values/")
    before = store.read(name)
    assert before is not None
    salt = json.loads(before[0])["values"][str(ORDER)]["salt"]
    redact(log, holdings(log, [ORDER]), ANA)
    assert salt.encode() not in everything(store)
    assert b"hs_total_price" in everything(store)


def test_the_redaction_is_recorded(log: AuditLog) -> None:
    """Who redacted what, when and why is an entry of its own."""
    run(log)
    redact(log, holdings(log, [ORDER, CART]), ANA)
    *_, last = log.entries()
    assert (last.event, last.origin, last.number) == ("redact", ANA, 2)
    assert last.facts == {"addresses": ("order/NW-1", "cart/C-1"), "values": 6}


def test_another_spelling_of_the_key_is_the_same_record(log: AuditLog) -> None:
    """Keys that fold alike are one key."""
    run(log)
    assert holdings(log, [Address("order", "nw-1 ")])[0].values == 5


def test_records_under_it_are_named(log: AuditLog) -> None:
    """A line item has values of its own, which a redaction of its order leaves."""
    run(log)
    assert holdings(log, [ORDER])[0].children == (MUG,)
    assert holdings(log, [CART])[0].children == ()


def test_a_redaction_that_died_is_seen_and_done_again(log: AuditLog) -> None:
    """The chain says it first, so values that are left are found out, and go the next time."""
    head = run(log)
    run(log, "R-2", after=head)
    held = holdings(log, [ORDER])
    redact(log, [], ANA)
    assert verify(log, head).kept == ()

    class Dying(AuditLog):
        @property
        def store(self) -> LocalStore:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redact(Dying(log.store), held, ANA)
    assert verify(log, head).kept == ("order/NW-1",)
    redact(log, holdings(log, [ORDER]), ANA)
    assert verify(log, head).kept == ()


def test_values_recorded_after_a_redaction_stay(log: AuditLog) -> None:
    """A redaction is about what was there; a later run's values are no contradiction."""
    head = run(log)
    redact(log, holdings(log, [ORDER]), ANA)
    head = run(log, "R-2", after=head)
    found = verify(log, head)
    assert (found.findings, found.kept, found.erased) == ((), (), 1)


def test_two_who_erase_from_one_blob_both_do(
    store: LocalStore, log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second takes the blob as the first left it."""
    run(log)
    ((name, _),) = blobs_of(store, ORDER)
    write = store.write
    raced = False

    def racing(blob: str, data: bytes, expected: str | None) -> str:
        nonlocal raced
        if not raced:
            raced = True
            erase(store, name, CART)
        return write(blob, data, expected)

    monkeypatch.setattr(store, "write", racing)
    erase(store, name, ORDER)
    assert list(blobs_of(store, ORDER)) == list(blobs_of(store, CART)) == []
    assert list(blobs_of(store, MUG)) == [(name, 2)]


def test_an_erased_record_reads_as_erased(log: AuditLog) -> None:
    """What the chain still says of it can be read."""
    head = run(log)
    redact(log, holdings(log, [ORDER]), ANA)
    first = log.full(next(log.entries()))
    assert [detail.values for detail in first.records[0].details] == [None] * 5
    assert first.records[1].details[0].values == ("", "Mug")
    assert head.number == 1

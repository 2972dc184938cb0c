"""How much attention a change needs: what could do harm is shown first."""

from enum import IntEnum

from reconcile.model.plan import Action, Reason
from reconcile.render.record_views import RecordView
from reconcile.render.remarks import MOVED


class Risk(IntEnum):
    """Classes of changes, in the order in which they are shown."""

    CONFLICT = 0
    BOTH = 1  # both sides changed it
    OTHERS = 2  # values that others set
    REMOVAL = 3
    IDENTITY = 4  # another key, or created again
    MOVE = 5
    UPDATE = 6
    ASSOCIATE = 7
    CREATE = 8
    ADOPT = 9


_BY_ACTION = {
    Action.CONFLICT: Risk.CONFLICT,
    Action.ARCHIVE: Risk.REMOVAL,
    Action.FORGET: Risk.REMOVAL,
    Action.UPDATE: Risk.UPDATE,
    Action.ASSOCIATE: Risk.ASSOCIATE,
    Action.CREATE: Risk.CREATE,
    Action.ADOPT: Risk.ADOPT,
}
_OF_OTHERS = {Reason.DRIFT, Reason.UNSEEN, Reason.UNKNOWN}


def risk(record: RecordView) -> Risk:
    """Return the class of a record's change."""
    base = _BY_ACTION[record.action]
    if base in (Risk.CONFLICT, Risk.ADOPT):
        return base
    reasons = {field.reason for field in record.fields}
    found = [base]
    if Reason.BOTH in reasons:
        found.append(Risk.BOTH)
    if not reasons.isdisjoint(_OF_OTHERS) or (record.adopts and record.action is Action.UPDATE):
        found.append(Risk.OTHERS)
    if record.rekey or record.recreates:
        found.append(Risk.IDENTITY)
    if any(note.startswith(MOVED) for note in record.notes):
        found.append(Risk.MOVE)
    return min(found)

"""What a plan does that the target's ``manage:`` forbids."""

from collections.abc import Iterator

from reconcile.model.kinds import kinds
from reconcile.model.manage import Manage
from reconcile.model.plan import Action, Plan, RecordChange


def forbidden(plan: Plan, manage: Manage) -> Iterator[str]:
    """Yield what a plan does that may not be done, in words: ``creates orders``.

    It also reads, and remembers, what it keeps. Forgetting a record writes nothing.
    """
    if manage.limits:
        for change in plan.records():
            if change.action not in (Action.CONFLICT, Action.FORGET):
                yield from _of_record(change, manage)


def _of_record(change: RecordChange, manage: Manage) -> Iterator[str]:
    kind = kinds()[change.address.kind]
    if not manage.has_kind(kind.name):
        yield f"changes {kind.plural}"
        return
    if change.action is Action.CREATE and not manage.may_create:
        yield f"creates {kind.plural}"
    archives = change.action is Action.ARCHIVE
    if archives and not manage.may_archive:
        yield f"archives {kind.plural}"
    names = {*(field.name for field in change.fields), *(name for name, _ in change.keep)}
    if archives:
        names -= {kind.title}  # only read, so that people know the record
    for name in sorted(names):
        if not manage.allows(kind.name, name):
            yield f"manages {name} of {kind.plural}"
    # A line item may always be put under its order or cart, and out of its former one.
    ends = {link.to for link in change.links} - set(kind.parents)
    for to in sorted(ends | {link.to for link in change.kept_links}):
        if not manage.allows(kind.name, to):
            yield f"manages associations ({to}) of {kind.plural}"

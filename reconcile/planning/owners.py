"""Owners: resolved from e-mail addresses in manifests to the ids that records hold."""

from collections.abc import Mapping

from reconcile.model.address import fold
from reconcile.model.definitions import OWNERS_SCOPE, Owners, Property
from reconcile.model.values import show


def resolve_owners(
    values: Mapping[str, str], known: Mapping[str, Property], owners: Owners | None
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the ids of the owners in ``values``, and why one has none, by property.

    If owners could not be read, a value that looks like an id is accepted as one.
    """
    ids: dict[str, str] = {}
    unresolved: dict[str, str] = {}
    for name, text in values.items():
        definition = known.get(name)
        if not text or definition is None or not definition.owner:
            continue
        parts = text.split(";") if definition.multiple else [text]
        found = [_resolve(part, owners) for part in parts if part]
        whys = [why for _, why in found if why]
        if whys:
            unresolved[name] = "; ".join(whys)
        else:
            ids[name] = ";".join(id_ for id_, _ in found)
    return ids, unresolved


def owner_shown(value: str, owners: Owners | None) -> str:
    """Return the addresses of the owners with these ids; unknown ids stay as they are."""
    if owners is None:
        return value
    return ";".join(owners.emails.get(one) or one for one in value.split(";"))


def _resolve(text: str, owners: Owners | None) -> tuple[str, str]:
    if "@" not in text:
        if not (text.isascii() and text.isdigit()):
            return "", f"{show(text)} is neither an owner's e-mail address nor an owner's id"
        if owners is not None and text not in owners.emails:
            return "", f"no owner of this account has the id {show(text)}"
        return text, ""
    if owners is None:
        needed = f"the token may not read owners: it needs the scope {OWNERS_SCOPE}"
        return "", f"{show(text)} cannot be looked up, since {needed}"
    ids = owners.ids.get(fold(text), ())
    if len(ids) == 1:
        return ids[0], ""
    if ids:
        return "", f"several owners have the e-mail address {show(text)}; write one's id"
    return "", f"no owner of this account has the e-mail address {show(text)}"

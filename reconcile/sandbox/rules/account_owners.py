"""The owners of an account: one for each user, deactivated users included; a switch lists them."""

from typing import Any

from reconcile.sandbox.rules.api_call import Call
from reconcile.sandbox.storage.database_file import account_value
from reconcile.sandbox.wire_format import iso

_FIRST_OWNER = 100_000
"""An owner's id is not that of its user (the owners guide)."""


def owners(call: Call) -> list[dict[str, Any]]:
    """Return the account's owners, ascending by id."""
    switches = call.switches
    people = [(email, False) for email in switches.owners]
    people += [(email, True) for email in switches.deactivated_owners]
    user = account_value(call.connection, "user_id")
    created = iso(account_value(call.connection, "created_at"))
    return [
        {
            "id": str(user + _FIRST_OWNER + number),
            "email": email,
            "type": "PERSON",
            "firstName": email.partition("@")[0].capitalize(),
            "lastName": "Sandbox",
            # A user who left keeps its id in the second field only, as live answers show.
            **({} if left else {"userId": user + number}),
            "userIdIncludingInactive": user + number,
            "createdAt": created,
            "updatedAt": created,
            "archived": left,
        }
        for number, (email, left) in enumerate(people)
    ]

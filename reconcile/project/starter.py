"""The project file that ``reconcile init`` writes."""

import json

from reconcile.model.kinds import kinds
from reconcile.model.manage import ALL

UPDATES_ONLY = (
    f"manage: {{{', '.join(f'{kind}: {ALL}' for kind in kinds())}, create: false, archive: false}}"
)
"""What to write in a target whose account holds records already: only these are changed."""

_TEXT = """\
# What reconcile works on, and in which HubSpot accounts.
# `reconcile docs project` explains every field.
version: 1

manifests: [{manifests}]   # folders and files with orders, carts and line items

target: sandbox            # the default; --target and RECONCILE_TARGET choose another

targets:
  sandbox:
    sandbox: true          # a HubSpot look-alike on this machine; needs no account
#  production:
#    portal: 12345678       # the account's id, checked before anything else
#    # The tokens of service keys, from Development > Keys > Service keys in HubSpot; never in here.
#    token_read: ${{env:HUBSPOT_READ_TOKEN}}     # for plan
#    token_write: ${{env:HUBSPOT_WRITE_TOKEN}}   # for apply
#    # Updates only: creates and archives nothing. `reconcile explain` shows what may be written.
#    {manage}
#    api: 2026-03            # v3 is supported until September 2027, its /crm/v4 until 2027-03-30

# What others change in HubSpot is left alone. To put a property back, name it here:
# drift: {{order: {{hs_tags: revert}}}}

# A plan that would do more than this is refused; a share is of what is managed, and at least 20.
# limits: {{archive: 20, update: 500, create: 50%}}
"""


def starter_text(manifests: str = "manifests") -> str:
    """Return a commented reconcile.yaml for a project with its manifests in ``manifests``."""
    return _TEXT.format(manifests=json.dumps(manifests), manage=UPDATES_ONLY)

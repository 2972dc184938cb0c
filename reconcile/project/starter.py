"""The project file that ``reconcile init`` writes."""

import json

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
#    api: 2026-03            # v3 is supported until September 2027, its /crm/v4 until 2027-03-30

guards:                    # provisional: how many of these a plan may hold without --allow
  adopt_update: 0          # records with values that reconcile has never seen
  unknown: 0               # records whose last-applied values cannot be compared
  rekey: 0                 # records found under another key
  prune: 0                 # records that --prune would archive
"""


def starter_text(manifests: str = "manifests") -> str:
    """Return a commented reconcile.yaml for a project with its manifests in ``manifests``."""
    return _TEXT.format(manifests=json.dumps(manifests))

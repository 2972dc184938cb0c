"""A summary of every field of the project file, for `reconcile init --help`."""

FIELDS = """\
\b
Fields of reconcile.yaml:
  version: 1
  manifests    files and folders with orders, carts and line items
  targets      the accounts, each under a name of your own:
    sandbox    true, or {seed: FILE}: a HubSpot look-alike on this machine
    portal     the account's id, checked before anything else
    token      ${env:NAME}: the variable that holds the access token
    token_read, token_write
               the same, one to plan with and one to apply with
    url        default https://api.hubapi.com; or a regional host, or a
               server on this machine such as `reconcile sandbox serve`
    api        v3, or 2026-03 for HubSpot's dated paths
    rate_limit calls in 10 seconds
    identity   how a kind's records are identified: {order: HOW}, where
               HOW is "unique:PROPERTY" (default unique:reconcile_key),
               id, or for line items "within_parent:PROPERTY"
    stamp      true (default) or false: whether adopted records get their key
    manage     what may be written, all unless it is there:
               {order: [hs_tags, contact], line_item: all, create: false,
               archive: false}; a list names properties and associations
  target       the default target
  state        the folder of local state; default: state
  store        where the state is shared: s3://, gs:// or az:// with a bucket
               and a path, or ${env:NAME} for PostgreSQL
  drift        what to put back that others changed, else left alone:
               {order: {hs_tags: revert}}
  limits       the most records a plan may change, as numbers or shares:
               {archive: 20, update: 500, create: 50%}
"""

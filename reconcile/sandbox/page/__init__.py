"""A read-only page for people, at ``/``: what is in the sandbox, and what was asked of it.

HubSpot has nothing like it, so it stays out of the way: its own paths, its own key, no entry in the
request log, no part in limits or faults. It is HTML made here, without a script and without
anything from elsewhere; every value on it is somebody's data and is escaped.
"""

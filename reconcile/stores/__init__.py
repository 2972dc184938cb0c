"""Blobs with versions and a lock, in which state, journals and audit log lie.

``contract`` says what every backend can do; ``store_urls`` opens the one that a URL names. The
backends are a folder (``local``, with ``local_lock`` and ``state_folder``), a bucket (``objects``
and ``object_lock``, over ``bucket``) and PostgreSQL (``postgres`` and ``postgres_lock``, over
``postgres_connection``). ``logs`` makes append-only logs of blobs, the same way in every backend.
``valid_names`` says which names a backend accepts, ``own_names`` which names are reconcile's.
"""

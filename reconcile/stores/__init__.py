"""Blobs with versions, append-only logs and a lock, in which state, journal and audit log lie.

``contract`` says what every backend can do; ``store_urls`` opens the one that a URL names. The
backends are a folder (``local``, with ``local_log``, ``local_lock`` and ``state_folder``), a bucket
(``objects`` and ``object_lock``, over ``bucket``) and PostgreSQL (``postgres`` and
``postgres_lock``, over ``database``). ``valid_names`` says which names a backend accepts,
``own_names`` which names are reconcile's.
"""

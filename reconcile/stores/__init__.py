"""Where state, and what goes with it, is kept between runs.

``contract`` says what every home can do; ``opening`` finds the home of a URL. The homes are a
folder (``local``, with ``local_log`` and ``local_lock``), a bucket (``objects``, ``object_lock``,
over ``bucket``) and PostgreSQL (``postgres``, ``postgres_lock``, over ``database``). ``state`` is
what lies in them, ``key`` the key of its hashes.
"""

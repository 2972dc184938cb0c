"""The running sandbox: from a socket to a handler and back, and the first content of a database."""

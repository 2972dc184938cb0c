"""What HTTP clients of tests are to trust."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nobody: sandboxes speak plain HTTP, and a client of its own that loads CAs costs 40 ms."""

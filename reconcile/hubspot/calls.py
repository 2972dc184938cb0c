"""What every group of calls to one account is made with."""

from reconcile.hubspot.routes import Routes
from reconcile.hubspot.thread_pool import Pool
from reconcile.hubspot.transport import Transport
from reconcile.hubspot.write_freshness import WriteFreshness


class Calls:
    """Calls through one transport, several batches at a time by the threads of ``pool``.

    ``freshness`` is checked before each sending of a write, and raises Stale.
    """

    def __init__(
        self,
        transport: Transport,
        routes: Routes,
        pool: Pool,
        freshness: WriteFreshness | None = None,
    ) -> None:
        self._transport = transport
        self._routes = routes
        self._pool = pool
        self._freshness = freshness

"""A connection that has said nothing yet is not closed at once when its process ends: its request may be on the way.

uvicorn ends what it has begun to read, but closes a connection that it has accepted and not read from; a request that
lay in it would be lost to a client that does not ask twice, as nginx does not for a POST.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WAITING = 0.5  # seconds


class Patient(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, parsed by httptools."""

    def shutdown(self) -> None:
        """End the connection: after a moment in which a request may still arrive, or when its answer is out."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(WAITING, self._end)
        else:
            super().shutdown()

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

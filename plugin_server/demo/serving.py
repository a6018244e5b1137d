"""What both demo shops are served by, and how an answer of theirs breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from flask import Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler


class QuietHandler(WSGIRequestHandler):
    """Answers at once on kept connections, and is silent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running(server: BaseWSGIServer) -> Iterator[str]:
    """A bound server, serving in a thread for as long as the block; gives its address."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if server.ssl_context else 'http'}://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def broken_off(whole: Response, share: float) -> Response:
    """The first part of an answer whose Content-Length promises all of it, and then the connection ends."""
    data = whole.get_data() or b"{}"

    def part() -> Iterator[bytes]:
        yield data[: int(len(data) * share)]
        raise ConnectionAbortedError

    made = Response(part(), status=whole.status_code, headers=list(whole.headers), direct_passthrough=True)
    made.headers["Content-Length"] = str(len(data) + 1)
    return made

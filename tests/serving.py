"""Our web application over real HTTP on loopback, for browsers and shops that call it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import SHUT_RD, socket
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer

from plugin_server.demo.serving import running


class _Server(ThreadedWSGIServer):
    """Is closed when the last answer is given: no thread of it goes on with a database connection of its own."""

    daemon_threads = False

    def __init__(self, *given: Any, **named: Any) -> None:
        self._open: set[socket] = set()
        super().__init__(*given, **named)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Whoever keeps a connection for more questions is not waited for; who was asked one answers it."""
        for one in list(self._open):
            with suppress(OSError):
                socket.shutdown(one, SHUT_RD)
        super().server_close()


@contextmanager
def served(app: Flask, port: int = 0, certificate: Path | None = None) -> Iterator[str]:
    """Our application for as long as the block, over https where there is a certificate; gives its address."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with (
        closing(app.extensions["tangga_intake"]),
        closing(app.extensions["tangga_bell"]),
        running(_Server("127.0.0.1", port, app, ssl_context=context)) as address,
    ):
        yield address

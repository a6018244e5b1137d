"""The probe that tells when the web process serves."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from plugin_server.launcher.probe import serves


class Answers(BaseHTTPRequestHandler):
    """200 at /healthz, 503 elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("path", "ready"), [("/healthz", True), ("/readyz", False)])
def test_only_200_counts(path: str, ready: bool) -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert serves(server.server_port, path)() is ready
        thread.join()


def test_a_port_where_nobody_listens_is_not_ready() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not serves(free.getsockname()[1])()


def test_a_server_that_says_nothing_is_not_ready() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        assert not serves(mute.getsockname()[1])()

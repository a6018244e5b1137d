"""A loopback HTTP server whose answers a test writes, and which remembers what it was asked."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Answer:
    """One answer. ``body`` bytes go as they are, anything else as JSON; ``cut`` promises more than it sends,
    ``drip`` sends byte by byte with pauses of so many seconds, ``chunked`` sends without saying how much."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    hang_up: bool = False
    drip: float = 0.0
    chunked: bool = False


Script = Callable[[Asked], Answer]


class LoopbackServer(ThreadingHTTPServer):
    """Serves ``script`` on a port of the system's choice."""

    daemon_threads = True
    scheme = "http"

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.connections = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the stories told here."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Head and body in one packet: else each answer waits 40 ms for an acknowledgement.
    server: LoopbackServer

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(self.command, parts.path, query, dict(self.headers), self.rfile.read(length))
        self.server.asked.append(asked)
        answer = self.server.script(asked)
        if answer.hang_up:
            self.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        for name, value in {"Content-Type": "application/json; charset=UTF-8", **answer.headers}.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body) + answer.cut))
        self.end_headers()
        for piece in _pieces(body, answer) if self.command != "HEAD" else ():
            self.wfile.write(piece)
            self.wfile.flush()
            time.sleep(answer.drip)
        if answer.cut:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output clean."""


def _pieces(body: bytes, answer: Answer) -> list[bytes]:
    if answer.drip:
        return [body[place : place + 1] for place in range(len(body))]
    if answer.chunked:
        return [b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:], b"")]
    return [body]


@contextmanager
def serving(script: Script, certificate: Path | None = None) -> Iterator[LoopbackServer]:
    """The server, running for the time of the block; over https where there is a ``certificate`` (PEM with its key)."""
    server = LoopbackServer(script)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

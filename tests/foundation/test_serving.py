"""What serves the browser tests leaves no thread behind that still holds a database connection."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from socket import socket
from threading import Event
from urllib.parse import urlsplit

from flask import Flask

from plugin_server.app import create_app
from plugin_server.wiring import Services
from tests.serving import served


def ask(address: str, path: str) -> HTTPConnection:
    """The question alone: nobody waits for the answer."""
    line = HTTPConnection(urlsplit(address).netloc, timeout=30)
    line.request("GET", path)
    return line


def slow(app: Services, begun: Event, ended: Event) -> Flask:
    made = create_app(app)

    @made.get("/slow")
    def answer() -> str:
        begun.set()
        Event().wait(0.1)
        ended.set()
        return "at last"

    return made


def test_it_ends_when_every_question_is_answered(app: Services) -> None:
    begun, ended = Event(), Event()
    with served(slow(app, begun, ended)) as address, closing(ask(address, "/slow")):
        assert begun.wait(30)
    assert ended.is_set()


def test_it_waits_for_nobody_who_asks_nothing(app: Services) -> None:
    with socket() as line, served(create_app(app)) as address:
        line.connect(("127.0.0.1", urlsplit(address).port))
        with closing(ask(address, "/healthz")) as other:
            assert other.getresponse().status == 200

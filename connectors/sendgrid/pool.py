"""The transport under the ``sendgrid`` package: kept connections, time limits, no retries, no redirects."""

from __future__ import annotations

import logging
from email.message import Message
from typing import Any

import urllib3
from python_http_client.client import Client
from python_http_client.exceptions import handle_error
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# At DEBUG this logger prints every header, the bearer key among them.
logging.getLogger("python_http_client").setLevel(logging.WARNING)
logging.getLogger("python_http_client.client").setLevel(logging.WARNING)


class NotConnected(Exception):
    """No connection came about: certainly nothing was sent. ``str()`` is the reason."""


class _Connection(HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise NotConnected(_reason(error)) from error


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise NotConnected(_reason(error)) from error


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def make_pool(timeout: tuple[float, float]) -> urllib3.PoolManager:
    """A pool that tries once, with (connect, read) seconds. One per process, made after forking."""
    pool = urllib3.PoolManager(
        maxsize=4,
        timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
        retries=False,
    )
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return pool


class PooledClient(Client):  # type: ignore[misc]
    """The client of the ``sendgrid`` package over a pool. Headers are copied at each step, so that none leaks."""

    def __init__(self, pool: urllib3.PoolManager, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.pool = pool

    def _build_client(self, name: str | None = None) -> PooledClient:
        return PooledClient(
            self.pool,
            host=self.host,
            version=self._version,
            request_headers=dict(self.request_headers),
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(self, _opener: object, request: Any, timeout: float | None = None) -> _Answer:  # noqa: ARG002
        answer = _Answer(
            self.pool.request(
                request.get_method(),
                request.full_url,
                body=request.data,
                headers=dict(request.header_items()),
                redirect=False,
            )
        )
        if answer.code >= 300:
            raise handle_error(answer)
        return answer


class _Answer:
    """A response with the words that ``python_http_client`` expects of urllib's."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self.code = response.status
        self.reason = response.reason
        self._body = response.data
        self.hdrs = Message()
        for name, value in response.headers.items():
            self.hdrs[name] = value

    def getcode(self) -> int:
        return self.code

    def read(self) -> bytes:
        return self._body

    def info(self) -> Message:
        return self.hdrs


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]

"""Somebody at a browser who launches a campaign, and clicks again where no answer came."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import requests

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
PATIENCE = 120.0


class Marketer:
    """Logged in at ``address`` by a fresh login ``link``."""

    def __init__(self, address: str, link: str) -> None:
        self._address = address
        self._session = requests.Session()
        self._session.post(link, {"csrf_token": self._token(link)}, timeout=30).raise_for_status()

    def launch(self, key: str, *, after_sending: Callable[[], object]) -> int:
        """Click Launch, do something the moment it left for the server, then click until it is answered; the run."""
        path, form = f"/campaigns/{key}/launch", {"csrf_token": self._token(f"{self._address}/campaigns/{key}/launch")}
        with closing(self._sent(path, form)):
            after_sending()
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._session.post(f"{self._address}{path}", form, timeout=30, allow_redirects=False)
                break
            except requests.RequestException:
                assert time.monotonic() < end, "the web process did not come back"
                time.sleep(0.1)
        return int(answer.headers["Location"].rpartition("/")[2])

    def _sent(self, path: str, form: dict[str, str]) -> HTTPConnection:
        """The request alone, on a line where nobody waits for its answer."""
        line = HTTPConnection(urlsplit(self._address).netloc, timeout=30)
        cookies = "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", path, urlencode(form), headers)
        return line

    def _token(self, url: str) -> str:
        found = TOKEN.search(self._session.get(url, timeout=30).text)
        assert found, f"no form at {url}"
        return found[1]

"""Calls to SendGrid's API beside Mail Send: one pool, and errors that say what to do."""

from __future__ import annotations

import json
from typing import Any, Final

import urllib3

from connectors.errors import BadPayload, ConnectorError
from connectors.sendgrid.pool import NotConnected, make_pool

HOST: Final = "https://api.sendgrid.com"


class Refused(ConnectorError):
    """SendGrid said no to this very call; ``status`` and ``said`` are its words."""

    def __init__(self, message: str, *, status: int, said: str) -> None:
        super().__init__(message)
        self.status, self.said = status, said


class Api:
    """One account. ``rights`` names the permissions of the key that its calls need, for whoever must grant them."""

    def __init__(self, api_key: str, host: str = HOST, *, rights: str, timeout: tuple[float, float] = (5, 15)) -> None:
        self._key, self._host, self._rights, self._pool = api_key, host.rstrip("/"), rights, make_pool(timeout)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON of the answer, None where it is empty. Raises ``ConnectorError``, ``Refused`` for a 4xx."""
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        try:
            answer = self._pool.request(
                method, self._host + path, headers=headers, redirect=False, json=body if body is not None else None
            )
        except (NotConnected, urllib3.exceptions.HTTPError, OSError) as error:
            sentence = f"SendGrid did not answer ({type(error).__name__})."
            raise ConnectorError(sentence, code="no_answer", retry_after=60, ambiguous=True) from error
        if answer.status in (401, 403):
            sentence = f"The API key may not {self._rights}. Give it those permissions."
            raise Refused(sentence, status=answer.status, said=_said(answer.data))
        if answer.status == 429 or answer.status >= 500:
            raise ConnectorError(f"SendGrid answered {answer.status}.", code="busy", retry_after=60)
        if answer.status >= 300:
            said = _said(answer.data)
            asked = f"{method} {path.partition('?')[0]}"
            sentence = f"SendGrid answered {answer.status} to {asked}."
            if said:
                sentence = f"SendGrid answered {answer.status} to {asked}: {said}."
            raise Refused(sentence, status=answer.status, said=said)
        try:
            return json.loads(answer.data or b"null")
        except ValueError:
            raise BadPayload("SendGrid's answer is not JSON.", path=path.partition("?")[0]) from None


def _said(body: bytes) -> str:
    try:
        return "; ".join(str(error.get("message") or "") for error in json.loads(body)["errors"])[:300].strip(" .")
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""

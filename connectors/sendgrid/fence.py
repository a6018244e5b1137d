"""Requests that wait at SendGrid for their time (``batch_id`` and ``send_at``), and are called back in doubt."""

from __future__ import annotations

from urllib.parse import quote

from connectors.errors import BadPayload
from connectors.sendgrid.api import HOST, Api, Refused


class SendGridFence:
    """Keeps ``connectors.base.MailFence``.

    A batch id is good for ten days; at most 100 batches of an account can be cancelled at once; a batch cancelled less
    than ten minutes before its time may leave all the same (SendGrid, Scheduled Sends).
    """

    def __init__(self, api_key: str, host: str = HOST, *, timeout: tuple[float, float] = (5, 15)) -> None:
        self._api = Api(api_key, host, rights="create and cancel scheduled sends", timeout=timeout)

    def open(self) -> str:
        """``POST /v3/mail/batch``."""
        made = self._api.call("POST", "/v3/mail/batch")
        found = made.get("batch_id") if isinstance(made, dict) else None
        if not isinstance(found, str) or not found:
            raise BadPayload("SendGrid gave no batch id.", path="batch_id")
        return found

    def call_back(self, batch_id: str) -> None:
        """``POST /v3/user/scheduled_sends``. It says 400 to a batch that is cancelled already, so then we look."""
        try:
            self._api.call("POST", "/v3/user/scheduled_sends", {"batch_id": batch_id, "status": "cancel"})
        except Refused as refused:
            if refused.status != 400 or not self._is_cancelled(batch_id):
                raise

    def _is_cancelled(self, batch_id: str) -> bool:
        found = self._api.call("GET", f"/v3/user/scheduled_sends/{quote(batch_id, safe='')}")
        rows = found if isinstance(found, list) else [found]
        return any(isinstance(row, dict) and row.get("status") == "cancel" for row in rows)

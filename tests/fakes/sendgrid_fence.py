"""The served SendGrid's scheduled sends: batches, requests that wait for their time, and calling them back."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.sendgrid import FakeSendGrid

GOOD_FOR = 10 * 86_400
AHEAD = 72 * 3600
LATE = 600
MOST_CANCELLED = 100


class Batches:
    """Batches by id with the time they were made, requests that wait, and what was paused or cancelled."""

    def __init__(self) -> None:
        self.made: dict[str, float] = {}
        self.status: dict[str, str] = {}
        self.late: set[str] = set()
        self.waiting: list[tuple[str, dict[str, Any]]] = []
        self.most = MOST_CANCELLED

    def faults_of(self, request: dict[str, Any], now: float) -> list[tuple[str | None, str]]:
        """What Mail Send says of ``send_at`` and ``batch_id``."""
        found: list[tuple[str | None, str]] = []
        at, batch = request.get("send_at"), request.get("batch_id")
        if isinstance(at, int) and at > now + AHEAD:
            found.append(("send_at", "Scheduling more than 72 hours in advance is forbidden."))
        if batch is not None and now - self.made.get(str(batch), 0) > GOOD_FOR:
            found.append(("batch_id", "The batch_id is not valid."))
        return found

    def waits(self, request: dict[str, Any], now: float) -> bool:
        """Whether the request leaves later; a time that has passed means now."""
        return isinstance(request.get("send_at"), int) and request["send_at"] > now

    def stops(self, request: dict[str, Any]) -> bool:
        """Whether its batch was called back in time."""
        return request.get("batch_id") in self.status and request["batch_id"] not in self.late

    def cancel(self, batch: str, status: str, now: float) -> tuple[int, bytes]:
        """``POST /v3/user/scheduled_sends``."""
        if batch not in self.made or status not in ("pause", "cancel"):
            return 400, _errors("batch_id", "The batch_id is not valid.")
        if batch in self.status:
            return 400, _errors("batch_id", "This batch has a status already; change it by PATCH.")
        if len(self.status) >= self.most:
            return 400, _errors(None, "There is a limit of cancelled and paused batches.")
        self.status[batch] = status
        if any(request.get("batch_id") == batch and request["send_at"] - now < LATE for _, request in self.waiting):
            # "Not guaranteed to be cancelled": here it never is, so that nobody may rely on it.
            self.late.add(batch)
        return 201, json.dumps({"batch_id": batch, "status": status}).encode()


def answer(fake: FakeSendGrid, method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
    """Status and body; None where the path is none of these."""
    batches, now = fake.batches, fake.clock()
    if path == "/v3/mail/batch" and method == "POST":
        name = uuid.uuid4().hex
        batches.made[name] = now
        return 201, json.dumps({"batch_id": name}).encode()
    if path == "/v3/user/scheduled_sends" and method == "POST":
        asked = json.loads(body)
        return batches.cancel(str(asked.get("batch_id")), str(asked.get("status")), now)
    if path.startswith("/v3/user/scheduled_sends/") and method == "GET":
        name = path.rpartition("/")[2]
        rows = [{"batch_id": name, "status": batches.status[name]}] if name in batches.status else []
        return 200, json.dumps(rows).encode()
    return None


def _errors(field: str | None, message: str) -> bytes:
    return json.dumps({"errors": [{"field": field, "message": message, "help": None}]}).encode()

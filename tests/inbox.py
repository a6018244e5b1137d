"""Deliveries written down as the webhook door does it."""

from __future__ import annotations

from contextlib import closing

from plugin_server.db.shops.intake import Intake
from plugin_server.wiring import Services


def received(
    app: Services,
    merchant: int,
    body: bytes,
    *,
    provider: str,
    topic: str,
    dedupe: str = "",
    store: int | None = None,
    headers: dict[str, str] | None = None,
    once: bool = True,
) -> bool:
    """As ``Intake.receive``; bodies tell themselves apart where ``dedupe`` is left out."""
    with closing(Intake(str(app.settings.database_url))) as door:
        return door.receive(
            merchant, provider=provider, store_id=store, topic=topic, headers=headers or {}, body=body,
            dedupe=dedupe or str(hash(body)), once=once,
        )  # fmt: skip

"""Campaigns that the demo shop ran before Tangga came, entered as they are on record: arms, mails, no figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.schema import parse
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.wiring import Services

BY: Final = "demo"


def may_enter(services: Services, merchant_id: int) -> bool:
    """Whether the shop has been read to its end, so that its customers are there."""
    with tenant(services.engine, merchant_id) as conn:
        return bool(conn.scalar(text("SELECT EXISTS (SELECT FROM sync_run WHERE state = 'done')")))


def enter(services: Services, merchant_id: int, trials: Sequence[Mapping[str, Any]]) -> int:
    """Enter those that are not there yet, in one transaction; gives how many. People are known by their address."""
    with tenant(services.engine, merchant_id) as conn:
        new = [one for one in trials if campaigns.get(conn, one["key"]) is None]
        for one in new:
            _enter(conn, merchant_id, one)
        return len(new)


def _enter(conn: Connection, merchant_id: int, one: Mapping[str, Any]) -> None:
    wording = {"subject": one["name"], "html": f"<p>{one['name']}</p>"}
    campaign = parse(
        {
            "key": one["key"],
            "name": one["name"],
            "trigger": {"kind": "once"},
            "message": {"en": wording},
            "measure": {"goal": "order", "window_days": one["days"], "holdout": str(one["held_out"])},
        }
    )
    campaigns.save(conn, merchant_id=merchant_id, campaign=campaign, by=BY)
    saved, began = campaigns.need(conn, one["key"]), datetime.fromisoformat(one["began"])
    run, _ = campaigns.open_run(
        conn, merchant_id=merchant_id, saved=saved, occasion="once", due_at=began, by=BY, state="done"
    )
    given = {"m": merchant_id, "r": run, "at": began, "lasting": one["lasting"], "c": saved.id}
    emails, arms, rungs = zip(*one["members"], strict=True)
    given |= {"emails": [email.lower() for email in emails], "arms": list(arms), "rungs": list(rungs)}
    for statement in _ROWS:
        conn.execute(text(statement), given)


_ROWS: Final = (
    "UPDATE campaign SET state = 'ended' WHERE id = :c",
    "UPDATE campaign_run SET frozen_at = :at, finished_at = :at, lasting_share = :lasting WHERE id = :r",
    """INSERT INTO audience_member (run_id, customer_id, arm, reason, rung, email, language, merchant_id)
       SELECT DISTINCT ON (coalesce(c.merged_into, c.id)) :r, coalesce(c.merged_into, c.id),
              CASE t.arm WHEN 'treated' THEN 'treated' ELSE 'holdout' END,
              CASE WHEN t.arm <> 'treated' THEN t.arm END, t.rung, t.email, 'en', :m
       FROM unnest(CAST(:emails AS text[]), CAST(:arms AS text[]), CAST(:rungs AS text[])) AS t(email, arm, rung)
       JOIN customer c ON c.email_norm = t.email ORDER BY coalesce(c.merged_into, c.id), c.merged_into IS NOT NULL""",
    """INSERT INTO message (merchant_id, run_id, customer_id, email, language, state, planned_at, accepted_at,
           settled_at)
       SELECT :m, :r, customer_id, email, language, 'delivered', :at, :at, :at FROM audience_member
       WHERE run_id = :r AND arm = 'treated'""",
)

"""A campaign before its launch: whom it would reach, what it would cost, how it reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from campaigns.offers.margin import Verdict, liability
from connectors.types import Money
from plugin_server.db import audience, campaigns, offers
from plugin_server.db.campaigns import Saved
from plugin_server.jobs import compose, run


def preview(conn: Connection, *, merchant_id: int, saved: Saved, public_url: str, now: datetime) -> dict[str, Any]:
    """``{"audience", "treated", "holdout", "excluded", "sample", "offer", "mails", "next", "hindrance"}``."""
    campaign = saved.campaign
    seen = audience.preview_audience(conn, merchant_id=merchant_id, campaign=campaign, campaign_id=saved.id, now=now)
    firings = [due for due in run.firings(conn, campaign, now) if due.at > now]
    occasion = firings[0].occasion if firings else ""
    mails = {
        language: compose.preview_mail(
            conn, campaign, public_url=public_url, now=now, language=language, occasion=occasion
        )
        for language in campaign.message
    }
    return seen | {
        "campaign": campaign.key,
        "hindrance": campaigns.frozen_store(conn),
        "offer": _offer(conn, saved, seen["treated"], now),
        "next": [
            {"occasion": due.occasion, "at": due.at.isoformat(), "confirmed": due.occurrence.confirmed}
            for due in firings[:5]
        ],
        "mails": {
            language: {"subject": mail.subject, "text": mail.text, "missing": list(mail.missing)}
            for language, mail in mails.items()
        },
    }


def _offer(conn: Connection, saved: Saved, treated: int, now: datetime) -> dict[str, Any] | None:
    offer = saved.campaign.offer
    verdict = run.margin(conn, saved.campaign, now)
    if offer is None or verdict is None:
        return None
    currency = str(conn.scalar(text("SELECT currency FROM merchant")))
    usual = offers.trade(conn, now)
    basis = usual.average_shipping_minor if offer.kind == "free_shipping" else usual.average_order_minor
    each = liability(offer, currency, basis)
    return _margin(verdict) | {
        "codes": treated,
        "liability_each": Money(each, currency).as_json(),
        "liability": Money(each * treated, currency).as_json(),
    }


def _margin(verdict: Verdict) -> dict[str, Any]:
    return {
        "ok": verdict.ok,
        "sentence": verdict.sentence,
        "discount": float(verdict.discount),
        "margin": float(verdict.margin) if verdict.margin is not None else None,
        "required_uplift": float(verdict.uplift) if verdict.uplift is not None else None,
    }

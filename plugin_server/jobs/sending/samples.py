"""A mail before it is sent: as a customer would get it, or one of a few made-up readers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.mail.compose import CompiledMessage, RenderedMail
from campaigns.mail.fragments import CLOCK, merged
from campaigns.mail.kinds import LINKED
from campaigns.mail.page import READ
from campaigns.offers.offer import Offer, stands
from campaigns.schema import Campaign
from plugin_server.db.sending.ledger import Claimed
from plugin_server.jobs.campaigning import realising
from plugin_server.jobs.sending import stocking, supplied
from plugin_server.jobs.sending.compose import Letterhead, Links, compiled, form, letterhead, personal, shared

SAMPLE_CODE: Final = "SAMPLE-0000"
SAMPLES: Final = {
    "usual": ("Siti", "Rahayu", "siti@example.com", "customer"),
    "new": ("Budi", "", "budi@example.com", "prospect"),
    "long_name": (
        "Raden Ajeng Kartini Djojoadhiningrat-van der Meulen",
        "Soerjaningrat",
        "kartini@example.com",
        "member",
    ),
    "nameless": ("", "", "guest@example.com", "suspect"),
    "missing_product": ("Dewi", "Lestari", "dewi@example.com", "shopper"),
    "top": ("Ana <&>", "O'Brien", "ana@example.com", "raving_fan"),
}
"""Made-up readers to look at a mail with: first and last name, address, rung."""


def preview_mail(
    conn: Connection,
    campaign: Campaign,
    customer_id: int | None = None,
    *,
    public_url: str,
    now: datetime,
    language: str | None = None,
    occasion: str = "",
    sample: str = "usual",
    head: Letterhead | None = None,
) -> RenderedMail:
    """The mail as a customer would get it (or one of ``SAMPLES``, with ``None``), with a code that buys nothing and
    links that do nothing. ``head`` is the letterhead, where the caller has read it: what several mails share is then
    read once. Raises ``TemplateError``."""
    head = head or letterhead(conn)
    gone = next(iter(stocking.skus(campaign)), "") if sample == "missing_product" else ""
    reader = _reader(conn, campaign, head, customer_id, language, now, sample)
    written = form(reader, head)
    prices = written if written != reader.language else ""
    campaign = stocking.stocked(conn, campaign, without=gone, form=prices, seen=head.worked_out)
    message = compiled(campaign, reader.language, look=head.look.at(public_url), form=written)
    if "supply" in message.variables:
        reader = replace(reader, supply=_supply(conn, campaign, head, customer_id, now))
    common, theirs = _contexts(conn, campaign, head, reader, public_url, occasion)
    if customer_id is None and not message.variables & CLOCK:
        return _made_up(message, json.dumps(merged(common, theirs)))
    return message.render(common, theirs)


@lru_cache(maxsize=READ)
def _made_up(message: CompiledMessage, context: str) -> RenderedMail:
    """A made-up reader's mail, of variables as JSON: looked through again and again until something in it changes."""
    return message.render(json.loads(context))


def _contexts(
    conn: Connection, campaign: Campaign, head: Letterhead, reader: Claimed, public_url: str, occasion: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    nowhere = Links(f"{public_url}/c/preview", f"{public_url}/c/preview/unsubscribe")
    common = shared(conn, campaign, head, occasion, reader.language)
    theirs = personal(reader, nowhere, head, offered=campaign.offer is not None)
    if campaign.offer and campaign.offer.kind in LINKED:
        theirs["offer"]["url"] = f"{public_url}/{'d' if campaign.offer.kind == 'team_deal' else 'r'}/preview"
    return common, theirs


def sample_context(conn: Connection, campaign: Campaign, *, public_url: str, now: datetime) -> dict[str, Any]:
    """All variables for the usual sample reader, as plain values."""
    head = letterhead(conn)
    reader = _reader(conn, campaign, head, None, None, now, "usual")
    reader = replace(reader, supply=_supply(conn, campaign, head, None, now))
    return merged(*_contexts(conn, campaign, head, reader, public_url, ""))


def _supply(
    conn: Connection, campaign: Campaign, head: Letterhead, customer_id: int | None, now: datetime
) -> tuple[str, date] | None:
    return head.once(("supply", campaign.key, customer_id), lambda: supplied.example(conn, campaign, customer_id, now))


def _packed(conn: Connection, offer: Offer, head: Letterhead) -> bool:
    return head.once(("packed", offer.model_dump_json()), lambda: realising.packed(conn, offer))


def _reader(
    conn: Connection,
    campaign: Campaign,
    head: Letterhead,
    customer_id: int | None,
    language: str | None,
    now: datetime,
    sample: str,
) -> Claimed:
    first_name, last_name, email, rung = SAMPLES.get(sample, SAMPLES["usual"])
    row = None
    if customer_id is not None:
        row = conn.execute(
            text(
                "SELECT c.*, f.rung FROM customer c LEFT JOIN customer_facts f ON f.customer_id = c.id WHERE c.id = :id"
            ),
            {"id": customer_id},
        ).one_or_none()
    spoken = language or (row.language if row else None) or head.locale
    written = [*campaign.message]
    chosen = next((item for item in (spoken, spoken[:2], head.locale) if item in campaign.message), written[0])
    return Claimed(
        message_id=0,
        customer_id=customer_id or 0,
        email=(row.email if row else None) or email,
        language=chosen,
        first_name=row.first_name if row else first_name,
        last_name=row.last_name if row else last_name,
        rung=row.rung if row else rung,
        store_id=None,
        code=SAMPLE_CODE if campaign.offer and campaign.offer.kind not in LINKED else None,
        expires_at=now + timedelta(days=stands(campaign.offer)) if campaign.offer else None,
        member_number=row.member_number if row else "0001 2345" if rung in ("member", "raving_fan") else None,
        country=row.country if row else None,
        points=0 if sample in ("new", "nameless") else 1250,
        packed=campaign.offer is not None and _packed(conn, campaign.offer, head),
    )

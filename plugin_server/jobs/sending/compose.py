"""What a mail says to whom: the variables of its templates, links included."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from babel.core import get_global
from sqlalchemy import Connection, text

from campaigns.calendar import country_of, holidays
from campaigns.ladder.ladders import Ladder
from campaigns.mail.branding import Look, branded
from campaigns.mail.compose import CompiledMessage, compile_message
from campaigns.mail.filters import form_of
from campaigns.mail.liquid import TemplateError
from campaigns.mail.tagging import SHOP, tagged
from campaigns.offers.offer import Offer
from campaigns.recipes import body_of
from campaigns.schema import Campaign
from campaigns.triggers import OnHoliday
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.ladder import rungs
from plugin_server.db.merchant import brand
from plugin_server.db.merchant import holidays as own_holidays
from plugin_server.db.sending import sender
from plugin_server.db.sending.ledger import Claimed
from plugin_server.db.shops import marketing
from plugin_server.jobs.campaigning import offer_told
from plugin_server.reply_token import Answered, reply_token
from plugin_server.vault import CustomerLink, customer_token

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tags:
    """What links into these shops carry besides."""

    shops: tuple[str, ...]
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: what every mail of a merchant has in common."""

    merchant_id: int
    from_email: str
    from_name: str
    reply_to: str
    timezone: str
    currency: str
    locale: str
    shop: dict[str, Any]
    ladder: Ladder
    reply_domain: str = ""
    look: Look = field(default_factory=Look)
    tracked: bool = True
    worked_out: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What is the same for many readers, so that it is worked out once."""

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was worked out under this key, or what ``make`` gives."""
        if key not in self.worked_out:
            self.worked_out[key] = make()
        found: T = self.worked_out[key]
        return found


def letterhead(conn: Connection) -> Letterhead:
    """The merchant of this transaction as a sender."""
    row = conn.execute(
        text("SELECT m.*, (SELECT url FROM store WHERE state = 'connected' ORDER BY id LIMIT 1) AS url FROM merchant m")
    ).one()
    worn = brand.of(conn)
    return Letterhead(
        merchant_id=row.id,
        from_email=row.from_email or row.email,
        from_name=row.from_name or row.name,
        reply_to=row.email,
        timezone=row.timezone,
        currency=row.currency,
        locale=row.locale,
        shop={"name": row.name, "url": row.url or "", "address": row.postal_address, "email": row.email},
        ladder=rungs.shop(conn, row.id).ladder,
        reply_domain=sender.replies_in(row.settings).promised,
        tracked=row.settings.get("tracked") is not False,
        look=Look(worn.color, f"/brand/{row.id}/{worn.logo}" if worn.logo else ""),
    )


@lru_cache(maxsize=64)
def _compiled(body: str, subject: str, preheader: str, language: str) -> CompiledMessage:
    return compile_message(body, subject, preheader, language)


def form(reader: Claimed, head: Letterhead) -> str:
    """How this reader writes days and money: as in their country, or where none is known in the shop's."""
    return form_in(reader.language, reader.country, head)


def form_in(language: str, country: str | None, head: Letterhead) -> str:
    """The same for whoever reads ``language`` in ``country``."""
    return form_of(language, country or get_global("zone_territories").get(head.timezone))


def compiled(
    campaign: Campaign, language: str, tags: Tags | None = None, look: Look | None = None, form: str = ""
) -> CompiledMessage:
    """The campaign's message in a language it is written in, checked and ready. Raises ``TemplateError``.

    ``form`` is the readers' way to write days and money (``en-US``), where it is not the language's alone.

    With ``tags``, links into the shops they name say which run led there; with a ``look``, mails that we wrote for the
    shop wear its colour and logo.
    """
    wording = campaign.message[language]
    body = body_of(wording, language)
    if look and (wording.recipe or wording.blocks):
        body = branded(body, look)
    if tags:
        body = tagged(body, tags.shops, tags.parameters)
    return _compiled(body, wording.subject, wording.preheader, form or language)


def tags_of(conn: Connection, run: Run, head: Letterhead) -> Tags:
    """How the links of a run's mails say where they come from; nothing in shops without a marketing page."""
    shops = marketing.addresses(conn)
    named = (*shops, SHOP) if str(head.shop["url"]).rstrip("/") in shops else shops
    return Tags(named, marketing.utm(run.campaign.key, run.id))


def prints(campaign: Campaign, root: str) -> bool:
    """Whether any of its mails asks for what stands under ``root``. What cannot be read asks for nothing."""
    try:
        told = campaign.told_apart.values()
        return any(root in compiled(one, language).variables for one in told for language in one.message)
    except TemplateError:
        return False


def shared(conn: Connection, campaign: Campaign, head: Letterhead, occasion: str, language: str) -> dict[str, Any]:
    """Variables that are equal for all readers of one language."""
    return {
        "shop": head.shop,
        "rungs": steps(head.ladder, language),
        "campaign": {"key": campaign.key, "name": campaign.title},
        "holiday": _holiday(conn, campaign, head, occasion, language),
        "offer": _offer(conn, campaign.offer, head) if campaign.offer else None,
    }


def _offer(conn: Connection, offer: Offer, head: Letterhead) -> dict[str, Any]:
    return head.once(("told", offer.model_dump_json()), lambda: offer_told.told(conn, offer, head.currency))


COLORS: Final = ("#64717D", "#3F6F98", "#23707F", "#1A755B", "#557310", "#9A5B00", "#B93A25")


def steps(ladder: Ladder, language: str) -> list[dict[str, Any]]:
    """The rungs as a mail shows them: ``{number, name, color}``, lowest first."""
    return [
        {"number": place + 1, "name": rung.public(language), "color": COLORS[min(place, len(COLORS) - 1)]}
        for place, rung in enumerate(ladder.rungs)
    ]


def _rung(ladder: Ladder, key: str | None, language: str) -> dict[str, Any]:
    place = ladder.index(key) if key in ladder.keys else 0
    rung, above = ladder.rungs[place], ladder.rungs[place + 1 : place + 2]
    made: dict[str, Any] = {"number": place + 1, "key": rung.key, "name": rung.public(language)}
    return made | {"next_name": above[0].public(language)} if above else made


def _holiday(conn: Connection, campaign: Campaign, head: Letterhead, occasion: str, language: str) -> dict[str, Any]:
    if not isinstance(campaign.trigger, OnHoliday):
        return {"name": "", "day": None}
    year = occasion.split(":")[1] if occasion.count(":") == 2 else ""
    first = int(year[:4]) if year[:4].isdigit() else 0
    found = (
        [
            item
            for item in holidays(country_of(head.timezone), first, own_holidays.overrides(conn))
            if item.key == campaign.trigger.holiday and item.year == year
        ]
        if first
        else []
    )
    if found:
        return {"name": found[0].name(language), "day": found[0].day.isoformat()}
    return {"name": _holiday_name(conn, campaign.trigger.holiday, head, language), "day": None}


def _holiday_name(conn: Connection, key: str, head: Letterhead, language: str) -> str:
    year = 2026  # Their names are those of any year.
    known = head.once("holidays", lambda: holidays(country_of(head.timezone), year, own_holidays.overrides(conn)))
    return next((item.name(language) for item in known if item.key == key), key.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses that belong to one reader. ``unsubscribe`` takes the one-click POST; opening it shows a page."""

    page: str
    unsubscribe: str


def links(keys: Sequence[str], public_url: str, merchant_id: int, customer_id: int, message_id: int | None) -> Links:
    """The reader's own addresses."""
    page = f"{public_url}/c/{customer_token(keys, CustomerLink(merchant_id, customer_id, message_id))}"
    return Links(page, f"{page}/unsubscribe")


def reply_to(keys: Sequence[str], head: Letterhead, answered: Answered) -> str:
    """Where a reply to this mail goes: to us, and on to its thread, or to the merchant's own address."""
    if not head.reply_domain:
        return head.reply_to
    return f"{reply_token(keys, head.merchant_id, answered)}@{head.reply_domain}"


def personal(reader: Claimed, own: Links, head: Letterhead, *, offered: bool) -> dict[str, Any]:
    """Variables of one reader alone; where something is ``offered``, their code completes the shared offer."""
    made: dict[str, Any] = {
        "customer": {
            "first_name": reader.first_name,
            "last_name": reader.last_name,
            "name": f"{reader.first_name} {reader.last_name}".strip(),
            "email": reader.email,
            "language": reader.language,
        },
        "rung": _rung_of(head, reader.rung, reader.language),
        "links": {
            "shop": head.shop["url"] or own.page,
            "unsubscribe": own.unsubscribe,
            "preferences": f"{own.page}/preferences",
            "card": own.page,
            "qr": f"{own.page}/code.png",
            "ask": f"{own.page}/ask/satisfaction",
            "likes": f"{own.page}/ask/preferences",
            "birthday": f"{own.page}/ask/birthday",
        },
        "card": {"number": reader.member_number},
        "points": {"balance": reader.points},
        "supply": {"product": "", "ends_on": None},
    }
    made["cart"] = {"url": reader.way_back or made["links"]["shop"]}
    if reader.supply:
        made["supply"] = {"product": reader.supply[0], "ends_on": reader.supply[1].isoformat()}
    if offered:
        made["offer"] = {
            "code": reader.code or "",
            "expires_on": _day_of(head, reader.expires_at),
            "url": reader.offer_url or made["links"]["shop"],
            "packed": reader.packed,
            **offer_told.own_value(reader.offer_value),
        }
    return made


def _rung_of(head: Letterhead, key: str | None, language: str) -> dict[str, Any]:
    return head.once((key, language), lambda: _rung(head.ladder, key, language))


def _day_of(head: Letterhead, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return head.once(moment, lambda: moment.astimezone(ZoneInfo(head.timezone)).date().isoformat())

"""A campaign's mails looked through before it starts, for sample readers in every language it is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.calendar import country_of, due, single
from campaigns.calendar import holidays as holidays_of
from campaigns.guards import quiet_until
from campaigns.mail.kinds import LINKED
from campaigns.mail.lint import Finding, Sample, Setting, blocking, lint
from campaigns.mail.lint_words import When
from campaigns.mail.liquid import TemplateError
from campaigns.mail.page import read_page
from campaigns.offers.offer import Offer
from campaigns.reasons import Reason
from campaigns.schema import Campaign
from campaigns.series_parts import apart, letters
from campaigns.triggers import Once, OnHoliday
from plugin_server.db.campaigning.campaigns import Refused
from plugin_server.db.merchant import holidays
from plugin_server.db.sending import sender
from plugin_server.jobs.sending import compose, stocking
from plugin_server.jobs.sending.compose import Letterhead
from plugin_server.jobs.sending.samples import SAMPLE_CODE, SAMPLES, preview_mail
from plugin_server.settings import Settings

LATELY: Final = timedelta(days=90)


def refuse(conn: Connection, settings: Settings, campaign: Campaign, now: datetime) -> None:
    """Raises ``Refused`` with the first thing that must be mended before anything is sent."""
    head = compose.letterhead(conn)
    samples, broken = _samples(conn, settings, head, campaign, now)
    found = [*broken, *blocking(lint(samples, _setting(conn, settings, head, campaign, now)))]
    if found:
        raise Refused(found[0].reason)


def look_through(
    conn: Connection,
    settings: Settings,
    campaign: Campaign,
    now: datetime,
    *,
    readers: int = 0,
    version: int = 0,
    lately: dict[str, Any] | None = None,
    weights: Mapping[str, int] | None = None,
) -> list[Finding]:
    """Everything there is to say. ``readers``: how many would get it; ``version``: whose test may have gone out.

    ``lately`` is what ``sent_lately`` gave a moment ago, where somebody kept it, or ``{}`` while somebody counts: then
    nothing is said of late mails. ``weights`` are the bytes of pictures.
    """
    found: list[Finding] = []
    head = compose.letterhead(conn)
    for _, letter in apart(campaign):
        samples, broken = _samples(conn, settings, head, letter, now)
        found += [*broken, *lint(samples, _all(conn, settings, head, letter, now, readers, version, lately, weights))]
        found += _gone(conn, letter)
    return list({(one.reason.key, str(one.reason), one.language): one for one in found}.values())


def pictures(conn: Connection, settings: Settings, campaign: Campaign, now: datetime) -> list[str]:
    """The addresses of all pictures in its mails, each once; what stands on our own server is light and left out."""
    found: dict[str, None] = {}
    head = compose.letterhead(conn)
    for _, letter in letters(campaign):
        for sample in _samples(conn, settings, head, letter, now)[0]:
            found |= dict.fromkeys(image.get("src", "") for image in read_page(sample.mail.html).images)
    return [address for address in found if address and not address.startswith(f"{settings.public_url}/")]


def sent_lately(conn: Connection, now: datetime, *, messages: int, days: int) -> dict[str, Any]:
    """What the mails of late tell: how many a run had, complaints, who has had ``messages`` in ``days`` (0: no cap),
    and which languages customers speak."""
    given = {"since": now - timedelta(days=days), "cap": messages}
    return {
        "usual": int(conn.scalar(text(_USUAL), {"since": now - LATELY}) or 0),
        "complaints": sender.health(conn, now).complaint_share,
        "capped": int(conn.scalar(text(_CAPPED), given) or 0) if messages else 0,
        "spoken": {row.language: row.n for row in conn.execute(text(_SPOKEN))},
    }


def _gone(conn: Connection, campaign: Campaign) -> list[Finding]:
    """Goods that the mail names and no shop sells: their place in the grid stays empty."""
    names = ", ".join(stocking.missing(conn, campaign))
    sentence = f"No shop sells {names} now; the mail leaves it out. Choose something else."
    return [Finding(False, Reason(sentence, "lint_gone", names=names))] if names else []


def _samples(
    conn: Connection, settings: Settings, head: Letterhead, campaign: Campaign, now: datetime
) -> tuple[list[Sample], list[Finding]]:
    samples, broken = [], list[Finding]()
    for language, wording in campaign.message.items():
        for name in SAMPLES:
            try:
                mail = preview_mail(
                    conn, campaign, public_url=settings.public_url, now=now, language=language, sample=name, head=head
                )
            except TemplateError as error:
                sentence = f"The mail in {language} cannot be rendered: {error}"
                reason = Reason(sentence, "cannot_render", language=language, detail=str(error))
                broken.append(Finding(True, reason, language))
                break
            code = SAMPLE_CODE if bears_code(campaign.offer) else ""
            address = f"{settings.public_url}/c/preview/unsubscribe"
            samples.append(Sample(language, name, mail, wording.preheader, address, code))
    return samples, broken


def bears_code(offer: Offer | None) -> bool:
    """Whether its readers need a code from the mail: cashback needs none, a link to pass on comes instead of one."""
    if offer is None or offer.kind in ("cashback", *LINKED):
        return False
    return offer.kind != "early_access" or offer.value is not None


def _next(conn: Connection, campaign: Campaign, zone: str, now: datetime) -> datetime | None:
    """When it goes out next; None where customers decide, by what they do."""
    trigger = campaign.trigger
    if isinstance(trigger, Once):
        return next((one.at for one in single(trigger, timezone=zone)), now)
    if not isinstance(trigger, OnHoliday):
        return None
    found = due(trigger, timezone=zone, country=country_of(zone), around=now, overrides=holidays.overrides(conn))
    return next((one.at for one in found if one.at >= now), now)


def _when(conn: Connection, campaign: Campaign, zone: str, sends_at: datetime | None, now: datetime) -> When:
    known, country, year = holidays.overrides(conn), country_of(zone), now.year
    feasts = tuple(one for y in (year - 1, year, year + 1) for one in holidays_of(country, y, known))
    own = campaign.trigger.holiday if isinstance(campaign.trigger, OnHoliday) else ""
    return When(sends_at.astimezone(ZoneInfo(zone)).date() if sends_at else None, own, feasts)


def _code_ends(campaign: Campaign, zone: str, sends_at: datetime) -> datetime | None:
    if campaign.offer is None:
        return None
    until = getattr(campaign.offer, "until", None)
    if until is not None:
        return datetime.combine(until + timedelta(days=1), time(), ZoneInfo(zone))
    return sends_at + timedelta(days=campaign.offer.valid_days)


def _setting(conn: Connection, settings: Settings, head: Letterhead, campaign: Campaign, now: datetime) -> Setting:
    at = _next(conn, campaign, head.timezone, now)
    return Setting(
        from_email=head.from_email,
        postal_address=str(head.shop["address"] or ""),
        public_url=settings.public_url,
        strict=settings.production,
        now=now,
        sends_at=at or now,
        authenticated=looked[0].good if (looked := sender.domain_found(conn)) else None,
        code_expires_at=_code_ends(campaign, head.timezone, at or now),
        foreign=sender.refused(conn, head.from_email.rpartition("@")[2].lower(), settings.public_url),
        currency=head.currency,
        when=_when(conn, campaign, head.timezone, at, now),
    )


def _all(
    conn: Connection,
    settings: Settings,
    head: Letterhead,
    campaign: Campaign,
    now: datetime,
    readers: int,
    version: int,
    lately: dict[str, Any] | None,
    weights: Mapping[str, int] | None,
) -> Setting:
    known = _setting(conn, settings, head, campaign, now)
    cap = campaign.guards.frequency_cap
    if lately is None:
        lately = sent_lately(conn, now, messages=cap.messages if cap else 0, days=cap.days if cap else 0)
    return replace(
        known,
        readers=readers,
        quiet_clash=_sleeps(campaign, head.timezone, known.sends_at),
        tested=_tested(conn, campaign, version),
        weights=weights or {},
        **lately,
    )


_USUAL: Final = (
    """SELECT avg(n) FROM (SELECT count(*) AS n FROM message WHERE claimed_at >= :since GROUP BY run_id) r"""
)
_CAPPED: Final = """SELECT count(*) FROM (SELECT customer_id FROM message WHERE claimed_at > :since
    AND accepted_at IS NOT NULL GROUP BY 1 HAVING count(*) >= :cap) c"""
_SPOKEN: Final = """SELECT lower(left(language, 2)) AS language, count(*) AS n FROM customer
    WHERE merged_into IS NULL AND erased_at IS NULL AND language <> '' GROUP BY 1 HAVING count(*) >= 10 ORDER BY 2 DESC
    LIMIT 5"""


def _sleeps(campaign: Campaign, zone: str, at: datetime | None) -> bool:
    if not isinstance(campaign.trigger, OnHoliday) or at is None:
        return False
    return quiet_until(campaign.guards.quiet_hours, None, zone, at) is not None


def _tested(conn: Connection, campaign: Campaign, version: int) -> bool:
    found = conn.scalar(
        text(
            "SELECT EXISTS (SELECT FROM audit_log WHERE action = 'campaign_tested' AND subject = :key "
            "AND (detail->>'version')::int = :version)"
        ),
        {"key": campaign.key, "version": version},
    )
    return bool(found)

"""A campaign's mails looked through before it starts, for sample readers in every language it is written in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, text

from campaigns.calendar import country_of, due
from campaigns.guards import quiet_until
from campaigns.mail.lint import Finding, Sample, Setting, blocking, lint
from campaigns.mail.liquid import TemplateError
from campaigns.reasons import Reason
from campaigns.schema import Campaign
from campaigns.series_parts import letters
from campaigns.triggers import OnHoliday
from plugin_server.db import holidays, sender
from plugin_server.db.campaigns import Refused
from plugin_server.jobs import compose, stocking
from plugin_server.settings import Settings

LATELY: Final = timedelta(days=90)


def refuse(conn: Connection, settings: Settings, campaign: Campaign, now: datetime) -> None:
    """Raises ``Refused`` with the first thing that must be mended before anything is sent."""
    samples, broken = _samples(conn, settings, campaign, now)
    found = [*broken, *blocking(lint(samples, _setting(conn, settings, campaign, now)))]
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
) -> list[Finding]:
    """Everything there is to say. ``readers``: how many would get it; ``version``: whose test may have gone out.

    ``lately`` is what ``sent_lately`` gave a moment ago, where somebody kept it.
    """
    found: list[Finding] = []
    for _, letter in letters(campaign):
        samples, broken = _samples(conn, settings, letter, now)
        found += [*broken, *lint(samples, _all(conn, settings, letter, now, readers, version, lately))]
        found += _gone(conn, letter)
    return list({(one.reason.key, str(one.reason), one.language): one for one in found}.values())


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
    conn: Connection, settings: Settings, campaign: Campaign, now: datetime
) -> tuple[list[Sample], list[Finding]]:
    samples, broken = [], list[Finding]()
    for language, wording in campaign.message.items():
        for name in compose.SAMPLES:
            try:
                mail = compose.preview_mail(
                    conn, campaign, public_url=settings.public_url, now=now, language=language, sample=name
                )
            except TemplateError as error:
                sentence = f"The mail in {language} cannot be rendered: {error}"
                reason = Reason(sentence, "cannot_render", language=language, detail=str(error))
                broken.append(Finding(True, reason, language))
                break
            code = compose.SAMPLE_CODE if campaign.offer else ""
            address = f"{settings.public_url}/c/preview/unsubscribe"
            samples.append(Sample(language, name, mail, wording.preheader, address, code))
    return samples, broken


def _setting(conn: Connection, settings: Settings, campaign: Campaign, now: datetime) -> Setting:
    head = compose.letterhead(conn)
    return Setting(
        from_email=head.from_email,
        postal_address=str(head.shop["address"] or ""),
        public_url=settings.public_url,
        strict=settings.production,
        now=now,
        sends_at=now,
        authenticated=looked[0].good if (looked := sender.domain_found(conn)) else None,
        code_expires_at=now + timedelta(days=campaign.offer.valid_days) if campaign.offer else None,
    )


def _all(
    conn: Connection,
    settings: Settings,
    campaign: Campaign,
    now: datetime,
    readers: int,
    version: int,
    lately: dict[str, Any] | None,
) -> Setting:
    known, head = _setting(conn, settings, campaign, now), compose.letterhead(conn)
    cap = campaign.guards.frequency_cap
    if lately is None:
        lately = sent_lately(conn, now, messages=cap.messages if cap else 0, days=cap.days if cap else 0)
    return Setting(
        from_email=known.from_email,
        postal_address=known.postal_address,
        public_url=known.public_url,
        strict=known.strict,
        now=now,
        sends_at=known.sends_at,
        authenticated=known.authenticated,
        code_expires_at=known.code_expires_at,
        readers=readers,
        usual=lately["usual"],
        complaints=lately["complaints"],
        capped=lately["capped"],
        quiet_clash=_sleeps(conn, campaign, head.timezone, now),
        tested=_tested(conn, campaign, version),
        spoken=lately["spoken"],
    )


_USUAL: Final = (
    """SELECT avg(n) FROM (SELECT count(*) AS n FROM message WHERE claimed_at >= :since GROUP BY run_id) r"""
)
_CAPPED: Final = """SELECT count(*) FROM (SELECT customer_id FROM message WHERE claimed_at > :since
    AND accepted_at IS NOT NULL GROUP BY 1 HAVING count(*) >= :cap) c"""
_SPOKEN: Final = """SELECT lower(left(language, 2)) AS language, count(*) AS n FROM customer
    WHERE merged_into IS NULL AND erased_at IS NULL AND language <> '' GROUP BY 1 HAVING count(*) >= 10 ORDER BY 2 DESC
    LIMIT 5"""


def _sleeps(conn: Connection, campaign: Campaign, zone: str, now: datetime) -> bool:
    if not isinstance(campaign.trigger, OnHoliday):
        return False
    country, known = country_of(zone), holidays.overrides(conn)
    firings = [
        one.at for one in due(campaign.trigger, timezone=zone, country=country, around=now, overrides=known)
        if one.at >= now
    ]  # fmt: skip
    return bool(firings) and quiet_until(campaign.guards.quiet_hours, None, zone, firings[0]) is not None


def _tested(conn: Connection, campaign: Campaign, version: int) -> bool:
    found = conn.scalar(
        text(
            "SELECT EXISTS (SELECT FROM audit_log WHERE action = 'campaign_tested' AND subject = :key "
            "AND (detail->>'version')::int = :version)"
        ),
        {"key": campaign.key, "version": version},
    )
    return bool(found)

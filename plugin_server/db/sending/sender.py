"""How a merchant stands with receivers: what was handed over, what came back, and how fast it may go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from campaigns.mail.lint import FREE
from campaigns.mail.pace import MINUTE, Pace, Room, day_began, read, room
from campaigns.reasons import Reason
from connectors.mail_types import Standing

WINDOW: Final = timedelta(days=7)


def pace(conn: Connection) -> Pace:
    """The limits of this merchant."""
    return read(conn.scalar(text("SELECT settings FROM merchant")) or {})


def save_pace(conn: Connection, chosen: Pace) -> None:
    """Keep other limits from now on."""
    begun = chosen.warm_up_from.isoformat() if chosen.warm_up_from else None
    conn.execute(
        text(
            "UPDATE merchant SET settings = settings || jsonb_build_object('pace', jsonb_build_object("
            "'per_minute', CAST(:minute AS int), 'warm_up_from', CAST(:begun AS text), "
            "'first_day', CAST(:first AS int)))"
        ),
        {"minute": chosen.per_minute, "begun": begun, "first": chosen.first_day},
    )


def room_now(conn: Connection, chosen: Pace, now: datetime, most: int) -> Room:
    """How many mails may go now. Ask it holding the merchant's turn, so that nobody else uses the same room."""
    if chosen.free:
        return Room(most)
    zone = str(conn.scalar(text("SELECT timezone FROM merchant")))
    planned = chosen.of_day(now.astimezone(ZoneInfo(zone)).date()) is not None
    if not planned and chosen.per_minute is None:
        return Room(most)  # the plan is over
    today, minute = conn.execute(
        text(
            "SELECT count(*), count(*) FILTER (WHERE claimed_at > :minute) FROM message WHERE claimed_at >= :day "
            "AND state NOT IN ('planned', 'skipped')"
        ),
        {"day": day_began(now, zone) if planned else now - MINUTE, "minute": now - MINUTE},
    ).one()
    return room(chosen, now=now, zone=zone, today=today, last_minute=minute, most=most)


@dataclass(frozen=True, slots=True)
class Health:
    """What became of the mails of the last seven days. ``domains`` and ``reasons`` are the most frequent ones."""

    sent: int
    delivered: int
    bounced: int
    complained: int
    in_doubt: int
    domains: list[dict[str, Any]]
    reasons: list[dict[str, Any]]
    suppressed: int

    def as_json(self) -> dict[str, Any]:
        """As ``Health(**…)`` takes it again."""
        return asdict(self)

    @property
    def bounce_share(self) -> float:
        """Bounced of sent, 0 where nothing was sent."""
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_share(self) -> float:
        """Called spam of sent."""
        return self.complained / self.sent if self.sent else 0.0


def health(conn: Connection, now: datetime) -> Health:
    """The sender's health as of now."""
    since = {"since": now - WINDOW}
    row = conn.execute(text(_TOTALS), since).one()
    return Health(
        sent=row.sent,
        delivered=row.delivered,
        bounced=row.bounced,
        complained=row.complained,
        in_doubt=row.in_doubt,
        domains=[dict(row) for row in conn.execute(text(_DOMAINS), since).mappings()],
        reasons=[dict(row) for row in conn.execute(text(_REASONS), since).mappings()],
        suppressed=int(conn.scalar(text("SELECT count(*) FROM suppression")) or 0),
    )


_COUNTS: Final = """count(*) FILTER (WHERE accepted_at IS NOT NULL) AS sent,
    count(*) FILTER (WHERE state = 'delivered') AS delivered, count(*) FILTER (WHERE state = 'bounced') AS bounced,
    count(*) FILTER (WHERE state = 'complained') AS complained"""
_TOTALS: Final = f"""SELECT {_COUNTS}, count(*) FILTER (WHERE state = 'in_doubt') AS in_doubt
    FROM message WHERE claimed_at >= :since"""
_DOMAINS: Final = f"""SELECT lower(split_part(email, '@', 2)) AS domain, {_COUNTS} FROM message
    WHERE claimed_at >= :since GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8"""
_REASONS: Final = """SELECT left(reason, 120) AS reason, count(*) AS n FROM message
    WHERE claimed_at >= :since AND state IN ('bounced', 'dropped', 'failed') AND reason <> ''
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8"""


def address(conn: Connection) -> str:
    """The address that mails are sent from."""
    return str(conn.scalar(text("SELECT coalesce(from_email, email) FROM merchant")))


def domain(conn: Connection) -> str:
    """The domain that mails are sent from."""
    return address(conn).rpartition("@")[2].lower()


def save_domain(conn: Connection, name: str, found: Standing, now: datetime) -> None:
    """Keep what the name servers say of the sender's domain."""
    told = {"name": name, "spf": found.spf, "dkim": found.dkim, "dmarc": found.dmarc, "at": now.isoformat()}
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('domain', CAST(:told AS jsonb))"),
        {"told": json.dumps(told)},
    )


def domain_found(conn: Connection) -> tuple[Standing, datetime] | None:
    """What was found last, and when; None where nobody looked, or another domain is used since."""
    told = conn.scalar(text("SELECT settings->'domain' FROM merchant"))
    if not told or told["name"] != domain(conn):
        return None
    return Standing(told["spf"], told["dkim"], told["dmarc"]), datetime.fromisoformat(told["at"])


@dataclass(frozen=True, slots=True)
class Replies:
    """Where replies are asked for: ``domain`` (empty: the merchant's own mailbox), and whether they would arrive.

    ``arrive`` is None where nobody has looked, or no name server answered, ``looked_at`` None where nobody has.
    """

    domain: str
    arrive: bool | None = None
    looked_at: datetime | None = None

    @property
    def promised(self) -> str:
        """The domain that mails may name; empty as long as replies to it might get lost."""
        return self.domain if self.arrive else ""


def replies_in(settings: Mapping[str, Any]) -> Replies:
    """What a merchant's settings say of it."""
    domain, seen = str(settings.get("reply_domain") or ""), settings.get("reply_mx") or {}
    if not domain or seen.get("domain") != domain:
        return Replies(domain)
    return Replies(domain, seen["arrive"], datetime.fromisoformat(seen["at"]))


def replies(conn: Connection) -> Replies:
    """That of the merchant of this transaction."""
    return replies_in(conn.scalar(text("SELECT settings FROM merchant")) or {})


def save_reply_domain(conn: Connection, name: str) -> None:
    """Ask for replies there as soon as they arrive; empty for the merchant's own address."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('reply_domain', CAST(:name AS text))"),
        {"name": name},
    )


def tracked(conn: Connection) -> bool:
    """Whether campaign mails may be followed: opens and clicks, as the provider's account has it."""
    return bool(conn.scalar(text("SELECT settings->>'tracked' IS DISTINCT FROM 'false' FROM merchant")))


def save_tracked(conn: Connection, wish: bool) -> None:
    """From now on, within a minute."""
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('tracked', CAST(:wish AS boolean))"),
        {"wish": wish},
    )


def save_replies_seen(conn: Connection, name: str, arrive: bool | None, now: datetime) -> None:
    """Keep what the name servers say. Where they gave no answer, what was known of this domain stays."""
    known = replies(conn)
    if arrive is None and known.domain == name:
        arrive = known.arrive
    told = {"domain": name, "arrive": arrive, "at": now.isoformat()}
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('reply_mx', CAST(:told AS jsonb))"),
        {"told": json.dumps(told)},
    )


def refused(conn: Connection, name: str, public_url: str) -> Reason | None:
    """Why mail may not be sent in the name of this domain; None where it may.

    Nobody can own a public mail service; what another business has proven to be its own is not to be had; and where
    several businesses live here, none may write as the house itself.
    """
    if name in FREE:
        sentence = f"{name} is a public mail service, and nobody can vouch for it. Send from a domain of your own."
        return Reason(sentence, "sender_free", domain=name)
    host = (urlsplit(public_url).hostname or "").lower()
    if (name == host or name.endswith(f".{host}")) and len(
        list(conn.scalars(text("SELECT tangga_merchant_ids()")))
    ) > 1:
        return Reason(f"{name} belongs to Tangga itself. Send from a domain of your own.", "sender_ours", domain=name)
    if conn.scalar(text("SELECT tangga_domain_taken(:name)"), {"name": name}):
        sentence = (
            f"{name} has been proven by another business here. Send from another domain, or from a part of it such as "
            f"mail.{name}; if both businesses are yours, ask us."
        )
        return Reason(sentence, "sender_taken", domain=name)
    return None

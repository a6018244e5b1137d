"""What the mail provider wants at the name servers of the sender's domain, as it was told last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from connectors.mail_types import DnsRecord, DomainVouch
from plugin_server.db.sending import sender


@dataclass(frozen=True, slots=True)
class Vouching:
    """How far it is. ``asked_at``: a question is under way; ``fault`` is what went wrong with the last one."""

    vouch: DomainVouch | None
    asked_at: datetime | None
    told_at: datetime | None
    fault: str

    @property
    def asking(self) -> bool:
        """Whether the provider has not answered the last question yet."""
        return self.asked_at is not None and (self.told_at is None or self.told_at < self.asked_at)


NOTHING = Vouching(None, None, None, "")


def of(conn: Connection) -> Vouching:
    """That of the domain mails are sent from now; another domain's is forgotten."""
    told = conn.scalar(text("SELECT settings->'vouching' FROM merchant"))
    if not told or told.get("domain") != sender.domain(conn):
        return NOTHING
    found = told.get("vouch")
    vouch = None
    if found:
        records = tuple(DnsRecord(**record) for record in found["records"])
        vouch = DomainVouch(found["external_id"], found["domain"], found["valid"], records)
    return Vouching(vouch, _time(told.get("asked_at")), _time(told.get("told_at")), told.get("fault", ""))


def _time(given: str | None) -> datetime | None:
    return datetime.fromisoformat(given) if given else None


def ask(conn: Connection, now: datetime) -> None:
    """A question to the provider is under way."""
    known = of(conn)
    _save(conn, Vouching(known.vouch, now, known.told_at, ""))


def told(conn: Connection, vouch: DomainVouch, now: datetime) -> None:
    """What it answered."""
    _save(conn, Vouching(vouch, of(conn).asked_at, now, ""))


def failed(conn: Connection, fault: str, now: datetime) -> None:
    """It gave no answer, or said no; what was known stays."""
    known = of(conn)
    _save(conn, Vouching(known.vouch, known.asked_at, now, fault[:500]))


def _save(conn: Connection, one: Vouching) -> None:
    kept = {
        "domain": sender.domain(conn),
        "vouch": asdict(one.vouch) if one.vouch else None,
        "asked_at": one.asked_at.isoformat() if one.asked_at else None,
        "told_at": one.told_at.isoformat() if one.told_at else None,
        "fault": one.fault,
    }
    conn.execute(
        text("UPDATE merchant SET settings = settings || jsonb_build_object('vouching', CAST(:kept AS jsonb))"),
        {"kept": json.dumps(kept)},
    )

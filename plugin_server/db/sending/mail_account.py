"""The account by which a business's mails leave, as its owner entered it. What is secret of it lies sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from plugin_server.db.merchant import audit_log
from plugin_server.settings import Settings


def of(conn: Connection) -> Row[Any] | None:
    """``region, ends, sealed, signed, set_at, set_by`` of the merchant of this transaction; None without one."""
    return conn.execute(text("SELECT region, ends, sealed, signed, set_at, set_by FROM mail_account")).one_or_none()


def leave(conn: Connection, settings: Settings) -> bool:
    """Whether mails of the merchant of this transaction go to real people."""
    own = not settings.mail_fixed and conn.scalar(text("SELECT EXISTS (SELECT FROM mail_account)"))
    return bool(own) or settings.mails_leave


def save(
    conn: Connection, merchant_id: int, *, region: str, ends: str, sealed: bytes, signed: bool, by: str, now: datetime
) -> None:
    """Put it in the place of the one before. ``ends`` are the last letters of the key, ``signed``: reports can be."""
    given = {"m": merchant_id, "region": region, "ends": ends, "sealed": sealed, "signed": signed}
    conn.execute(
        text(
            "INSERT INTO mail_account (merchant_id, region, ends, sealed, signed, set_at, set_by) "
            "VALUES (:m, :region, :ends, :sealed, :signed, :now, :by) ON CONFLICT (merchant_id) DO UPDATE "
            "SET (region, ends, sealed, signed, set_at, set_by) = "
            "(excluded.region, excluded.ends, excluded.sealed, excluded.signed, excluded.set_at, excluded.set_by)"
        ),
        given | {"now": now, "by": by},
    )
    detail = {"region": region, "ends": ends}
    audit_log.record(conn, merchant_id, actor=by, action="mail_account_set", subject="mail", detail=detail)


def remove(conn: Connection, merchant_id: int, *, by: str) -> bool:
    """Forget it; False where there was none."""
    gone = conn.execute(text("DELETE FROM mail_account")).rowcount
    if gone:
        audit_log.record(conn, merchant_id, actor=by, action="mail_account_removed", subject="mail")
    return bool(gone)

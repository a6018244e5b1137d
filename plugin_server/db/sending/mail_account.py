"""The account by which a business's mails leave, as its owner entered it. What is secret of it lies sealed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from plugin_server.db.merchant import audit_log
from plugin_server.settings import Settings

_SHOWN: Final = "region, ends, signed, host, port, tls, user_name"


@dataclass(frozen=True, slots=True)
class Shown:
    """What may be shown: of a key its last letters (``ends``) and whether reports can be ``signed``; or of a server."""

    region: str = "global"
    ends: str = ""
    signed: bool = False
    host: str = ""
    port: int | None = None
    tls: str = ""
    user_name: str = ""

    @property
    def logged(self) -> dict[str, str]:
        """What the log says of it."""
        if self.host:
            return {"server": f"{self.host}:{self.port}", "user": self.user_name}
        return {"region": self.region, "ends": self.ends}


def of(conn: Connection) -> Row[Any] | None:
    """The fields of ``Shown``, ``sealed, set_at, set_by`` of the merchant of this transaction; None without one."""
    return conn.execute(text(f"SELECT {_SHOWN}, sealed, set_at, set_by FROM mail_account")).one_or_none()


def leave(conn: Connection, settings: Settings) -> bool:
    """Whether mails of the merchant of this transaction go to real people."""
    own = not settings.mail_fixed and conn.scalar(text("SELECT EXISTS (SELECT FROM mail_account)"))
    return bool(own) or settings.mails_leave


def save(conn: Connection, merchant_id: int, shown: Shown, *, sealed: bytes, by: str, now: datetime) -> None:
    """Put it in the place of the one before."""
    conn.execute(
        text(
            f"INSERT INTO mail_account (merchant_id, {_SHOWN}, sealed, set_at, set_by) VALUES (:m, :region, :ends, "
            ":signed, :host, :port, :tls, :user_name, :sealed, :now, :by) ON CONFLICT (merchant_id) DO UPDATE "
            f"SET ({_SHOWN}, sealed, set_at, set_by) = (excluded.region, excluded.ends, excluded.signed, "
            "excluded.host, excluded.port, excluded.tls, excluded.user_name, excluded.sealed, excluded.set_at, "
            "excluded.set_by)"
        ),
        asdict(shown) | {"m": merchant_id, "sealed": sealed, "now": now, "by": by},
    )
    audit_log.record(conn, merchant_id, actor=by, action="mail_account_set", subject="mail", detail=shown.logged)


def remove(conn: Connection, merchant_id: int, *, by: str) -> bool:
    """Forget it; False where there was none."""
    gone = conn.execute(text("DELETE FROM mail_account")).rowcount
    if gone:
        audit_log.record(conn, merchant_id, actor=by, action="mail_account_removed", subject="mail")
    return bool(gone)

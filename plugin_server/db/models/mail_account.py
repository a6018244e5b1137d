"""The account by which a business's mails leave, where it has one of its own."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from plugin_server.db.models.base import Base, OfMerchant, Time


class MailAccount(OfMerchant, Base):
    """One for each business: a key, or with ``host`` an account at a mail server.

    ``sealed`` is opened with ``SECRET_KEYS`` alone: the API key and what reports are signed with, or the password.
    ``ends`` are the last letters of the key, by which people tell it from others, ``signed``: reports can be.
    """

    __tablename__ = "mail_account"
    __table_args__ = (
        CheckConstraint("region IN ('global', 'eu')", name="region"),
        CheckConstraint(
            "host = '' OR (port BETWEEN 1 AND 65535 AND tls IN ('tls', 'starttls', 'none'))", name="server"
        ),
    )

    merchant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    region: Mapped[str]
    ends: Mapped[str]
    sealed: Mapped[bytes]
    signed: Mapped[bool]
    set_at: Mapped[Time]
    set_by: Mapped[str]
    host: Mapped[str] = mapped_column(server_default="")
    tls: Mapped[str] = mapped_column(server_default="")
    user_name: Mapped[str] = mapped_column(server_default="")
    port: Mapped[int | None]

"""The one place where concrete classes meet: settings, database, queue, shops, mail providers and the clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redis import Redis
from sqlalchemy import Engine

from connectors.base import MailBackend
from connectors.folder.client import FolderBackend
from connectors.sendgrid.client import SendGridBackend
from connectors.smtp.client import SmtpBackend
from plugin_server.db.session import app_engine
from plugin_server.settings import Settings


def utc_now() -> datetime:
    """The clock. Nothing below this module reads it; everything else takes ``now`` as an argument."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What a process needs to work: passed down, never looked up."""

    settings: Settings
    engine: Engine
    redis: Redis
    now: Callable[[], datetime] = field(default=utc_now)


def build(settings: Settings, *, pool_size: int = 5, name: str = "tangga") -> Services:
    """Services from complete settings. Raises ``ValueError`` where database or queue address is missing."""
    if not settings.database_url or not settings.redis_url:
        raise ValueError("DATABASE_URL and REDIS_URL are needed here; `tangga up` brings its own servers.")
    return Services(
        settings=settings,
        engine=app_engine(settings.database_url, pool_size=pool_size, application_name=name),
        redis=Redis.from_url(settings.redis_url, socket_connect_timeout=5, health_check_interval=30),
    )


_built: dict[int, Services] = {}


def services() -> Services:
    """This process's services, from the environment. A forked child builds its own: sockets must not be shared."""
    pid = os.getpid()
    if pid not in _built:
        _built.clear()
        _built[pid] = build(Settings())
    return _built[pid]


_mail: dict[int, MailBackend] = {}


def mail_backend(made: Services) -> MailBackend:
    """Whatever takes mail by the settings; one per process, for it keeps its connections."""
    pid = os.getpid()
    if pid not in _mail:
        _mail.clear()
        _mail[pid] = _new_mail_backend(made)
    return _mail[pid]


def _new_mail_backend(made: Services) -> MailBackend:
    settings = made.settings
    if settings.mail_backend == "sendgrid":
        return SendGridBackend(settings.sendgrid_api_key or "", settings.sendgrid_host)
    if settings.mail_backend == "smtp":
        return SmtpBackend(settings.smtp_url or "", clock=made.now)
    return FolderBackend(settings.outbox, clock=made.now)

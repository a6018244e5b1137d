"""The one place where concrete classes meet: settings, database, queue, shops, mail providers and the clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from redis import Redis
from sqlalchemy import Connection, Engine

from campaigns.offers.realisation import Able
from connectors import shopify, woocommerce
from connectors.base import MailAccount, MailBackend, MailDomains, MailFence, Store, StoreServices
from connectors.domains import SELECTORS, leads_to, standing
from connectors.errors import ConnectorError
from connectors.folder.client import FolderBackend
from connectors.mail_types import DeliveryEvent, Mail, MailReply, SendResult, Standing
from connectors.pictures import weigh
from connectors.sendgrid.account import SendGridAccount
from connectors.sendgrid.auth import EUROPE, check_key, check_public_key
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.domains import SendGridDomains
from connectors.sendgrid.fence import SendGridFence
from connectors.sendgrid.inbound import to_reply
from connectors.sendgrid.mapping import to_events
from connectors.shopify import auth as shopify_auth
from connectors.smtp.auth import check_account
from connectors.smtp.client import SmtpBackend
from plugin_server.bulk_bell import BulkBell
from plugin_server.cost_bucket import CostBucket
from plugin_server.db.merchant import merchants
from plugin_server.db.session import app_engine, tenant
from plugin_server.db.shops import stores
from plugin_server.mail_access import Way, by_environment, opened
from plugin_server.settings import Settings, complete, read
from plugin_server.shop_access import TokenSource, Vault
from plugin_server.vault import unseal


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


def build(settings: Settings, *, pool_size: int = 5) -> Services:
    """Services from complete settings. Raises ``BadSettings`` where an address is missing or a key is none."""
    database_url, redis_url = complete(settings)
    return Services(
        settings=settings,
        engine=app_engine(database_url, pool_size=pool_size),
        redis=Redis.from_url(redis_url, socket_connect_timeout=5, health_check_interval=30),
    )


_built: dict[int, Services] = {}
_told: list[Settings] = []


def use(settings: Settings) -> None:
    """Let this process and its forks work by these settings, and not by the environment's."""
    _told[:] = [settings]


def services() -> Services:
    """This process's services. A forked child builds its own: sockets must not be shared."""
    pid = os.getpid()
    if pid not in _built:
        _built.clear()
        _built[pid] = build(_told[0] if _told else read())
    return _built[pid]


_mail: dict[tuple[int, Settings, Way], MailBackend] = {}
MOST_ACCOUNTS: Final = 32
"""Accounts whose connections a process keeps."""


def mail_way(made: Services, merchant_id: int) -> Way:
    """By which way its mails leave now; the environment goes first. ``ValueError``: no secret key opens its account."""
    with tenant(made.engine, merchant_id) as conn:
        return mail_way_in(made.settings, conn)


def mail_way_in(settings: Settings, conn: Connection) -> Way:
    """The same for the merchant of this transaction."""
    keys = settings.sendgrid_webhook_public_keys
    own = None if settings.mail_fixed else opened(conn, settings)
    if own is None:
        server, key = by_environment(settings), settings.sendgrid_api_key or ""
        return Way(settings.mail_backend, key, settings.sendgrid_host, keys, server=server)
    if own.server:
        return Way("smtp", public_keys=keys, server=own.server, own=True)
    keys = tuple(filter(None, (own.public_key, *keys)))
    return Way("sendgrid", own.api_key, EUROPE if own.region == "eu" else settings.sendgrid_host, keys, own=True)


def mail_backend(made: Services, merchant_id: int) -> MailBackend:
    """Whatever takes this business's mail; one per process and account, for it keeps its connections."""
    whose = (os.getpid(), made.settings, mail_way(made, merchant_id))
    if whose not in _mail:
        if len(_mail) >= MOST_ACCOUNTS:
            _mail.clear()
        _mail[whose] = _new_mail_backend(made, whose[2])
    return _mail[whose]


def _new_mail_backend(made: Services, by: Way) -> MailBackend:
    if by.backend == "sendgrid":
        return SendGridBackend(by.api_key, by.host)
    if by.server:
        return SmtpBackend(by.server, clock=made.now)
    return FolderBackend(made.settings.outbox, clock=made.now)


def try_mail(made: Services, merchant_id: int, mail: Mail) -> SendResult:
    """Hand over a mail that somebody waits for at a page: a slow server is given up soon, and no line to it is kept."""
    by = mail_way(made, merchant_id)
    if by.server is None:
        return mail_backend(made, merchant_id).send(mail)
    with closing(SmtpBackend(by.server, clock=made.now, timeout=6, within=15, after_content=20)) as backend:
        return backend.send(mail)


def mail_account(made: Services, merchant_id: int) -> MailAccount | None:
    """What the mail provider knows beside taking mail; None where it has nothing to tell."""
    by = mail_way(made, merchant_id)
    return SendGridAccount(by.api_key, by.host) if by.backend == "sendgrid" else None


def mail_fence(made: Services, merchant_id: int) -> MailFence | None:
    """What holds requests at the mail provider until they are sure; None where it cannot."""
    by = mail_way(made, merchant_id)
    return SendGridFence(by.api_key, by.host) if by.backend == "sendgrid" else None


def mail_domains(made: Services, merchant_id: int) -> MailDomains | None:
    """What makes the mail provider vouch for a domain; None where that is done elsewhere."""
    by = mail_way(made, merchant_id)
    return SendGridDomains(by.api_key, by.host) if by.backend == "sendgrid" else None


def check_mail_key(made: Services, api_key: str, public_key: str, region: str) -> None:
    """Ask the provider whether mail may leave with this key, and look at the other one. Raises ``ConnectorError``."""
    check_public_key(public_key)
    check_key(api_key, EUROPE if region == "eu" else made.settings.sendgrid_host)


check_mail_server = check_account
"""Ask a mail server whether mails of a sender may leave by it. Raises ``ConnectorError``."""


def connector(services: Services, merchant_id: int, store_id: int) -> Store:
    """The shop behind a stored store; nothing is called yet.

    Raises ``ConnectorError`` for a store of files, ``UnknownStore`` where there is none, ``ValueError`` where none of
    ``SECRET_KEYS`` opens its credentials.
    """
    with tenant(services.engine, merchant_id) as connection:
        row = stores.get(connection, store_id)
        timezone = merchants.get(connection)["timezone"]
    if row["platform"] == EMBEDDING:
        token = token_source(services, merchant_id, store_id, row["url"])
        return embedding_shop(services, row["url"], token)
    if row["platform"] == "csv" or row["credentials"] is None:
        raise ConnectorError("This store is fed by files: use `tangga import orders`.", code="no_connection")
    opened = unseal(services.settings.keys, bytes(row["credentials"]))
    return shop(services.settings, row["url"], opened["key"], opened["secret"], timezone, row["currency"])


def shop(
    settings: Settings, url: str, key: str, secret: str, timezone: str | None = None, currency: str | None = None
) -> Store:
    """A WooCommerce shop by address and key pair. Raises ``ForbiddenHost`` for an address we may not call."""
    return woocommerce.connect(
        url,
        key,
        secret,
        allow_private=settings.allow_private_hosts,
        tls_verify=settings.tls_verify,
        timezone=timezone,
        currency=currency,
    )


EMBEDDING = "shopify"
"""The platform whose admin shows our pages in a frame, and whose rights end unless they are renewed."""


def shop_app(settings: Settings) -> shopify_auth.App | None:
    """Our app at the embedding platform; None where the settings name none."""
    if not settings.shopify_client_id or not settings.shopify_client_secrets:
        return None
    return shopify_auth.App(
        settings.shopify_client_id,
        settings.shopify_client_secrets,
        origin=settings.shopify_admin_origin,
        allow_private=settings.allow_private_hosts,
        tls_verify=settings.tls_verify,
    )


_doors: dict[tuple[int, shopify_auth.App], shopify_auth.Door] = {}


def shop_door(settings: Settings) -> shopify_auth.Door:
    """The embedding platform's token endpoint; one per process, for it keeps its connections.

    Raises ``ConnectorError`` where the settings name no app.
    """
    app = shop_app(settings)
    if app is None:
        sentence = "SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRETS are missing: set them to the app's id and secret."
        raise ConnectorError(sentence, code="no_app")
    return _doors.setdefault((os.getpid(), app), shopify_auth.Door(app))


def vault(services: Services) -> Vault:
    """Where the rights of shops lie."""
    return Vault(services.engine, services.settings.keys, services.now)


def token_source(services: Services, merchant_id: int, store_id: int, url: str) -> TokenSource:
    """The token of a store of the embedding platform, renewed in time."""
    return TokenSource(vault(services), _Later(services.settings), merchant_id, store_id, url.removeprefix("https://"))


@dataclass(frozen=True)
class _Later:
    """The token endpoint, looked for only when a token ends: a pasted token lasts and needs no app of ours."""

    settings: Settings

    def refresh(self, shop: str, refresh_token: str, now: datetime) -> shopify_auth.Grant:
        return shop_door(self.settings).refresh(shop, refresh_token, now)


def embedding_shop(services: Services, url: str, token: Callable[[], str]) -> Store:
    """A shop of the embedding platform by address and token; all our processes spend from one bucket of costs.

    Raises ``ForbiddenHost`` where the address is none of that platform's.
    """
    settings, name = services.settings, shopify.names.shop_name(url)
    return shopify.connect(
        name,
        token,
        origin=settings.shopify_admin_origin,
        bucket=CostBucket(services.redis, f"{settings.shopify_client_id or 'own'}:{name}"),
        allow_private=settings.allow_private_hosts,
        tls_verify=settings.tls_verify,
        clock=services.now,
        bulk_wait=BulkBell(services.redis, name).wait,
    )


def beyond(store: Store) -> StoreServices:
    """What a shop can do beyond ``Store``; ask its capabilities first."""
    return cast(StoreServices, store)


def able(platform: str, capabilities: Sequence[str], *, points: bool) -> Able:
    """What a shop can do of offers, by its platform and the rights granted; ``points``: a programme is in force."""
    if platform == EMBEDDING:
        return Able(counts_pieces=True, credit="store_credit" in capabilities, points=points, by_line=True, mutual=True)
    return Able(packs=platform == "woocommerce", points=points)


def told_together(platform: str) -> int:
    """How many accounts are written to before it is noted down: the embedding platform tells of each change at once."""
    return 12 if platform == EMBEDDING else 100


WINDOW = timedelta(days=59)
"""The embedding platform shows the orders of 60 days; a day less, for its day may end before ours."""


def window(store: Mapping[str, Any]) -> timedelta | None:
    """How far back a store shows us its orders, by its row; None where it shows them all."""
    return WINDOW if store["platform"] == EMBEDDING and "all_orders" not in store["capabilities"] else None


triggered_at = shopify.webhooks.triggered_at

OF_SOME_SHOPS = frozenset({"customer_merges"})
"""Capabilities whose news an app installed for many shops must ask of each shop that granted the right."""


def sees_all(scopes: Sequence[str]) -> bool:
    """True where these rights show us all orders of a shop of the embedding platform."""
    return "read_all_orders" in scopes


def webhook_path(platform: str, store_id: int) -> str:
    """Where a store's deliveries come in. One address serves all shops of the embedding platform."""
    return "/webhooks/shopify" if platform == EMBEDDING else f"/webhooks/{platform}/{store_id}"


def provable(settings: Settings, platform: str, secret: str) -> bool:
    """True where a delivery of this store could prove itself: what nobody can check is not asked for."""
    return bool(secret or (platform == EMBEDDING and settings.shopify_client_secrets))


@dataclass(frozen=True)
class Rights:
    """What a store's page says of our rights: what is wrong, what is missing, and where to mend it."""

    shop: str
    admin: str
    trouble: str
    missing: tuple[str, ...]
    window: bool
    uninstalled_at: datetime | None
    purge_at: datetime | None


def rights_shown(settings: Settings, store: Any, terms: Any) -> Rights | None:
    """``store`` is the row of ``store_page.store``, ``terms`` that of ``access.of``; None where rights cannot end.

    ``window`` is True where the platform shows us the newest orders only.
    """
    if terms is None or store.platform != EMBEDDING:
        return None
    shop, app = store.url.removeprefix("https://"), shop_app(settings)
    asked = terms.installed and bool(terms.scopes)
    return Rights(
        shop,
        shopify_auth.admin_url(app, shop) if app and terms.installed else "",
        terms.trouble,
        tuple(shopify_auth.missing_scopes(shopify_auth.SCOPES, terms.scopes)) if asked else (),
        "all_orders" not in store.capabilities and not sees_all(terms.scopes),
        terms.uninstalled_at,
        terms.purge_at,
    )


MAIL_REPORTS = "sendgrid"
"""Under which provider the mail provider's reports lie in the inbox."""


def mail_reports(body: bytes, *, received_at: datetime) -> list[DeliveryEvent]:
    """A stored and verified delivery of the mail provider in our words. Raises ``BadPayload``."""
    return to_events(body, received_at=received_at)


def reports_path(merchant_id: int) -> str:
    """Where the mail provider posts what became of mails."""
    return f"/webhooks/sendgrid/{merchant_id}"


def reports_signed(by: Way) -> bool | None:
    """Whether a key for the provider's signature is set, without which its reports are refused; None: it sends none."""
    return bool(by.public_keys) if by.backend == "sendgrid" else None


MAIL_REPLIES = "sendgrid_replies"
"""Under which provider mails to us lie in the inbox."""


def replies_path(merchant_id: int) -> str:
    """Where the mail provider posts mails to us."""
    return f"/webhooks/sendgrid/{merchant_id}/inbound"


def mail_reply(body: bytes, *, content_type: str) -> MailReply:
    """A stored mail that was posted to us, in our words. Raises ``BadPayload``."""
    return to_reply(body, content_type=content_type)


REPLIES_HOST: Final = "mx.sendgrid.net"
"""Where the MX of a domain for replies has to lead (Inbound Parse)."""


def replies_arrive(by: Way, name: str) -> bool | None:
    """Whether replies to addresses of this domain come to us; nothing is asked where no mail leaves."""
    if by.backend == "folder":
        return True
    return leads_to(name, REPLIES_HOST)


def weigh_pictures(made: Services, addresses: list[str]) -> dict[str, int]:
    """How heavy these pictures of mails are, of those that can be asked."""
    return weigh(addresses, allow_private=made.settings.allow_private_hosts)


def domain_standing(by: Way, name: str) -> Standing:
    """What the name servers say of a sender's domain."""
    return standing(name, selectors=SELECTORS if by.backend == "sendgrid" else ())

"""`tangga demo`: everything embedded, with a shop to look at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click

from plugin_server import wiring
from plugin_server.cli.context import PORT, BadInput, home_option, read_settings
from plugin_server.cli.processes import PYTHON, Extras, public_url, serve
from plugin_server.db.merchant import merchants, people, shop_settings
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.demo.opening import (
    ADDRESS,
    CLIENT_ID,
    CURRENCY,
    DOMAIN,
    MERCHANT,
    OWNER,
    PLACE,
    PLATFORMS,
    TIMEZONE,
    NotADemoHome,
    Opening,
    OtherPlatform,
    remembered,
    wipe,
)
from plugin_server.launcher.errors import LauncherError
from plugin_server.launcher.probe import serves
from plugin_server.launcher.services import discard_data
from plugin_server.launcher.supervisor import ProcessSpec, ServiceUrls
from plugin_server.settings import Settings
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services

LINK_LASTS = timedelta(days=1)
"""The first link waits for whoever fetches a coffee while the demo starts."""


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True, help="Where the pages are served.")
@click.option("--customers", default=5000, show_default=True, help="Contacts of the demo shop.")
@click.option("--seed", default=1, show_default=True, help="Another seed gives another shop.")
@click.option("--locale", default="en", show_default=True, help="Language of the pages: en, id or nl.")
@click.option("--platform", type=click.Choice(PLATFORMS), help="What the demo shop runs on; woocommerce if left out.")
@click.option("--fresh", is_flag=True, help="Forget the home's demo and start anew.")
@home_option
def demo(
    port: int, customers: int, seed: int, locale: str, platform: str | None, fresh: bool, home: Path | None
) -> None:
    """Start everything with the demo shop "Toko Senja" and print a log-in link."""
    if customers < 20:
        raise BadInput("--customers: the demo shop needs at least 20 contacts.")
    if locale not in merchants.LOCALES:
        raise BadInput(f"--locale: {locale!r} is not one of {', '.join(merchants.LOCALES)}.")
    settings = read_settings(home)
    if settings.production:
        raise BadInput("The demo shop lives on this machine; it is refused when TANGGA_ENV=production.")
    opening = _opened(settings, seed=seed, customers=customers, platform=platform, fresh=fresh)
    extras = Extras(
        processes=lambda env: [_shop(env, settings.tangga_home, opening, port), _guide(env, port)],
        environment={"ALLOW_PRIVATE_HOSTS": "1", **_app(opening)},
        prepared=lambda urls: _prepare(settings, urls, port, locale),
        announce=lambda urls: _announce(settings, urls, port, opening),
    )
    sys.exit(serve(settings, port, extras))


def _opened(settings: Settings, *, seed: int, customers: int, platform: str | None, fresh: bool) -> Opening:
    home = settings.tangga_home
    try:
        if fresh:
            if settings.database_url or settings.redis_url:
                raise BadInput("--fresh empties embedded servers only; unset DATABASE_URL and REDIS_URL.")
            wipe(home)
            if home.exists():
                discard_data(home)
        return remembered(home, seed=seed, customers=customers, platform=platform)
    except (NotADemoHome, OtherPlatform, LauncherError) as error:
        raise BadInput(str(error)) from error


def _app(opening: Opening) -> dict[str, str]:
    """The app of a Shopify shop, as the processes' environment."""
    return {
        name.upper(): ",".join(told) if isinstance(told, tuple) else str(told) for name, told in opening.app.items()
    }


def _shop(env: dict[str, str], home: Path, opening: Opening, port: int) -> ProcessSpec:
    place, embedding = home / PLACE, opening.platform == wiring.EMBEDDING
    module = "plugin_server.demo.shopify_shop" if embedding else "plugin_server.demo.shop"
    argv = [PYTHON, "-m", module, "--port", str(opening.port), "--state", str(place / "journal")]
    argv += ["--seed", str(opening.seed), "--customers", str(opening.customers), "--export", str(place)]
    # Command lines are for every user of the machine to read, environments are not.
    keys = {"DEMO_SHOP_KEY": opening.key, "DEMO_SHOP_SECRET": opening.secret}
    if embedding:
        argv += ["--shop", DOMAIN, "--client-id", CLIENT_ID]
        argv += ["--app", f"http://127.0.0.1:{port}{wiring.webhook_path(opening.platform, 0)}"]
        argv += ["--proxy", f"http://127.0.0.1:{port}/shopify/proxy"]
        argv += ["--home", f"http://127.0.0.1:{port}", "--owner", OWNER]
    else:
        argv += ["--allow-http-callback", "--block", f"http://127.0.0.1:{port}/storefront/block.js"]
    return ProcessSpec("shop", argv, {**env, **keys}, ready=serves(opening.port, "/"))


def _guide(env: dict[str, str], port: int) -> ProcessSpec:
    return ProcessSpec("guide", [PYTHON, "-m", "plugin_server.demo.guide", str(port)], env, restart=False)


def _prepare(settings: Settings, urls: ServiceUrls, port: int, locale: str) -> None:
    with _services(settings, urls, port) as services:
        if not merchant_ids(services.engine):
            number = merchants.add(
                services.engine, name=MERCHANT, email=OWNER, timezone=TIMEZONE, currency=CURRENCY, locale=locale
            )
            with tenant(services.engine, number) as connection:
                shop_settings.save(connection, {"postal_address": ADDRESS})


def _announce(settings: Settings, urls: ServiceUrls, port: int, opening: Opening) -> None:
    with _services(settings, urls, port) as services:
        number = merchant_ids(services.engine)[0]
        owner = dict(people.by_email(services.engine, OWNER))[number]
        click.echo(f"login: {make_login_link(services, number, owner, LINK_LASTS)}")
    click.echo(f"The shop's own window is {opening.url}; mails land in {settings.outbox}", err=True)
    if opening.platform == wiring.EMBEDDING:
        click.echo(f"Its admin shows Tangga at {opening.url}/admin/apps/{CLIENT_ID}", err=True)


@contextmanager
def _services(settings: Settings, urls: ServiceUrls, port: int) -> Iterator[Services]:
    found = {"database_url": urls.database_url, "redis_url": urls.redis_url, "public_url": public_url(settings, port)}
    made = wiring.build(settings.model_copy(update=found), pool_size=1)
    try:
        yield made
    finally:
        made.engine.dispose()
        made.redis.close()

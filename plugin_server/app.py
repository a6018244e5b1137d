"""The web application: one factory, everything it needs handed in."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from plugin_server import wiring
from plugin_server.db.shops.intake import Intake
from plugin_server.frame import FramePath
from plugin_server.jobs.bell import Bell
from plugin_server.web import compiled, context, errors, health, login, packing, places, security, webhooks
from plugin_server.web.api import routes as api
from plugin_server.web.campaigning import (
    builder,
    campaigns,
    composer,
    ending,
    holidays,
    launching,
    lint,
    mail_preview,
    proof,
    recipes,
    run_mails,
    runs,
    sending,
    series,
    tasks,
    usual_guards,
)
from plugin_server.web.campaigning import calendar as campaign_calendar
from plugin_server.web.card import asking, code_picture, preferences, referrals, storefront, teams, wallet
from plugin_server.web.card import card as customer_card
from plugin_server.web.card import points as customer_points
from plugin_server.web.customers import answers, conversations, credits, customers, members, persons, pins
from plugin_server.web.giving import benefits, code_watch, offers, points, points_pause, referral_review, team_deals
from plugin_server.web.ladder import audit, facts, forecast, home, ladders, movement, segments
from plugin_server.web.secrets_cache import SecretsCache
from plugin_server.web.settings import api_keys, brand, mail_account, mail_server, people, privacy, sender, topics
from plugin_server.web.settings import business as settings
from plugin_server.web.shops import connect, parting, stores, welcome
from plugin_server.web.shops import embedded as connect_embedded
from plugin_server.web.shops import shopify as connect_shopify
from plugin_server.wiring import Services

NOUNS = (
    webhooks,
    health,
    login,
    home,
    ladders,
    movement,
    customers,
    persons,
    pins,
    facts,
    segments,
    audit,
    forecast,
    recipes,
    builder,
    campaign_calendar,
    ending,
    launching,
    campaigns,
    mail_preview,
    lint,
    runs,
    run_mails,
    sender,
    mail_account,
    mail_server,
    sending,
    connect,
    connect_embedded,
    connect_shopify,
    series,
    tasks,
    stores,
    parting,
    settings,
    people,
    privacy,
    holidays,
    customer_card,
    benefits,
    storefront,
    wallet,
    customer_points,
    members,
    asking,
    referrals,
    referral_review,
    teams,
    team_deals,
    points,
    points_pause,
    preferences,
    topics,
    composer,
    code_picture,
    conversations,
    credits,
    answers,
    welcome,
    api,
    api_keys,
    brand,
    proof,
    code_watch,
    offers,
    usual_guards,
)
"""One module per noun of the pages; each has one blueprint called ``pages``."""

LARGEST_FORM = 1_000_000


def create_app(services: Services | None = None) -> Flask:
    """The WSGI application. Without ``services`` it is wired from the environment, once per process."""
    made = services or wiring.services()
    web = Path(__file__).parent / "web"
    app = Flask("plugin_server.web", root_path=str(web), static_folder="static")
    equip(app, made)
    app.extensions["tangga_assets"] = _stamp(web / "static" / "dist")
    for noun in NOUNS:
        app.register_blueprint(noun.pages)
    context.install(app)
    compiled.install(app, made.settings.tangga_home)
    places.install(app)
    brand.install(app)
    connect_embedded.install(app)
    security.install(app)
    errors.install(app)
    packing.install(app)
    app.wsgi_app = FramePath(app.wsgi_app)  # type: ignore[method-assign]
    if proxies := made.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    return app


def equip(app: Flask, services: Services) -> None:
    """Give an application what it works with. Whoever gives it other services closes its intake and bell before."""
    app.config.update(_configuration(services))
    app.extensions["tangga"] = services
    app.extensions["tangga_secrets"] = SecretsCache(services)
    app.extensions["tangga_intake"] = Intake(services.settings.database_url or "")
    app.extensions["tangga_bell"] = Bell(services.redis)


def _configuration(services: Services) -> dict[str, object]:
    newest, *older = services.settings.keys
    production = services.settings.production
    return {
        "SECRET_KEY": newest,
        "SECRET_KEY_FALLBACKS": older,
        "SESSION_COOKIE_NAME": "__Host-tangga" if production else "tangga",
        "SESSION_COOKIE_SECURE": production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=30),
        "MAX_CONTENT_LENGTH": LARGEST_FORM,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_HEADERS": ["X-CSRF-Token"],
    }


def _stamp(built: Path) -> str:
    """A short hash of the built assets, so that browsers fetch them anew after an update."""
    digest = hashlib.sha256()
    for path in sorted(built.glob("*.*")) if built.is_dir() else ():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

"""`tangga bench pages`: every page that people of a business open, against a bare Flask route with one SELECT.

Which pages there are is read from the application itself. Times are the server's, without a network; the bytes are
those of a first visit: the page with its style sheet, script and fonts, compressed as a browser would be sent them.
"""

from __future__ import annotations

import gzip
import re
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from campaigns.schema import dump
from plugin_server import lasting
from plugin_server.app import create_app
from plugin_server.bench import pages_shop
from plugin_server.bench.ladder import scratch, tidy
from plugin_server.bench.pages_groups import SERIES
from plugin_server.bench.pages_shop import CAMPAIGN, MERCHANT, NOW, OWNER, SEGMENT
from plugin_server.db.campaigning import campaigns
from plugin_server.db.session import tenant
from plugin_server.jobs.figures import made, make_figure
from plugin_server.jobs.queues import queue
from plugin_server.settings import Settings
from plugin_server.web import compiled
from plugin_server.web.campaigning import drafts
from plugin_server.web.campaigning.fields import fields_of
from plugin_server.wiring import Services

ROUNDS: Final = 20
LIMIT_MS: Final = 200
COLD: Final = 3
BEYOND: Final = (
    "/customers?rung=shopper",
    "/customers?activity=cooling",
    "/customers?rung=member&activity=lapsed",
    "/customers?q=c4321",
    # Nobody by this name: every address is read through.
    "/customers?q=nobody",
    "/customers?after={deep}",
    "/settings/audit?before=100",
)
"""Pages asked for as people do: filtered, searched, deep in a list."""

PARTS: Final = frozenset({"/mail/health/vouching"})
"""Parts of a page that only its script asks for."""
FILES: Final = {
    "/runs/<int:run_id>/mails.csv": "a file",
    "/audit.pdf": "a file",
    "/settings/privacy/<int:number>": "a file",
    "/connect/shopify/callback": "Shopify alone sends people there, with its signature",
}
"""What is no page."""
DRAFT: Final = "draft-of-the-bench"

_ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_FONT = re.compile(r'url\("?(?:\./)?([^")]+\.woff2)"?\)')


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds of one page: usual and slow, with nothing remembered, and the very first time; compressed bytes."""

    p50: float
    p95: float
    cold: float
    first: float
    size: int


def run(
    database_url: str, redis_url: str, size: int, say: Callable[[str], None], *, rounds: int = ROUNDS
) -> dict[str, Any]:
    """Measure with ``size`` customers, each page so many ``rounds``. Gives the report; ``pages`` by address."""
    with scratch(database_url) as (engine, owner), _apart(redis_url) as redis, TemporaryDirectory() as home:
        pages_shop.fill(engine, size, say, lambda: tidy(owner))
        settings = Settings(
            tangga_home=Path(home), database_url=str(engine.url), redis_url=redis_url, secret_keys=("k" * 32,)
        )
        made_up = Services(settings=settings, engine=engine, redis=redis, now=lambda: NOW)
        app = create_app(made_up)
        try:
            client = inside(app, engine)
            with app.test_request_context():
                _draft(engine)
            found, left_out = addresses(app, engine)
            # As a web process begins: see plugin_server/gunicorn_config.py.
            lasting.load()
            compiled.load(app)
            lasting.settle()
            say(f"{len(found)} pages. Measuring …")
            bare = _timed(_bare(engine).test_client(), "/", made_up, rounds)
            timed = {address: _timed(client, address, made_up, rounds) for address in found}
            timed, refused = _good(client, timed)
            visit = _first_visit(client, "/home")
        finally:
            app.extensions["tangga_intake"].close()
            app.extensions["tangga_bell"].close()
    return _report(size, bare, timed, left_out | refused, visit)


def _report(
    size: int, bare: Timed, timed: dict[str, Timed], left_out: dict[str, str], visit: dict[str, int]
) -> dict[str, Any]:
    slowest = max(timed.values(), key=lambda one: one.p95)
    usual = statistics.median(one.p50 for one in timed.values())
    ordered = sorted(timed.items(), key=lambda item: -item[1].p95)
    return {
        "work": f"{len(timed)} pages of a shop of {size} customers, median of their medians",
        "seconds": round(usual / 1000, 4),
        "rate": round(1000 / usual),
        "baseline": {
            "what": "a bare Flask route with one SELECT",
            "seconds": round(bare.p50 / 1000, 5),
            "rate": round(1000 / bare.p50),
        },
        "ratio": round(usual / bare.p50, 1),
        "slowest_p95_ms": round(slowest.p95, 1),
        "over_limit": [address for address, one in ordered if one.p95 > LIMIT_MS],
        "cold_over_limit": [address for address, one in ordered if one.cold > LIMIT_MS],
        "pages": {
            address: {
                "p50_ms": round(one.p50, 1),
                "p95_ms": round(one.p95, 1),
                "cold_ms": round(one.cold, 1),
                "first_ms": round(one.first, 1),
                "ratio": round(one.p50 / bare.p50, 1),
                "gzip_bytes": one.size,
            }
            for address, one in ordered
        },
        "first_visit_gzip_bytes": visit,
        "largest_first_visit": visit["all"] - visit["/home"] + max(one.size for one in timed.values()),
        "left_out": left_out,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def _timed(client: FlaskClient, address: str, services: Services, rounds: int) -> Timed:
    """One request with nothing made ready, then what workers do after it; some with nothing remembered; the usual."""
    first = _took(client, address, services.redis)
    _work(services)
    body = _asked(client, address).get_data()
    cold = [_took(client, address, services.redis) for _ in range(min(COLD, rounds))]
    # The usual requests begin with nothing remembered either: the first of them pays for the others.
    took = sorted([_took(client, address, services.redis), *(_took(client, address) for _ in range(rounds - 1))])
    slow = took[min(len(took) - 1, round(len(took) * 0.95))]
    return Timed(statistics.median(took), slow, max(cold), first, len(gzip.compress(body)))


def _work(services: Services) -> None:
    """What the page asked workers for, as far as pages read it; the same code as theirs, here and now."""
    waiting = queue(services.redis, "bulk")
    for job in waiting.jobs:
        if str(job.func_name).endswith(make_figure.__name__):
            made(services, *job.args)
    waiting.empty()  # type: ignore[no-untyped-call]  # the library is not typed here


def _took(client: FlaskClient, address: str, forget: Redis | None = None) -> float:
    if forget is not None:
        _forget(forget)
    began = time.perf_counter()
    _asked(client, address).get_data()
    return (time.perf_counter() - began) * 1000


def _asked(client: FlaskClient, address: str) -> TestResponse:
    return client.get(address, headers={"HX-Request": "true"} if address in PARTS else None)


def _forget(redis: Redis) -> None:
    """All but what somebody typed: that is no memory of ours."""
    typed = redis.get(drafts.name_of(DRAFT))
    redis.flushdb()
    if typed is not None:
        redis.set(drafts.name_of(DRAFT), typed)


def _draft(engine: Engine) -> None:
    """The campaign of the bench as somebody has it open in the builder."""
    with tenant(engine, MERCHANT) as conn:
        document, user = dump(campaigns.need(conn, CAMPAIGN).campaign), conn.scalar(text("SELECT id FROM user_account"))
    drafts.keep(DRAFT, fields_of(document), user)


def _good(client: FlaskClient, timed: dict[str, Timed]) -> tuple[dict[str, Timed], dict[str, str]]:
    """The pages that are pages; and why the others are none."""
    answers = {address: _asked(client, address) for address in timed}
    refused = {
        address: f"{answer.status_code} {answer.mimetype}"
        for address, answer in answers.items()
        if answer.status_code != 200 or answer.mimetype != "text/html"
    }
    return {address: one for address, one in timed.items() if address not in refused}, refused


def addresses(app: Flask, engine: Engine) -> tuple[list[str], dict[str, str]]:
    """The address of every GET route that asks for a role, with made-up names filled in; and what cannot be filled."""
    known = _known(engine)
    found, left_out = [], {}
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not hasattr(app.view_functions[rule.endpoint], "required_role"):
            continue
        values = _filled(rule, known)
        if rule.rule in FILES or values is None:
            left_out[rule.rule] = FILES.get(rule.rule, "no value known")
            continue
        with app.test_request_context():
            found.append(app.url_for(rule.endpoint, **values))
    return [*sorted(found), *(one.format(deep=known["deep"]) for one in BEYOND)], left_out


def _filled(rule: Rule, known: dict[str, Any]) -> dict[str, Any] | None:
    noun = rule.endpoint.partition(".")[0]
    values = {name: known.get(f"{noun}.{name}", known.get(name)) for name in rule.arguments}
    return None if None in values.values() else values


def _known(engine: Engine) -> dict[str, Any]:
    """Values by the name of the argument, or by the noun of the page and the name."""
    with tenant(engine, MERCHANT) as conn:
        customer = conn.scalar(
            text("SELECT min(customer_id) FROM customer_facts WHERE orders >= 5 AND customer_id > 7")
        )
        deep = conn.execute(
            text(
                "SELECT last_order_at, customer_id FROM customer_facts WHERE last_order_at IS NOT NULL "
                "ORDER BY last_order_at LIMIT 1 OFFSET 5"
            )
        ).one()
        run_id = conn.scalar(text("SELECT min(id) FROM campaign_run"))
        conversation = conn.scalar(text("SELECT min(id) FROM conversation"))
        merge, deal = (conn.scalar(text(f"SELECT min(id) FROM {table}")) for table in ("customer_merge", "team_deal"))
    return {
        "customer_id": customer or 8,
        "store_id": 1,
        "run_id": run_id,
        "key": CAMPAIGN,
        "segments.key": SEGMENT,
        "series.key": SERIES,
        "merge_id": merge,
        "deal_id": deal,
        "draft": DRAFT,
        "conversations.number": conversation,
        "recipe": "second_order",
        "language": "en",
        "deep": f"{deep.last_order_at.isoformat()}_{deep.customer_id}".replace("+", "%2B"),
    }


def inside(app: Flask, engine: Engine) -> FlaskClient:
    """A browser in which the owner is logged in."""
    with tenant(engine, MERCHANT) as conn:
        user = conn.execute(
            text("SELECT id, session_version FROM user_account WHERE email = :email"), {"email": OWNER}
        ).one()
    client = app.test_client()
    with client.session_transaction() as session:
        session.update(merchant=MERCHANT, user=user.id, version=user.session_version)
    return client


def _bare(engine: Engine) -> Flask:
    app = Flask("bare")

    @app.get("/")
    def show() -> str:
        with tenant(engine, MERCHANT) as conn:
            return str(conn.scalar(text("SELECT name FROM merchant")))

    return app


def _first_visit(client: FlaskClient, address: str) -> dict[str, int]:
    """Compressed bytes of a page and of all it loads, by name; fonts come compressed."""
    html = client.get(address).get_data()
    sizes = {address: len(gzip.compress(html))}
    for asset in dict.fromkeys(_ASSET.findall(html.decode())):
        body = _body(client, asset)
        sizes[_name(asset)] = len(gzip.compress(body))
        if asset.partition("?")[0].endswith(".css"):
            for font in dict.fromkeys(_FONT.findall(body.decode())):
                sizes[_name(font)] = len(_body(client, f"/static/dist/{_name(font)}"))
    return sizes | {"all": sum(sizes.values())}


def _body(client: FlaskClient, address: str) -> bytes:
    with client.get(address) as answer:
        return answer.get_data()


def _name(address: str) -> str:
    return urlsplit(address).path.rpartition("/")[2]


@contextmanager
def _apart(redis_url: str) -> Iterator[Redis]:
    """An empty database of the queue server, emptied again: what pages keep must not meet that of a real shop."""
    for number in range(15, 0, -1):
        redis = Redis.from_url(redis_url)
        redis.connection_pool.connection_kwargs["db"] = number
        if redis.dbsize() == 0:
            break
        redis.close()
    else:
        raise RuntimeError("No empty database is left at the queue server; give it one of its own with REDIS_URL.")
    try:
        yield redis
    finally:
        redis.flushdb()
        redis.close()

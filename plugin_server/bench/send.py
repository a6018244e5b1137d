"""`tangga bench send`: a campaign to many, planned to accepted, against a loop that only renders and posts the same.

The provider is a process beside us that says 202. Both sides read the same people, print the same personal links and
code, and post requests of the same size; the loop keeps no ledger, asks no guard, and would mail twice after a crash.
"""

from __future__ import annotations

import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import urllib3
from sqlalchemy import text

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from connectors.mail_types import Mail, Recipient, SendResult
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.mapping import to_request
from plugin_server.bench import cpu
from plugin_server.bench.scratch import scratch_database
from plugin_server.db.campaigning import audience, campaigns
from plugin_server.db.campaigning.campaigns import Run
from plugin_server.db.sending.ledger import Claimed
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import compose, deliver
from plugin_server.settings import Settings
from plugin_server.wiring import Services, build

NOW: Final = datetime(2027, 2, 24, 2, tzinfo=UTC)
"""Morning in Jakarta, so that nobody sleeps."""
NAMES: Final = (
    "Siti Ani Budi Dewi Agus Sri Rina Joko Putri Andi Maya Hadi Fitri Yusuf Lestari Bayu Nur Eko Wulan Rizky Indah "
    "Dian Taufik Ratna Hendra Laras Gita Bagus Citra Fajar Melati Surya Tuti Wayan Kadek Made Ketut Nyoman Ayu Dwi"
)

_SEED: Final = (
    """INSERT INTO merchant (id, name, email, timezone, currency, locale, holdout_share, postal_address)
       VALUES (1, 'Toko Senja', 'halo@tokosenja.example', 'Asia/Jakarta', 'IDR', 'id', 0, 'Jalan Senja 1')""",
    """INSERT INTO store (id, merchant_id, platform, name, url, currency)
       VALUES (1, 1, 'woocommerce', 'Senja', 'https://tokosenja.example', 'IDR')""",
    """INSERT INTO customer (merchant_id, email, email_norm, first_name, last_name, language)
       SELECT 1, 'c' || n || '@example.com', 'c' || n || '@example.com', a[1 + n % 40], a[1 + n / 40 % 40], 'id'
       FROM generate_series(1, :size) AS n, string_to_array(:names, ' ') AS a""",
    """INSERT INTO customer_facts (merchant_id, customer_id, orders, rung, consent_promotions)
       SELECT 1, id, 1, (ARRAY['shopper', 'customer', 'member'])[1 + id % 3], 'subscribed' FROM customer""",
    """INSERT INTO consent (merchant_id, customer_id, state, source, occurred_at)
       SELECT 1, id, 'subscribed', 'import', '2026-01-01' FROM customer""",
)
_CODES: Final = """INSERT INTO offer_code (merchant_id, run_id, customer_id, store_id, code, state, kind, value,
        currency, email, expires_at, issued_at)
    SELECT 1, run_id, customer_id, 1, 'SENJA-' || upper(left(md5(customer_id::text), 10)), 'issued', 'percent', 10,
        'IDR', email, '2027-03-10 16:59:59+00', :now
    FROM audience_member WHERE run_id = :run"""
_PEOPLE: Final = """SELECT p.id, p.email, p.first_name, p.last_name, m.rung, o.code, o.expires_at
    FROM audience_member m JOIN customer p ON p.id = m.customer_id
    JOIN offer_code o ON o.run_id = m.run_id AND o.customer_id = m.customer_id
    WHERE m.run_id = :run AND m.customer_id > :after ORDER BY m.customer_id LIMIT :limit"""


def run(database_url: str, redis_url: str, size: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure with ``size`` recipients in a database of its own, dropped again. Gives the report."""
    with _scratch(database_url, redis_url) as services, _sink() as url:
        say(f"Making up {size} people …")
        firing = _audience(services, size)
        say("A bare loop …")
        bare, bare_cpu = _bare(services, firing, url)
        say("The campaign …")
        watched = _Watched(SendGridBackend("SG.bench", url))
        seconds, mine, database = _campaign(services, firing, watched)
        _prove(services, size)
    return {
        "work": f"a campaign to {size} people, planned to accepted, {deliver.BATCH} in a request",
        "seconds": round(seconds, 3),
        "rate": round(size / seconds),
        "baseline": {
            "what": "a loop that reads, renders and posts the same, with no ledger and no guards",
            "seconds": round(bare, 3),
            "rate": round(size / bare),
            "cpu_ms_each": round(bare_cpu / size * 1000, 4),
        },
        "ratio": round(seconds / bare, 2),
        "cpu_ms_each": {
            "ours": round(mine / size * 1000, 4),
            "database": None if database is None else round(database / size * 1000, 4),
            "all": None if database is None else round((mine + database) / size * 1000, 4),
        },
        "memory_mb": {"after_a_tenth": round(watched.early, 1), "at_the_end": round(watched.last, 1)},
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


class _Watched:
    """The backend, and the memory of this process as the requests go out."""

    def __init__(self, backend: SendGridBackend) -> None:
        self._backend, self._sizes = backend, list[float]()

    def send(self, mail: Mail) -> SendResult:
        """As ``MailBackend.send``."""
        self._sizes.append(cpu.resident_mb())
        return self._backend.send(mail)

    @property
    def early(self) -> float:
        """MB after a tenth of the requests."""
        return self._sizes[len(self._sizes) // 10]

    @property
    def last(self) -> float:
        """MB at the last request."""
        return self._sizes[-1]


def _campaign(services: Services, firing: Run, backend: _Watched) -> tuple[float, float, float | None]:
    """Seconds by the clock, CPU seconds of this process, and of the database."""
    world = Outside(mail=backend, backend="sendgrid", store=lambda _: None)  # type: ignore[arg-type, return-value]
    database, mine, began = cpu.database_seconds(services.engine), cpu.own_seconds(), time.perf_counter()
    runs.advance(services, world, 1, firing.id)
    seconds, mine = time.perf_counter() - began, cpu.own_seconds() - mine
    after = cpu.database_seconds(services.engine)
    return seconds, mine, None if database is None or after is None else after - database


def _bare(services: Services, firing: Run, url: str) -> tuple[float, float]:
    after = 0
    mine, began = cpu.own_seconds(), time.perf_counter()
    with urllib3.PoolManager() as pool, tenant(services.engine, 1) as conn:
        head = compose.letterhead(conn)
        common = compose.shared(conn, firing.campaign, head, firing.occasion, "id")
        while rows := conn.execute(text(_PEOPLE), {"run": firing.id, "after": after, "limit": deliver.BATCH}).all():
            after = rows[-1].id
            body = _request(services, firing, head, common, rows)
            pool.request("POST", f"{url}/v3/mail/send", body=body, headers={"Content-Type": "application/json"})
    return time.perf_counter() - began, cpu.own_seconds() - mine


def _request(services: Services, firing: Run, head: compose.Letterhead, common: dict[str, Any], rows: Any) -> bytes:
    people, recipients = [], {}
    for row in rows:
        reader = Claimed(
            row.id, row.id, row.email, "id", row.first_name, row.last_name, row.rung, 1, row.code, row.expires_at
        )
        own = compose.links(services.settings.keys, services.settings.public_url, 1, row.id, row.id)
        people.append((str(row.id), compose.personal(reader, own, head, offered=True)))
        recipients[str(row.id)] = own.unsubscribe
    batch = compose.compiled(firing.campaign, "id").batch(common, people, salt=secrets.token_hex(6))
    takers = {
        str(row.id): (
            row.email,
            Recipient(
                str(row.id), row.email, f"{row.first_name} {row.last_name}", batch.fragments[str(row.id)],
                recipients[str(row.id)],
            ),
        )
        for row in rows
    }  # fmt: skip
    mail = Mail("bare", head.from_email, head.from_name, head.reply_to, batch.subject, batch.html, batch.text, ())
    return json.dumps(to_request(mail, takers, sandbox=False), ensure_ascii=False, separators=(",", ":")).encode()


def _audience(services: Services, size: int) -> Run:
    document = holiday_discount("eid_al_fitr", key="bench").document | {"measure": {"holdout": "0"}}
    with tenant(services.engine, 1) as conn:
        for statement in _SEED:
            conn.execute(text(statement), {"size": size, "names": NAMES})
        campaigns.save(conn, merchant_id=1, campaign=parse(document), by="bench")
        saved = campaigns.set_state(conn, "bench", "active", NOW)
        number, _ = campaigns.open_run(
            conn, merchant_id=1, saved=saved, occasion="eid_al_fitr:2027:-14", due_at=NOW, by="bench"
        )
        audience.freeze(conn, campaigns.run(conn, number), NOW)
        conn.execute(text(_CODES), {"run": number, "now": NOW})
        campaigns.move(conn, number, to="coded")
        return campaigns.run(conn, number)


def _prove(services: Services, size: int) -> None:
    with tenant(services.engine, 1) as conn:
        accepted = conn.scalar(text("SELECT count(*) FROM message WHERE state = 'accepted'"))
    if accepted != size:
        raise RuntimeError(f"Only {accepted} of {size} mails were accepted; the measurement says nothing.")


@contextmanager
def _sink() -> Iterator[str]:
    command = [sys.executable, "-m", "plugin_server.bench.send_sink"]
    with subprocess.Popen(  # noqa: S603 - our own words
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline() if process.stdout else 0)}"
        finally:
            process.kill()


@contextmanager
def _scratch(given: str, redis_url: str) -> Iterator[Services]:
    with scratch_database(given) as url, tempfile.TemporaryDirectory() as home:
        settings = Settings(tangga_home=Path(home), database_url=url, redis_url=redis_url, secret_keys=("k" * 32,))
        made = replace(build(settings), now=lambda: NOW)
        try:
            yield made
        finally:
            made.engine.dispose()
            made.redis.close()

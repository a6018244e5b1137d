"""Web, worker, scheduler, queue and database are killed in the middle of a run while orders come in.

Then everybody is settled, nobody twice, and every order that was taken is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from campaigns.recipes import holiday_discount
from campaigns.schema import parse
from plugin_server import wiring
from plugin_server.db.campaigning import campaigns
from plugin_server.db.merchant import merchants, people
from plugin_server.db.sending import messages
from plugin_server.db.session import tenant
from plugin_server.demo.opening import free_port
from plugin_server.jobs import sweep
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import outside
from plugin_server.jobs.queues import QUEUES, queue, wake
from plugin_server.jobs.reading import ingest
from plugin_server.jobs.sending import events
from plugin_server.launcher.services import discard_data
from plugin_server.settings import Settings
from plugin_server.vault import seal
from plugin_server.wiring import Services
from tests.campaigns.shop import add_person, say
from tests.crash.deliveries import Deliveries
from tests.crash.instance import RECIPIENTS
from tests.crash.marketer import Marketer
from tests.fakes.sendgrid import AcceptedMail, FakeSendGrid, fake_sendgrid

PEOPLE = 240
KEY, SECRET = "ck_" + "a" * 40, "cs_" + "b" * 40
HOOK = "a-webhook-secret"
PATIENCE = 60.0


@dataclass
class Instance:
    """A running home, and what the test needs to look into it."""

    process: subprocess.Popen[str]
    services: Services
    address: str
    merchant: int = 0
    store: int = 0

    def kill(self, word: str) -> bool:
        """Kill one process of the home with SIGKILL, by its place among the children; False where it is not up now."""
        found = [pid for pid, line in _children(self.process.pid) if word in line]
        for pid in found[:1]:
            os.kill(pid, signal.SIGKILL)
        return bool(found)


def _children(parent: int) -> list[tuple[int, str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if int(stat[1]) == parent:
                found.append((int(entry.name), line))
    return found


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    """SendGrid on loopback."""
    with fake_sendgrid() as fake:
        fake.slow_seconds = 1.0
        yield fake


@pytest.fixture
def demo_shop() -> Iterator[str]:
    """The demo shop as a process of its own; gives its address."""
    argv = [sys.executable, "-m", "plugin_server.demo.shop", "--port", "0", "--customers", "50"]
    with _started([*argv, "--key", KEY, "--secret", SECRET], "ready: ", {}) as (_, said):
        yield said


@contextmanager
def _started(argv: list[str], mark: str, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env={**os.environ, **env})
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith(mark))
        yield process, line.removeprefix(mark).strip()
    finally:
        process.terminate()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def instance(tmp_path: Path, provider: FakeSendGrid, demo_shop: str) -> Iterator[Instance]:
    """A home of its own with worker and scheduler, and a merchant whose people wait for a holiday discount."""
    home, port = tmp_path / "home", free_port()
    env = {
        "TANGGA_HOME": str(home),
        "SECRET_KEYS": "k" * 40,
        "MAIL_BACKEND": "sendgrid",
        "SENDGRID_API_KEY": provider.api_key,
        "SENDGRID_HOST": provider.url,
        "SENDGRID_WEBHOOK_PUBLIC_KEYS": provider.public_key,
        "ALLOW_PRIVATE_HOSTS": "1",
    }
    argv = [sys.executable, "-m", "tests.crash.instance", str(home), str(port)]
    with _started(argv, "ready ", env) as (process, urls):
        database_url, redis_url = urls.split()
        settings = Settings(
            tangga_home=home, database_url=database_url, redis_url=redis_url, secret_keys=("k" * 40,),
            mail_backend="sendgrid", sendgrid_api_key=provider.api_key, sendgrid_host=provider.url,
            allow_private_hosts=True,
        )  # fmt: skip
        made = Instance(process, wiring.build(settings), f"http://127.0.0.1:{port}")
        made.merchant, made.store = _merchant(made.services, demo_shop)
        yield made
        made.services.engine.dispose()
        made.services.redis.close()
    discard_data(home)


def _merchant(services: Services, url: str) -> tuple[int, int]:
    number = merchants.add(
        services.engine, name="Toko", email="o@toko.example", timezone="Asia/Jakarta", currency="IDR", locale="id"
    )
    sealed = seal(("k" * 40,), {"key": KEY, "secret": SECRET})
    with tenant(services.engine, number) as conn:
        conn.execute(text("UPDATE merchant SET holdout_share = 0"))
        store: int = conn.execute(
            text(
                "INSERT INTO store "
                "(merchant_id, platform, name, url, currency, timezone, credentials, webhook_secrets) "
                "VALUES (:m, 'woocommerce', 'Demo', :url, 'IDR', 'Asia/Jakarta', :sealed, :hook) RETURNING id"
            ),
            {"m": number, "url": url, "sealed": sealed, "hook": seal(("k" * 40,), {"secrets": [HOOK]})},
        ).scalar_one()
        for n in range(1, PEOPLE + 1):
            add_person(conn, number, n)
        say(conn, number, [n for n in range(1, PEOPLE + 1) if n != 12], "subscribed")
    return number, store


def launch(instance: Instance) -> int:
    """The holiday discount at any hour, launched in the browser; the web process dies of the first click."""
    guards = {"quiet_hours": None, "frequency_cap": None}
    document = holiday_discount().document | {"measure": {"holdout": 0}, "guards": guards}
    with tenant(instance.services.engine, instance.merchant) as conn:
        campaigns.save(conn, merchant_id=instance.merchant, campaign=parse(document), by="test")
        owner = conn.scalar(text("SELECT id FROM user_account"))
        token = people.issue_link(conn, instance.merchant, int(owner or 0), instance.services.now())
    marketer = Marketer(instance.address, f"{instance.address}/login/{token}")
    run_id = marketer.launch("eid-al-fitr-thanks", after_sending=lambda: instance.kill("gunicorn"))
    with tenant(instance.services.engine, instance.merchant) as conn:
        assert conn.scalars(text("SELECT id FROM campaign_run")).all() == [run_id]
    return run_id


def patiently(act: Callable[[], Any]) -> Any:
    """Do it as soon as the killed servers are back."""
    end = time.monotonic() + 20
    while True:
        try:
            return act()
        except (SQLAlchemyError, RedisError, OSError):
            assert time.monotonic() < end, "the servers did not come back"
            time.sleep(0.2)


def report_and_wake(instance: Instance, provider: FakeSendGrid, run_id: int, told: set[str]) -> str:
    """What the provider's webhook and the passing of time do; gives the run's state."""
    services = instance.services
    fresh = [mail for mail in list(provider.accepted) if mail.email not in told]
    if fresh:
        _tell(instance, provider, fresh, told)
    with tenant(services.engine, instance.merchant) as conn:
        conn.execute(text("UPDATE campaign_run SET not_before = NULL WHERE not_before IS NOT NULL"))
        state = campaigns.run(conn, run_id).state
    wake(services.redis, runs.advance_run, instance.merchant, run_id, hold=1)
    return state


def _tell(instance: Instance, provider: FakeSendGrid, mails: list[AcceptedMail], told: set[str]) -> None:
    """Post signed reports to our web process; whatever it does not take is posted again, as the provider would."""
    url = f"{instance.address}/webhooks/sendgrid/{instance.merchant}"
    try:
        answer = provider.post_events(url, provider.events_for("delivered", mails=mails))
    except requests.RequestException:
        return
    if answer.status_code == 200:
        told.update(mail.email for mail in mails)
        wake(instance.services.redis, events.drain_mail_events, instance.merchant, on="urgent", hold=1)


def sweep_after(instance: Instance, ahead: timedelta) -> None:
    """The sweeper's round of a later time, so that the test need not wait for it."""
    services = replace(instance.services, now=lambda: datetime.now(UTC) + ahead)
    sweep.settle_attempts(services, outside(services, instance.merchant), instance.merchant)


@pytest.mark.slow
def test_whatever_is_killed_everybody_is_settled_once(instance: Instance, provider: FakeSendGrid) -> None:
    provider.faults = ["slow", "accept_then_drop", "500_after_accept", "slow", "slow", "accept_then_drop"]
    told: set[str] = set()
    run_id = launch(instance)
    with Deliveries(f"{instance.address}/webhooks/woocommerce/{instance.store}", HOOK) as shop:
        for taken, word in STORY:
            go_on_until(instance, provider, run_id, told, lambda _, taken=taken: len(provider.accepted) >= taken)
            assert instance.kill(word), f"no {word} among {_children(instance.process.pid)}"
            patiently(lambda: sweep_after(instance, timedelta(seconds=45)))
    go_on_until(instance, provider, run_id, told, lambda _: len(provider.accepted) >= PEOPLE - 1 - LOST)
    time.sleep(1)
    patiently(lambda: sweep_after(instance, timedelta(seconds=45)))
    patiently(lambda: report_and_wake(instance, provider, run_id, told))
    time.sleep(1)
    # Whatever is in doubt now never reached the provider: the policy gives it up, and says so.
    patiently(lambda: sweep_after(instance, timedelta(minutes=61)))
    go_on_until(instance, provider, run_id, told, lambda state: state == "done")
    go_on_until(instance, provider, run_id, told, lambda _: {mail.email for mail in provider.accepted} <= told)
    while events.drain(instance.services, instance.merchant):
        pass
    settled(instance, provider, run_id)
    nothing_lost(instance, shop)


STORY = (
    (1, "worker.main"), (11, "gunicorn"), (21, "bin/postgres"), (61, "worker.main"), (91, "valkey"), (101, "gunicorn"),
    (121, "schedule"),
)  # fmt: skip
LOST = 3 * RECIPIENTS
"""At most one request for each kill of a worker or the database: written down as being sent, and never made."""


def go_on_until(
    instance: Instance, provider: FakeSendGrid, run_id: int, told: set[str], reached: Callable[[str], bool]
) -> None:
    """Let the world go on until something is reached."""
    end = time.monotonic() + PATIENCE
    while not reached(patiently(lambda: report_and_wake(instance, provider, run_id, told))):
        assert time.monotonic() < end, said(instance, run_id)
        time.sleep(0.05)


def said(instance: Instance, run_id: int) -> str:
    """What the run and the queue say of themselves, for a failing test."""
    with tenant(instance.services.engine, instance.merchant) as conn:
        report = runs.report(conn, run_id)
    failed = [
        job.latest_result().exc_string or ""
        for name in QUEUES
        for number in queue(instance.services.redis, name).failed_job_registry.get_job_ids()
        if (job := queue(instance.services.redis, name).fetch_job(number)) and job.latest_result()
    ]
    counts = {name: queue(instance.services.redis, name).count for name in QUEUES}
    return f"{report} {counts} {failed[:3]}"


def settled(instance: Instance, provider: FakeSendGrid, run_id: int) -> None:
    """Everybody has one message with a state that is true of the world, or a reason."""
    with tenant(instance.services.engine, instance.merchant) as conn:
        report = runs.report(conn, run_id)
        rows = messages.messages(conn, run_id)
        issued = conn.scalar(text("SELECT count(*) FROM offer_code WHERE state = 'issued'"))
    twice = [email for email, times in Counter(mail.email for mail in provider.accepted).items() if times > 1]
    assert twice == []
    assert report["state"] == "done", report
    assert len(rows) == len({row["customer"] for row in rows}) == report["treated"] == PEOPLE - 1
    assert issued == PEOPLE - 1
    taken = {mail.email for mail in provider.accepted}
    for row in rows:
        assert row["state"] == "delivered" if row["email"] in taken else row["state"] == "failed" and row["reason"], row
    assert len(taken) >= PEOPLE - 1 - LOST


def nothing_lost(instance: Instance, shop: Deliveries) -> None:
    """Every order we said we have is there, once; and we did say no while web or database were away."""
    end = time.monotonic() + PATIENCE
    while waiting(instance):
        # What the worker holds just now cannot be taken by us: it is waited for.
        assert time.monotonic() < end, "orders are left in the inbox"
        ingest.drained(instance.services, instance.merchant, wiring.connector)
        time.sleep(0.1)
    with tenant(instance.services.engine, instance.merchant) as conn:
        orders = list(conn.scalars(text("SELECT external_id FROM shop_order ORDER BY external_id")))
    assert shop.refused > 0
    assert orders == shop.taken


def waiting(instance: Instance) -> int:
    """What lies in the inbox and is not worked off."""
    with tenant(instance.services.engine, instance.merchant) as conn:
        found = text("SELECT count(*) FROM inbound_event WHERE state IN ('received', 'failed')")
        return int(conn.scalar(found) or 0)

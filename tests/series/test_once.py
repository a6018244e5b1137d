"""Whatever is killed and however many work at once: everybody gets each mail exactly once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from campaigns.schema import Campaign
from plugin_server.jobs.series import walk as series
from tests.campaigns.shop import add_person, say
from tests.series.conftest import House
from tests.series.definitions import OFFER, campaign, letter


def story(key: str = "series") -> Campaign:
    """Mails, a code, a task and a tag; the subjects tell the campaign."""
    return campaign(
        letter(f"One {key}", key="one"), {"kind": "wait", "days": 1}, {"kind": "offer", "offer": OFFER},
        letter(f"Two {key} {{{{ offer.code }}}}", key="two"), {"kind": "task", "title": key},
        {"kind": "tag", "tag": key}, key=key,
    )  # fmt: skip


class Killed(BaseException):
    """As good as kill -9: nothing of ours catches it."""


STATEMENTS = (9, 22, 39, 60, 85, 114, 130)


def test_killed_after_any_statement_it_goes_on_where_it_stood(house: House) -> None:
    for after in STATEMENTS:
        house.begin(story(f"k{after}"))
        house.clock.now += timedelta(days=1, minutes=1)
        _killed(house, after)
        house.swept(minutes=5)
        house.swept(minutes=5)
        settled(house, f"k{after}")


def _killed(house: House, after: int) -> None:
    """Walk until so many statements have been made."""
    count = 0

    def kill(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == after:
            raise Killed

    event.listen(house.app.engine, "before_cursor_execute", kill)
    try:
        with pytest.raises(Killed):
            series.walk(house.app, house.world, house.merchant)
    finally:
        event.remove(house.app.engine, "before_cursor_execute", kill)
        house.app.engine.dispose()


def settled(house: House, key: str = "series", people: int = 8) -> None:
    """Both mails, the task and the tag have come to everybody, once."""
    assert set(house.places().values()) == {("left", "end")}
    times = Counter((who, said.split()[0]) for who, said in house.mails() if said.split()[1] == key)
    assert len(times) == 2 * people
    assert set(times.values()) == {1}
    tasks = house.ask("SELECT count(*), count(DISTINCT customer_id) FROM owner_task WHERE title = :key", key=key)
    assert tasks[0] == (people, people)
    assert house.ask("SELECT count(*) FROM customer WHERE :key = ANY(tags)", key=key)[0][0] == people
    assert (
        house.ask(
            "SELECT count(*) FROM offer_code WHERE run_id IN (SELECT id FROM campaign_run r WHERE campaign_id "
            "= (SELECT id FROM campaign WHERE key = :key))",
            key=key,
        )[0][0]
        == people
    )


def test_two_workers_and_the_sweeper_at_once_send_everything_once(house: House) -> None:
    with house.app.engine.begin() as conn:
        conn.exec_driver_sql(f"SET LOCAL tangga.merchant = '{house.merchant}'")
        for n in range(13, 61):
            add_person(conn, house.merchant, n)
        say(conn, house.merchant, list(range(13, 61)), "subscribed")
        conn.exec_driver_sql("UPDATE customer_facts SET rung = 'shopper' WHERE customer_id > 12")
    house.begin(story())
    house.clock.now = house.clock.now.replace(hour=3, day=25)
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(series.walk, house.app, house.world, house.merchant) for _ in range(3)]
        found.append(pool.submit(house.walk))
        assert sum(one.result() for one in found) > 0
    house.swept(minutes=5)
    house.swept(minutes=5)
    settled(house, people=56)


WORKER = """
import sys
from datetime import datetime
from dataclasses import replace
from pathlib import Path
from connectors.folder.client import FolderBackend
from plugin_server import wiring
from plugin_server.jobs.sending import deliver
from plugin_server.jobs.series import walk as series
from plugin_server.jobs.outside import Outside
from plugin_server.settings import Settings
from tests.campaigns.shop import Shop
home, database, redis, merchant, now = sys.argv[1:]
deliver.BATCH = 2
settings = Settings(tangga_home=Path(home), database_url=database, redis_url=redis, secret_keys=("k" * 40,),
                    public_url="https://mail.toko.example")
clock = lambda: datetime.fromisoformat(now)
app = replace(wiring.build(settings), now=clock)
world = Outside(mail=FolderBackend(settings.outbox, clock=clock), backend="folder", store=lambda _: Shop(),
                repeatable=True)
print("ready", flush=True)
series.walk(app, world, int(merchant))
"""


@pytest.mark.parametrize("pause", [0.05, 0.2])
def test_a_worker_killed_while_it_sends_leaves_one_mail_for_each(house: House, pause: float) -> None:
    house.begin(campaign(letter("One", key="one"), {"kind": "wait", "days": 1}, letter("Two", key="two")))
    house.clock.now = house.clock.now.replace(hour=3, day=25)
    settings = house.app.settings
    given = [str(settings.tangga_home), str(settings.database_url), str(settings.redis_url), str(house.merchant)]
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, *given, house.clock.now.isoformat()], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        time.sleep(pause)
        worker.send_signal(signal.SIGKILL)
    house.swept(minutes=2)
    house.swept(minutes=2)
    times = Counter(house.mails())
    assert len(times) == 16
    assert set(times.values()) == {1}
    assert set(house.places().values()) == {("left", "end")}

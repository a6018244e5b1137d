"""A home with PostgreSQL, Valkey, web, one worker and the scheduler: `python -m tests.crash.instance HOME PORT`.

Small requests, so that a kill has many places to hit. Prints `ready DATABASE_URL REDIS_URL` once it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plugin_server.cli.processes import own_processes
from plugin_server.db import periodic
from plugin_server.db.migrate import migrate
from plugin_server.db.session import app_engine
from plugin_server.jobs.schedule import JOBS
from plugin_server.launcher.children import die_with_parent
from plugin_server.launcher.supervisor import ProcessSpec, ServiceUrls, run

RECIPIENTS = 10
PLAYING = ("sweep", "campaigns")
WORKER = (
    "from plugin_server.jobs import worker; from plugin_server.jobs.sending import deliver; "
    f"deliver.BATCH = {RECIPIENTS}; worker.main()"
)
SCHEDULER = "from plugin_server.jobs import schedule; schedule.main()"


def processes(urls: ServiceUrls, port: int) -> Sequence[ProcessSpec]:
    """Web, the worker and the scheduler, on these servers."""
    env = {**os.environ, "DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url}
    web = own_processes(env, port)[0]
    return [
        web,
        ProcessSpec("worker", [sys.executable, "-c", WORKER, "worker"], env=env, grace=1),
        ProcessSpec("scheduler", [sys.executable, "-c", SCHEDULER, "scheduler"], env=env, grace=1),
    ]


def prepare(urls: ServiceUrls) -> None:
    """The schema; and no work of the scheduler besides the story: else the shop is read in the middle of it."""
    migrate(urls.database_url)
    engine, tomorrow = app_engine(urls.database_url), datetime.now(UTC) + timedelta(days=1)
    with engine.begin() as conn:
        periodic.take_due(conn, {job.key: tomorrow for job in JOBS if job.key not in PLAYING}, tomorrow)
    engine.dispose()


def main() -> int:
    """Run until stopped."""
    die_with_parent()
    home, port = Path(sys.argv[1]), int(sys.argv[2])
    return run(
        home,
        port,
        database_url=None,
        redis_url=None,
        prepare=prepare,
        processes=lambda urls: processes(urls, port),
        on_ready=lambda urls: print(f"ready {urls.database_url} {urls.redis_url}", flush=True),  # noqa: T201
    )


if __name__ == "__main__":
    sys.exit(main())

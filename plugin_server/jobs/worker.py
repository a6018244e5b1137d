"""The worker process: takes wake-up calls off the queue, each in a fork of its own."""

from __future__ import annotations

import logging
import os
import time
from typing import Any, Final

from redis import RedisError
from rq import Worker
from rq.serializers import JSONSerializer

from plugin_server import wiring
from plugin_server.jobs import nightly
from plugin_server.jobs.campaigning import run
from plugin_server.jobs.queues import QUEUES, queue
from plugin_server.jobs.reading import ingest, reconcile, sync
from plugin_server.jobs.sending import doubts, events, replies, suppressions
from plugin_server.launcher.children import die_with_parent

log = logging.getLogger(__name__)
LONGEST_WAIT: Final = 30.0
PRELOADED: Final = (doubts, events, ingest, nightly, reconcile, replies, run, suppressions, sync)
"""Imported before forking, so that a job starts in milliseconds."""


class ForkingWorker(Worker):
    """RQ's worker, whose forks die with it: nothing of a killed worker goes on in the dark."""

    max_connection_wait_time = 5.0

    def main_work_horse(self, *args: Any, **kwargs: Any) -> None:
        """Runs in the fork."""
        die_with_parent(parent=self.pid)
        super().main_work_horse(*args, **kwargs)


def main() -> None:
    """Work until told to stop. Restarts of the queue are waited out; those of the database concern the jobs alone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(message)s")
    services, wait = wiring.services(), 1.0
    while True:
        try:
            queues = [queue(services.redis, name) for name in QUEUES]
            worker = ForkingWorker(queues, connection=services.redis, serializer=JSONSerializer, worker_ttl=60)
            # Connections of the database must not be shared with the forks.
            services.engine.dispose()
            worker.work(with_scheduler=False, logging_level="WARNING")
            return
        except RedisError as error:
            log.warning("worker %s: the queue is away (%s); trying again in %.0f s", os.getpid(), error, wait)
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

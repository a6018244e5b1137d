"""For those who watch over us: is the process up, can it work, and how much waits."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from plugin_server.db import backlog
from plugin_server.jobs.queues import QUEUES, queue
from plugin_server.web.context import services
from plugin_server.web.readiness import checks

pages = Blueprint("health", __name__)


@pages.get("/healthz")
def alive() -> ResponseReturnValue:
    """This process answers."""
    return Response("ok\n", mimetype="text/plain")


@pages.get("/readyz")
def ready() -> ResponseReturnValue:
    """200 where database, queue, migrations and sweep are well; else 503 naming what is not."""
    found = checks(services())
    ok = all(state == "ok" for state in found.values())
    return jsonify(ready=ok, checks=found), 200 if ok else 503


@pages.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Counts only, over all merchants together: nothing here names anybody."""
    registry = CollectorRegistry()
    jobs = Gauge("tangga_jobs_waiting", "Jobs waiting, by queue", ["queue"], registry=registry)
    for name in QUEUES:
        jobs.labels(name).set(queue(services().redis, name).count)
    rows = Gauge("tangga_rows_waiting", "Rows waiting for work, by kind", ["kind"], registry=registry)
    for kind, count in backlog.waiting(services().engine).items():
        rows.labels(kind).set(count)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

"""What those are told who watch over an instance: well, or what is not, and no wavering between the two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.engine import make_url

from plugin_server.db.session import owner_engine
from plugin_server.wiring import Services
from tests.web.conftest import Clock, Visitor

WELL = {"database": "ok", "writing": "ok", "migrations": "ok", "queue": "ok", "sweep": "ok"}


def test_health_says_how_it_is(visitor: Visitor, app: Services, clock: Clock) -> None:
    assert visitor.client.get("/healthz").status_code == 200
    assert visitor.client.get("/readyz").json == {"ready": True, "checks": WELL}
    engine = owner_engine(str(app.settings.database_url))
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO periodic_job (key, last_finished) VALUES ('sweep', :at)"), {"at": app.now()}
        )
    engine.dispose()
    clock.forward(hours=1)
    assert visitor.client.get("/readyz").status_code == 503
    assert b"tangga_rows_waiting" in visitor.client.get("/metrics").data


@contextmanager
def _only_read(app: Services) -> Iterator[None]:
    """The database takes no more writes, as after a fail-over: reading goes on as if nothing were."""
    url = str(app.settings.database_url)
    engine = owner_engine(url)
    alter = f'ALTER DATABASE "{make_url(url).database}" '
    try:
        with engine.begin() as connection:
            connection.execute(text(f"{alter} SET default_transaction_read_only = on"))
        app.engine.dispose()
        yield
    finally:
        engine.dispose()
        with engine.begin() as connection:
            connection.execute(text("SET TRANSACTION READ WRITE"))
            connection.execute(text(f"{alter} RESET default_transaction_read_only"))
        engine.dispose()
        app.engine.dispose()


def test_a_database_that_cannot_write_is_told_until_it_has_worked_for_a_minute(
    visitor: Visitor, app: Services, clock: Clock
) -> None:
    def told() -> tuple[int, str]:
        answer = visitor.client.get("/readyz")
        return answer.status_code, answer.json["checks"]["writing"] if answer.json else ""

    assert told() == (200, "ok")
    with _only_read(app):
        clock.forward(seconds=11)
        status, sentence = told()
        assert (status, "DATABASE_URL must name the one that is written to" in sentence) == (503, True)
        assert visitor.client.get("/readyz").json["checks"]["database"] == "ok"
    clock.forward(seconds=11)
    assert told() == (503, sentence)
    clock.forward(seconds=30)
    assert told() == (503, sentence)
    clock.forward(seconds=30)
    assert told() == (200, "ok")

"""Two goods of one order run out on two days: each has its own mail, and that names the right one."""

from __future__ import annotations

from email import message_from_bytes, policy

from sqlalchemy import text

from campaigns.recipes import recipes
from campaigns.schema import parse
from connectors.folder.client import FolderBackend
from plugin_server.db.campaigning import campaigns
from plugin_server.db.ladder import known
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run, ticks
from plugin_server.jobs.outside import Outside
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import add_order
from tests.campaigns.test_schedule import DAY, at


def test_each_of_two_goods_gets_its_own_reminder_by_name(app: Services, merchant: int) -> None:
    recipe = next(one for one in recipes() if one.key == "supply_ends").document
    recipe = recipe | {"guards": {"quiet_hours": None, "frequency_cap": None}, "measure": {"holdout": 0}}
    with tenant(app.engine, merchant) as conn:
        store = conn.scalar(text("SELECT id FROM store"))
        # Bought on the fourteenth of January: beans last to the 1st of March, tea to the 3rd.
        order = add_order(conn, merchant, 4, store=store, external="home", at="2027-01-14 03:00+00")
        for place, (title, days) in enumerate((("Kopi Senja", 46), ("Teh Melati", 48))):
            given = {"m": merchant, "s": store, "x": title, "d": days, "o": order, "place": place}
            conn.execute(text("INSERT INTO product (merchant_id, store_id, external_id, title, currency, "
                              "days_of_supply) VALUES (:m, :s, :x, :x, 'IDR', :d)"), given)  # fmt: skip
            conn.execute(text("INSERT INTO order_line (merchant_id, order_id, position, product_external_id, title, "
                              "quantity, total_minor) VALUES (:m, :o, :place, :x, :x, 1, 100)"), given)  # fmt: skip
        known.refresh(conn, merchant_id=merchant, customer_ids=[4])
        campaigns.save(conn, merchant_id=merchant, campaign=parse(recipe), by="test")
        campaigns.set_state(conn, "supply-ends", "active", NOW - DAY)
    for days in range(6):
        then = at(app, NOW + days * DAY)
        backend = FolderBackend(app.settings.outbox, clock=then.now)
        world = Outside(mail=backend, backend="folder", store=lambda _: None, repeatable=True)  # type: ignore[arg-type,return-value]
        ticks.tick_merchant(then, merchant)
        with tenant(app.engine, merchant) as conn:
            waiting = [one.id for one in campaigns.runs_of(conn, campaigns.need(conn, "supply-ends").id)]
        for run_id in waiting:
            run.advance(then, world, merchant, run_id)
    paths = sorted(app.settings.outbox.rglob("*.eml"))
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]
    bodies = [str(mail.get_body(("plain",)).get_content()) for mail in mails]  # type: ignore[attr-defined]
    named = sorted(tuple(title for title in ("Kopi Senja", "Teh Melati") if title in body) for body in bodies)
    assert named == [("Kopi Senja",), ("Teh Melati",)]

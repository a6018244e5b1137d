"""Tokens that end: renewed once, kept together, and given up with a word to the owner."""

from __future__ import annotations

import email
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from connectors.errors import ConnectorError
from connectors.shopify.auth import Grant
from plugin_server import shop_access, wiring
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import access, stores
from plugin_server.jobs import nightly
from plugin_server.jobs.letters import trouble as trouble_mail
from plugin_server.jobs.reading import renewing
from plugin_server.vault import unseal
from plugin_server.wiring import Services
from tests.connectors.server import LoopbackServer
from tests.data.making import NOW
from tests.shopify.conftest import SHOP, Admin


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def token(app: Services, merchant: int, store: int) -> Callable[[], str]:
    return wiring.token_source(app, merchant, store, f"https://{SHOP}")


def kept(app: Services, merchant: int, store: int) -> Grant:
    with tenant(app.engine, merchant) as connection:
        return Grant.from_json(unseal(app.settings.keys, bytes(stores.get(connection, store)["credentials"])))


def test_a_token_is_renewed_five_minutes_before_it_ends(app: Services, merchant: int, shopify: int) -> None:
    clock = Clock()
    source = token(replace(app, now=clock), merchant, shopify)
    assert source() == "shpat_1"
    clock.now = NOW + timedelta(minutes=54, seconds=59)
    assert source() == "shpat_1"
    clock.now = NOW + timedelta(minutes=55)
    assert source() == "shpat_2"
    assert kept(app, merchant, shopify).refresh_token == "shprt_2"


def test_many_workers_renew_once(app: Services, merchant: int, shopify: int, oauth: LoopbackServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = set(pool.map(lambda _: token(app, merchant, shopify)(), range(8)))
    assert got == {"shpat_1"}
    assert len(oauth.asked) == 1


def test_a_lost_answer_is_made_up_with_the_old_pair(app: Services, merchant: int, shopify: int, admin: Admin) -> None:
    # The shop renewed, the answer was lost: our pair is the previous one, and still good.
    admin.good |= {"shprt_1"}
    admin.number = 1
    assert token(app, merchant, shopify)() == "shpat_2"


def test_rights_that_have_ended_stop_the_work_and_the_owner_is_told_once(
    app: Services, merchant: int, shopify: int, admin: Admin, oauth: LoopbackServer
) -> None:
    with tenant(app.engine, merchant) as connection:
        merchants.add_user(connection, merchant, email="viewer@example.com", role="viewer", locale="nl")
    admin.good = set()
    for _ in range(2):
        with pytest.raises(ConnectorError) as caught:
            token(app, merchant, shopify)()
        assert (caught.value.code, caught.value.permanent) == ("invalid_grant", True)
    assert len(oauth.asked) == 1, "what the shop has ended is not asked for again"
    with tenant(app.engine, merchant) as connection:
        row = stores.get(connection, shopify)
    assert (row["state"], row["state_reason"]) == ("broken", shop_access.FINAL["invalid_grant"])
    assert nightly._shops(app) == []
    assert (trouble_mail.tell_all(app), trouble_mail.tell_all(app)) == (1, 0)
    (mail,) = app.settings.outbox.rglob("*.eml")
    told = email.message_from_bytes(mail.read_bytes())
    assert told["To"] == "owner@example.com"
    assert f"/stores/{shopify}" in str(mail.read_text())


def test_a_passing_failure_marks_nothing(app: Services, merchant: int, shopify: int, admin: Admin) -> None:
    admin.refused = "invalid_client"
    with pytest.raises(ConnectorError, match="SHOPIFY_CLIENT_ID"):
        token(app, merchant, shopify)()
    admin.refused = ""
    assert token(app, merchant, shopify)() == "shpat_1"


def test_dormant_shops_are_renewed_weekly_and_others_are_left_alone(
    app: Services, merchant: int, shopify: int, oauth: LoopbackServer
) -> None:
    clock = Clock(NOW + timedelta(days=6) - timedelta(seconds=1))
    later = replace(app, now=clock)
    assert renewing.renew_dormant(later) == 0
    clock.now = NOW + timedelta(days=6, seconds=1)
    assert renewing.renew_dormant(later) == 1
    renewing.renewed(later, merchant, shopify)
    renewing.renewed(later, merchant, shopify)
    assert len(oauth.asked) == 1
    assert renewing.renew_dormant(later) == 0


def test_a_pasted_token_is_never_renewed(app: Services, merchant: int, shopify: int, oauth: LoopbackServer) -> None:
    shop_access.keep(wiring.vault(app), merchant, shopify, Grant("shpat_x"), installed=False)
    later = replace(app, now=lambda: NOW + timedelta(days=400))
    assert token(later, merchant, shopify)() == "shpat_x"
    renewing.renewed(later, merchant, shopify)
    assert (renewing.renew_dormant(later), oauth.asked) == (0, [])


def test_leaving_kills_the_token_and_coming_back_calls_the_purge_off(
    app: Services, merchant: int, shopify: int, oauth: LoopbackServer
) -> None:
    with tenant(app.engine, merchant) as connection:
        assert access.leave(connection, shopify, "gone", NOW, NOW + timedelta(hours=48))
        assert not access.leave(connection, shopify, "gone", NOW, NOW + timedelta(hours=99))
        assert access.due_for_purge(connection, NOW + timedelta(hours=47)) == []
        assert access.due_for_purge(connection, NOW + timedelta(hours=48)) == [shopify]
        assert stores.get(connection, shopify)["credentials"] is None
    with pytest.raises(ConnectorError, match="removed"):
        token(app, merchant, shopify)()
    shop_access.keep(wiring.vault(app), merchant, shopify, Grant("shpat_back"))
    with tenant(app.engine, merchant) as connection:
        assert access.due_for_purge(connection, NOW + timedelta(days=99)) == []
        assert stores.get(connection, shopify)["state"] == "connected"
        assert connection.scalar(text("SELECT installed FROM store_access"))
    assert token(app, merchant, shopify)() == "shpat_back"
    assert oauth.asked == []

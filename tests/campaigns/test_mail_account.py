"""What the provider knows besides: its log ends doubts, its lists and ours agree, scanners are no readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from campaigns.mail.bots import Click, first_by_a_person
from connectors.errors import ConnectorError
from connectors.mail_types import DeliveryEvent, DeliveryKind
from connectors.sendgrid.account import PAGE, SendGridAccount
from connectors.sendgrid.client import SendGridBackend
from plugin_server.db.sending import delivery
from plugin_server.db.session import tenant
from plugin_server.jobs.campaigning import run as runs
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import doubts, suppressions
from plugin_server.wiring import Services
from tests.campaigns.conftest import NOW
from tests.campaigns.shop import Shop
from tests.campaigns.test_run import holiday, started
from tests.fakes.sendgrid import FakeSendGrid, fake_sendgrid

AT = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def provider() -> Iterator[FakeSendGrid]:
    with fake_sendgrid() as fake:
        yield fake


def test_the_log_ends_a_doubt_and_only_of_mails_it_holds(
    app: Services,
    merchant: int,
    shop: Shop,
    provider: FakeSendGrid,
) -> None:
    account = SendGridAccount(provider.api_key, provider.url)
    backend = SendGridBackend(provider.api_key, provider.url, timeout=(1, 5))
    world = Outside(mail=backend, backend="sendgrid", store=lambda _: shop, account=account)
    provider.faults = ["500_after_accept", "500", "500"]
    run_id = started(app, merchant, holiday())
    runs.advance(app, world, merchant, run_id)
    taken = {mail.email for mail in provider.accepted}
    assert 0 < len(taken) < 8
    assert doubts.look_up(app, world, merchant) == 0
    later = replace(app, now=lambda: NOW + timedelta(minutes=16))
    assert doubts.look_up(later, world, merchant) == 1
    with tenant(app.engine, merchant) as conn:
        rows = conn.execute(text("SELECT email, state FROM message")).all()
        said = conn.scalar(text("SELECT detail FROM send_attempt WHERE state = 'accepted'"))
    assert {row.email for row in rows if row.state == "accepted"} == taken
    assert {row.state for row in rows if row.email not in taken} == {"in_doubt"}
    assert said == "confirmed by the provider's log"


def test_lists_are_read_page_by_page_and_only_known_addresses_are_kept(
    app: Services,
    merchant: int,
    provider: FakeSendGrid,
) -> None:
    account = SendGridAccount(provider.api_key, provider.url)
    created = int(NOW.timestamp()) - 100
    strangers = [{"email": f"x{n}@else.example", "created": created, "reason": "550"} for n in range(PAGE)]
    provider.lists = {
        "bounces": [*strangers, {"email": "C1@example.com", "created": created, "reason": "550 gone"}],
        "unsubscribes": [{"email": "c2@example.com", "created": created}],
        "spam_reports": [
            {"email": "c3@example.com", "created": created, "ip": "192.0.2.1"},
            {"odd": 1, "created": created},
        ],
    }
    assert suppressions.exchange(app, account, merchant) == (3, 1)
    assert provider.globally_suppressed == ["c11@example.com"]
    with tenant(app.engine, merchant) as conn:
        kept = dict(
            conn.execute(text("SELECT email_norm, reason FROM suppression WHERE source = 'mail provider'")).all()
        )
        said = dict(conn.execute(text(_NEWEST)).all())
    assert kept == {"c1@example.com": "bounced: 550 gone", "c3@example.com": "complained"}
    assert (said[1], said[2], said[3]) == ("subscribed", "unsubscribed", "unsubscribed")
    later = replace(app, now=lambda: NOW + timedelta(days=2))
    suppressions.exchange(later, account, merchant)
    assert suppressions.exchange(replace(app, now=lambda: NOW + timedelta(days=4)), account, merchant) == (0, 0)


_NEWEST = (
    "SELECT DISTINCT ON (customer_id) customer_id, state FROM consent ORDER BY customer_id, occurred_at DESC, id DESC"
)


def test_a_wrong_key_and_a_silent_account_are_told_apart(provider: FakeSendGrid) -> None:
    with pytest.raises(ConnectorError, match="permissions") as wrong:
        list(SendGridAccount("SG.other", provider.url).suppressed(since=AT))
    assert wrong.value.permanent
    with pytest.raises(ConnectorError, match="did not answer") as silent:
        SendGridAccount("SG.x", "http://127.0.0.1:9").suppress(["a@example.com"])
    assert not silent.value.permanent


def test_a_scanner_is_not_a_reader_in_whatever_order_reports_come(app: Services, merchant: int) -> None:
    def event(n: int, kind: DeliveryKind, seconds: int, url: str = "") -> DeliveryEvent:
        return DeliveryEvent(kind, f"{n}", AT + timedelta(seconds=seconds), message_id="1", url=url)

    reports = [event(1, DeliveryKind.DELIVERED, 0), event(2, DeliveryKind.CLICKED, 1, "a"),
               event(3, DeliveryKind.CLICKED, 60, "a"), event(4, DeliveryKind.CLICKED, 61, "b"),
               event(5, DeliveryKind.CLICKED, 900, "a")]  # fmt: skip
    with tenant(app.engine, merchant) as conn:
        conn.execute(text("INSERT INTO campaign (merchant_id, key, name) VALUES (:m, 'k', 'k')"), {"m": merchant})
        conn.execute(
            text(
                "INSERT INTO message (merchant_id, run_id, customer_id, email, language, state) "
                "VALUES (:m, 1, 1, 'c1@example.com', 'id', 'accepted')"
            ),
            {"m": merchant},
        )
        for order in list(permutations(reports))[::17]:
            conn.execute(text("DELETE FROM delivery_event"))
            conn.execute(text("UPDATE message SET clicked_at = NULL"))
            for report in order:
                delivery._insert(conn, merchant, [report])
                delivery.clicks.read(conn, [1])
            assert conn.scalar(text("SELECT clicked_at FROM message")) == AT + timedelta(seconds=900)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab")), max_size=6), st.none() | st.integers(0, 20))
def test_a_person_is_found_by_the_rules_alone(found: list[tuple[int, str]], delivered: int | None) -> None:
    clicks = [Click(AT + timedelta(seconds=at), url) for at, url in found]
    told = None if delivered is None else AT + timedelta(seconds=delivered)
    first = first_by_a_person(clicks, told)
    assert first == first_by_a_person([*reversed(clicks), *clicks], told)
    if first is not None:
        assert first in {click.at for click in clicks}
        assert told is None or first >= told + timedelta(seconds=2)

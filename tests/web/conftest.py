"""A web application on this test's own database, and visitors who are logged in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin_server.app import create_app, equip
from plugin_server.db.merchant import merchants
from plugin_server.db.session import tenant
from plugin_server.db.shops import stores
from plugin_server.vault import seal
from plugin_server.web.login import make_login_link
from plugin_server.wiring import Services

SECRET = "a-webhook-secret"
IDLE: list[Flask] = []
"""Applications that no test uses now: routes and templates are the same in every test, and dear to compile."""


@dataclass
class Visitor:
    """A browser: keeps its cookies and sends the token its last page carried."""

    client: FlaskClient
    token: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        answer = self.client.get(path, **options)
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.get_data(as_text=True))
        self.token = found[1] if found else self.token
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **options)

    def log_in(self, services: Services, merchant_id: int, user_id: int) -> None:
        path = make_login_link(services, merchant_id, user_id).removeprefix(services.settings.public_url)
        self.get(path)
        assert self.post(path).status_code == 302
        self.get("/settings")


@pytest.fixture
def serve() -> Iterator[Callable[[Services], Flask]]:
    """Makes applications, and closes what they opened."""
    served: list[Flask] = []

    def make(services: Services) -> Flask:
        if IDLE and not services.settings.trusted_proxies:
            equip(made := IDLE.pop(), services)
        else:
            made = create_app(services)
        made.testing = True
        made.config["PROPAGATE_EXCEPTIONS"] = False
        served.append(made)
        return made

    yield make
    for made in served:
        made.extensions["tangga_intake"].close()
        made.extensions["tangga_bell"].close()
    IDLE.extend(made for made in served if not made.extensions["tangga"].settings.trusted_proxies)


@pytest.fixture
def flask_app(app: Services, serve: Callable[[Services], Flask]) -> Flask:
    return serve(app)


@pytest.fixture
def visitor(flask_app: Flask) -> Visitor:
    """Somebody who is not logged in."""
    return Visitor(flask_app.test_client())


@pytest.fixture
def person(app: Services, merchant: int) -> Callable[..., int]:
    """Adds a person with a role to the merchant; gives the id."""

    def add(role: str, email: str = "") -> int:
        with tenant(app.engine, merchant) as connection:
            return merchants.add_user(
                connection, merchant, email=email or f"a-{role}@example.com", role=role, locale="en"
            )

    return add


@pytest.fixture
def logged_in(app: Services, merchant: int, flask_app: Flask, person: Callable[..., int]) -> Callable[[str], Visitor]:
    """A visitor who is logged in with a role."""

    known: dict[str, int] = {}

    def make(role: str) -> Visitor:
        if role not in known:
            known[role] = person(role, f"{role}-in@example.com")
        made = Visitor(flask_app.test_client())
        made.log_in(app, merchant, known[role])
        return made

    return make


@pytest.fixture
def woo(app: Services, merchant: int) -> int:
    """A connected WooCommerce store whose deliveries are signed with ``SECRET``."""
    keys = app.settings.keys
    with tenant(app.engine, merchant) as connection:
        return stores.add(
            connection,
            merchant_id=merchant,
            platform="woocommerce",
            name="Toko Senja",
            url="https://toko.example.com",
            credentials=seal(keys, {"key": "ck_1", "secret": "cs_1"}),
            webhook_secrets=seal(keys, {"secrets": [SECRET]}),
        )


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@pytest.fixture
def clock(app: Services) -> Clock:
    """Moves the time of ``app``."""
    made = Clock(app.now())
    object.__setattr__(app, "now", made)
    return made

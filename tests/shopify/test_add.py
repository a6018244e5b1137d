"""`tangga stores add shopify`: what a person mistypes is named, and nothing is stored."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from plugin_server.db.session import tenant
from plugin_server.wiring import Services
from tests.cli.conftest import Called, call

__all__ = ["call"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--shop", "toko.example.com", "--token", "shpat_1"], "--shop"),
        (["--shop", "toko.myshopify.com", "--token", "shpat_1\nX: y"], "--token"),
        (["--shop", "toko.myshopify.com", "--token", "shpat 1"], "--token"),
        (["--shop", "toko.myshopify.com", "--token", "shpat_1", "--secret", ""], "--secret"),
        (["--shop", "toko.myshopify.com", "--token", "shpat_1", "--name", "\n"], "--name"),
        (["--shop", "toko.myshopify.com"], "--token"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_stored(
    app: Services, merchant: int, call: Called, words: list[str], named: str
) -> None:
    code, out, err = call("stores", "add", "shopify", *words)
    assert (code, out) == (2, "")
    assert named in err
    with tenant(app.engine, merchant) as connection:
        assert connection.scalar(text("SELECT count(*) FROM store")) == 0

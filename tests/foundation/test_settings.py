"""Settings refuse nonsense at the start and say which variable to mend."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plugin_server.settings import Settings

KEY = "k" * 32
PRODUCTION: dict[str, Any] = {
    "tangga_env": "production",
    "secret_keys": KEY,
    "public_url": "https://app.example.com",
}


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    return str(caught.value)


def test_production_starts_when_everything_needed_is_there() -> None:
    assert Settings(**PRODUCTION).keys == (KEY,)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"secret_keys": ""}, "SECRET_KEYS"),
        ({"secret_keys": "short"}, "SECRET_KEYS"),
        ({"allow_private_hosts": "1"}, "ALLOW_PRIVATE_HOSTS"),
        ({"shopify_admin_origin": "http://127.0.0.1:1"}, "SHOPIFY_ADMIN_ORIGIN"),
        ({"shopify_client_id": "x"}, "SHOPIFY_CLIENT_SECRETS"),
        ({"shopify_client_secrets": "x"}, "SHOPIFY_CLIENT_ID"),
        ({"shopify_admin_origin": "shop"}, "not an address"),
        ({"tls_verify": "0"}, "TLS_VERIFY"),
        ({"sendgrid_host": "http://127.0.0.1:1"}, "SENDGRID_HOST"),
        ({"sendgrid_host": "https://127.0.0.1:1"}, "SENDGRID_HOST"),
        ({"sendgrid_host": "https://notsendgrid.com"}, "SENDGRID_HOST"),
        ({"public_url": "http://app.example.com"}, "PUBLIC_URL"),
    ],
)
def test_production_refuses(change: dict[str, Any], named: str) -> None:
    assert named in refused(**{**PRODUCTION, **change})


def test_a_mail_backend_needs_its_own_setting() -> None:
    assert "SENDGRID_API_KEY" in refused(mail_backend="sendgrid")
    assert "SMTP_URL" in refused(mail_backend="smtp")


def test_keys_are_listed_newest_first_with_blanks_dropped() -> None:
    assert Settings(secret_keys=f"{KEY}1, {KEY}2,").keys == (f"{KEY}1", f"{KEY}2")  # type: ignore[arg-type]


def test_in_development_one_key_is_made_and_kept_privately(tmp_path: Path) -> None:
    first = Settings(tangga_home=tmp_path).keys
    assert Settings(tangga_home=tmp_path).keys == first
    assert len(first[0]) >= 32
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_an_address_that_is_none_is_refused() -> None:
    assert "write it as https://" in refused(public_url="shop")

"""Settings refuse nonsense at the start and say which variable to mend."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from plugin_server.settings import BadSettings, Settings, read
from plugin_server.wiring import Services, build

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
        ({"shopify_admin_origin": "shop"}, "no address"),
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


@pytest.mark.parametrize("name", ["TANGGA_HOME", "PUBLIC_URL", "MAIL_BACKEND", "TLS_VERIFY", "TRUSTED_PROXIES"])
def test_a_variable_that_is_set_to_nothing_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    usual = getattr(Settings(), name.lower())
    monkeypatch.setenv(name, "")
    assert getattr(Settings(), name.lower()) == usual


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:hush-hush@host/shop"),
        ("DATABASE_URL", "postgresql://user:hush-hush/x@host/shop"),
        ("REDIS_URL", "redis://:hush-hush/x@host:6379/0"),
        ("SMTP_URL", "user:hush-hush@mail.example.com"),
        ("SMTP_URL", "smtp://user:hush-hush#x@mail.example.com"),
        ("SMTP_URL", "smtp://user:hush-hush@mail.example.com?tls=yes"),
        ("PUBLIC_URL", "SG.hush-hush"),
        ("SENDGRID_HOST", "SG.hush-hush"),
        ("SHOPIFY_ADMIN_ORIGIN", "shpss_hush-hush"),
        ("ALLOW_PRIVATE_HOSTS", "hush-hush"),
        ("TANGGA_ENV", "hush-hush"),
        ("MAIL_BACKEND", "hush-hush"),
        ("TRUSTED_PROXIES", "hush-hush"),
    ],
)
def test_nonsense_is_refused_by_its_name_and_never_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        read()
    assert str(caught.value).startswith(f"{name}: ")
    assert "hush" not in str(caught.value)


def test_processes_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: Settings(tangga_home=tmp_path).keys, range(8)))
    assert len(made) == 1


def test_a_key_file_left_empty_by_a_crash_is_filled(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch(mode=0o600)
    assert len(Settings(tangga_home=tmp_path).keys[0]) >= 32


def test_a_key_of_the_provider_s_reports_that_is_none_is_found_at_the_start(app: Services) -> None:
    known = {"database_url": app.settings.database_url, "redis_url": app.settings.redis_url}
    with pytest.raises(BadSettings, match="SENDGRID_WEBHOOK_PUBLIC_KEYS"):
        build(Settings(**known, sendgrid_webhook_public_keys=("no key",)))

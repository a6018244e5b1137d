"""Every setting, typed once. The README's table is made from this class; nothing else reads the environment."""

from __future__ import annotations

import fcntl
import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SERVERS = {
    "database_url": ({"postgres", "postgresql", "postgresql+psycopg"}, "postgresql://user:password@host/database"),
    "redis_url": ({"redis", "rediss", "unix"}, "redis://host:6379/0"),
}
"""By setting: the schemes it may have, and an example."""

SMTP_TLS = {"tls", "starttls", "offered", "none"}
"""What an SMTP_URL may say in ``?tls=``."""

TEST_SEAMS = ("shopify_admin_origin", "allow_private_hosts")


LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseSettings):
    """Read from the environment at start; refuses to start incomplete, and says which variable to mend."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore", frozen=True, env_ignore_empty=True)

    tangga_home: Path = Field(default=Path("~/.tangga"), description="folder of the embedded services, keys and outbox")
    tangga_env: Literal["production", "development"] = Field(
        default="development", description="test seams are refused in `production`"
    )
    database_url: str | None = Field(default=None, description="a PostgreSQL server instead of the embedded one")
    redis_url: str | None = Field(default=None, description="a Redis or Valkey server instead of the embedded one")
    secret_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="comma-separated, newest first; made and kept in the home in development, required in production",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="where the outside reaches us: links in mails, webhooks"
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="how many reverse proxies in front of us may tell the visitor's address and scheme"
    )
    mail_backend: Literal["folder", "sendgrid", "smtp"] = Field(
        default="folder",
        description="how mails leave; `folder` writes .eml files under the home's `outbox`. Where it is not set, an "
        "owner may enter an account under Settings",
    )
    sendgrid_api_key: str | None = Field(default=None, description="for `MAIL_BACKEND=sendgrid`")
    sendgrid_host: str = Field(
        default="https://api.sendgrid.com", description="the EU region's host, or a loopback test server in development"
    )
    sendgrid_webhook_public_keys: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated public keys of the signed event webhook"
    )
    smtp_url: str | None = Field(default=None, description="for `MAIL_BACKEND=smtp`: `smtp://user:password@host:587`")
    shopify_client_id: str | None = Field(default=None, description="the app's client id")
    shopify_client_secrets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated, newest first"
    )
    shopify_admin_origin: str | None = Field(default=None, description="replaces `https://{shop}`; development only")
    apple_pass_certificate: Path | None = Field(
        default=None, description="PEM file of a pass type's certificate, for member cards in Apple Wallet"
    )
    apple_pass_key: Path | None = Field(default=None, description="PEM file of that certificate's key")
    apple_intermediate_certificate: Path | None = Field(
        default=None, description="PEM file of Apple's Worldwide Developer Relations certificate"
    )
    google_wallet_issuer: str | None = Field(default=None, description="the issuer's number, for Google Wallet")
    google_wallet_account: Path | None = Field(
        default=None, description="JSON key file of the issuer's service account"
    )
    allow_private_hosts: bool = Field(
        default=False, description="`1` lets a store live on a private address; development only"
    )
    tls_verify: bool = Field(
        default=True, description="`0` accepts a store's self-signed certificate; development only"
    )

    @field_validator("secret_keys", "sendgrid_webhook_public_keys", "shopify_client_secrets", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("tangga_home")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("shopify_admin_origin")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        return cls._address(value) if value else None

    @field_validator("public_url", "sendgrid_host")
    @classmethod
    def _address(cls, value: str) -> str:
        # The value is not repeated: what stands in the wrong variable may be a key.
        if not _is_address(value, {"http", "https"}):
            raise ValueError("this is no address; write it as https://example.com")
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str | None) -> str | None:
        ways = parse_qs(urlsplit(value).query).get("tls", ["offered"]) if value else []
        if value and not (_is_address(value, {"smtp", "smtps"}) and set(ways) <= SMTP_TLS):
            raise ValueError(
                "this is no address of a mail server; write it as smtp://user:password@host:587?tls=starttls, and "
                "signs such as / @ # in a password as %2F %40 %23"
            )
        return value or None

    @field_validator("database_url", "redis_url")
    @classmethod
    def _server(cls, value: str | None, info: ValidationInfo) -> str | None:
        known, example = SERVERS[str(info.field_name)]
        if value and not _is_address(value, known, local=True):
            # The value itself is not repeated: it may hold a password.
            raise ValueError(
                f"this is no address of a server; write it as {example}, and signs such as / @ # in a password as "
                "%2F %40 %23"
            )
        return value or None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mail_backend == "sendgrid" and not self.sendgrid_api_key:
            raise ValueError("MAIL_BACKEND=sendgrid needs SENDGRID_API_KEY")
        if self.mail_backend == "smtp" and not self.smtp_url:
            raise ValueError("MAIL_BACKEND=smtp needs SMTP_URL")
        if bool(self.shopify_client_id) != bool(self.shopify_client_secrets):
            raise ValueError("SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRETS belong together: set both, or neither")
        if self.production:
            self._refuse_seams()
        return self

    def _refuse_seams(self) -> None:
        for name in TEST_SEAMS:
            if getattr(self, name):
                raise ValueError(f"{name.upper()} is a test seam and is refused when TANGGA_ENV=production")
        if not self.tls_verify:
            raise ValueError("TLS_VERIFY=0 is refused when TANGGA_ENV=production")
        provider = urlsplit(self.sendgrid_host)
        if provider.scheme != "https" or not f".{provider.hostname}".endswith(".sendgrid.com"):
            raise ValueError("SENDGRID_HOST must be SendGrid's own when TANGGA_ENV=production: https://….sendgrid.com")
        if urlsplit(self.public_url).scheme != "https":
            raise ValueError("PUBLIC_URL must be https when TANGGA_ENV=production")
        if not self.secret_keys:
            raise ValueError("SECRET_KEYS is required when TANGGA_ENV=production: comma-separated, newest first")
        if any(len(key) < 32 for key in self.secret_keys):
            raise ValueError("each of SECRET_KEYS needs at least 32 characters")

    @property
    def production(self) -> bool:
        """True where test seams are refused."""
        return self.tangga_env == "production"

    @property
    def mail_fixed(self) -> bool:
        """True where the environment says how mails leave; else each business may enter an account of its own."""
        return "mail_backend" in self.model_fields_set

    @property
    def mails_leave(self) -> bool:
        """True where mails go to real people: in production, or by a provider that is not on this machine."""
        provider = {"sendgrid": self.sendgrid_host, "smtp": self.smtp_url}.get(self.mail_backend)
        return self.production or (provider is not None and urlsplit(provider).hostname not in LOOPBACK)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The secret keys, newest first; in development one is made on first use and kept in the home (mode 600)."""
        return self.secret_keys or (_kept_key(self.tangga_home / "secret.key"),)

    @property
    def outbox(self) -> Path:
        """Where the folder backend writes its mails."""
        return self.tangga_home / "outbox"


class BadSettings(ValueError):
    """The environment is incomplete or wrong; the text names the variable to mend, and never its value."""


def read(**changes: object) -> Settings:
    """The settings of this process's environment, with ``changes``. Raises ``BadSettings``."""
    try:
        return Settings(**changes)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])).upper() or 'settings'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        )
        raise BadSettings(problems) from error


def _is_address(value: str, schemes: set[str], *, local: bool = False) -> bool:
    """Whether it has one of the schemes and leads somewhere; ``local`` where a socket's path without a host will do."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return False
    somewhere = parts.hostname or (local and (parts.path or parts.query))
    return parts.scheme in schemes and bool(somewhere) and port != 0 and not set(value) & set(" \t\r\n")


def complete(settings: Settings) -> tuple[str, str]:
    """The addresses of database and queue. Raises ``BadSettings`` where one lacks, or a key is none."""
    if not settings.database_url or not settings.redis_url:
        raise BadSettings("DATABASE_URL and REDIS_URL are needed here; `tangga up --home DIR` brings its own servers.")
    if settings.sendgrid_webhook_public_keys:
        _check_keys(settings.sendgrid_webhook_public_keys)
    return settings.database_url, settings.redis_url


def _check_keys(public_keys: tuple[str, ...]) -> None:
    """At the start: found out at the first report of a mail, a wrong one would cost all reports."""
    # Here and not above: most commands need no cryptography.
    from connectors.sendgrid.webhooks import check_keys

    try:
        check_keys(public_keys)
    except ValueError as error:
        raise BadSettings(str(error)) from error


def _kept_key(path: Path) -> str:
    """The key in this file, made where there is none. Two processes that start at once get the same one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and (kept := path.read_text().strip()):
        return kept
    with open(path, "a+", opener=_open_private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        # Empty it is right after it was made, or where a crash or a full disk came between: then it is ours to fill.
        if not (kept := file.read().strip()):
            kept = secrets.token_urlsafe(48)
            file.write(kept)
            file.flush()
            os.fsync(file.fileno())
    return kept


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def child_environment(**changes: str) -> dict[str, str]:
    """The environment for a process of ours: this one's, with ``changes``."""
    return {**os.environ, **changes}


def settings_table() -> str:
    """The settings as the README's Markdown table: variable, default, meaning."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = {None: "–", (): "–", True: "`1`", False: "`0`"}.get(default, f"`{default}`")
        rows.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)

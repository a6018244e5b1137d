"""What a demo home remembers, so that its second start opens the same shop at the same address."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

MERCHANT = "Toko Senja"
OWNER = "owner@toko-senja.test"
ADDRESS = "Jl. Melati 7, Yogyakarta 55281, Indonesia"
CURRENCY = "IDR"
TIMEZONE = "Asia/Jakarta"
PLACE = "demo"
PLATFORMS = ("woocommerce", "shopify")
DOMAIN = "toko-senja.myshopify.com"
CLIENT_ID = "demo-client"


class NotADemoHome(Exception):
    """The home holds a real business: the demo neither opens in it nor wipes it."""


class OtherPlatform(Exception):
    """The home's demo shop runs on another platform than the one that was asked for."""


@dataclass(frozen=True)
class Opening:
    """Where the demo shop lives and what it was made of.

    ``key`` and ``secret`` are a WooCommerce key pair, or a Shopify token and client secret.
    """

    port: int
    key: str
    secret: str
    seed: int
    customers: int
    platform: str = PLATFORMS[0]

    @property
    def url(self) -> str:
        """The address of the shop's own window."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self) -> dict[str, object]:
        """The app that a Shopify shop knows us by, and where that shop really is, as settings."""
        if self.platform != "shopify":
            return {}
        return {
            "shopify_admin_origin": self.url,
            "shopify_client_id": CLIENT_ID,
            "shopify_client_secrets": (self.secret,),
        }

    @property
    def address(self) -> str:
        """The address by which we know the shop: Shopify's shops are known by their names."""
        return f"https://{DOMAIN}" if self.platform == "shopify" else self.url


def is_demo(home: Path) -> bool:
    """True where the demo was opened in this home."""
    return (home / PLACE / "opening.json").exists()


def known_of(home: Path) -> dict[str, object]:
    """What settings need to reach the demo's shop, which lives on this machine; empty where the home is no demo's."""
    file = home / PLACE / "opening.json"
    if not file.exists():
        return {}
    return {"allow_private_hosts": True, **Opening(**json.loads(file.read_text())).app}


def remembered(home: Path, *, seed: int, customers: int, platform: str | None = None) -> Opening:
    """The opening of this home; made and kept at the first start, when ``seed`` and ``customers`` count.

    Raises ``NotADemoHome`` where the home has a database but never was a demo, ``OtherPlatform`` where its shop runs
    on another ``platform`` than the one given.
    """
    file = home / PLACE / "opening.json"
    if file.exists():
        held = Opening(**json.loads(file.read_text()))
        if platform not in {None, held.platform}:
            raise OtherPlatform(f"The demo of {home} runs on {held.platform}. Start anew with --fresh, or leave it.")
        return held
    if (home / "services").exists():
        raise NotADemoHome(f"{home} holds a real business. Choose another folder for the demo with --home.")
    file.parent.mkdir(parents=True, exist_ok=True)
    shopify = platform == "shopify"
    opening = Opening(
        port=free_port(),
        key=f"{'shpat' if shopify else 'ck'}_{secrets.token_hex(20)}",
        secret=f"{'shpss' if shopify else 'cs'}_{secrets.token_hex(20)}",
        seed=seed,
        customers=customers,
        platform=platform or PLATFORMS[0],
    )
    file.write_text(json.dumps(asdict(opening)))
    return opening


def wipe(home: Path) -> None:
    """Forget everything of a demo home but its services' files. Raises ``NotADemoHome`` where it is none."""
    if not home.exists():
        return
    if (home / "services").exists() and not (home / PLACE).exists():
        raise NotADemoHome(f"{home} holds a real business; --fresh would delete it. Choose another folder with --home.")
    for name in (PLACE, "outbox"):
        shutil.rmtree(home / name, ignore_errors=True)


def free_port() -> int:
    """A TCP port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

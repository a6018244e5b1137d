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


class NotADemoHome(Exception):
    """The home holds a real business: the demo neither opens in it nor wipes it."""


@dataclass(frozen=True)
class Opening:
    """Where the demo shop lives and what it was made of."""

    port: int
    key: str
    secret: str
    seed: int
    customers: int

    @property
    def url(self) -> str:
        """The shop's address."""
        return f"http://127.0.0.1:{self.port}"


def is_demo(home: Path) -> bool:
    """True where the demo was opened in this home."""
    return (home / PLACE / "opening.json").exists()


def remembered(home: Path, *, seed: int, customers: int) -> Opening:
    """The opening of this home; made and kept at the first start, when ``seed`` and ``customers`` count.

    Raises ``NotADemoHome`` where the home has a database but never was a demo.
    """
    file = home / PLACE / "opening.json"
    if file.exists():
        return Opening(**json.loads(file.read_text()))
    if (home / "services").exists():
        raise NotADemoHome(f"{home} holds a real business. Choose another folder for the demo with --home.")
    file.parent.mkdir(parents=True, exist_ok=True)
    opening = Opening(
        port=free_port(),
        key=f"ck_{secrets.token_hex(20)}",
        secret=f"cs_{secrets.token_hex(20)}",
        seed=seed,
        customers=customers,
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

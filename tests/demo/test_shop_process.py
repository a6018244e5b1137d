"""The demo shop as a process: it says when it serves, forgets nothing, and stops when told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.demo.conftest import Client

COMMAND = [sys.executable, "-m", "plugin_server.demo.shop", "--customers", "60"]


@contextmanager
def process(*options: str) -> Iterator[str]:
    """Run the shop with these options while the block runs; gives its address. It must stop cleanly."""
    keys = {"DEMO_SHOP_KEY": "ck_rw", "DEMO_SHOP_SECRET": "cs_rw"}
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True, env={**os.environ, **keys}
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.startswith("ready: http://127.0.0.1:"), line
        yield line.split()[1]
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) == 0


def test_a_restarted_shop_goes_on_where_it_stopped(tmp_path: Path) -> None:
    state = str(tmp_path / "shop.jsonl")
    with process("--state", state) as url:
        made = Client(url).coupon("HEMAT")
        seen = Client(url).get("orders").json()
        placed = Client(url).order()
    with process("--state", state, "--seed", "2", "--customers", "20") as url:
        assert Client(url).get(f"coupons/{made['id']}").json()["code"] == "hemat"
        assert [row["id"] for row in Client(url).get("orders").json()][:10] == [
            placed["id"], *[row["id"] for row in seen][:9],
        ]  # fmt: skip


def test_contacts_and_truth_are_written_out(tmp_path: Path) -> None:
    with process("--export", str(tmp_path)) as url:
        assert requests.get(f"{url}/wp-json/", timeout=5).json()["name"] == "Toko Senja"
    assert len((tmp_path / "contacts.csv").read_text().splitlines()) == 10
    assert len((tmp_path / "truth.jsonl").read_text().splitlines()) == 60


def fails(*options: str) -> str:
    """What the shop says on its way out with status 1."""
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Error: Port {port} of 127.0.0.1 is taken. Give another --port." in fails("--port", str(port))


def test_a_foreign_state_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk\n")
    said = fails("--port", "0", "--state", str(tmp_path / "notes.txt"))
    assert "notes.txt is not a journal of this shop" in said

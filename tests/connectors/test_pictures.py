"""Pictures are weighed by what their servers say, and nobody's server keeps us waiting or leads us inside."""

from __future__ import annotations

import pytest

from connectors import pictures
from connectors.pictures import HEAVIEST, weigh
from tests.connectors.server import Answer, Asked, serving


def gallery(asked: Asked) -> Answer:
    if asked.path == "/silent":
        return Answer(b"x" * 3_000, chunked=True)
    if asked.path == "/endless":
        return Answer(b"x" * (HEAVIEST + 200_000), chunked=True)
    if asked.path == "/moved":
        return Answer(b"", status=302, headers={"Location": "/big"})
    return Answer(b"x" * 70_000) if asked.path == "/big" else Answer(b"", status=404)


def test_sizes_are_asked_for_and_read_only_where_nobody_tells() -> None:
    with serving(gallery) as server:
        names = ("big", "silent", "endless", "moved", "none", "big")
        found = weigh([f"{server.url}/{name}" for name in names], allow_private=True)
        assert found.pop(f"{server.url}/endless") >= HEAVIEST
        assert found == {f"{server.url}/big": 70_000, f"{server.url}/silent": 3_000}
        assert [asked.method for asked in server.asked if asked.path == "/big"] == ["HEAD"]


def test_what_cannot_be_asked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "TIMEOUTS", (0.2, 0.2))
    with serving(lambda asked: Answer(hang_up=True)) as server:
        wrong = ["", "data:image/png;base64,AA", "ftp://a.example/x", "https://[bad", f"{server.url}/x", "cid:1"]
        assert weigh(wrong, allow_private=True) == {}


def test_a_private_network_is_not_called() -> None:
    with serving(gallery) as server:
        assert weigh([f"{server.url}/big", "https://127.0.0.1/big", "https://169.254.169.254/big"]) == {}
        assert server.asked == []

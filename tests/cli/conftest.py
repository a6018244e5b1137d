"""Commands as a person or a script calls them, on this test's own database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from plugin_server.cli import main
from plugin_server.wiring import Services

Called = Callable[..., tuple[int, str, str]]
Read = Callable[..., Any]


@pytest.fixture
def call(app: Services, merchant: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Runs a command; gives exit code, stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", str(app.settings.database_url))
    monkeypatch.setenv("REDIS_URL", str(app.settings.redis_url))
    monkeypatch.setenv("SECRET_KEYS", ",".join(app.settings.keys))
    monkeypatch.setenv("ALLOW_PRIVATE_HOSTS", "1")

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tangga", *words, "--home", str(app.settings.tangga_home)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return code, *capsys.readouterr()

    return called


@pytest.fixture
def read(call: Called) -> Read:
    """Runs a command that must work; gives the one JSON document it prints."""

    def document(*words: str) -> Any:
        code, out, err = call(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    return document

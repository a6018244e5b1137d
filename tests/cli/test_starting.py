"""What `tangga up` says when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugin_server.cli.processes import first_step, serve
from plugin_server.launcher.home import ServiceUrls
from plugin_server.settings import Settings
from plugin_server.wiring import Services


def _settings(app: Services, home: Path) -> Settings:
    return Settings(tangga_home=home, database_url=app.settings.database_url, redis_url=app.settings.redis_url)


def test_the_first_command_can_be_pasted_as_it_stands(app: Services, capsys: pytest.CaptureFixture[str]) -> None:
    first_step(_settings(app, Path("/srv/my shop")), ServiceUrls(str(app.settings.database_url), ""))
    assert capsys.readouterr().out.endswith(" --home '/srv/my shop'\n")


def test_a_key_that_cannot_be_read_stops_the_start(app: Services, tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(IsADirectoryError, match="secret"):
        serve(_settings(app, tmp_path), 0)

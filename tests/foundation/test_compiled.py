"""Templates are compiled once for all processes; what is kept of them is ours alone, and nobody's page hangs on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template

from plugin_server.web import compiled


class Compiled(Exception):
    """A template was compiled although it was kept."""


def app(home: Path, source: str) -> Flask:
    templates = home / "source"
    templates.mkdir(exist_ok=True)
    (templates / "page.html").write_text(source)
    made = Flask(__name__, template_folder=str(templates))
    compiled.install(made, home)
    return made


def shown(made: Flask) -> str:
    with made.test_request_context():
        return render_template("page.html", n=2)


def refusing(made: Flask) -> Flask:
    def refuse(*_: object, **__: object) -> None:
        raise Compiled

    made.jinja_env._generate = refuse  # type: ignore[method-assign,assignment]
    return made


def test_a_second_process_compiles_nothing_and_a_changed_template_is_compiled_anew(tmp_path: Path) -> None:
    assert shown(app(tmp_path, "{{ n }} people")) == "2 people"
    assert (tmp_path / compiled.FOLDER).stat().st_mode & 0o777 == 0o700
    compiled.load(refusing(app(tmp_path, "{{ n }} people")))
    assert shown(refusing(app(tmp_path, "{{ n }} people"))) == "2 people"
    with pytest.raises(Compiled):
        shown(refusing(app(tmp_path, "{{ n }} customers")))
    assert shown(app(tmp_path, "{{ n }} customers")) == "2 customers"


def test_a_broken_or_lost_store_costs_nobody_a_page(tmp_path: Path) -> None:
    first = app(tmp_path, "{{ n }}")
    shown(first)
    [kept] = (tmp_path / compiled.FOLDER).iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    assert shown(app(tmp_path, "{{ n }}")) == "2"
    kept.unlink()
    kept.parent.rmdir()
    assert shown(app(tmp_path, "{{ n }}!")) == "2!"
    lost = app(tmp_path, "{{ n }}?")
    for one in kept.parent.iterdir():
        one.unlink()
    kept.parent.rmdir()
    assert shown(lost) == "2?"


def test_a_folder_that_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    (tmp_path / compiled.FOLDER).mkdir()
    (tmp_path / compiled.FOLDER).chmod(0o777)
    made = app(tmp_path, "{{ n }}")
    assert made.jinja_env.bytecode_cache is None
    assert shown(made) == "2"

"""What all commands share: the home, one JSON document on stdout, and services for their own duration."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import text

from plugin_server import wiring
from plugin_server.db.migrate import migrate
from plugin_server.db.session import merchant_ids, tenant
from plugin_server.demo.opening import known_of
from plugin_server.launcher.supervisor import embedded, running
from plugin_server.settings import BadSettings, Settings, read
from plugin_server.wiring import Services

F = TypeVar("F", bound=Callable[..., Any])


class BadInput(Exception):
    """The person can mend this: exit 2."""


class Failure(Exception):
    """Something outside failed: exit 1."""


def home_option(function: F) -> F:
    """``--home DIR``, else ``TANGGA_HOME``."""
    return click.option("--home", type=click.Path(path_type=Path), help="Folder of the embedded services.")(function)


def json_option(function: F) -> F:
    """``--json``: exactly one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)


def merchant_option(function: F) -> F:
    """``--merchant``, by number or name; may be left out where there is one."""
    return click.option("--merchant", help="Number or name; not needed where there is only one.")(function)


def merchant_options(function: F) -> F:
    """What nearly every command takes: ``--merchant``, ``--home`` and ``--json``."""
    return merchant_option(home_option(json_option(function)))


class Number(click.FloatRange):
    """A number within limits. ``nan``, which no limit keeps out, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or a usage error."""
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


PORT = click.IntRange(1, 65535)
"""Where something can be served."""


def read_settings(home: Path | None = None) -> Settings:
    """Settings from the environment, with ``--home`` on top. Raises ``BadInput`` naming the variable to mend."""
    try:
        return read(**({"tangga_home": home} if home else {}))
    except BadSettings as error:
        raise BadInput(str(error)) from error


@contextmanager
def opened(home: Path | None) -> Iterator[Services]:
    """Services of a running instance of this home, or embedded ones for the block; the schema is brought up to date."""
    with _complete(read_settings(home)) as settings:
        migrate(str(settings.database_url))
        made = wiring.build(settings)
        try:
            yield made
        finally:
            made.engine.dispose()
            made.redis.close()


@contextmanager
def at_work(home: Path | None) -> Iterator[None]:
    """For a process that works until it is stopped: on the servers of the environment, else on those of a named home.

    Given servers are brought up to date by `tangga migrate`, once for all processes. In production they must be given.
    Where no home is named either, it refuses to start: a forgotten address must not begin a database of its own.
    """
    settings = read_settings(home)
    given = settings.database_url and settings.redis_url
    if given or settings.production or "tangga_home" not in settings.model_fields_set:
        yield
        return
    with _complete(settings) as complete:
        migrate(str(complete.database_url))
        wiring.use(complete)
        yield


@contextmanager
def _complete(settings: Settings) -> Iterator[Settings]:
    """The settings with the addresses of what serves their home, for the block."""
    with embedded(settings.tangga_home, database_url=settings.database_url, redis_url=settings.redis_url) as urls:
        known = {"database_url": urls.database_url, "redis_url": urls.redis_url, **_of_the_home(settings)}
        yield settings.model_copy(update=known)


def _of_the_home(settings: Settings) -> dict[str, object]:
    """What a running instance of this home knows and the environment of this command does not.

    Its own address, which stands in mails and webhooks; and that the demo's shop lives on this very machine.
    """
    known: dict[str, object] = {}
    instance = running(settings.tangga_home)
    if instance and instance.port and "public_url" not in settings.model_fields_set:
        known["public_url"] = f"http://127.0.0.1:{instance.port}"
    return known if settings.production else known | known_of(settings.tangga_home)


def merchant_id_of(services: Services, given: str | None) -> int:
    """The merchant meant by ``--merchant`` (number or name), or the only one there is."""
    known: dict[int, str] = {}
    for number in merchant_ids(services.engine):
        with tenant(services.engine, number) as connection:
            known[number] = str(connection.scalar(text("SELECT name FROM merchant")))
    if given is None:
        if len(known) == 1:
            return next(iter(known))
        raise BadInput(
            "There is no merchant yet. Add one with `tangga merchants add`."
            if not known
            else f"Say which merchant with --merchant: {_listed(known)}."
        )
    meant = [number for number, name in known.items() if given == str(number)] or [
        number for number, name in known.items() if given == name
    ]
    if len(meant) > 1:
        raise BadInput(f"More than one merchant is called {given!r}. Say its number with --merchant: {_listed(known)}.")
    if meant:
        return meant[0]
    raise BadInput(f"There is no merchant {given!r}. Known: {_listed(known) or 'none'}.")


def _listed(known: dict[int, str]) -> str:
    return ", ".join(f"{number} ({name})" for number, name in known.items())


def show(document: Any, as_json: bool, lines: Callable[[], str] | None = None) -> None:
    """Print the document as JSON, or the text that ``lines`` makes of it."""
    if as_json or lines is None:
        click.echo(json.dumps(document, ensure_ascii=False, indent=None if as_json else 2, default=str))
    else:
        click.echo(lines())

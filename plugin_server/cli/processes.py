"""`tangga up`, and the long-running processes of the Procfile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

import click

from plugin_server.cli.context import PORT, Failure, at_work, home_option, opened, read_settings
from plugin_server.db.migrate import migrate as bring_up_to_date
from plugin_server.db.session import app_engine, merchant_ids
from plugin_server.launcher.errors import LauncherError
from plugin_server.launcher.probe import serves
from plugin_server.launcher.supervisor import ProcessSpec, ServiceUrls, run
from plugin_server.settings import Settings, child_environment

PYTHON = sys.executable
FIRST = '\n  tangga merchants add "Your shop" --email you@example.com --timezone Asia/Jakarta --currency IDR'


@click.command()
@home_option
def migrate(home: Path | None) -> None:
    """Bring the database to the newest schema."""
    with opened(home):
        click.echo("The database is up to date.", err=True)


@click.command()
@home_option
def worker(home: Path | None) -> None:
    """Run jobs until stopped."""
    from plugin_server.jobs import worker as jobs

    with at_work(home):
        jobs.main()


@click.command()
@home_option
def scheduler(home: Path | None) -> None:
    """Start periodic work when it is due, until stopped."""
    from plugin_server.jobs import schedule

    with at_work(home):
        schedule.main()


@click.command()
@click.option("--port", type=PORT, default=8000, show_default=True, help="Where the pages are served.")
@home_option
def up(port: int, home: Path | None) -> None:
    """Start everything: database, queue, web, worker and scheduler. Stops on Ctrl-C."""
    settings = read_settings(home)
    sys.exit(serve(settings, port, Extras(announce=lambda urls: first_step(settings, urls))))


def first_step(settings: Settings, urls: ServiceUrls) -> None:
    """Where nobody can log in yet, say what comes first."""
    engine = app_engine(urls.database_url)
    try:
        if not merchant_ids(engine):
            home = (
                "" if "tangga_home" not in settings.model_fields_set else f" --home {quote(str(settings.tangga_home))}"
            )
            click.echo(f"No business is here yet. Add yours in another window; that prints the way in:{FIRST}{home}")
    finally:
        engine.dispose()


@dataclass(frozen=True)
class Extras:
    """What `tangga demo` adds to `tangga up`.

    ``processes(environment)`` run beside ours, ``environment`` goes to all of them, ``prepared(urls)`` is called after
    the migrations, ``announce(urls)`` once everything is ready.
    """

    processes: Callable[[dict[str, str]], Sequence[ProcessSpec]] = lambda _environment: ()
    environment: Mapping[str, str] = field(default_factory=dict)
    prepared: Callable[[ServiceUrls], None] = lambda _urls: None
    announce: Callable[[ServiceUrls], None] = lambda _urls: None


def serve(settings: Settings, port: int, extras: Extras | None = None) -> int:
    """Run web, worker and scheduler until stopped; prints ``ready: URL`` on stdout; gives the exit code."""
    more = extras or Extras()
    address = public_url(settings, port)

    def prepare(urls: ServiceUrls) -> None:
        bring_up_to_date(urls.database_url)
        _ = settings.keys  # Made or read by one process, so that a file which cannot be read is told once and plainly.
        more.prepared(urls)

    def processes(urls: ServiceUrls) -> list[ProcessSpec]:
        env = child_environment(
            TANGGA_HOME=str(settings.tangga_home),
            DATABASE_URL=urls.database_url,
            REDIS_URL=urls.redis_url,
            PUBLIC_URL=address,
            PYTHONUNBUFFERED="1",
            **more.environment,
        )
        return [*more.processes(env), *own_processes(env, port)]

    def ready(urls: ServiceUrls) -> None:
        click.echo(f"ready: http://127.0.0.1:{port}")
        more.announce(urls)
        sys.stdout.flush()

    try:
        return run(
            settings.tangga_home,
            port,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            prepare=prepare,
            processes=processes,
            on_ready=ready,
        )
    except LauncherError as error:
        raise Failure(str(error)) from error


def public_url(settings: Settings, port: int) -> str:
    """Where people reach us: what the settings say, else this machine's own port."""
    return settings.public_url if "public_url" in settings.model_fields_set else f"http://127.0.0.1:{port}"


def own_processes(env: dict[str, str], port: int) -> list[ProcessSpec]:
    """Web, worker and scheduler."""
    web = [PYTHON, "-m", "gunicorn", "plugin_server.app:create_app()", "--name", "web"]
    web += ["--config", "python:plugin_server.gunicorn_config", "--bind", f"127.0.0.1:{port}"]
    return [
        ProcessSpec("web", web, env, ready=serves(port)),
        ProcessSpec("worker", [PYTHON, "-m", "plugin_server.cli", "worker"], env, grace=30),
        ProcessSpec("scheduler", [PYTHON, "-m", "plugin_server.cli", "scheduler"], env),
    ]

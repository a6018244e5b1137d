"""The embedded PostgreSQL: reachable on a unix socket alone, for whoever may enter the socket's folder."""

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from plugin_server.launcher.binaries import POSTGRES_MAJOR
from plugin_server.launcher.children import Process, end_orphans, has_proc, spawn, started_as
from plugin_server.launcher.errors import HomeUnusable, ServiceFailed
from plugin_server.launcher.logs import open_log
from plugin_server.launcher.service import Service

DATABASE = "tangga"
ROOM = 200
"""MB of disk that a new database takes, with some room to work."""
# For two cores and one or two GB of memory.
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    # Nobody replicates or archives this cluster (a backup is a dump), so rows loaded into a table emptied in the same
    # transaction need not be written twice: a first import writes about half as much.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "random_page_cost": "1.1",
    # Three "io worker" processes fewer, which bring nothing on one disk and read like our own worker in `ps`.
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedPostgres(Service):
    """PostgreSQL 18 with its files in `home`; superuser `postgres`, database `tangga`.

    The kernel sends it SIGQUIT should we die: server processes end at once, even in the middle of a long query,
    and the next start recovers what was committed.
    """

    name = "postgres"
    # Fast: clients are cut off, a checkpoint is written. Then immediate: recovery at the next start.
    ending = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 5.0))

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.data = self.folder.path / "postgres"
        self.sockets = self.folder.sockets()

    @property
    def url(self) -> str:
        """For SQLAlchemy, with the driver psycopg."""
        return f"postgresql+psycopg://postgres@/{DATABASE}?host={quote(str(self.sockets))}"

    def start(self) -> None:
        """As `Service.start`; the first time it also makes the cluster (about half a second) and the database."""
        super().start()
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def clear(self) -> None:
        """As `Service.clear`; also drops a misleading pid file.

        PostgreSQL removes a pid file whose process is gone. It gives up when the pid has meanwhile gone to another
        process of the same user; we know better, because that one does not carry our mark.
        """
        end_orphans("postgres", self.folder.mark, self.folder.user)
        with suppress(OSError, ValueError, IndexError):
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
            if has_proc() and pid not in started_as("postgres", self.folder.mark, self.folder.user):
                (self.data / "postmaster.pid").unlink()
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)

    def spawn(self) -> Process:
        self._initialise()
        self.clear()
        settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]
        with open_log(self.log) as log:
            self.process = spawn(
                [
                    self.folder.programs().postgres,
                    *("-D", self.data),
                    *("-k", self.sockets),
                    *("-c", f"cluster_name={self.folder.mark}"),
                    *settings,
                ],
                output=log,
                user=self.folder.user,
                env={"LC_ALL": "C"},
                death_signal=signal.SIGQUIT,
            )
        return self.process

    def answers(self) -> bool:
        try:
            psycopg.connect(self._conninfo).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _conninfo(self) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.sockets), user="postgres", dbname="postgres", connect_timeout=5
        )

    def _initialise(self) -> None:
        """Make the cluster in a folder beside its place and move it there complete."""
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != POSTGRES_MAJOR:
                raise HomeUnusable(
                    f"The database in {self.data} is of PostgreSQL {found}, this Tangga brings {POSTGRES_MAJOR}. "
                    f"Dump it with PostgreSQL {found} and restore it into a new --home."
                )
            # A `chmod -R` or a restored copy opens the folder to others; PostgreSQL would refuse to start in it.
            with suppress(PermissionError):
                self.data.chmod(0o700)
            return
        fresh = self.folder.path / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.folder.make(fresh.name)
        with open_log(self.log) as log:
            words = ["--username=postgres", "--encoding=UTF8", "--auth=trust", "--no-instructions"]
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            initdb = spawn(
                [self.folder.programs().initdb, "-D", fresh, *words, *locale],
                output=log,
                user=self.folder.user,
                env={"LC_ALL": "C", "TZ": "UTC"},
            )
            failed = initdb.wait() != 0
        if failed:
            shutil.rmtree(fresh, ignore_errors=True)
            free = shutil.disk_usage(self.folder.path).free >> 20
            full = f" Only {free} MB are free on its disk; {ROOM} are needed." if free < ROOM else ""
            raise ServiceFailed(f"The database could not be created.{full} See {self.log}.")
        fresh.rename(self.data)

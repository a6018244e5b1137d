"""Databases for tests: copied from a migrated one, emptied and lent again, thrown away when more than rows changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from plugin_server.db.migrate import migrate
from plugin_server.db.session import psycopg_url

LARGE = 512 * 1024
"""Above so many bytes a table is truncated; below, deleting its rows is several times faster."""

RESTED = 2
"""So many connections are kept for the next test: those of a test with more are closed."""
# As new, but for what the server knows of the tables: to learn that anew takes longer than many a test.
REST = """
RESET ALL; RESET ROLE; DEALLOCATE ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES;
SELECT pg_advisory_unlock_all(), pg_stat_force_next_flush()
"""

TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""
# Which rows of the catalogues there are, and by whom each was written: equal, and nothing touched the schema. To read
# it takes a third of the time of what it stands for.
TOUCHED = """
WITH ours AS MATERIALIZED (SELECT oid, xmin, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace)
SELECT count(*), bit_xor(hashtextextended(line, 0)) FROM (
    SELECT concat_ws(' ', 'c', oid, xmin) AS line FROM ours
    UNION ALL SELECT concat_ws(' ', 'a', attrelid, attnum, a.xmin)
    FROM pg_attribute a JOIN ours ON attrelid = ours.oid WHERE relkind = 'r' AND attnum > 0
    UNION ALL SELECT concat_ws(' ', 'i', indexrelid, i.xmin) FROM pg_index i JOIN ours ON indrelid = ours.oid
    UNION ALL SELECT concat_ws(' ', 'd', d.oid, d.xmin) FROM pg_attrdef d JOIN ours ON adrelid = ours.oid
    UNION ALL SELECT concat_ws(' ', 't', t.oid, t.xmin) FROM pg_trigger t JOIN ours ON tgrelid = ours.oid
    UNION ALL SELECT concat_ws(' ', 'o', oid, xmin) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'p', oid, xmin) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'w', oid, xmin) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 'n', oid, xmin) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT concat_ws(' ', 'e', oid, xmin) FROM pg_extension
) AS touched
"""
# Everything a test might do to a schema leaves a trace in one of these. By name, not by number: a first import drops
# and makes anew some keys and indexes.
SHAPE = """
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat_ws(' ', 'c', relname, relkind, relrowsecurity, relforcerowsecurity, relowner, relacl) AS line
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'a', relname, attnum, attname, atttypid, attnotnull, atthasdef)
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0
    UNION ALL SELECT concat_ws(' ', 'i', pg_get_indexdef(indexrelid), indisvalid)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'd', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef
    UNION ALL SELECT concat_ws(' ', 'o', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'p', proname, prosrc, proconfig, proacl) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 't', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'w', polrelid::regclass, polname, polcmd, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 'n', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT concat_ws(' ', 'e', extname, extversion) FROM pg_extension
) AS shape
"""


class Databases:
    """Lends databases that are as the migrations leave them. Close it at the end: it drops what it made."""

    def __init__(self, server_url: str) -> None:
        self._url = make_url(psycopg_url(server_url))
        self._server = self.connect(self._url.database or "postgres")
        self._template = f"tangga_template_{uuid4().hex[:12]}"
        self._server.execute(f"CREATE DATABASE {self._template}")
        migrate(self.url(self._template))
        with self.connect(self._template) as owner:
            self._tables = [name for (name,) in owner.execute(TABLES)]
            # What the migrations themselves wrote: a database in which a test changed it is not lent on.
            self._given = {name: _rows(owner, name) for name in self._filled(owner)}
            self._shape = owner.execute(SHAPE).fetchone()
            untouched = owner.execute(TOUCHED).fetchone()
        self._untouched = defaultdict(lambda: untouched)
        self._owners: dict[str, psycopg.Connection] = {}
        self._free: list[str] = []

    def url(self, name: str) -> str:
        """The address of one, for SQLAlchemy."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    def lend(self) -> str:
        """The name of a database that is migrated and empty."""
        if self._free:
            return self._free.pop()
        name = f"tangga_test_{uuid4().hex[:12]}"
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._owners[name] = self.connect(name)
        return name

    def take_back(self, name: str, rested: Sequence[int] = ()) -> None:
        """Cut off who is still connected, and empty the database; drop it where a test changed more than rows.

        ``rested`` says who stays, by the numbers that ``rest`` gave.
        """
        owner = self._owners[name]
        self._server.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> ALL(%s)",
            [name, [owner.info.backend_pid, *rested]],
        )
        if self._in_shape(name, owner) and self._as_given(owner):
            self._empty(name, owner)
            self._free.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        """Drop all of them."""
        for name in list(self._owners):
            self._drop(name)
        self._server.execute(f"DROP DATABASE {self._template} WITH (FORCE)")
        self._server.close()

    def _in_shape(self, name: str, owner: psycopg.Connection) -> bool:
        """Whether the schema is that of the migrations; what says the same in other rows (a key made anew) is."""
        found = owner.execute(TOUCHED).fetchone()
        if found == self._untouched[name]:
            return True
        self._untouched[name] = found
        return owner.execute(SHAPE).fetchone() == self._shape

    def _as_given(self, owner: psycopg.Connection) -> bool:
        return all(_rows(owner, table) == rows for table, rows in self._given.items())

    def _empty(self, lent: str, owner: psycopg.Connection) -> None:
        """Delete the rows that came, and let every sequence begin anew."""
        names = [name for name in self._filled(owner) if name not in self._given]
        with owner.transaction():
            # Neither foreign keys nor triggers keep a row.
            owner.execute("SET LOCAL session_replication_role = replica")
            if large := [name for name in names if _size(owner, name) > LARGE]:
                owner.execute(sql.SQL(f"TRUNCATE {', '.join(large)} CASCADE"))
            for name in names:
                if name not in large:
                    owner.execute(sql.SQL(f"DELETE FROM {name}"))
            owner.execute(RESTART)
        if large:  # truncating writes their rows of the catalogue
            self._untouched[lent] = owner.execute(TOUCHED).fetchone()
        # What was read for this is counted now, not seconds later among what the next test reads.
        owner.execute("SELECT pg_stat_force_next_flush()")

    def _filled(self, owner: psycopg.Connection) -> list[str]:
        each = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in self._tables)
        return [name for (name,) in owner.execute(sql.SQL(" UNION ALL ".join(each)))]

    def _drop(self, name: str) -> None:
        self._owners.pop(name).close()
        self._server.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def connect(self, name: str) -> psycopg.Connection:
        """A connection as the owner of one of them, each statement its own transaction."""
        address = self._url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True)


def rest(engine: Engine) -> list[int]:
    """Make the connections of an engine as new ones are, and give the numbers of their servers.

    Where there are many, or one is still in use, all are closed: who holds it would go on in the next test.
    """
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    if pool.checkedout() or pool.checkedin() > RESTED:
        engine.dispose()
        return []
    held = [engine.raw_connection() for _ in range(pool.checkedin())]
    numbers = []
    for one in held:
        driver = one.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute(REST)
        driver.commit()
        numbers.append(driver.info.backend_pid)
        one.close()
    return numbers


def _rows(owner: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    return owner.execute(sql.SQL(f"SELECT * FROM {table} AS r ORDER BY r::text")).fetchall()


def _size(owner: psycopg.Connection, table: str) -> int:
    ((size,),) = owner.execute("SELECT pg_relation_size(%s)", [table]).fetchall()
    return int(size)

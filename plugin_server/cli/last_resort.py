"""One sentence for what no command foresaw. Never the values at hand: they may be somebody's address or a password."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

import psycopg
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

PACKAGES = Path(__file__).parents[2]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OURS = ("campaigns", "connectors", "plugin_server")


def sentence(error: Exception) -> str:
    """What happened, and what to do about it."""
    if _disk_is_full(error):
        return "The disk is full. What was not finished is not kept: make room on it, then give the same command again."
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        return (
            f"The database cannot be reached or gave up: {_first_line(error)}. Nothing half-done was kept; try again."
        )
    if isinstance(error, RedisError):
        return f"The queue cannot be reached or gave up: {_first_line(error)}. Try again when it is back."
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return (
        f"This should not have happened: {type(error).__name__} in {_place(error)}. What was not finished is not kept. "
        "Try again; if it happens again, report this line."
    )


def _disk_is_full(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.errors.DiskFull) or (isinstance(cause, OSError) and cause.errno in FULL)


def _first_line(error: Exception) -> str:
    """The server's own words without the statement and its values, which SQLAlchemy would add."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (str(cause).splitlines() or [type(error).__name__])[0].strip().rstrip(".")


def _place(error: Exception) -> str:
    """The innermost line of ours on the way to the error."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if path.is_relative_to(PACKAGES) and path.relative_to(PACKAGES).parts[0] in OURS:
            return f"{path.relative_to(PACKAGES)}:{frame.lineno}"
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "the program"

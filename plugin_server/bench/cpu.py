"""How much of the processors our processes have used, the database's among them where it runs on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy import Engine, text

_TICKS = os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """CPU seconds of this process."""
    return time.process_time()


def database_seconds(engine: Engine) -> float | None:
    """CPU seconds of all processes of the database server so far, ended ones included; None where it is elsewhere."""
    with engine.connect() as conn:
        backend = conn.scalar(text("SELECT pg_backend_pid()"))
    parent = _stat(Path(f"/proc/{backend}"))
    if parent is None or parent[0] != "postgres":
        return None
    postmaster, ticks = parent[1], 0
    for folder in Path("/proc").iterdir():
        found = _stat(folder) if folder.name.isdigit() else None
        if found and int(folder.name) == postmaster:
            ticks += found[2] + found[3]
        elif found and found[1] == postmaster:
            ticks += found[2]
    return ticks / _TICKS


def _stat(folder: Path) -> tuple[str, int, int, int] | None:
    """(name, parent, own ticks, ticks of ended children) of a process; None where there is none."""
    try:
        head, _, rest = (folder / "stat").read_text().rpartition(") ")
    except OSError:
        return None
    words = rest.split()
    return head.partition("(")[2], int(words[1]), int(words[11]) + int(words[12]), int(words[13]) + int(words[14])


def resident_mb() -> float:
    """Memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576

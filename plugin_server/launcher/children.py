"""Child processes that never outlive us.

Linux tells a process when its parent dies (PR_SET_PDEATHSIG). "Parent" means the *thread* that made the child: start
children from the main thread, or from one that lives as long as they should. Elsewhere than on Linux the setting does
not exist, and only the ordered stop ends the children.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from plugin_server.launcher.errors import HomeUnusable, ServiceFailed

Process = subprocess.Popen[bytes]
PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported or opened.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class User:
    """Whom a child runs as."""

    uid: int
    gid: int


def service_user() -> User | None:
    """The user for the services: `nobody` when we are root (PostgreSQL refuses root), else None, meaning ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise HomeUnusable(
            "PostgreSQL does not run as root, and this system has no user “nobody” to run it. "
            "Start Tangga as another user."
        ) from error
    return User(nobody.pw_uid, nobody.pw_gid)


def die_with_parent(parent: int | None = None, death_signal: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send us `death_signal` when our parent dies.

    Call it first thing in a forked process (a gunicorn worker, an RQ work-horse): the setting is not inherited by
    forks. `parent` is the pid of the process that forked us; given, it closes the gap in which that one died before
    we asked. Does nothing where the kernel has no such setting.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def spawn(
    argv: Sequence[str | Path],
    *,
    output: int | IO[bytes],
    user: User | None = None,
    env: Mapping[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> Process:
    """Start a program in a session of its own, so that Ctrl-C in a terminal reaches only us and we stop it in order.

    Takes the whole environment in `env`, or None to pass ours on; stdout and stderr both go to `output`.
    Raises ServiceFailed when the program cannot be executed.
    """
    parent = os.getpid()
    try:
        return subprocess.Popen(  # noqa: S603 - argv is ours, no shell is involved
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd="/" if user else None,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
            # Runs after the change of user, which would undo the setting; two system calls, safe beside threads.
            preexec_fn=lambda: die_with_parent(parent, death_signal),  # noqa: PLW1509
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ServiceFailed(f"{argv[0]} could not be started: {reason}.") from error


def stop(
    process: Process,
    signals: Iterable[tuple[signal.Signals, float]],
    meanwhile: Callable[[float], bool | None] = time.sleep,
) -> None:
    """Send each signal and wait its seconds for the process to end; then kill it and what is left of its group.

    `meanwhile` is called with a short time to spend while waiting, and may say True to have no more patience.
    """
    if process.returncode is not None:
        return  # its number may be another's by now
    for number, seconds in signals:
        deadline = time.monotonic() + seconds
        with suppress(ProcessLookupError):
            process.send_signal(number)
        while process.poll() is None and time.monotonic() < deadline:
            if meanwhile(0.02):
                break
        if process.poll() is not None:
            break
    kill_group(process)
    process.wait()


def kill_group(process: Process) -> None:
    """Kill a process with its descendants, as far as they stayed in its process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def has_proc() -> bool:
    """Whether this system shows its processes in /proc, so that `started_as` can be believed."""
    return Path("/proc/self/cmdline").exists()


def started_as(program: str, mark: str, user: User | None) -> list[int]:
    """The pids of processes of `user` (None = ourselves) that run `program` and carry `mark` in their command line.

    Reads only what every user may read in /proc; empty where there is no /proc.
    """
    uid = user.uid if user else os.geteuid()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace")
            name = words.split("\0", 1)[0].split(":", 1)[0].split(" ", 1)[0]
            if folder.stat().st_uid == uid and Path(name).name == program and mark in words:
                found.append(int(folder.name))
    return found


def end_orphans(program: str, mark: str, user: User | None, *, patience: float = 5.0) -> None:
    """End what an earlier parent of ours left running, and wait until it is gone: SIGQUIT (which PostgreSQL takes as
    "stop at once, recover later"), and after `patience` seconds SIGKILL.

    Only for a caller that owns the home: then nothing that carries the mark has a living parent of ours.
    """
    deadline = time.monotonic() + patience
    number = signal.SIGQUIT
    sent: set[tuple[int, int]] = set()
    while orphans := started_as(program, mark, user):
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        for pid in orphans:
            if (pid, number) not in sent:
                sent.add((pid, number))
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        if time.monotonic() > deadline + patience:
            raise ServiceFailed(f"A {program} of this home still runs as process {orphans[0]} and cannot be ended.")
        time.sleep(0.02)

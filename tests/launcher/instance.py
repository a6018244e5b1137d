"""A small stand-in for `tangga up`, run as a process of its own: `python -m tests.launcher.instance HOME PORT [WEB]`.

Its web and worker are trivial; the worker forks a work-horse into another process group, as RQ does. WEB replaces what
the web process executes, which is ready when it has made the file `serving` in the home. Says `ready` on stderr.
"""

import sys
from pathlib import Path

from plugin_server.launcher.children import die_with_parent
from plugin_server.launcher.errors import LauncherError
from plugin_server.launcher.logs import to_stderr
from plugin_server.launcher.supervisor import ProcessSpec, ServiceUrls, run

IDLE = """
import pathlib, sys, time
pathlib.Path(sys.argv[1], "serving").touch()
print("serving", flush=True)
time.sleep(1000)
"""
WORKER = """
import os, signal, time
from plugin_server.launcher.children import die_with_parent
parent = os.getpid()
if os.fork() == 0:
    os.setpgrp()
    die_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(1000)
time.sleep(1000)
"""


def main() -> int:
    die_with_parent()  # should the tests themselves be killed
    home, port, *web = sys.argv[1:]
    # The home among the words lets a test find the processes of its own instance.
    serving = Path(home, "serving")
    specs = [
        ProcessSpec("web", [sys.executable, "-c", *(web or [IDLE]), home, "web"], ready=serving.exists),
        ProcessSpec("worker", [sys.executable, "-c", WORKER, home, "worker"]),
    ]

    def prepare(urls: ServiceUrls) -> None:
        serving.unlink(missing_ok=True)

    try:
        return run(
            Path(home),
            int(port),
            database_url=None,
            redis_url=None,
            prepare=prepare,
            processes=lambda urls: specs,
            on_ready=lambda urls: to_stderr("ready"),
        )
    except LauncherError as error:
        to_stderr(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())

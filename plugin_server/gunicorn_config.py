"""Settings of gunicorn for the web process: `gunicorn --config python:plugin_server.gunicorn_config`."""

import sys
from typing import Any

from plugin_server.launcher.children import die_with_parent
from plugin_server.settings import BadSettings, complete, read

worker_class = "gthread"
workers = 2
threads = 4
# Each worker opens its own connections; nothing that must not cross a fork exists before it.
preload_app = False
timeout = 60
graceful_timeout = 15
keepalive = 5
accesslog = None
errorlog = "-"
# Its path is the same for every instance of a user, and two homes may run side by side.
control_socket_disable = True


def on_starting(_arbiter: Any) -> None:
    """Before the first worker: end with one sentence where settings lack, not with workers that die one by one."""
    try:
        complete(read())
    except BadSettings as error:
        sys.stderr.write(f"tangga: {error}\n")
        sys.exit(2)


def post_fork(_arbiter: Any, worker: Any) -> None:
    """In each new worker: end with the arbiter, also when that one is killed."""
    die_with_parent(worker.ppid)

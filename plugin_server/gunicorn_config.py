"""Settings of gunicorn for the web process: `gunicorn --config python:plugin_server.gunicorn_config`."""

import sys
from importlib import import_module
from typing import Any

from plugin_server.lasting import load, settle
from plugin_server.launcher.children import die_with_parent
from plugin_server.settings import BadSettings, complete, read
from plugin_server.web import compiled

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


def on_starting(arbiter: Any) -> None:
    """Before the first worker: end with one sentence where settings lack, not with workers that die one by one.

    The code is loaded here, once for all workers; each makes the application, and whatever connects, for itself.
    """
    try:
        complete(read())
    except BadSettings as error:
        sys.stderr.write(f"tangga: {error}\n")
        sys.exit(2)
    import_module(arbiter.app.app_uri.partition(":")[0])
    load()
    settle()


def post_fork(_arbiter: Any, worker: Any) -> None:
    """In each new worker: end with the arbiter, also when that one is killed."""
    die_with_parent(worker.ppid)


def post_worker_init(worker: Any) -> None:
    """Each worker's own application stays as well; its templates are loaded beside the first requests."""
    settle()
    compiled.ahead(worker.wsgi)

"""What lasts is left out of collections, in the arbiter and in each worker."""

from __future__ import annotations

import gc
import subprocess
import sys
from types import SimpleNamespace

from flask import Flask

from plugin_server import gunicorn_config


def test_a_worker_leaves_out_what_it_was_made_of() -> None:
    before, lasting = gc.get_freeze_count(), [[one] for one in range(1000)]
    gunicorn_config.post_worker_init(SimpleNamespace(wsgi=Flask(__name__)))
    assert gc.get_freeze_count() - before >= len(lasting)
    assert len(gc.get_objects()) < 1000


LOADED = """
import plugin_server.app, sys
from plugin_server.lasting import LATE, load
from plugin_server.locales import catalogue
before = [name in sys.modules for name in LATE]
load()
print(before, [name in sys.modules for name in LATE], catalogue.cache_info().currsize)
"""


def test_what_libraries_load_late_is_loaded_before_the_first_request() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout
    assert told == "[False] [True] 3\n"

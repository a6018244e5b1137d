"""What a process does not load when it starts."""

from __future__ import annotations

import subprocess
import sys

LONG_TO_LOAD = ("scipy.optimize", "fpdf", "fontTools")
"""Used by a few jobs and pages: together a quarter of the time in which a process starts, and 45 MB of each."""


def test_what_is_seldom_used_is_loaded_when_it_is_used() -> None:
    look = "import sys, plugin_server.app, plugin_server.jobs.worker, plugin_server.jobs.schedule; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert set(LONG_TO_LOAD).isdisjoint(done.stdout.split())

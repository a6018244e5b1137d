"""What lasts is left out of collections, in the arbiter and in each worker."""

from __future__ import annotations

import gc

from plugin_server import gunicorn_config


def test_a_worker_leaves_out_what_it_was_made_of() -> None:
    before, lasting = gc.get_freeze_count(), [[one] for one in range(1000)]
    gunicorn_config.post_worker_init(None)
    assert gc.get_freeze_count() - before >= len(lasting)
    assert len(gc.get_objects()) < 1000

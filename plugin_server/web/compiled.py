"""Templates compiled once for all processes: the compiled ones are kept in the home, and looked through for new ones
when a process starts. The largest of them takes a tenth of a second to compile, in the middle of somebody's request."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from threading import Thread
from typing import Final

from flask import Flask
from jinja2.bccache import Bucket, FileSystemBytecodeCache

FOLDER: Final = "templates"
_MADE_BY: Final = f"{version('jinja2')} {version('tangga')} "


class Kept(FileSystemBytecodeCache):
    """Jinja's own store, whose contents count for one version of Jinja and of us. A full disk costs nobody a page."""

    def get_source_checksum(self, source: str) -> str:
        """What must be equal for a compiled template to be this one's."""
        return hashlib.sha256((_MADE_BY + source).encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, if there is anything to fill it with; what a crash left half written is nothing."""
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the bucket, if that can be done."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def install(app: Flask, home: Path) -> None:
    """Keep what is compiled below the home, in a folder that is ours alone: what lies in it is run."""
    folder = home / FOLDER
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if (found.st_uid, found.st_mode) == (os.geteuid(), stat.S_IFDIR | 0o700):
            app.jinja_env.bytecode_cache = Kept(str(folder))


def load(app: Flask) -> None:
    """Load all templates; those that nobody compiled before are compiled."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def ahead(app: Flask) -> None:
    """The same beside the first requests, which find what they need sooner or later ready."""
    Thread(target=load, args=(app,), name="templates", daemon=True).start()

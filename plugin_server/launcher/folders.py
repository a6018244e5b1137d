"""Where the embedded services keep their files: `services` in the home.

Run as an ordinary user, that is a plain folder. Run as root, the services run as `nobody`, who must be able to walk to
it. Where the home lies in a place closed to others (root's own home is), we do not open it: the files then live in a
folder of their own under /var/lib/tangga, and `services` in the home is a symbolic link to it.
"""

import os
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from plugin_server.launcher.binaries import Programs, programs_copied_to, programs_in_wheels
from plugin_server.launcher.children import User, service_user
from plugin_server.launcher.errors import HomeUnusable

OUTSIDE = Path("/var/lib/tangga")
# A unix socket's address holds 107 bytes; the longest name put behind the folder is "/.s.PGSQL.5432.lock".
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")


def open_home(home: Path) -> Path:
    """Create the home where needed and give its real path. Permissions of folders that exist are never changed.

    A new home is closed to others, except that root leaves it passable (0711) where the services' user can get there.
    """
    try:
        home = home.expanduser().absolute()
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=0o700, exist_ok=True)
            if service_user() and passable(home.parent.resolve()):
                home.chmod(0o711)
        home = home.resolve()
        if not os.access(home, os.W_OK | os.X_OK) or not home.is_dir():
            raise HomeUnusable(f"The home {home} is not a folder you may write to. Choose another with --home.")
    except OSError as error:
        in_file = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "it lies below a file" if in_file else error.strerror
        raise HomeUnusable(f"The home {home} cannot be used: {reason}. Choose another with --home.") from error
    return home


def passable(path: Path) -> bool:
    """Whether any user may walk into the folder at this real path."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


@dataclass(frozen=True)
class ServiceFolder:
    """The folder of one home's services, and the user they run as (None: ourselves)."""

    path: Path
    user: User | None

    @classmethod
    def of(cls, home: Path) -> "ServiceFolder":
        """The folder of `home` (an existing folder's real path), made at the first call.

        Raises HomeUnusable when it was moved away or can no longer be reached.
        """
        user = service_user()
        entry = home / "services"
        if not os.path.lexists(entry):
            _make(entry, home, user)
        if not entry.exists():
            raise HomeUnusable(
                f"The database of {home} was kept in {entry.readlink()}, which is gone. "
                "Put it back, or choose another home with --home."
            )
        path = entry.resolve()
        if user and not passable(path):
            raise HomeUnusable(
                f"The database in {path} runs as the user “nobody”, who can no longer get there. "
                "Allow others to pass the folders above it (chmod o+x), or choose another home with --home."
            )
        _refuse_copy(path, home)
        return cls(path, user)

    @property
    def mark(self) -> str:
        """A word that tells this home's processes from another's: part of their command lines."""
        return "tangga-" + sha256(bytes(self.path)).hexdigest()[:10]

    def programs(self) -> Programs:
        """The programs, in a place where their user can run them."""
        return programs_copied_to(self.path / "programs") if self.user else programs_in_wheels()

    def make(self, name: str) -> Path:
        """The folder `name` in here, private to the services' user; created when missing."""
        return self._own(self.path / name)

    def sockets(self) -> Path:
        """The folder for unix sockets: in here, or a short private temporary one where this path does not do."""
        here = self.path / "sockets"
        if _fit_for_sockets(here):
            return self._own(here)
        if not here.is_symlink() or not self._is_ours(here.readlink()):
            if here.is_dir() and not here.is_symlink():
                shutil.rmtree(here)
            here.unlink(missing_ok=True)
            short = Path(tempfile.mkdtemp(prefix="tangga-", dir="/tmp"))
            here.symlink_to(self._own(short))
        return here.resolve()

    def remove_sockets(self) -> None:
        """Remove the temporary folder that `sockets` may have made."""
        here = self.path / "sockets"
        if here.is_symlink():
            shutil.rmtree(here.resolve(), ignore_errors=True)
            here.unlink(missing_ok=True)

    def _is_ours(self, folder: Path) -> bool:
        """In a temporary place somebody else may have made a folder of the name we remember."""
        uid = self.user.uid if self.user else os.geteuid()
        with suppress(FileNotFoundError):
            state = folder.lstat()
            return state.st_uid == uid and state.st_mode == stat.S_IFDIR | 0o700
        return False

    def _own(self, folder: Path) -> Path:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.user and folder.stat().st_uid != self.user.uid:
            os.chown(folder, self.user.uid, self.user.gid)
        return folder


def _fit_for_sockets(folder: Path) -> bool:
    """Whether this path can be a socket's address, and can be read where Valkey tells it: "addr=… laddr=…"."""
    return len(bytes(folder)) <= LONGEST_SOCKET_FOLDER and not any(
        sign.isspace() or sign == "=" for sign in str(folder)
    )


def discard(home: Path) -> None:
    """Delete the services' files of a home that is not running: everything in the database and the queue."""
    entry = home / "services"
    if entry.exists():
        folder = ServiceFolder.of(home)
        folder.remove_sockets()
        shutil.rmtree(folder.path)
    if entry.is_symlink():
        entry.unlink()


def _make(entry: Path, home: Path, user: User | None) -> None:
    if user is None:
        entry.mkdir(mode=0o700)
    elif passable(home):
        entry.mkdir()
        entry.chmod(0o711)
    else:
        try:
            if not OUTSIDE.exists():
                OUTSIDE.mkdir(parents=True)
                OUTSIDE.chmod(0o755)
            outside = OUTSIDE / secrets.token_hex(4)
            outside.mkdir()
            outside.chmod(0o711)
        except OSError as error:
            raise HomeUnusable(
                f"The database runs as the user “nobody”, who can reach neither {home} nor {OUTSIDE} "
                f"({error.strerror}). Choose a home with --home whose folders others may pass (chmod o+x)."
            ) from error
        (outside / "home").write_text(str(home))
        entry.symlink_to(outside)


def _refuse_copy(path: Path, home: Path) -> None:
    """Two homes must not share one folder: a copied home brings the link along, but not what it points to."""
    note = path / "home"
    if not note.exists():
        return
    owner = Path(note.read_text())
    if owner != home:
        with suppress(OSError):
            if (owner / "services").resolve() == path:
                raise HomeUnusable(f"{home} is a copy of {owner} and has no database of its own. Choose a new --home.")
        note.write_text(str(home))

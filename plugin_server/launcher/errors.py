"""Why the launcher refused or gave up. Each error is one sentence a person can act on."""


class LauncherError(Exception):
    """Something the launcher cannot do; `str(error)` is the sentence to show."""


class HomeTaken(LauncherError):
    """Another process owns the home."""


class HomeUnusable(LauncherError):
    """The folder given as home, or what is in it, cannot be used."""


class PortTaken(LauncherError):
    """The port asked for is in use or may not be used."""


class ServiceFailed(LauncherError):
    """PostgreSQL, Valkey or one of our own processes does not start."""

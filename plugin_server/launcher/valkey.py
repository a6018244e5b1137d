"""The embedded Valkey: the queue, kept on disk by an append-only file that is synchronised once a second."""

import signal
from pathlib import Path
from urllib.parse import quote

import redis

from plugin_server.launcher.children import Process, end_orphans, spawn
from plugin_server.launcher.logs import open_log
from plugin_server.launcher.service import Service


class EmbeddedValkey(Service):
    """Valkey with its files in `home`. A killed server loses nothing, a power cut at most the last second."""

    name = "valkey"
    ending = ((signal.SIGTERM, 20.0),)

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.data = self.folder.make("valkey")
        self.socket = self.folder.sockets() / "valkey.sock"

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self.socket))}"

    def clear(self) -> None:
        end_orphans("valkey-server", str(self.socket), self.folder.user, patience=1.0)

    def spawn(self) -> Process:
        # Two servers writing one append-only file would ruin it.
        self.clear()
        with open_log(self.log) as log:
            self.process = spawn(
                [
                    self.folder.programs().valkey,
                    *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
                    *("--dir", self.data, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
                    *("--maxmemory-policy", "noeviction", "--daemonize", "no"),
                ],
                output=log,
                user=self.folder.user,
                env={"LC_ALL": "C"},
            )
        return self.process

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=5) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

"""Workers that die: `python -m tests.crash.senders` reads one JSON line of what to do and forks for each `go`.

A worker is killed at its n-th moment: before and after each statement, each commit, and each request to the provider.
Those are all the moments that leave different things behind; and they come in the same order on a slow machine.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, event

from connectors.mail_types import Mail, SendResult
from connectors.sendgrid.client import SendGridBackend
from connectors.sendgrid.fence import SendGridFence
from plugin_server import wiring
from plugin_server.jobs.campaigning import run
from plugin_server.jobs.outside import Outside
from plugin_server.jobs.sending import deliver, fences
from plugin_server.settings import Settings
from tests.campaigns.shop import Shop

RECIPIENTS = 6
TIMEOUT = (1.0, 0.15)


@dataclass
class Moments:
    """Counts moments, and dies at ``last``; never, where that is 0; for -n, after the provider's n-th answer."""

    last: int
    count: int = 0
    answers: int = 0

    def pass_one(self, *_: Any, **__: Any) -> None:
        """One more."""
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self) -> None:
        """The provider has answered, and nobody has written it down: the moment that costs most."""
        self.answers += 1
        if self.answers == -self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.pass_one()

    def watch(self, engine: Engine) -> None:
        """Each statement and commit of this engine has a moment before, and one after."""
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(engine, name, self.pass_one)


@dataclass
class Mortal:
    """A mail backend or fence with a moment before and after each call."""

    real: Any
    moments: Moments

    def send(self, mail: Mail) -> SendResult:
        """As ``MailBackend.send``."""
        return self._call(lambda: self.real.send(mail))

    def open(self) -> str:
        """As ``MailFence.open``."""
        return self._call(self.real.open)

    def call_back(self, batch_id: str) -> None:
        """As ``MailFence.call_back``."""
        self._call(lambda: self.real.call_back(batch_id))

    def _call(self, act: Callable[[], Any]) -> Any:
        self.moments.pass_one()
        answer = act()
        self.moments.hear()
        return answer


def work(told: dict[str, Any], ahead: float, last: int) -> None:
    """Call back what is to be called back, and take the run as far as it goes, ``ahead`` seconds from now."""
    settings = Settings(
        database_url=told["database"], redis_url=told["redis"], secret_keys=("k" * 40,),
        public_url="https://mail.toko.example",
    )  # fmt: skip
    services = replace(wiring.build(settings), now=lambda: datetime.now(UTC) + timedelta(seconds=ahead))
    moments = Moments(last)
    moments.watch(services.engine)
    backend = Mortal(SendGridBackend(told["key"], told["url"], timeout=TIMEOUT), moments)
    fence = Mortal(SendGridFence(told["key"], told["url"], timeout=TIMEOUT), moments)
    world = Outside(backend, "sendgrid", lambda _: Shop(), fence=fence)
    fences.call_all_back(services, world, told["merchant"])
    run.advance(services, world, told["merchant"], told["run"])


def main() -> None:
    """Fork for each line ``go SECONDS MOMENT``; says ``killed`` or ``ended STATUS`` of each."""
    deliver.BATCH = RECIPIENTS
    told = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        _, ahead, last = line.split()
        child = os.fork()
        if not child:
            work(told, float(ahead), int(last))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write("killed\n" if os.WIFSIGNALED(status) else f"ended {os.WEXITSTATUS(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""An SMTP server on loopback that remembers what it took and breaks off on demand.

``fake.answers`` maps a command (``RCPT``, ``DATA`` …, or ``.`` for the end of a mail) to the answers it gives next:
a line such as ``"550 unknown"``, or ``"drop"`` to hang up.
"""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TakenMail:
    """One mail as it came over the wire, with its envelope."""

    sender: str
    recipient: str
    content: bytes


@dataclass
class FakeSmtp:
    """The state of one fake."""

    port: int = 0
    mails: list[TakenMail] = field(default_factory=list)
    connections: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    never: dict[str, str] = field(default_factory=dict)
    """Recipients that get the same answer every time."""
    asked: list[str] = field(default_factory=list)

    commands: list[str] = field(default_factory=list)

    def heard(self, verb: str) -> int:
        """How often a command came in."""
        return self.commands.count(verb)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class _Handler(socketserver.StreamRequestHandler):
    fake: FakeSmtp

    def handle(self) -> None:
        self.fake.connections += 1
        self.sender = self.recipient = ""
        self.say("220 fake")
        while line := self.rfile.readline():
            command = line.decode(errors="replace").strip()
            verb = command.split(" ")[0].upper()
            if not self.command(verb, command):
                return

    def command(self, verb: str, command: str) -> bool:
        self.fake.commands.append(verb)
        if verb == "QUIT":
            self.say("221 bye")
            return False
        if verb == "MAIL":
            self.sender = command.partition("<")[2].partition(">")[0]
        if verb == "RCPT":
            self.recipient = command.partition("<")[2].partition(">")[0]
            self.fake.asked.append(self.recipient)
        usual = {"EHLO": "250-fake\r\n250 AUTH PLAIN", "DATA": "354 go on", "AUTH": "235 welcome"}.get(verb, "250 ok")
        answer = self.next_answer(verb, usual)
        if verb == "RCPT":
            answer = self.fake.never.get(self.recipient, answer)
        if answer == "drop":
            return False
        self.say(answer)
        return self.take() if verb == "DATA" and answer.startswith("354") else not answer.startswith("421")

    def take(self) -> bool:
        content = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            content += line[1:] if line.startswith(b".") else line
        answer = self.next_answer(".", "250 queued")
        if answer == "drop" or answer.startswith("250"):
            self.fake.mails.append(TakenMail(self.sender, self.recipient, content))
        if answer == "drop":
            return False
        self.say(answer)
        return True

    def next_answer(self, verb: str, usual: str) -> str:
        waiting = self.fake.answers.get(verb, [])
        return (waiting.pop(0) if waiting else "") or usual

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def fake_smtp() -> Iterator[FakeSmtp]:
    """A running fake on a port of the system's choice."""
    fake = FakeSmtp()
    handler = type("Handler", (_Handler,), {"fake": fake})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()

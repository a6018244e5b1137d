"""An SMTP server on loopback that remembers what it took and breaks off on demand.

``fake.answers`` maps a command (``RCPT``, ``DATA`` …, or ``.`` for the end of a mail) to the answers it gives next:
a line such as ``"550 unknown"``, ``"drop"`` to hang up, or ``"wait"`` to say nothing more. ``fake.offers`` are the
extensions it tells of; with a ``certificate`` it speaks TLS, from the start where ``at_once``, else by STARTTLS.
"""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
import time
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
    offers: list[str] = field(default_factory=lambda: ["AUTH PLAIN"])
    certificate: ssl.SSLContext | None = None
    at_once: bool = False
    banner: str = "220 fake"
    trickle: float = 0.0
    """Seconds between the letters of the banner."""
    logged_in: list[str] = field(default_factory=list)
    """What came after AUTH, and the lines after that."""

    def heard(self, verb: str) -> int:
        """How often a command came in."""
        return self.commands.count(verb)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class _Handler(socketserver.StreamRequestHandler):
    fake: FakeSmtp
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.fake.connections += 1
        self.sender = self.recipient = ""
        # Whoever hangs up on us, or cannot agree on TLS, ends the talk; that is what many tests are about.
        with contextlib.suppress(OSError):
            self.talk()
        self.request.close()

    def talk(self) -> None:
        if self.fake.at_once:
            self.encrypt()
        self.greet()
        while line := self.rfile.readline():
            command = line.decode(errors="replace").strip()
            verb = command.split(" ")[0].upper()
            if not self.command(verb, command):
                return

    def encrypt(self) -> None:
        assert self.fake.certificate is not None
        self.request = self.fake.certificate.wrap_socket(self.connection, server_side=True)
        self.setup()

    def greet(self) -> None:
        for letter in self.fake.banner if self.fake.trickle else "":
            time.sleep(self.fake.trickle)
            self.wfile.write(letter.encode())
        self.say("" if self.fake.trickle else self.fake.banner)

    @property
    def hello(self) -> str:
        safe = isinstance(self.connection, ssl.SSLSocket)
        more = ["STARTTLS"] if self.fake.certificate and not safe else []
        lines = ["fake", *self.fake.offers, *more]
        return "\r\n".join(f"250{'-' if line is not lines[-1] else ' '}{line}" for line in lines)

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
        if verb == "AUTH":
            return self.log_in(command)
        if verb == "STARTTLS":
            self.say("220 go on")
            self.encrypt()
            return True
        answer = self.next_answer(verb, {"EHLO": self.hello, "DATA": "354 go on"}.get(verb, "250 ok"))
        if verb == "RCPT":
            answer = self.fake.never.get(self.recipient, answer)
        if answer == "drop":
            return False
        if verb in ("MAIL", "RCPT") and not answer.startswith("25"):
            self.sender, self.recipient = self.sender if verb == "RCPT" else "", ""
        self.say(answer)
        return self.take() if verb == "DATA" and answer.startswith("354") else not answer.startswith("421")

    def log_in(self, command: str) -> bool:
        self.fake.logged_in.append(command)
        if "LOGIN" in command:
            self.say("334 UGFzc3dvcmQ6")
            self.fake.logged_in.append(self.rfile.readline().decode().strip())
        self.say(self.next_answer("AUTH", "235 welcome"))
        return True

    def take(self) -> bool:
        content = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            content += line[1:] if line.startswith(b".") else line
        if not self.sender or not self.recipient:
            self.say("554 no valid recipients")
            return True
        answer = self.next_answer(".", "250 queued")
        if answer == "wait":
            self.rfile.readline()  # until the other side has had enough
            return False
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

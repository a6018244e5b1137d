"""A line to a mail server: reached, encrypted, greeted and logged in, within a bounded time.

Each failure is a ``ConnectorError`` that says what to mend; its code names the place: ``host``, ``port``, ``tls``,
``password``, ``slow``, ``busy``, ``dns`` or ``forbidden_host``.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from connectors.errors import ConnectorError, ForbiddenHost
from connectors.hosts import is_public, look_up
from connectors.smtp.envelope import CLOSING
from connectors.smtp.server import Server

PATIENCE: Final = 60.0
"""Seconds to wait before a server that has trouble is asked again."""
MOST_ADDRESSES: Final = 3
_TLS_WORDS: Final = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}
_MISMATCH, _EXPIRED, _IP_MISMATCH = 62, 10, 64
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_IP_ADDRESS_MISMATCH."""


def opened(server: Server, *, timeout: float, within: float) -> smtplib.SMTP:
    """A line ready for MAIL. Each step may take ``timeout`` seconds, all after the connection ``within``.

    Raises ``ConnectorError``, permanent where a person has to mend the account.
    """
    line = smtplib.SMTP(local_hostname=_greeting(server.name), timeout=timeout)
    line.sock = _reached(server, timeout)
    with bounded(line, within) as late:
        try:
            _encrypt_and_greet(line, server)
            _log_in(line, server)
        except (OSError, smtplib.SMTPException) as error:
            line.close()
            raise _told(server, error, late=late.is_set()) from error
        except ConnectorError:
            line.close()
            raise
    return line


@contextmanager
def bounded(line: smtplib.SMTP, seconds: float) -> Iterator[threading.Event]:
    """Cut the line when this takes longer, whatever trickles in meanwhile; the event tells whether it was cut."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        if line.sock is not None:
            with contextlib.suppress(OSError):
                # Not the method of a TLS socket, which would forget its key in the middle of another thread's read.
                socket.socket.shutdown(line.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def words(code: int, answer: object) -> str:
    """A server's answer on one line: its code and what it said."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    return f"{code} {' '.join(text.split())}"[:300]


def _greeting(name: str) -> str:
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        return name or "[127.0.0.1]"
    return f"[{ip}]" if ip.version == 4 else f"[IPv6:{ip}]"


def _reached(server: Server, timeout: float) -> socket.socket:
    """A connected socket. The address that was looked at is the one that is called: a name may change in between."""
    addresses = sorted(look_up(server.host, server.port), key=lambda address: ":" in address)
    if server.public and not all(map(is_public, addresses)):
        raise ForbiddenHost(
            f"{server.host} is on a private network. Enter the address under which the internet reaches your mail "
            "server."
        )
    last: OSError = OSError("no address")
    for address in addresses[:MOST_ADDRESSES]:
        try:
            made = socket.create_connection((address, server.port), timeout)
        except OSError as error:
            last = error
        else:
            # The end of a mail would wait for word that its beginning arrived, which many hosts are slow to give.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
    if isinstance(last, TimeoutError):
        sentence = (
            f"{server.host} did not answer on port {server.port} in time. Check host and port; a firewall or your "
            "hosting company may block it."
        )
    else:
        sentence = f"Nothing takes mail at {server.host} on port {server.port}. Most providers use 465 or 587."
    raise ConnectorError(sentence, code="port", retry_after=PATIENCE) from last


def _encrypt_and_greet(line: smtplib.SMTP, server: Server) -> None:
    if server.public and server.tls == "none":
        raise _no_open_line(server)
    if server.tls == "tls":
        _encrypt(line, server)
    code, said = line.getreply()
    if code != 220:
        raise smtplib.SMTPConnectError(code, said)
    _greet(line)
    if server.tls == "starttls" or (server.tls == "offered" and line.has_extn("starttls")):
        _start_tls(line, server)
    if server.user and server.tls != "none" and not server.here and not isinstance(line.sock, ssl.SSLSocket):
        raise _no_open_line(server)


def _greet(line: smtplib.SMTP) -> None:
    code, said = line.ehlo()
    if code == CLOSING:
        raise smtplib.SMTPResponseException(code, said)
    if not 200 <= code < 300:
        code, said = line.helo()
    if not 200 <= code < 300:
        raise smtplib.SMTPHeloError(code, said)


def _no_open_line(server: Server) -> ConnectorError:
    return ConnectorError(
        f"{server.host} offers no encryption, and a password must not travel unencrypted. Choose STARTTLS or TLS from "
        "the start.",
        code="tls",
        retry_after=PATIENCE,
    )


def _start_tls(line: smtplib.SMTP, server: Server) -> None:
    code, _ = line.docmd("STARTTLS") if line.has_extn("starttls") else (502, b"")
    if code != 220:
        raise ConnectorError(
            f"{server.host} offers no STARTTLS on port {server.port}. Choose TLS from the start and port 465, or ask "
            "your provider.",
            code="tls",
            retry_after=PATIENCE,
        )
    _encrypt(line, server)
    # What the server said before is worth nothing now: anybody on the way could have said it (RFC 3207, 4.2).
    line.helo_resp = line.ehlo_resp = None
    line.esmtp_features = {}
    line.does_esmtp = False
    _greet(line)


def _encrypt(line: smtplib.SMTP, server: Server) -> None:
    context = ssl.create_default_context()
    if not server.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if line.sock is None:
        raise smtplib.SMTPServerDisconnected("it is closed")
    # The handshake comes after, so that it is the line's own socket that is cut where it takes too long.
    line.sock = made = context.wrap_socket(line.sock, server_hostname=server.host, do_handshake_on_connect=False)
    line.file = None
    made.do_handshake()


def _log_in(line: smtplib.SMTP, server: Server) -> None:
    """By PLAIN or LOGIN in UTF-8 (RFC 4616), else as the standard library can; the answer decides."""
    if not server.user:
        return
    offered = str(line.esmtp_features.get("auth", "")).upper().split()
    plain = base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
    if "PLAIN" in offered:
        answer = line.docmd("AUTH", f"PLAIN {plain}")
    elif "LOGIN" in offered:
        answer = line.docmd("AUTH", f"LOGIN {base64.b64encode(server.user.encode()).decode()}")
        if answer[0] == 334:
            answer = line.docmd(base64.b64encode(server.password.encode()).decode())
    elif "CRAM-MD5" in offered and f"{server.user}{server.password}".isascii():
        answer = line.login(server.user, server.password)
    else:
        raise ConnectorError(
            f"{server.host} lets nobody log in with a password on port {server.port}. Try port 587 or 465, or ask your "
            "provider for a password for apps.",
            code="password",
            retry_after=PATIENCE,
        )
    if answer[0] not in (235, 503):  # 503: it knows us already
        raise smtplib.SMTPAuthenticationError(*answer)


def _told(server: Server, error: Exception, *, late: bool) -> ConnectorError:
    """The error in words that say what to mend."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _refused_log_in(error)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        why = words(error.smtp_code, error.smtp_error)
        return ConnectorError(f"The mail server turns us away ({why}).", code="busy", retry_after=PATIENCE)
    # The standard library makes "disconnected" of a wait that was too long.
    if late or isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return ConnectorError(
            f"{server.host} answers too slowly on port {server.port}. On port 465 choose TLS from the start; otherwise "
            "try again later.",
            code="slow",
            retry_after=PATIENCE,
        )
    if isinstance(error, ssl.SSLError):
        return ConnectorError(_no_tls(server, error), code="tls", retry_after=PATIENCE)
    return ConnectorError(
        f"{server.host} closed the line on port {server.port} before it took us in. Check the port and the encryption.",
        code="port",
        retry_after=PATIENCE,
    )


def _refused_log_in(error: smtplib.SMTPAuthenticationError) -> ConnectorError:
    why = words(error.smtp_code, error.smtp_error)
    if 400 <= error.smtp_code < 500:
        sentence = f"The mail server cannot check the password now ({why}). Try again later."
        return ConnectorError(sentence, code="busy", retry_after=PATIENCE)
    return ConnectorError(
        f"The mail server refuses the user name or password ({why}). Correct them in the mail account; some providers "
        "want a password made for apps.",
        code="password",
    )


def _no_tls(server: Server, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (_MISMATCH, _IP_MISMATCH):
            return (
                f"The certificate of {server.host} is made out to another name. Enter the name that your provider "
                "gives for its mail server."
            )
        if error.verify_code == _EXPIRED:
            return f"The certificate of {server.host} has run out. Ask whoever runs the mail server to renew it."
        return (
            f"Nobody we know vouches for the certificate of {server.host} ({error.verify_message}). Ask whoever runs "
            "the mail server for a proper one."
        )
    if (error.reason or "") in _TLS_WORDS:
        return f"{server.host} does not speak TLS from the start on port {server.port}. Choose STARTTLS, or port 465."
    return f"No encryption could be agreed on with {server.host} ({error.reason or type(error).__name__})."

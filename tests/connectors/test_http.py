"""The HTTP client: bounded tries, one write only, and a sentence for everything that can break."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.errors import BadPayload, ConnectorError
from connectors.http import Http, loads, retry_after_seconds
from tests.connectors.server import Answer, Asked, LoopbackServer, Script, serving


@contextmanager
def client(script: Script, **more: float) -> Iterator[tuple[Http, LoopbackServer, list[float]]]:
    pauses: list[float] = []
    with serving(script) as server:
        http = Http(allow_private=True, sleep=pauses.append, timeouts=(1.0, 0.5), max_body=1 << 20)
        yield http, server, pauses
        http.close()


def then(*answers: Answer) -> Script:
    """The answers in turn, the last one for ever."""
    left = list(answers)
    return lambda asked: left.pop(0) if len(left) > 1 else left[0]


def test_a_read_is_repeated_until_the_shop_recovers() -> None:
    with client(then(Answer(status=503), Answer(status=502), Answer({"id": 1}))) as (http, server, pauses):
        assert http.get(server.url).json() == {"id": 1}
    assert pauses == [0.5, 2.0]


def test_a_read_gives_up_after_four_tries_and_says_when_to_come_back() -> None:
    with client(then(Answer(status=500))) as (http, server, pauses), pytest.raises(ConnectorError) as caught:
        http.get(server.url)
    assert (len(server.asked), len(pauses)) == (4, 3)
    assert (caught.value.code, caught.value.retry_after, caught.value.ambiguous) == ("server_error", 60.0, False)


def test_retry_after_is_waited_for() -> None:
    with client(then(Answer(status=429, headers={"Retry-After": "7"}), Answer([]))) as (http, server, pauses):
        assert http.get(server.url).json() == []
    assert pauses == [7.0]


def test_a_long_retry_after_is_handed_to_the_caller() -> None:
    slow = Answer(status=429, headers={"Retry-After": "120"})
    with client(then(slow)) as (http, server, pauses), pytest.raises(ConnectorError) as caught:
        http.get(server.url)
    assert (len(server.asked), pauses, caught.value.retry_after) == (1, [], 120.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0),
        ("999999", 3600.0),
        ("-3", 0.0),
        ("soon", None),
        ("nan", None),
        ("", None),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
    ],
)
def test_retry_after_forms(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"Retry-After": value, "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}) == seconds


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_is_sent_once_and_its_fate_is_open(status: int) -> None:
    with client(then(Answer(status=status))) as (http, server, _), pytest.raises(ConnectorError) as caught:
        http.send("POST", server.url, data={"code": "x"})
    assert len(server.asked) == 1
    assert caught.value.ambiguous


def test_a_throttled_write_was_certainly_not_done() -> None:
    with client(then(Answer(status=429))) as (http, server, _), pytest.raises(ConnectorError) as caught:
        http.send("POST", server.url, data={})
    assert (len(server.asked), caught.value.ambiguous, caught.value.retry_after) == (1, False, 60.0)


def test_a_write_whose_answer_is_lost_is_ambiguous() -> None:
    with client(then(Answer(hang_up=True))) as (http, server, _), pytest.raises(ConnectorError) as caught:
        http.send("POST", server.url, data={})
    assert (len(server.asked), caught.value.ambiguous) == (1, True)


def test_a_write_to_nobody_was_certainly_not_done() -> None:
    with client(then(Answer())) as (_http, server, _):
        port = server.server_address[1]
    with pytest.raises(ConnectorError) as caught:
        Http(allow_private=True).send("POST", f"http://127.0.0.1:{port}", data={})
    assert (caught.value.code, caught.value.ambiguous) == ("unreachable", False)


def test_a_half_downloaded_page_is_read_again() -> None:
    with client(then(Answer([1, 2], cut=50), Answer([1, 2]))) as (http, server, _):
        assert http.get(server.url).json() == [1, 2]
    assert len(server.asked) == 2


def test_a_page_cut_without_a_length_is_read_again() -> None:
    with client(then(Answer(b'[{"id": 1}, {"i'), Answer([{"id": 1}]))) as (http, server, _):
        assert http.get(server.url).json() == [{"id": 1}]


def test_html_instead_of_json_is_named_at_once() -> None:
    page = Answer(b"<!DOCTYPE html><p>Briefly unavailable", headers={"Content-Type": "text/html"})
    with client(then(page)) as (http, server, _), pytest.raises(ConnectorError, match="web page instead") as caught:
        http.get(server.url)
    assert (len(server.asked), caught.value.code) == (1, "html")


def test_warnings_of_php_in_front_of_the_data_are_named_at_once() -> None:
    said = Answer(b"\nNotice: Undefined index: x in /srv/wp-content/plugins/y.php on line 3\n[]")
    with client(then(said)) as (http, server, _), pytest.raises(ConnectorError, match="PHP warnings") as caught:
        http.get(server.url)
    assert (len(server.asked), caught.value.code) == (1, "html")


def test_a_redirect_is_refused_and_names_the_new_address() -> None:
    moved = Answer(status=301, headers={"Location": "https://evil.example/wp-json?ck=1"})
    with client(then(moved)) as (http, server, _), pytest.raises(ConnectorError) as caught:
        http.get(server.url)
    assert caught.value.code == "redirect"
    assert "https://evil.example/wp-json." in caught.value.sentence
    assert "ck=" not in caught.value.sentence
    assert len(server.asked) == 1


def test_a_body_beyond_the_cap_is_not_taken() -> None:
    huge = Answer(b"[" + b" " * (2 << 20) + b"]")
    with client(then(huge)) as (http, server, _), pytest.raises(ConnectorError, match="larger than 1 MB"):
        http.get(server.url)


def test_a_shop_that_never_answers_costs_bounded_time() -> None:
    def wait(asked: Asked) -> Answer:
        time.sleep(0.8)
        return Answer([])

    with client(wait) as (http, server, _), pytest.raises(ConnectorError) as caught:
        http.send("POST", server.url, data={})
    assert (caught.value.code, caught.value.ambiguous) == ("timeout", True)


def test_a_shop_that_drips_costs_bounded_time() -> None:
    def drip(asked: Asked) -> Answer:
        return Answer(b"[" + b" " * 400, drip=0.02)

    with serving(drip) as server, pytest.raises(ConnectorError, match="took too long") as caught:
        Http(allow_private=True, total_seconds=0.3, tries=3).get(server.url)
    assert (caught.value.code, len(server.asked)) == ("timeout", 1)


def test_one_connection_serves_many_requests() -> None:
    with client(then(Answer([1] * 50_000))) as (http, server, _):
        for _ in range(5):
            http.get(server.url)
        http.send("POST", server.url, data={})
    assert len(server.asked) == 6
    assert server.connections == 1


def test_compressed_answers_are_unpacked_and_still_capped() -> None:
    packed = Answer(gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    bomb = Answer(gzip.compress(b"[" + b" " * (50 << 20)), headers={"Content-Encoding": "gzip"})
    with client(then(packed, bomb)) as (http, server, _):
        assert http.get(server.url).json() == [1]
        with pytest.raises(ConnectorError) as caught:
            http.get(server.url)
    assert caught.value.code == "too_large"


def test_a_broken_compression_is_read_again() -> None:
    broken = Answer(b"no gzip at all", headers={"Content-Encoding": "gzip"})
    with client(then(broken, Answer([1]))) as (http, server, _):
        assert http.get(server.url).json() == [1]


def test_an_answer_in_pieces_without_length_is_read() -> None:
    with client(then(Answer([1, 2], chunked=True))) as (http, server, _):
        assert http.get(server.url).json() == [1, 2]


def test_cookies_of_a_shop_are_not_kept() -> None:
    with client(then(Answer([], headers={"Set-Cookie": "session=1; Path=/"}))) as (http, server, _):
        http.get(server.url)
        http.get(server.url)
    assert "Cookie" not in server.asked[1].headers


def test_a_byte_order_mark_is_forgiven() -> None:
    assert loads(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize("body", [b"", b"{", b"[NaN]", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b'"\xe9"'])
def test_what_is_not_json_raises_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        loads(body)


def test_a_first_contact_does_not_wait_for_a_port_that_hangs() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        http = Http(allow_private=True, timeouts=(1.0, 30.0))
        began = time.monotonic()
        with pytest.raises(ConnectorError) as caught:
            http.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", tries=1, read_seconds=0.2)
        http.close()
    assert caught.value.code == "timeout"
    assert time.monotonic() - began < 5

"""Bad input at the command line: exit code 2, nothing on stdout, one sentence that names the place."""

from __future__ import annotations

import pytest

from plugin_server.db.merchant import merchants
from plugin_server.wiring import Services
from tests.cli.conftest import Called, Read

ADD = ("merchants", "add", "--email", "o@example.com", "--timezone", "UTC", "--currency", "EUR")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sync", "999"), "There is no store '999'"),
        (("ladder", "counts", "--as-of", "2026-02-30"), "'2026-02-30' is not a date"),
        (("ladder", "counts", "--merchant", "nobody"), "There is no merchant 'nobody'"),
        (("ladder", "simulate", "--margin", "nan"), "'nan' is not a number"),
        (("ladder", "simulate", "--margin", "1.5"), "--margin"),
        (("ladder", "simulate", "--share", "shopper=nan"), "a share lies between 0 and 1"),
        (("forecast", "customers", "--horizon-weeks", "nan"), "'nan' is not a number"),
        (("forecast", "customers", "--horizon-weeks", "inf"), "--horizon-weeks"),
        (("audit", "--from", "2999-01-01"), "--from: 2999-01-01 lies in the future"),
        (("campaigns", "run", "nothing"), "There is no campaign 'nothing'"),
        (("messages", "--run", "99999999999999999999"), "There is no run 99999999999999999999"),
        (("import", "orders", "/etc/hostname", "--store", "999"), "There is no store '999'"),
        (("up", "--port", "0"), "--port"),
        (("up", "--port", "65536"), "--port"),
        (("demo", "--port", "65536"), "--port"),
        ((*ADD, "x" * 201), "in one line of up to 200 characters"),
        ((*ADD, "Two\nlines"), "in one line of up to 200 characters"),
    ],
)
def test_it_is_refused_with_its_mend(call: Called, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_two_businesses_of_one_name_are_told_apart_by_number(app: Services, call: Called, read: Read) -> None:
    of = {"email": "o@example.com", "timezone": "UTC", "currency": "EUR", "locale": "en"}
    first, second = (merchants.add(app.engine, name="Twin", **of) for _ in range(2))
    code, out, err = call("ladder", "counts", "--merchant", "Twin")
    assert (code, out) == (2, "")
    assert f"{first} (Twin)" in err
    assert f"{second} (Twin)" in err
    assert read("ladder", "counts", "--merchant", str(second))["customers"] == 0

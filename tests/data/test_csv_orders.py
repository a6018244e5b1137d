"""Files as people really have them: what can be read comes in whole, what cannot is named by its row."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.csvfile.fault import BadFile
from tests.data.making import CLEAN, HEADER, Shop, figures

LINES = "order_id,ordered_at,line_title,line_quantity,line_unit_price,currency"


def _orders(shop: Shop) -> list[Any]:
    return list(shop.rows("SELECT external_id, total_minor, status, placed_at FROM shop_order ORDER BY 1"))


def test_a_plain_file_comes_in_in_the_store_s_zone(shop: Shop, give: Any) -> None:
    told = give(f"{HEADER}\n1,2024-02-29 10:00,12.50,ani@example.com\n2,2024-03-01T10:00:00Z,3,\n")
    assert (told["rows"], told["orders"], told["customers"], told["created"]) == (2, 2, 1, 2)
    assert _orders(shop) == [
        ("1", 1_250, "paid", datetime(2024, 2, 29, 3, 0, tzinfo=UTC)),
        ("2", 300, "paid", datetime(2024, 3, 1, 10, 0, tzinfo=UTC)),
    ]


def test_the_same_file_again_changes_nothing(shop: Shop, give: Any) -> None:
    text = f"{HEADER}\n1,2024-02-29,12.50,ani@example.com\n"
    give(text)
    before = shop.rows("SELECT xmin, * FROM shop_order")
    told = give(text)
    assert (told["orders"], told["created"], told["updated"]) == (1, 0, 0)
    assert shop.rows("SELECT xmin, * FROM shop_order") == before


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("9,2024-02-30,1,", "'2024-02-30' is not a date"),
        ("9,2024-02-30 10:00:00,1,", "'2024-02-30 10:00:00' is not a date"),
        ("9,01/02/2024,1,", "'01/02/2024' is not a date"),
        ("9,2024-01-01 25:00,1,", "is not a date"),
        ("9,,1,", "ordered_at: it is empty"),
        ("9,2199-01-01,1,", "lies in the future"),
        ("9,0001-01-01,1,", "is too long ago"),
        ("9,2024-01-01,ten,", "total: 'ten' is not a number"),
        ("9,2024-01-01,NaN,", "total: 'NaN' is not a number"),
        ("9,2024-01-01,1e9,", "total: '1e9' is not a number"),
        ("9,2024-01-01,,", "total: it is empty"),
        ("9,2024-01-01,99999999999999,", "total: 99999999999999 is too large"),
        ('9,2024-01-01,"1.234,50",', "say --decimal ,"),
        ('9,2024-01-01,"1,234.50",', "say --decimal ,"),
        (",2024-01-01,1,", "order_id: it is empty"),
        ("9,2024-01-01,1,,extra", "the row has 5 fields where the header has 4"),
        ("9,2024-01-01", "the row has 2 fields where the header has 4"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_the_rest_comes_in(shop: Shop, give: Any, row: str, reason: str) -> None:
    told = give(f"{HEADER}\n1,2024-01-01,5,\n{row}\n2,2024-01-02,6,\n")
    assert (told["rows"], told["orders"], told["rejected_count"]) == (3, 2, 1)
    assert told["rejected"][0]["row"] == 3
    assert reason in told["rejected"][0]["reason"]
    assert [order[:2] for order in _orders(shop)] == [("1", 500), ("2", 600)]


def test_lines_are_summed_exactly_and_rounded_once(shop: Shop, give: Any) -> None:
    told = give(
        f"{LINES}\nA,2024-01-01,Kopi,3,0.335,EUR\nB,2024-01-02,Teh,1,5,EUR\nA,2024-01-01,Kembali,-1,0.10,EUR\n",
    )
    assert (told["rows"], told["orders"]) == (3, 2)
    assert [order[:2] for order in _orders(shop)] == [("A", 91), ("B", 500)]
    assert shop.rows("SELECT title, quantity FROM order_line JOIN shop_order o ON o.id = order_id "
                     "WHERE o.external_id = 'A' ORDER BY position") == [("Kopi", 3), ("Kembali", -1)]  # fmt: skip


def test_one_bad_line_leaves_its_whole_order_out(shop: Shop, give: Any) -> None:
    told = give(f"{LINES}\nA,2024-01-01,Kopi,1,5,EUR\nA,2024-01-01,Teh,x,5,EUR\nB,2024-01-01,Teh,1,5,EUR\n")
    assert told["rejected"] == [
        {"row": 2, "reason": "order A is left out whole because of row 3"},
        {"row": 3, "reason": "line_quantity: 'x' is not a number; order A is left out whole"},
    ]
    assert [order[0] for order in _orders(shop)] == ["B"]


def test_a_currency_that_changes_inside_an_order_is_refused(give: Any) -> None:
    told = give(f"{LINES}\nA,2024-01-01,Kopi,1,5,EUR\nA,2024-01-01,Teh,1,5,USD\nB,2024-01-01,Teh,1,5,XXQ\n")
    assert told["rejected"][0]["reason"] == "currency: order A has lines in EUR and USD"
    assert "'XXQ' is not an ISO 4217 code" in told["rejected"][2]["reason"]
    assert told["orders"] == 0


def test_a_wrong_address_leaves_the_order_without_its_customer(shop: Shop, give: Any) -> None:
    told = give(f"{HEADER}\n1,2024-01-01,5,not-an-address\n")
    assert told["orders"] == 1
    assert told["warnings"] == [
        {"row": 2, "reason": "email: 'not-an-address' is not an address; the order is taken without it"}
    ]
    assert shop.rows("SELECT customer_id FROM shop_order") == [(None,)]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(give: Any, mark: str) -> None:
    assert give(f"{HEADER}\n1,2024-01-01,5,\n".replace(",", mark))["orders"] == 1


def test_a_decimal_comma_is_read_when_asked_for(shop: Shop, give: Any) -> None:
    give("order_id;ordered_at;total\n1;2024-01-01;1.234,50\n", decimal_comma=True)
    assert _orders(shop)[0][1] == 123_450


@pytest.mark.parametrize("other", ["", "2,2024-01-01,ten,\n"])
def test_an_amount_that_may_be_a_thousand_times_another_is_asked_about(shop: Shop, give: Any, other: str) -> None:
    text = f"{HEADER}\n1,2024-01-01,150.000,\n{other}"
    told = give(text)
    assert told["orders"] == 0
    assert told["rejected"][0]["reason"] == (
        "total: '150.000' may have a decimal point or a thousands separator; say --decimal . if the dot is the decimal "
        "mark, --decimal , if it is not; order 1 is left out whole"
    )
    assert give(text, decimal_said=True)["created"] == 1
    assert _orders(shop)[0][1] == 15_000
    assert give(text, decimal_comma=True)["updated"] == 1
    assert _orders(shop)[0][1] == 15_000_000


def test_a_currency_of_three_decimals_has_no_such_doubt(shop: Shop, give: Any) -> None:
    assert give("order_id,ordered_at,total,currency\n1,2024-01-01,1.250,KWD\n")["orders"] == 1
    assert _orders(shop)[0][1] == 1_250


def test_a_state_nobody_knows_is_told_and_does_not_count(shop: Shop, give: Any) -> None:
    told = give("order_id,ordered_at,total,status\n1,2024-01-01,5,Lunas\n2,2024-01-01,5,layaway\n3,2024-01-01,5,\n")
    assert [(warning["row"], warning["reason"][:33]) for warning in told["warnings"]] == [
        (3, "status: 'layaway' is not known, s")
    ]
    assert shop.rows("SELECT status, counts FROM shop_order ORDER BY external_id") == [
        ("paid", True), ("unknown", False), ("paid", True),
    ]  # fmt: skip


def test_what_is_taken_otherwise_than_it_stands_is_told(shop: Shop, give: Any) -> None:
    rows = f"1,2024-01-01,-5,,\n2,2024-01-01,5,{'A' * 3_000},\n3,2024-01-01,5,Budi,{'c' * 201}\n"
    told = give(f"order_id,ordered_at,total,name,customer_id\n{rows}")
    assert [warning["reason"] for warning in told["warnings"]] == [
        "total: -5 is negative, so the order does not count; write what was given back under refunded, in the row of "
        "the order it was paid for",
        "name: it is very long; only the first 400 characters are kept of it",
    ]
    assert [told["rejected"][0]["row"], "customer_id: it is longer" in told["rejected"][0]["reason"]] == [4, True]
    assert shop.rows("SELECT external_id, counts FROM shop_order ORDER BY 1") == [("1", False), ("2", True)]


def test_returns_told_by_lines_are_no_reason_to_warn(give: Any) -> None:
    assert give(f"{LINES}\nA,2024-01-01,Kopi,-3,5,EUR\n")["warnings"] == []


def test_a_line_without_an_end_is_named_before_it_is_read(shop: Shop, give: Any) -> None:
    with pytest.raises(BadFile, match="line 3: it is longer than 16 MB"):
        give(f"{HEADER}\n1,2024-01-01,5,\n2,2024-01-01,5,{'a' * (18 << 20)}\n")
    assert _orders(shop) == []


def test_what_breaks_off_a_copy_never_reaches_the_log(give: Any, caplog: pytest.LogCaptureFixture) -> None:
    told = give(f"{HEADER}\n1,2024-01-01,5,ani@example.com,,,,\n2,0000-00-00,5,\n3,2024-01-02,5,budi@example.com\n")
    assert (told["orders"], told["rejected_count"], caplog.text) == (1, 2, "")


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8-sig", []), ("cp1252", ["The file is not UTF-8; it was read as Windows-1252."])],
)
def test_the_encoding_is_found_out(shop: Shop, give: Any, encoding: str, note: list[str]) -> None:
    told = give("order_id,ordered_at,total,name,email\n1,2024-01-01,5,Zoë,z@example.com\n".encode(encoding))
    assert told["notes"] == note
    assert shop.rows("SELECT first_name FROM customer") == [("Zoë",)]


def test_a_packed_file_and_nul_bytes_are_read(shop: Shop, give: Any) -> None:
    packed = gzip.compress(f"{HEADER}\n1,2024-01-01,5,a\x00@example.com\n".encode())
    assert give(packed, "orders.csv.gz")["customers"] == 1


def test_quotes_blank_lines_and_line_breaks_inside_fields(shop: Shop, give: Any) -> None:
    give('order_id,ordered_at,total,name,email\n\n1,2024-01-01,5,"Ani ""W""\nJaya",a@example.com\n\n')
    assert shop.rows("SELECT name FROM shop_order") == [('Ani "W"\nJaya',)]


def test_a_stray_quote_swallows_no_rows(give: Any) -> None:
    told = give('order_id,name,ordered_at,total\n1,5" pipe,2024-01-01,1\n2,6" pipe,2024-01-01,1\n')
    assert (told["rows"], told["orders"]) == (2, 2)


def test_the_same_order_twice_the_later_row_holds(shop: Shop, give: Any) -> None:
    assert give(f"{HEADER}\n1,2024-01-01,5,\n1,2024-01-01,7,\n")["orders"] == 1
    assert _orders(shop)[0][1] == 700


def test_words_for_states_and_money_given_back(shop: Shop, give: Any) -> None:
    give(
        "order_id,ordered_at,total,status,refunded\n1,2024-01-01,5,Completed,2\n2,2024-01-01,5,refunded,\n"
        "3,2024-01-01,5,on-hold,\n4,2024-01-01,5,brand-new-state,\n"
    )
    assert shop.rows("SELECT status, net_minor, counts FROM shop_order ORDER BY external_id") == [
        ("completed", 300, True), ("refunded", 0, False), ("pending", 500, False), ("unknown", 500, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("<html><body>Log in</body></html>", "is a web page, XML or JSON, not CSV"),
        ("InvoiceNo,InvoiceDate,Quantity,UnitPrice\n1,2,3,4\n", "--map order_id=InvoiceNo"),
        ("order_id,order_id,ordered_at,total\n1,1,2024-01-01,5\n", "Two columns are called 'order_id'"),
        (HEADER + "\n", "holds a header and nothing else"),
    ],
)
def test_a_file_that_cannot_be_used_writes_nothing(shop: Shop, give: Any, content: str, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        give(content)
    assert _orders(shop) == []


def test_a_packed_file_that_ends_in_the_middle_writes_nothing(shop: Shop, give: Any) -> None:
    whole = gzip.compress((HEADER + "\n" + "".join(f"{n},2024-01-01,{n},\n" for n in range(10_000))).encode())
    with pytest.raises(BadFile, match="ends in the middle"):
        give(whole[: len(whole) // 2], "orders.csv.gz")
    assert _orders(shop) == []


def test_refused_rows_are_written_out_as_they_were(give: Any, tmp_path: Path) -> None:
    give(f"{HEADER}\n1,2024-01-01,5,\n2,never,6,x@example.com\n", rejects=tmp_path / "bad.csv")
    assert (tmp_path / "bad.csv").read_text().splitlines() == [
        "row,reason,order_id,ordered_at,total,email",
        "3,ordered_at: 'never' is not a date such as 2024-12-31 14:30; order 2 is left out whole,"
        "2,never,6,x@example.com",
    ]


def test_a_second_file_adds_to_the_first(shop: Shop, give: Any) -> None:
    give(f"{HEADER}\n1,2024-01-01,5,ani@example.com\n")
    told = give(f"{HEADER}\n1,2024-01-01,6,ani@example.com\n2,2024-02-01,7,ANI@example.com\n")
    assert (told["created"], told["updated"]) == (1, 1)
    assert shop.rows("SELECT f.orders, f.spend_minor FROM customer_facts f") == [(2, 1_300)]


def test_the_indexes_are_back_after_the_first_import(shop: Shop, give: Any) -> None:
    named = "SELECT indexdef FROM pg_indexes ORDER BY 1"
    before = shop.rows(named)
    give(f"{HEADER}\n1,2024-01-01,5,ani@example.com\n")
    assert shop.rows(named) == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x00" * 5000, "orders.csv is empty."),
        (b"\xef\xbb\xbf \r\n", "orders.csv is empty."),
        (b"PK\x03\x04rest of a workbook", "save it as CSV"),
        (b"sep=,\norder_id,ordered_at,total\n", "begins with 'sep=,'. Delete that line."),
        ("order_id,ordered_at,total\n1,2024-01-01,5\n".encode("utf-16-be"), "looks like UTF-16 without its mark"),
        ("order_id,ordered_at,total\n1,2024-01-01,5\n".encode("utf-16")[:-1], "marked as UTF-16, but is damaged"),
        ("order_id,ordered_at,total\n1,2024-01-01,5\n".encode("utf-32"), "looks like UTF-32. Save it as UTF-8."),
        (f"{HEADER}\n1,2024-01-01,5,zoë\n".encode() + b"2,2024-01-01,5,zo\xeb\n", "line 3: it is not UTF-8, but other"),
        (
            f"{HEADER}\n1,2024-01-01,5,".encode() + "テスト".encode("shift_jis") + b"\x81\n",
            "line 2: it is neither UTF-8",
        ),
        (f"\n{HEADER}\n1,2024-01-01,5,\n".encode(), "line 1: it is blank. Delete the lines above"),
        (HEADER.replace(",", "^").encode(), "divided by comma, semicolon, tab or |"),
        (f"{HEADER},{','.join(f'c{n}' for n in range(1_700))}\n".encode(), "has 1,704 columns; 1,000 are the most"),
    ],
)
def test_what_is_no_csv_is_named(shop: Shop, give: Any, content: bytes, sentence: str) -> None:
    with pytest.raises(BadFile, match=re.escape(sentence)):
        give(content)
    assert _orders(shop) == []


def test_a_quote_that_is_never_closed_takes_no_rows_with_it(shop: Shop, give: Any) -> None:
    rows = f'{HEADER}\n1,2024-02-29,1,\n2,2024-02-29,2,"ani@example.com\n3,2024-02-29,3,\n4,2024-02-29,4,\n'
    with pytest.raises(BadFile, match=r"row 3 opens a quote that is never closed, so the 2 lines after it"):
        give(rows)
    assert _orders(shop) == []


def test_lines_may_end_as_on_old_macs(shop: Shop, give: Any) -> None:
    told = give(f"{HEADER}\r1,2024-02-29,5,ani@example.com\r2,2024-02-29,6,budi@example.com\r")
    assert (told["rows"], told["created"]) == (2, 2)
    quoted = give(f'{HEADER}\r3,2024-02-29,5,"ani@example.com"\r4,2024-02-29,6,"a\r"\r')
    assert (quoted["rows"], quoted["created"]) == (2, 2)


ROWS = """SELECT external_id, number, status, raw_status, paid, placed_at, currency, total_minor, refunded_minor,
          counts, coupon_codes, o.email, name, o.country, content, c.email, c.first_name, c.has_account, c.enquired_at
          FROM shop_order o LEFT JOIN customer c ON c.id = o.customer_id ORDER BY 1"""


def test_a_clean_file_comes_in_as_it_would_row_by_row(shop: Shop, give: Any) -> None:
    """A space to be trimmed, and nothing else, sends a file the long way; content is the same, so nothing changes."""
    first = give(CLEAN)
    before = shop.rows(ROWS), figures(shop)
    again = give(CLEAN.replace("Ani W\n", "Ani W \n"))
    assert (first["created"], first["customers"], again["created"], again["updated"]) == (5, 2, 0, 0)
    assert before == (shop.rows(ROWS), figures(shop))
    assert [row[7:9] for row in before[0]] == [(150, 0), (250, 250), (350, 125), (450, 0), (550, 0)]


@pytest.mark.parametrize(
    ("was", "made", "reason"),
    [
        ("2024-05-01T10:00:00Z", "2024-02-30T10:00:00Z", "ordered_at: '2024-02-30T10:00:00Z' is not a date"),
        ("2024-05-01T10:00:00Z", "2924-05-01T10:00:00Z", "ordered_at: 2924-05-01T10:00:00Z lies in the future"),
        (",5.5,", ",1e3,", "total: '1e3' is not a number"),
        (",5.5,", ",5-5,", "total: '5-5' is not a number"),
        (",5.5,", ",,", "total: it is empty"),
        ("EUR,1.25", "EUR,-1", "refunded: it is negative"),
        ("pending,EUR", "pending,XYZ", "currency: 'XYZ' is not an ISO 4217 code"),
    ],
)
def test_one_bad_row_in_a_clean_file_is_named(shop: Shop, give: Any, was: str, made: str, reason: str) -> None:
    told = give(CLEAN.replace(was, made))
    assert (told["created"], told["rejected_count"]) == (4, 1)
    assert told["rejected"][0]["reason"].startswith(reason)


def test_an_order_twice_in_a_clean_file_holds_as_it_was_last(shop: Shop, give: Any) -> None:
    told = give(f"{HEADER}\n1,2024-02-01 10:00:00,12.50,a@example.com\n1,2024-02-01 10:00:00,13.50,a@example.com\n")
    assert told["created"] == 1
    assert _orders(shop) == [("1", 1_350, "paid", datetime(2024, 2, 1, 3, 0, tzinfo=UTC))]


@pytest.mark.parametrize("trouble", ["", " "])
def test_countries_come_in_as_codes_whatever_they_are_called(shop: Shop, give: Any, trouble: str) -> None:
    """A file of the plain shape and one with a space to be trimmed go two ways and end the same."""
    words = ["United Kingdom", "nederland", "Indonesia", "Duitsland", "Jerman", "NL", "de", "Channel Islands", ""]
    rows = "".join(
        f"{number},2024-01-0{number},5,c{number}@example.com,{trouble if number == 1 else ''}{word}\n"
        for number, word in enumerate(words, 1)
    )
    told = f"{HEADER},country\n{rows}"
    assert give(told)["orders"] == 9
    codes = ["GB", "NL", "ID", "DE", "DE", "NL", "DE", "Channel Islands", None]
    assert shop.rows("SELECT country FROM shop_order ORDER BY external_id") == [(code,) for code in codes]
    assert shop.rows("SELECT country FROM customer ORDER BY email") == [(code,) for code in codes]
    assert give(told)["updated"] == 0

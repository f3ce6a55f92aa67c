"""What BgMax files say, and which of them are refused."""

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.payments.bank_files import reading
from portal.payments.bank_files.record import (
    BankFileError,
    Header,
    Received,
    Record,
    Reference,
    Section,
)
from tests.payments.bank_files.written import (
    OURS,
    STAMP,
    Deposit,
    Paid,
    a_deposit,
    as_bytes,
    bgmax,
    bgmax_lines,
)


def read(data: bytes) -> list[Record]:
    return list(reading.read(io.BytesIO(data)))


def payments(data: bytes) -> list[Received]:
    return [one for one in read(data) if isinstance(one, Received)]


def refused(data: bytes) -> BankFileError:
    with pytest.raises(BankFileError) as error:
        read(data)
    return error.value


def test_a_file_says_who_made_it_and_when() -> None:
    header = read(bgmax(a_deposit()))[0]
    assert header == Header(
        "bgmax", STAMP, datetime(2026, 3, 9, 16, 30, 35, 10331, tzinfo=UTC), False
    )


def test_a_section_is_of_one_bankgiro() -> None:
    assert read(bgmax(a_deposit()))[1] == Section(OURS, (), 2, None)


def test_a_payment_is_read_whole() -> None:
    assert payments(bgmax(a_deposit()))[0] == Received(
        3, None, OURS, "payment", 100_000, "SEK", date(2026, 3, 9),
        (Reference("1234567897", None),), "", "3783511", "Kalles Plåt AB",
        "Storgatan 2\n12345\nStoråker", "5560000167", "000000000010", "00074", 1,
    )  # fmt: skip


def test_a_deduction_is_below_zero() -> None:
    found = payments(bgmax(a_deposit()))[1]
    assert (found.kind, found.amount_ore) == ("deduction", -50_000)


def test_a_payment_may_be_for_several_references_that_share_it() -> None:
    assert payments(bgmax(a_deposit()))[2].references == (
        Reference("657866", 90_000), Reference("658765", 60_000), Reference("657767", -10_000),
    )  # fmt: skip


def test_shares_that_are_not_told_are_unknown() -> None:
    found = payments(bgmax(a_deposit()))[3].references
    assert found == (
        Reference("659763", None), Reference("659771", None), Reference("659789", None),
    )  # fmt: skip


def test_what_shares_leave_is_that_of_the_payments_own_reference() -> None:
    found = payments(bgmax(Deposit([Paid(1000, "A", [("B", 300), ("C", 200)])])))[0].references
    assert found == (Reference("A", 500), Reference("B", 300), Reference("C", 200))


def test_shares_that_come_to_another_sum_are_refused() -> None:
    error = refused(bgmax(Deposit([Paid(1000, "", [("B", 300), ("C", 200)])])))
    assert error.problem.line == 3


def test_free_text_is_put_together() -> None:
    assert payments(bgmax(a_deposit()))[2].text == "Betalning för tre\noch en kreditnota"


def test_several_sections_and_currencies_are_read() -> None:
    data = bgmax(
        Deposit([Paid(100)]),
        Deposit([Paid(200)], currency="EUR", day=date(2026, 3, 10), serial="00003"),
    )
    found = [(one.amount_ore, one.currency, one.value_on, one.deposit) for one in payments(data)]
    assert found == [
        (100, "SEK", date(2026, 3, 9), "00074"), (200, "EUR", date(2026, 3, 10), "00003"),
    ]  # fmt: skip


def test_a_deposit_of_more_deductions_than_payments_is_read() -> None:
    found = payments(bgmax(Deposit([Paid(100), Paid(-500)])))
    assert sum(one.amount_ore for one in found) == -400


def test_a_file_without_payments_is_whole() -> None:
    assert len(read(bgmax())) == 1


def test_tabs_and_short_lines_are_read_as_the_columns_they_were() -> None:
    lines = [line.rstrip() for line in bgmax_lines(a_deposit())]
    lines[2] = lines[2].replace("200003783511" + " " * 12, "200003783511\t\t", 1)
    assert "\t" in lines[2]
    data = as_bytes(lines, ends="\n").rstrip(b"\n")
    assert payments(data) == payments(bgmax(a_deposit()))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_file_that_was_saved_in_another_encoding_reads_the_same(encoding: str) -> None:
    data = as_bytes(bgmax_lines(a_deposit()), encoding=encoding)
    assert payments(data) == payments(bgmax(a_deposit()))


def test_a_name_that_was_mangled_before_the_bank_had_it_is_taken_as_it_came() -> None:
    mangled, whole = Paid(100, name="Ã¥sa Ã¶berg"), Paid(200, name="Åsa Öberg")
    found = payments(bgmax(Deposit([mangled, whole])))
    assert [one.payer_name for one in found] == [mangled.name, whole.name]


def test_utf_16_is_refused_with_what_to_do() -> None:
    data = "".join(bgmax_lines(a_deposit())).encode("utf-16")
    assert "UTF-16" in str(refused(data))


def test_a_test_file_is_told_as_one() -> None:
    header = read(bgmax(a_deposit(), mark="T"))[0]
    assert isinstance(header, Header)
    assert header.is_test


@pytest.mark.parametrize(
    ("at", "change", "line"),
    [
        (1, lambda line: line.replace("BGMAX ", "BGMIN "), 1),
        (1, lambda line: line.replace(" 0120260309", " 0220260309"), 1),
        (1, lambda line: line.replace("20260309", "20261309"), 1),
        (1, lambda line: line.replace("010331P", "010331X"), 1),
        (2, lambda line: line.replace("SEK", "S€K"), 2),
        (2, lambda line: line.replace("SEK", "JPY"), 2),
        (2, lambda line: line.replace("SEK", "EUR"), 18),
        (2, lambda line: "05" + " " * 20 + "SEK", 2),
        (3, lambda line: "30" + line[2:], 3),
        (3, lambda line: line[:37] + "-" + line[38:], 3),
        (3, lambda line: line[:37] + "9" * 18 + line[55:], 3),
        (3, lambda line: line[:37] + "0" * 18 + line[55:], 3),
        (3, lambda line: line + "x", 3),
        (4, lambda line: "\x00" + line[1:], 4),
        (10, lambda line: line.replace("0000000000", "0000000007", 1), 10),
        (18, lambda line: line.replace("20260309", "20260230"), 18),
        (18, lambda line: line.replace("SEK00000004", "SEK00000003"), 18),
        (19, lambda line: "7000000003000000010000000500000002", 19),
    ],
)
def test_what_is_wrong_is_refused_at_its_line(
    at: int, change: Callable[[str], str], line: int
) -> None:
    lines = bgmax_lines(a_deposit())
    lines[at - 1] = change(lines[at - 1])
    encoding = "utf-8" if "€" in lines[at - 1] else "latin-1"
    assert refused(as_bytes(lines, encoding=encoding)).problem.line == line


@pytest.mark.parametrize("at", [1, 2, 3, 8, 10, 12, 16, 18, 19])
def test_a_record_with_an_amount_that_is_missing_is_missed(at: int) -> None:
    lines = bgmax_lines(a_deposit())
    del lines[at - 1]
    refused(as_bytes(lines))


def test_what_follows_the_end_is_refused() -> None:
    lines = bgmax_lines(a_deposit())
    assert refused(as_bytes([*lines, lines[0]])).problem.line == len(lines) + 1


def test_a_line_without_an_end_is_not_read_into_memory() -> None:
    assert "80" in str(refused(b"01BGMAX" + b"x" * 5_000_000))


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0" * 100])
def test_an_empty_file_is_refused_as_such(data: bytes) -> None:
    assert str(refused(data)) == "The file is empty."


def test_another_file_is_refused_as_no_bank_file() -> None:
    assert "BgMax" in str(refused(b"%PDF-1.7"))


# Names as the format holds them: no blanks at the ends, and what ISO 8859-1 has.
_LETTERS = st.characters(codec="latin-1", categories=("L", "N", "P", "Zs"))


def words(longest: int) -> st.SearchStrategy[str]:
    return st.text(_LETTERS, max_size=longest).map(lambda one: " ".join(one.split()))


_DIGITS = st.text("0123456789", max_size=25)
_TEXTS = st.lists(words(50).filter(bool), max_size=2)
_LINE = words(35)


@st.composite
def paid(draw: st.DrawFn) -> Paid:
    ore = draw(st.integers(1, 100_000_000)) * draw(st.sampled_from([1, 1, 1, -1]))
    shares: list[tuple[str, int]] = []
    if draw(st.booleans()):
        first = draw(st.integers(1, 1_000_000))
        rest = abs(ore) - first
        if rest > 0:
            shares = [("11", first), ("22", rest)]
    return Paid(
        ore, "" if shares else draw(_DIGITS), shares,
        payer=draw(st.sampled_from(["", "3783511", "50501055"])),
        texts=draw(_TEXTS),
        name=draw(_LINE), street=draw(_LINE), town=draw(_LINE),
        serial=draw(st.sampled_from(["", "123456789012"])), aligns_right=draw(st.booleans()),
    )  # fmt: skip


DEPOSITS = st.lists(
    st.lists(paid(), min_size=1, max_size=4).filter(lambda many: sum(o.ore for o in many) >= 0),
    max_size=3,
).map(lambda many: [Deposit(one) for one in many])


def looks_like_utf8(data: bytes) -> bool:
    """Whether all that is not ASCII happens to be whole signs of UTF-8: "Â¡" alone, say."""
    with suppress(UnicodeDecodeError):
        return not data.isascii() and bool(data.decode("utf-8"))
    return False


def told(one: Received) -> tuple[object, ...]:
    return (
        one.amount_ore, tuple((each.number, each.amount_ore) for each in one.references),
        one.text, one.payer_name, one.payer_address, one.payer_account, one.serial,
    )  # fmt: skip


def meant(one: Paid) -> tuple[object, ...]:
    sign = 1 if one.ore > 0 else -1
    own = ((one.reference, None),) if one.reference else ()
    extras = tuple((number, sign * ore) for number, ore in one.extras)
    lines = (one.street, one.postcode, one.town)
    return (
        one.ore, own + extras, "\n".join(one.texts), one.name,
        "\n".join(filter(None, lines)), one.payer, one.serial,
    )  # fmt: skip


@given(DEPOSITS)
def test_a_written_file_reads_back_to_the_same_payments(deposits: list[Deposit]) -> None:
    data = bgmax(*deposits)
    assume(not looks_like_utf8(data))
    found = [told(one) for one in payments(data)]
    assert found == [meant(one) for deposit in deposits for one in deposit.paid]


# Columns (from 0) of the amounts and counts of a record.
_FIGURES = {
    "20": range(37, 55), "21": range(37, 55), "22": range(37, 55), "23": range(37, 55),
    "15": (*range(50, 68), *range(71, 79)), "70": range(2, 34),
}  # fmt: skip


@given(DEPOSITS.filter(bool), st.data())
def test_any_digit_of_an_amount_or_count_that_is_changed_is_noticed(
    deposits: list[Deposit], data: st.DataObject
) -> None:
    lines = bgmax_lines(*deposits)
    at = data.draw(st.sampled_from([n for n, line in enumerate(lines) if line[:2] in _FIGURES]))
    line = lines[at]
    column = data.draw(st.sampled_from(list(_FIGURES[line[:2]])))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != line[column])
    lines[at] = line[:column] + digit + line[column + 1 :]
    refused(as_bytes(lines))


@given(DEPOSITS, st.data())
def test_a_file_that_is_cut_off_anywhere_is_noticed(
    deposits: list[Deposit], data: st.DataObject
) -> None:
    whole = bgmax(*deposits)
    # What follows the last count is nothing but blanks.
    last = len(whole.rstrip())
    refused(whole[: data.draw(st.integers(0, last - 1))])


def test_an_own_reference_may_stand_beside_shares_that_make_up_the_payment() -> None:
    one = replace(a_deposit().paid[2], reference="657866")
    assert len(payments(bgmax(Deposit([one])))[0].references) == 4

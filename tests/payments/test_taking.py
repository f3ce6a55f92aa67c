"""Files from banks are taken whole and once, or refused whole."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.config import Settings
from portal.database import tenancy
from portal.extensions import db
from portal.payments import taking
from portal.payments.bank_files.record import BankFileError
from portal.payments.models import BankFile, BankPayment
from portal.payments.taking import Taken
from tests.factories import NOW, TODAY
from tests.payments.bank_files.written import (
    OURS,
    Deposit,
    Paid,
    a_deposit,
    as_bytes,
    balance,
    bgmax,
    bgmax_lines,
    camt,
    entry,
)


def take(data: bytes, name: str = "bgmax.txt") -> Taken:
    stream = io.BytesIO(data)
    kept = taking.keep(stream, name)
    taken = taking.take(kept, stream, way="page", by="Erik", today=TODAY, now=NOW)
    db.session.commit()
    return taken


def refused(data: bytes) -> BankFileError:
    with pytest.raises(BankFileError) as error:
        take(data)
    db.session.rollback()
    return error.value


def count(table: type[BankFile] | type[BankPayment]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_file_is_taken_with_its_payments(app: Flask) -> None:
    file = take(bgmax(a_deposit())).file
    assert (file.kind, file.accounts, file.by, file.status) == ("bgmax", [OURS], "Erik", "taken")
    assert file.totals == [
        {"currency": "SEK", "payments": 3, "paid_ore": 310_000, "others": 1, "others_ore": -50_000}
    ]
    assert b"".join(taking.content(file)) == bgmax(a_deposit())


def test_its_payments_are_new_and_as_the_bank_tells_them(app: Flask) -> None:
    take(bgmax(a_deposit()))
    found = taking.new_payments()
    assert [(one.amount_ore, one.reference_numbers, one.reference_ores) for one in found] == [
        (100_000, ["1234567897"], [None]),
        (-50_000, ["89853"], [None]),
        (140_000, ["657866", "658765", "657767"], [90_000, 60_000, -10_000]),
        (70_000, ["659763", "659771", "659789"], [None, None, None]),
    ]
    first = found[0]
    assert (first.payer_account, first.payer_name, first.payer_number, first.line) == (
        "3783511", "Kalles Plåt AB", "5560000167", 3,
    )  # fmt: skip


def test_new_payments_are_handed_over_piece_by_piece(app: Flask) -> None:
    take(bgmax(a_deposit()))
    first = taking.new_payments(limit=3)
    rest = taking.new_payments(after=first[-1].id)
    assert (len(first), len(rest)) == (3, 1)


def test_the_same_payer_is_found_by_the_account(app: Flask) -> None:
    take(bgmax(a_deposit()))
    one, other, third, _ = taking.new_payments()
    assert one.payer_hash == other.payer_hash != third.payer_hash


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(lambda data: data, id="the same bytes"),
        pytest.param(lambda data: data.rstrip(), id="the same but for blanks at its end"),
        pytest.param(lambda data: data.replace(b"\r\n", b"\n"), id="with other ends of lines"),
    ],
)
def test_the_same_file_again_changes_nothing(app: Flask, again: Callable[[bytes], bytes]) -> None:
    data = bgmax(a_deposit())
    first = take(data)
    second = take(again(data), "another name.txt")
    assert (second.file.id, second.is_new) == (first.file.id, False)
    assert (count(BankFile), count(BankPayment)) == (1, 4)


def test_the_banks_own_name_with_other_payments_is_refused(app: Flask) -> None:
    take(bgmax(a_deposit()))
    refused(bgmax(Deposit([Paid(100)])))
    assert count(BankFile) == 1


def test_payments_that_come_again_in_a_file_of_another_name_are_not_new(app: Flask) -> None:
    take(bgmax(a_deposit()))
    later = Deposit([Paid(500, "1")], serial="00075")
    file = take(bgmax(a_deposit(), later, stamp="20260310000000000000")).file
    assert file.repeated == 4
    assert [one.amount_ore for one in taking.new_payments() if one.file_id == file.id] == [500]


def test_two_at_the_same_instant_are_one(app: Flask) -> None:
    data = bgmax(a_deposit())

    def run(name: str) -> bool:
        with app.app_context(), tenancy.service():
            return take(data, name).is_new

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, "abcd")) == [False, False, False, True]
    assert (count(BankFile), count(BankPayment)) == (1, 4)


def test_a_file_that_is_wrong_at_its_end_leaves_nothing(app: Flask) -> None:
    lines = bgmax_lines(a_deposit())
    lines[-1] = lines[-1].replace("70000", "70001", 1)
    assert refused(as_bytes(lines)).problem.line == len(lines)
    assert (count(BankFile), count(BankPayment)) == (0, 0)


def test_a_crash_in_the_middle_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(taking, "_mark_repeated", crash)
    with pytest.raises(MemoryError):
        take(bgmax(a_deposit()))
    db.session.rollback()
    assert (count(BankFile), count(BankPayment)) == (0, 0)


def test_another_account_is_refused(app: Flask) -> None:
    error = refused(bgmax(Deposit([Paid(100)]), Deposit([Paid(200)], bankgiro="9912346")))
    assert (error.problem.line, error.problem.values) == (5, {"account": "9912346"})
    assert count(BankPayment) == 0


def test_a_payment_to_another_bankgiro_is_refused(app: Flask) -> None:
    held = (
        "<CdtrAcct><Id><Othr><Id>991-2346</Id><SchmeNm><Prtry>BGNR</Prtry></SchmeNm></Othr></Id>"
        "</CdtrAcct></RltdPties>"
    )
    refused(camt(entry([Paid(100)]).replace("</RltdPties>", held)))


def test_a_file_for_another_customer_is_refused(app: Flask) -> None:
    recipient = "<MsgRcpt><Id><OrgId><Othr><Id>5560360793</Id></Othr></OrgId></Id></MsgRcpt>"
    error = refused(camt(entry([Paid(100)]), header=recipient))
    assert error.problem.values == {"number": "5560360793"}


def test_a_day_far_ahead_is_refused(app: Flask) -> None:
    refused(bgmax(Deposit([Paid(100)], day=TODAY + timedelta(days=32))))


def test_a_camt_file_is_taken(app: Flask) -> None:
    take(camt(entry([Paid(100, "1"), Paid(-40, "2")])))
    assert [one.amount_ore for one in taking.new_payments()] == [100, -40]


def a_statement() -> bytes:
    balances = balance("OPBD", 1) + balance("CLBD", 101)
    return camt(entry([Paid(100)]), kind="camt.053", before=balances)


def test_the_payments_of_a_statement_are_for_comparing(app: Flask) -> None:
    take(a_statement())
    assert taking.new_payments() == []
    assert count(BankPayment) == 1


def test_a_notification_after_its_statement_is_new(app: Flask) -> None:
    take(a_statement())
    assert take(camt(entry([Paid(100)]))).file.repeated == 0
    assert len(taking.new_payments()) == 1


class TestWhereStatementsAreBooked:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(
            settings, bank_statements="to book", bank_accounts="SE35 5000 0000 0549 1000 0003"
        )

    def test_their_payments_are_new(self, app: Flask) -> None:
        take(a_statement())
        assert len(taking.new_payments()) == 1

    def test_a_further_account_is_ours(self, app: Flask) -> None:
        account = "<Id><IBAN>SE3550000000054910000003</IBAN></Id>"
        file = take(camt(entry([Paid(100)]), account=account)).file
        assert file.accounts == ["SE3550000000054910000003"]


@pytest.mark.parametrize("environment", ["test", "production"])
def test_a_test_file_is_taken_where_no_money_is_real(app: Flask, environment: str) -> None:
    settings = app.extensions["reda_settings"]
    app.extensions["reda_settings"] = replace(settings, environment=environment)
    data = bgmax(a_deposit(), mark="T")
    if environment == "production":
        refused(data)
    else:
        assert take(data).is_new


def test_what_was_refused_is_noted_with_its_reason_and_bytes(app: Flask) -> None:
    stream = io.BytesIO(b"01BGMAX")
    kept = taking.keep(stream, "half\x00.txt")
    with pytest.raises(BankFileError) as error:
        taking.take(kept, stream, way="folder", by="", today=TODAY, now=NOW)
    db.session.rollback()
    taking.refuse(kept, error.value.problem, way="folder", by="", now=NOW)
    db.session.commit()
    (file,) = taking.page()
    assert (file.name, file.status) == ("half�.txt", "refused")
    assert b"".join(taking.content(file)) == b"01BGMAX"


def test_nobody_but_the_service_sees_a_payment(app: Flask) -> None:
    take(bgmax(a_deposit()))
    with tenancy.creditors([1]):
        assert (count(BankFile), count(BankPayment)) == (0, 0)

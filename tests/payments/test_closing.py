"""A month is closed by two operators, once, and stays as it was."""

from datetime import date
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.collection.models import Case
from portal.config import Settings
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity import people
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.messages import RedaError
from portal.payments import closing, reconciling, transfers
from portal.payments.models import ClosedPeriod
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import JOHAN, NOW, a_case_whose_reminder_left, a_creditor, a_person
from tests.payments.bank_money import OPERATOR, match, paid_by_bank, told
from tests.payments.closing_periods import close
from tests.payments.paying_out import approved

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)
LATER = date(2026, 4, 2)


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return pointed_at(settings, bankid_simulator)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    # From here on March is the oldest open month.
    a_case_whose_reminder_left(creditor)
    close(date(2026, 2, 28))
    return creditor


@pytest.fixture
def operators(creditor: Creditor) -> tuple[Person, Person]:
    return (
        a_person("198811262396", given_name="Eva", is_operator=True),
        a_person("198107212386", given_name="Erik", is_operator=True),
    )


def put_together(person: Person, reasons: dict[str, str] | None = None) -> ClosedPeriod:
    period = closing.put_together(
        FIRST, LAST, reasons or {}, found=closing.figures(FIRST, LAST), report=b"%PDF-1.7",
        person=person, today=LATER, now=NOW,
    )  # fmt: skip
    db.session.commit()
    return period


def an_order(phone: Phone, period: ClosedPeriod, person: Person) -> BankIDOrder:
    return approved(phone, closing.purpose(period, person, now=clock.now()), person)


def approve(phone: Phone, period: ClosedPeriod, person: Person) -> None:
    closing.finish(an_order(phone, period, person), now=clock.now())
    db.session.commit()


def test_the_oldest_open_month_is_closed_first(creditor: Creditor) -> None:
    assert closing.next_period(LATER) == (FIRST, LAST)
    assert closing.next_period(LAST) is None


def test_a_month_is_closed_when_another_operator_has_approved_it(
    phone: Phone, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    period = put_together(operators[0])
    approve(phone, period, operators[1])
    assert (period.status, period.approved_by_id) == ("closed", operators[1].id)
    assert closing.closed_through() == LAST
    assert files.read(period.report_sha256) == b"%PDF-1.7"


def test_who_puts_it_together_does_not_approve_it(
    creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    period = put_together(operators[0])
    with pytest.raises(RedaError, match="Another operator"):
        closing.purpose(period, operators[0], now=NOW)


def test_what_is_not_explained_needs_a_reason(
    creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    told(-1_000, kind="debit", words="Avgift")
    match()
    (point,) = closing.points(closing.figures(FIRST, LAST))
    assert (point.what, point.ore) == ("debit without payout", -1_000)
    with pytest.raises(RedaError) as refused:
        put_together(operators[0])
    assert refused.value.problem.field == point.key
    db.session.rollback()
    period = put_together(operators[0], {point.key: "Bankens avgift, betald av oss i april"})
    assert period.reasons[0]["why"] == "Bankens avgift, betald av oss i april"
    assert period.reasons[0]["day"] == point.day.isoformat()


def test_what_has_changed_since_is_not_closed(
    phone: Phone, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    case = a_case_whose_reminder_left(creditor)
    period = put_together(operators[0])
    order = an_order(phone, period, operators[1])
    paid_by_bank(case, 50_000)
    with pytest.raises(RedaError, match="changed"):
        closing.finish(order, now=clock.now())
    db.session.commit()
    assert (period.status, closing.closed_through()) == ("withdrawn", date(2026, 2, 28))


def test_nobody_posts_while_the_figures_are_compared(
    monkeypatch: pytest.MonkeyPatch, phone: Phone, creditor: Creditor,
    operators: tuple[Person, Person],
) -> None:  # fmt: skip
    period = put_together(operators[0])
    order, could_post, figures = an_order(phone, period, operators[1]), [], closing.figures

    def look(first: date, last: date) -> list[closing.Figures]:
        with db.engine.connect() as other:
            could_post.append(
                other.scalar(select(func.pg_try_advisory_xact_lock_shared(closing._LOCK)))
            )
        return figures(first, last)

    monkeypatch.setattr(closing, "figures", look)
    closing.finish(order, now=clock.now())
    db.session.commit()
    assert (could_post, period.status) == ([False], "closed")


@pytest.mark.parametrize("what", ["a payment", "a state"])
def test_what_changes_until_nobody_posts_is_not_closed(
    app: Flask, monkeypatch: pytest.MonkeyPatch, phone: Phone, creditor: Creditor,
    operators: tuple[Person, Person], what: str,
) -> None:  # fmt: skip
    case_id = a_case_whose_reminder_left(creditor).id
    waiting_id = told(1_000, on=FIRST, state="waiting").id
    period = put_together(operators[0])
    order, hold = an_order(phone, period, operators[1]), closing.hold_books

    def change() -> None:
        with app.app_context(), tenancy.service():
            if what == "a payment":
                paid_by_bank(db.session.get_one(Case, case_id), 50_000)
            else:
                transfers.note(waiting_id, "swish", actor=OPERATOR, now=clock.now())
            db.session.commit()
            db.session.remove()

    def hold_late() -> None:
        other = Thread(target=change)
        other.start()
        other.join()
        hold()

    monkeypatch.setattr(closing, "hold_books", hold_late)
    with pytest.raises(RedaError, match="changed"):
        closing.finish(order, now=clock.now())
    db.session.commit()
    assert period.status == "withdrawn"


def test_while_somebody_posts_long_it_waits_to_be_signed_anew(
    monkeypatch: pytest.MonkeyPatch, phone: Phone, creditor: Creditor,
    operators: tuple[Person, Person],
) -> None:  # fmt: skip
    monkeypatch.setattr(closing, "_LONGEST_WAIT", "10ms")
    period = put_together(operators[0])
    order = an_order(phone, period, operators[1])
    with db.engine.connect() as other:
        other.execute(select(func.pg_advisory_xact_lock_shared(closing._LOCK)))
        with pytest.raises(RedaError, match="Try again in a moment"):
            closing.finish(order, now=clock.now())
    db.session.commit()
    assert period.status == "waiting"
    approve(phone, period, operators[1])
    assert period.status == "closed"


def test_a_closed_month_is_shown_as_it_was(
    phone: Phone, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    period = put_together(operators[0])
    approve(phone, period, operators[1])
    paid_by_bank(a_case_whose_reminder_left(creditor), 70_000)
    (found,) = closing.from_json(period.figures)
    assert found.reconciliation.closing.books_ore == 50_000
    assert closing.digest(period.figures) == period.figures_sha256
    now_it_is = reconciling.reconcile(FIRST, LAST)
    assert now_it_is.closing.books_ore == 50_000
    assert [one.what for one in now_it_is.reasons] == ["other day"]


def test_nobodys_name_is_kept_with_a_closed_month(
    creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    row = told(70_000, words="Hyra Anna Berg", name="Anna Berg", serial="8812")
    match()
    found = closing.figures(FIRST, LAST)
    assert [one.name for one in found[0].reconciliation.differences] == ["8812"]
    assert "Anna Berg" not in str(closing.as_json(found))
    assert reconciling.payers([row.id]) == {row.id: "Anna Berg"}


def test_figures_are_read_back_as_they_were_kept(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    told(70_000)
    match()
    found = closing.figures(FIRST, LAST)
    assert closing.from_json(closing.as_json(found)) == found


def test_of_two_operators_who_put_it_together_at_once_one_does(
    app: Flask, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    ids, start, answers = [one.id for one in operators], Barrier(2), []
    db.session.commit()

    def run(person_id: int) -> None:
        with app.app_context(), tenancy.service():
            person = db.session.get_one(Person, person_id)
            start.wait()
            try:
                answers.append(put_together(person).status)
            except RedaError as error:
                db.session.rollback()
                answers.append(error.problem.message[:16])
            db.session.remove()

    threads = [Thread(target=run, args=(one,)) for one in ids]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == ["Another operator", "waiting"]


def test_of_two_operators_who_approve_at_once_one_closes_it(
    app: Flask, phone: Phone, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    third = people.by_identity_number(JOHAN)
    assert third is not None
    period = put_together(operators[0])
    ids = [an_order(phone, period, one).id for one in (operators[1], third)]
    start, answers = Barrier(2), []

    def run(order_id: int) -> None:
        with app.app_context(), tenancy.service():
            order = db.session.get_one(BankIDOrder, order_id)
            start.wait()
            try:
                closing.finish(order, now=clock.now())
                answers.append("closed")
            except RedaError as error:
                answers.append(error.problem.message)
            db.session.commit()
            db.session.remove()

    threads = [Thread(target=run, args=(one,)) for one in ids]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == ["This is decided already.", "closed"]

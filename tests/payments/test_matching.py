"""What banks tell of is matched: what is certain is booked, the rest waits."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from portal import jobs, ledger
from portal.collection import cases
from portal.database import tenancy
from portal.extensions import db
from portal.ledger import Account
from portal.payments import booking, matching, references, taking, taking_back
from portal.payments.models import BankPayment, BankShare, Refund
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, a_creditor, a_debtor_of
from tests.payments.bank_files.written import Deposit, Paid, bgmax
from tests.payments.bank_money import paid_by_bank, told
from tests.waiting import until_somebody_waits


def came(*paid: Paid, number: int = 1) -> list[BankPayment]:
    """A file with these payments, taken and matched."""
    stream = io.BytesIO(
        bgmax(
            Deposit(paid, serial=f"{number:05}", day=TODAY),
            stamp=f"{20260310173035000000 + number}",
        )
    )
    kept = taking.keep(stream, "bank.txt")
    taking.take(kept, stream, way="page", by="Erik", today=TODAY, now=NOW)
    db.session.commit()
    match()
    return of_state()


def match() -> None:
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    db.session.expire_all()


def of_state(*states: str) -> list[BankPayment]:
    found = select(BankPayment).order_by(BankPayment.id)
    return list(db.session.scalars(found.where(BankPayment.state.in_(states)) if states else found))


def the_states() -> list[str]:
    return [one.state for one in of_state()]


def shares() -> list[tuple[int, int, str]]:
    return [
        (one.case_id, one.amount_ore, one.how)
        for one in db.session.scalars(select(BankShare).order_by(BankShare.id))
    ]


def best(payment: BankPayment) -> list[matching.Candidate]:
    return matching.candidates([payment.id])[payment.id]


def test_a_payment_with_our_ocr_number_is_booked_at_its_own_day_with_a_receipt(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(50_000, case.ocr))
    (payment,) = booking.payments_of(case.id)
    assert (payment.amount_ore, payment.value_on, payment.channel) == (50_000, TODAY, "bankgiro")
    assert shares() == [(case.id, 50_000, "ocr")]
    assert the_states() == ["settled"]


@pytest.mark.parametrize("slip", [0, 5, 9])
def test_an_ocr_number_with_a_wrong_digit_is_nobodys(app: Flask, slip: int) -> None:
    ocr = a_case_whose_reminder_left().ocr
    wrong = ocr[:slip] + str((int(ocr[slip]) + 1) % 10) + ocr[slip + 1 :]
    came(Paid(50_000, wrong))
    assert the_states() == ["waiting"]


def test_a_payment_that_says_its_shares_is_split(app: Flask) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    came(Paid(70_000, one.ocr, extras=[(other.ocr, 40_000)]))
    assert shares() == [(one.id, 30_000, "ocr"), (other.id, 40_000, "ocr")]
    assert the_states() == ["settled"]


@pytest.mark.parametrize("words", ["Ref {0.ocr} tack", "ärende {0.reference}", "OCR: {1}"])
def test_a_number_of_ours_in_the_words_is_certain_when_the_amount_can_be(
    app: Flask, words: str
) -> None:
    case = a_case_whose_reminder_left()
    apart = " ".join(case.ocr[place : place + 4] for place in range(0, len(case.ocr), 4))
    came(Paid(50_000, texts=[words.format(case, apart)]))
    assert shares() == [(case.id, 50_000, "text")]


def test_an_invoice_number_is_certain_for_the_whole_claim_only(app: Flask) -> None:
    case = a_case(number="F-2026-118")
    part, whole = came(
        Paid(30_000, texts=["faktura F-2026-118"]), Paid(100_000, texts=["faktura F-2026-118"])
    )
    assert (part.state, whole.state) == ("waiting", "settled")
    db.session.expire_all()
    assert cases.lock(case.id).status == "paid"


def test_words_that_name_two_cases_are_never_certain(app: Flask) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    (payment,) = came(Paid(50_000, texts=[f"{one.reference} {other.reference}"]))
    assert payment.state == "waiting"
    assert {each.case_id for each in best(payment)} == {one.id, other.id}


# An OCR number with right check and length digits, of no case.
NOBODYS = references.make_ocr(10**13)


@pytest.mark.parametrize(
    "extras", [[(NOBODYS, 0)], [("F-2019-7", 0)], [(NOBODYS, 20_000)]], ids=["OCR", "bill", "share"]
)
def test_a_reference_that_nobody_knows_beside_the_cases_own_waits(
    app: Flask, extras: list[tuple[str, int]]
) -> None:
    case = a_case_whose_reminder_left()
    (payment,) = came(Paid(50_000, case.ocr, extras=extras))
    assert (payment.state, shares()) == ("waiting", [])
    assert (best(payment)[0].case_id, best(payment)[0].sure) == (case.id, 70)


def test_of_two_cases_whose_shares_are_not_told_neither_is_certain(app: Flask) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    (payment,) = came(Paid(70_000, one.ocr, extras=[(other.ocr, 0)]))
    assert payment.state == "waiting"
    assert {each.case_id: each.sure for each in best(payment)} == {one.id: 70, other.id: 70}


def test_a_case_that_takes_no_money_is_not_told_as_certain(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    cases.lock(case.id).currency = "EUR"
    db.session.commit()
    (payment,) = came(Paid(50_000, case.ocr))
    assert payment.state == "waiting"
    assert best(payment)[0].sure < matching.CERTAIN


def test_a_number_with_a_check_digit_beside_the_cases_own_in_the_words_waits(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    (payment,) = came(Paid(50_000, texts=[f"{case.ocr} och {NOBODYS[:6]} {NOBODYS[6:]}"]))
    assert (payment.state, shares()) == ("waiting", [])
    assert (best(payment)[0].case_id, best(payment)[0].sure) == (case.id, 70)


@pytest.mark.parametrize("ore", [106_548, 100_000])
def test_what_is_owed_to_the_ore_is_for_the_case_whatever_else_is_written(
    app: Flask, ore: int
) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(ore, case.ocr, extras=[(NOBODYS, 0)]))
    assert shares() == [(case.id, ore, "text")]


def test_a_share_that_the_payer_told_is_not_made_the_whole(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    (payment,) = came(Paid(106_548, case.ocr, extras=[(NOBODYS, 6_548)]))
    assert payment.state == "waiting"


@pytest.mark.parametrize("beside", ["19900101-0017", "070-123 45 67", "2026-11-30", "Tack", "{}"])
def test_what_is_no_number_of_another_claim_holds_no_payment_up(app: Flask, beside: str) -> None:
    case = a_case_whose_reminder_left(number="F-2026-118")
    came(Paid(50_000, texts=[f"{case.ocr} {beside.format(case.reference)} F-2026-118"]))
    assert shares() == [(case.id, 50_000, "text")]


def test_the_cases_own_number_told_again_as_a_reference_holds_no_payment_up(app: Flask) -> None:
    case = a_case_whose_reminder_left(number="F-2026-118")
    came(Paid(50_000, case.ocr, extras=[("F-2026-118", 0), (case.reference, 0)]))
    assert shares() == [(case.id, 50_000, "text")]


def test_an_invoice_number_that_two_creditors_have_waits(app: Flask) -> None:
    a_case(number="10045")
    a_case(number="10045")
    assert [one.state for one in came(Paid(100_000, texts=["10045"]))] == ["waiting"]


def test_a_payer_by_name_and_amount_is_a_candidate_and_never_booked(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(creditor, debtor=a_debtor_of(creditor, name="Fatima Haddad"))
    (payment,) = came(Paid(100_000, name="FATIMA HADDAD"))
    (found,) = best(payment)
    assert (payment.state, found.case_id, found.fits) == ("waiting", case.id, "exact")
    assert found.hows == ("payer.name",)
    assert found.sure < matching.CERTAIN


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("MEHMET YILMAZ", "Mehmet Yılmaz"),
        ("MAREK WISNIEWSKI", "Marek Wiśniewski"),
        ("Haddad, Nour", "Nour Haddad"),
        ("ÅSA  ÖBERG", "Åsa Öberg"),
    ],
)
def test_a_payer_is_known_whatever_letters_and_order_the_bank_has(
    app: Flask, told: str, name: str
) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(creditor, debtor=a_debtor_of(creditor, name=name))
    (payment,) = came(Paid(100_000, name=told))
    assert [(one.case_id, one.hows) for one in best(payment)] == [(case.id, ("payer.name",))]


def test_a_payer_whom_the_bank_does_not_name_is_nobody(app: Flask) -> None:
    creditor = a_creditor()
    a_case_whose_reminder_left(creditor, debtor=a_debtor_of(creditor, name=" , "))
    (payment,) = came(Paid(100_000))
    assert best(payment) == []


def test_an_ocr_number_does_not_say_that_the_amount_is_what_is_owed(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    case.status, case.closed_on = "recalled", TODAY
    db.session.commit()
    (payment,) = came(Paid(50_000, case.ocr))
    (found,) = best(payment)
    assert (found.hows, found.fits) == (("ocr",), "no")


def test_a_payer_is_known_again_by_the_account(app: Flask) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor)
    first, second = (
        a_case_whose_reminder_left(creditor, debtor=debtor),
        a_case_whose_reminder_left(creditor, debtor=debtor),
    )
    came(Paid(106_548, first.ocr, payer="3783511"))
    came(Paid(100_000, payer="3783511"), number=2)
    (payment,) = of_state("waiting")
    assert [one.case_id for one in best(payment)] == [second.id]


def test_all_that_speaks_for_a_case_makes_it_surer(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(
        creditor, debtor=a_debtor_of(creditor, name="Fatima Haddad"), number="A11"
    )
    (with_both,) = came(Paid(30_000, name="Fatima Haddad", texts=["A-11 eller A11"]))
    assert best(with_both)[0].case_id == case.id


def test_at_most_three_candidates_are_told(app: Flask) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, name="Fatima Haddad")
    for _ in range(5):
        a_case_whose_reminder_left(creditor, debtor=debtor)
    (payment,) = came(Paid(100_000, name="Fatima Haddad"))
    assert len(best(payment)) == 3


def test_what_was_paid_too_much_waits_for_its_payers_account_to_be_confirmed(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(200_000, case.ocr, payer="3783511", name="Ahmad"))
    (refund,) = db.session.scalars(select(Refund))
    assert (refund.amount_ore, refund.why, refund.status) == (
        200_000 - 106_548, "overpaid", "to confirm",
    )  # fmt: skip
    assert refund.payer_account == "3783511"


def test_a_second_payment_of_a_paid_case_goes_back(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(106_548, case.ocr))
    came(Paid(106_548, case.ocr), number=2)
    assert [one.amount_ore for one in db.session.scalars(select(Refund))] == [106_548]


def test_a_payment_for_a_case_that_the_creditor_has_back_waits(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    case.status, case.closed_on = "recalled", TODAY
    db.session.commit()
    (payment,) = came(Paid(50_000, case.ocr))
    assert payment.state == "waiting"
    assert best(payment)[0].case_id == case.id


def test_a_payment_in_another_currency_waits(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    stream = io.BytesIO(bgmax(Deposit([Paid(50_000, case.ocr)], currency="EUR")))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    match()
    assert the_states() == ["waiting"]
    assert booking.payments_of(case.id) == []


def test_matching_again_changes_nothing(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(50_000, case.ocr))
    match()
    assert len(booking.payments_of(case.id)) == 1


def test_a_file_taken_twice_is_booked_once(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(50_000, case.ocr))
    came(Paid(50_000, case.ocr))
    assert len(booking.payments_of(case.id)) == 1


def test_two_that_match_at_once_book_each_payment_once(app: Flask) -> None:
    some = [a_case_whose_reminder_left() for _ in range(6)]
    stream = io.BytesIO(bgmax(Deposit([Paid(50_000, one.ocr) for one in some])))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    db.session.commit()

    def run(_: int) -> None:
        with app.app_context(), tenancy.service():
            jobs.match_bank_payments()
            db.session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(shares()) == 6
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == 300_000


def test_what_the_bank_takes_back_is_taken_with_no_case_held(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    before = paid_by_bank(case, 10_000)
    told(10_000, references=(case.ocr,), serial="another")
    told(-10_000, kind="reversal", serial=before.serial)

    def run() -> None:
        with app.app_context(), tenancy.service():
            match()
            db.session.remove()

    # As whoever decides on the payment does, who then wants its case.
    taking_back.locked(before.id)
    other = Thread(target=run)
    other.start()
    until_somebody_waits(other.is_alive)
    cases.lock(case.id)
    db.session.commit()
    other.join()
    db.session.expire_all()
    states = select(BankPayment.state).order_by(BankPayment.id)
    assert db.session.scalars(states).all() == ["taken back", "settled", "settled"]


def test_one_payment_alone_is_matched_as_among_many(app: Flask) -> None:
    creditor = a_creditor()
    known = [
        a_case_whose_reminder_left(
            creditor, debtor=a_debtor_of(creditor, name=name), number=f"F90{place}"
        )
        for place, name in enumerate(("Fatima Haddad", "Olle Berg", "Li Chen"))
    ]
    paid = [
        *(Paid(10_000 + place, one.ocr) for place, one in enumerate(known)),
        *(Paid(100_000, texts=[f"avser {one.invoice.number}"]) for one in known),
        *(Paid(100_000, name=one.debtor.name) for one in known),
        *(Paid(900_000, texts=[one.reference]) for one in known),
        Paid(1_000, texts=["hej"]), Paid(1_000, "1234567897"),
    ]  # fmt: skip
    stream = io.BytesIO(bgmax(Deposit(paid)))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    db.session.commit()
    ids = [one.id for one in of_state("new")]
    many, several = matching.certain(ids), matching.candidates(ids)
    assert len(many) == 6
    for one in ids:
        assert matching.certain([one]).get(one) == many.get(one)
        assert matching.candidates([one])[one] == several[one]

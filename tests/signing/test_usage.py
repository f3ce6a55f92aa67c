"""What signatures cost: five are free, then the price of the day on which each counts."""

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, prices, usage
from portal.signing.models import Envelope, EnvelopeSignature, SignatureUse, Signer
from portal.signing.prices import FREE, Price
from tests.factories import NOW, TODAY, a_creditor
from tests.signing.envelopes import a_draft, an_envelope, invited

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
LISTS = st.lists(st.tuples(DAYS, st.integers(0, 100_000)), max_size=5, unique_by=lambda row: row[0])


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def signed(signer: Signer, now: datetime = NOW) -> EnvelopeSignature:
    """A signature of somebody's, as the ceremony stores it."""
    signature = EnvelopeSignature(
        creditor_id=signer.creditor_id, envelope_id=signer.envelope_id, signer_id=signer.id,
        order_ref=signer.key, name=signer.name, identity_number="198508202382", xml_sha256="",
        ocsp_sha256="", started_ip="", device="", signed_at=now, verified_at=now,
    )  # fmt: skip
    db.session.add(signature)
    signer.status = "signed"
    db.session.flush()
    return signature


def signed_by_all(envelope: Envelope, now: datetime = NOW) -> None:
    usage.count([signed(one, now) for one in envelopes.signers_of(envelope)])
    db.session.commit()


def with_signers(creditor: Creditor, count: int, **values: object) -> Envelope:
    people = [invited(f"Eva{number} Berg") for number in range(count)]
    return an_envelope(creditor, signers=people, **values)  # type: ignore[arg-type]


def uses() -> list[tuple[int, int]]:
    rows = db.session.query(SignatureUse).order_by(SignatureUse.number)
    return [(one.number, one.price_ore) for one in rows]


def test_five_are_free_and_the_sixth_is_paid_for(creditor: Creditor) -> None:
    signed_by_all(with_signers(creditor, 6))
    assert uses() == [(number, 0) for number in range(1, 6)] + [(6, 1_500)]


def test_each_company_has_five(creditor: Creditor, app: Flask) -> None:
    signed_by_all(with_signers(creditor, 6))
    assert usage.left(a_creditor("Fjällbäcks Tandvård AB").id) == FREE


@pytest.mark.parametrize("kind", ["service_agreement", "approval"])
def test_what_the_service_asks_for_is_free(creditor: Creditor, kind: str) -> None:
    signed_by_all(with_signers(creditor, 1, kind=kind))
    assert uses() == []


@pytest.mark.parametrize("kind", prices.CHARGED)
def test_what_a_company_has_signed_is_counted(creditor: Creditor, kind: str) -> None:
    signed_by_all(with_signers(creditor, 1, kind=kind))
    assert uses() == [(1, 0)]


def test_a_signature_is_never_counted_twice(creditor: Creditor) -> None:
    signature = signed(envelopes.signers_of(with_signers(creditor, 1))[0])
    usage.count([signature])
    usage.count([signature])
    assert uses() == [(1, 0)]


def test_a_month_tells_what_is_owed_with_tax(creditor: Creditor) -> None:
    signed_by_all(with_signers(creditor, 7))
    (month,) = usage.months(creditor.id)
    assert month == usage.Month(TODAY.replace(day=1), 1, 7, 5, 3_000, 750)
    assert month.total_ore == 3_750


def test_a_new_price_changes_no_month_that_has_been(
    creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_by_all(with_signers(creditor, 6))
    before = usage.months(creditor.id)
    monkeypatch.setattr(prices, "PRICES", (Price(date(2026, 1, 1), 9_900),))
    monkeypatch.setattr(prices, "FREE", 0)
    assert usage.months(creditor.id) == before


def test_the_month_is_that_of_the_day_in_sweden(creditor: Creditor) -> None:
    last_hour = datetime.fromisoformat("2026-12-31T23:30:00+00:00")
    signed_by_all(with_signers(creditor, 1), last_hour)
    assert [one.first_on for one in usage.months(creditor.id)] == [date(2027, 1, 1)]


def test_what_it_costs_is_told_beforehand(creditor: Creditor) -> None:
    signed_by_all(with_signers(creditor, 3))
    draft = a_draft(creditor, signers=[invited(f"Eva{number} Berg") for number in range(4)])
    assert usage.forecast(draft, TODAY) == usage.Forecast(4, 2, 0, 2, 1_500)


def test_what_waits_already_may_take_the_free_ones(creditor: Creditor) -> None:
    with_signers(creditor, 4)
    draft = a_draft(creditor, signers=["Eva Berg", "Johan Ek"])
    told = usage.forecast(draft, TODAY)
    assert told is not None
    assert (told.left, told.promised, told.free, told.ore) == (5, 4, 1, 1_500)


def test_who_gets_a_copy_costs_nothing(creditor: Creditor) -> None:
    draft = a_draft(creditor, signers=["Eva Berg", invited("Kim Ek", role="copy")])
    told = usage.forecast(draft, TODAY)
    assert told is not None
    assert told.signatures == 1


@given(rows=LISTS, on=DAYS, number=st.integers(FREE + 1, 10_000))
def test_the_newest_price_that_has_begun_holds(
    rows: list[tuple[date, int]], on: date, number: int
) -> None:
    listed = [Price(*row) for row in sorted(rows)]
    begun = [one for one in listed if one.from_on <= on]
    assert prices.of(number, on, listed) == (begun[-1].ore if begun else 0)


@given(rows=LISTS, on=DAYS, number=st.integers(1, FREE))
def test_the_first_ones_cost_nothing_whatever_the_list(
    rows: list[tuple[date, int]], on: date, number: int
) -> None:
    assert prices.of(number, on, [Price(*row) for row in sorted(rows)]) == 0


@given(rows=LISTS, on=DAYS, number=st.integers(1, 10_000), ore=st.integers(0, 100_000))
def test_a_price_of_tomorrow_changes_nothing_today(
    rows: list[tuple[date, int]], on: date, number: int, ore: int
) -> None:
    listed = [Price(*row) for row in sorted(rows) if row[0] <= on]
    later = [*listed, Price(on + timedelta(days=1), ore)]
    assert prices.of(number, on, later) == prices.of(number, on, listed)

"""What becomes of a closed company's cases."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import select

from portal.collection import cases, closing
from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity.models import Creditor
from tests.factories import NOW, TODAY, a_case, a_creditor
from tests.waiting import until_somebody_waits


def test_companies_are_held_before_their_cases_as_a_payment_of_theirs_holds_them(
    app: Flask,
) -> None:
    creditor = a_creditor(closed_at=NOW, closed_cases="return")
    case = a_case(creditor)

    def return_them() -> int:
        with app.app_context(), tenancy.service():
            return closing.return_cases(today=TODAY, now=NOW, between=db.session.commit)

    # As `paying_in` does, and then a bank's file goes on to the cases that it pays.
    db.session.get_one(Creditor, creditor.id, with_for_update={"key_share": True})
    with ThreadPoolExecutor(1) as pool:
        returned = pool.submit(return_them)
        until_somebody_waits()
        held = select(Case.id).where(Case.id == case.id).with_for_update(nowait=True)
        assert db.session.scalars(held).all() == [case.id]
        db.session.commit()
        assert returned.result(timeout=20) == 1
    assert cases.lock(case.id).status == "recalled"

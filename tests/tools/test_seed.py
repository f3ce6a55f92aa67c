"""What the demo tells of itself when it is started once more."""

from flask import Flask

from portal.collection import settling
from portal.extensions import db
from portal.identity.actor import SWISH
from tests.factories import NOW, TODAY, a_creditor, a_reminded_case
from tools.seed import demo_cases


def test_cases_that_can_be_paid_are_named_before_those_that_are_paid(app: Flask) -> None:
    creditor = a_creditor()
    paid, one, other = (
        a_reminded_case(creditor, terms={"interest_kind": "none"}) for _ in range(3)
    )
    settling.settle_payment(
        paid, amount_ore=106_000, key="x", channel="swish", value_on=TODAY, actor=SWISH, now=NOW
    )
    db.session.commit()
    assert [case.id for case in demo_cases()] == [one.id, other.id]

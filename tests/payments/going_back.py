"""Cases that are paid too much, and what goes back, for tests of refunds."""

from portal import ledger
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.ledger import Account
from portal.payments import booking, paying_back, refunds
from portal.payments.models import Refund
from tests.factories import NOW, TODAY
from tests.payments.asking import ask, asked_for
from tests.swish_fixtures import Swish

ERIK = Actor("person", "Erik Wallin", role="operator")
BASE = "http://127.0.0.1:9"


def by_bank(case: Case, amount_ore: int, key: str = "bankgiro:1") -> None:
    """Money for a case that came by bankgiro."""
    booking.receive(
        case.id, amount_ore=amount_ore, currency="SEK", key=key, channel="bankgiro",
        value_on=TODAY, payer=None, actor=SYSTEM, now=NOW,
    )  # fmt: skip
    db.session.commit()


def paid_twice(swish: Swish, case: Case, owed_ore: int) -> Refund:
    """A request by Swish that is paid after the case was paid by bank; answers what goes back."""
    request_id = asked_for(case)
    by_bank(case, owed_ore)
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    return the_refund()


def the_refund() -> Refund:
    """The newest refund, as the database has it."""
    db.session.expire_all()
    found = db.session.query(Refund).order_by(Refund.id.desc()).first()
    assert found is not None
    return found


def sent_by_bank(refund: Refund) -> Refund:
    """Order a refund at the bank, to an account that is known."""
    refund.payer_account, refund.account_kind, refund.way = "50501055", "bankgiro", refunds.BANK
    refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, TODAY, NOW
    db.session.commit()
    return refund


def paid_back(refund: Refund) -> Refund:
    """Let the bank have paid a refund."""
    refunds.settle(sent_by_bank(refund), on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    return refund


def send(refund: Refund) -> None:
    paying_back.send(refund.id, BASE, now=NOW, between=db.session.commit)
    db.session.expire_all()


def follow(refund: Refund, *, at: object = NOW) -> str:
    """Ask how it went; answers its status."""
    paying_back.follow(refund.id, BASE, now=at)  # type: ignore[arg-type]
    db.session.commit()
    db.session.expire_all()
    return refund.status


def too_much() -> int:
    """What the books say is still to go back, in öre."""
    return -ledger.trial_balance().get(Account.OVER_PAYMENT, 0)

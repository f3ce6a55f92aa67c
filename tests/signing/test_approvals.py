"""What one administrator proposes is done when another has approved it with BankID, once."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock
from portal.collection import closing, history, intake
from portal.collection.models import Case
from portal.companies import accounts, acts, members
from portal.database import files
from portal.extensions import db
from portal.identity import orders
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.messages import RedaError
from portal.signing import approvals
from portal.signing.completed import NotSigned
from portal.signing.models import Approval
from tests.bankid_fixtures import Phone
from tests.factories import (
    JOHAN,
    SOFIA,
    TODAY,
    a_case,
    a_person_at,
    a_signed_agreement,
    an_invoice_of,
    rules_of,
    sign_in,
)
from tests.signing.pages import Browser, later, order_ref, words

NEW = {"kind": "bankgiro", "number": "5050-1055", "holder": "Norrsken Energi AB"}
OTHER = {"kind": "plusgiro", "number": "28 65 43-4", "holder": "Norrsken Energi AB"}


def acting(person: Person) -> Actor:
    return Actor("person", person.name, person.id, "creditor")


@pytest.fixture
def johan(creditor: Creditor) -> Person:
    return a_person_at(creditor, "administrator", JOHAN)


def propose(creditor: Creditor, by: Person, values: dict[str, str] = NEW) -> Approval:
    key = acts.propose_account(creditor.id, values, is_used=True, actor=acting(by), now=clock.now())
    db.session.commit()
    found = approvals.find(key)
    assert found is not None
    return found


def an_order(phone: Phone, approval: Approval, person: Person, by: str = "") -> BankIDOrder:
    started = orders.start(
        approvals.purpose(approval, person, now=clock.now()),
        binding="mine", end_user_ip="192.0.2.7", user_agent="test",
        return_url="https://reda.example/bankid/{key}/return?nonce={nonce}", now=clock.now(),
    )  # fmt: skip
    phone.approve(started.order.order_ref, by or person.identity_number)
    order = orders.collect(started.order, now=clock.now())
    db.session.commit()
    return order


def finish(order: BankIDOrder, now: datetime | None = None) -> Approval | None:
    found = approvals.finish(order, now=now or clock.now())
    db.session.commit()
    return found


def numbers(creditor: Creditor) -> list[str]:
    return [one.number for one in accounts.of_company(creditor.id)]


def test_nothing_changes_before_it_is_approved(creditor: Creditor, eva: Person) -> None:
    assert propose(creditor, eva).status == "waiting"
    assert numbers(creditor) == []


def test_a_second_administrator_approves(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    approval = propose(creditor, eva)
    finish(an_order(phone, approval, johan))
    assert (approval.status, approval.decided_by) == ("approved", johan.id)
    assert numbers(creditor) == ["5050-1055"]
    assert accounts.used(creditor.id, "SEK") is not None


def test_the_signature_is_kept_whole(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    approval = propose(creditor, eva)
    finish(an_order(phone, approval, johan))
    assert approval.evidence is not None
    assert files.read(approval.evidence["xml_sha256"]).startswith(b"<?xml")
    assert files.read(approval.evidence["ocsp_sha256"])


def test_the_phone_shows_what_is_approved(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    order = an_order(phone, propose(creditor, eva), johan)
    shown = str(phone.order(order.order_ref)["visibleText"])
    for told in ("# Lägg till utbetalningskonto", "+ Bankgiro: 5050-1055", eva.name, johan.name):
        assert told in shown


def test_nobody_approves_their_own(creditor: Creditor, eva: Person, johan: Person) -> None:
    with pytest.raises(RedaError, match="yourself"):
        approvals.purpose(propose(creditor, eva), eva, now=clock.now())


def test_the_database_too_wants_four_eyes(creditor: Creditor, eva: Person) -> None:
    approval = propose(creditor, eva)
    approval.status, approval.decided_by = "approved", eva.id
    with pytest.raises(IntegrityError, match="four_eyes"):
        db.session.flush()
    db.session.rollback()


def test_a_case_handler_neither_proposes_nor_approves(creditor: Creditor, eva: Person) -> None:
    sofia = a_person_at(creditor, "collector", SOFIA)
    approval = propose(creditor, eva)
    with pytest.raises(members.NotAllowed):
        approvals.purpose(approval, sofia, now=clock.now())
    with pytest.raises(members.NotAllowed):
        propose(creditor, sofia, OTHER)


def test_who_is_no_administrator_any_more_when_signing_is_turned_away(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    approval = propose(creditor, eva)
    order = an_order(phone, approval, johan)
    one = next(m for m in members.of_company(creditor.id, TODAY) if m.person_id == johan.id)
    members.change(
        creditor.id, one.id, role="viewer", ends_on=None, actor=acting(eva),
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    with pytest.raises(members.NotAllowed):
        finish(order)
    assert numbers(creditor) == []


def test_somebody_elses_signature_does_not_count(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    approval = propose(creditor, eva)
    order = an_order(phone, approval, johan)
    other = approvals.finish
    order.subject = {**order.subject, "visible": order.subject["visible"] + " "}
    with pytest.raises(NotSigned):
        other(order, now=clock.now())
    assert approval.status == "waiting"


def test_approving_twice_changes_nothing(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    vera = a_person_at(creditor, "administrator", "200208152389")
    approval = propose(creditor, eva)
    one, other = an_order(phone, approval, johan), an_order(phone, approval, vera)
    finish(one)
    finish(other)
    assert finish(one) is None
    assert approval.decided_by == johan.id
    assert numbers(creditor) == ["5050-1055"]


def test_after_fourteen_days_it_is_too_old(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    approval = propose(creditor, eva)
    with pytest.raises(RedaError, match="too old"):
        approvals.purpose(approval, johan, now=clock.now() + approvals.VALID)
    assert approvals.expire(clock.now() + approvals.VALID) == 1
    assert approval.status == "expired"


def test_when_the_facts_have_changed_it_is_not_done(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    first, second = propose(creditor, eva), propose(creditor, eva, OTHER)
    finish(an_order(phone, first, johan))
    order = an_order(phone, second, johan)
    with pytest.raises(RedaError, match="was changed after"):
        finish(order)
    assert second.status == "overtaken"
    assert numbers(creditor) == ["5050-1055"]


def test_it_is_turned_down_with_a_reason(creditor: Creditor, eva: Person, johan: Person) -> None:
    approval = propose(creditor, eva)
    with pytest.raises(RedaError) as refused:
        approvals.refuse(approval.key, " ", actor=acting(johan), now=clock.now())
    assert refused.value.problem.field == "reason"
    approvals.refuse(approval.key, "Fel konto", actor=acting(johan), now=clock.now())
    assert (approval.status, approval.reason) == ("refused", "Fel konto")


def test_who_proposed_it_takes_it_back(creditor: Creditor, eva: Person) -> None:
    approval = propose(creditor, eva)
    approvals.refuse(approval.key, "", actor=acting(eva), now=clock.now())
    assert approval.status == "withdrawn"


def test_the_same_waits_once(creditor: Creditor, eva: Person) -> None:
    propose(creditor, eva)
    with pytest.raises(RedaError, match="already"):
        propose(creditor, eva)


def test_each_step_is_in_the_history(
    phone: Phone, creditor: Creditor, eva: Person, johan: Person
) -> None:
    finish(an_order(phone, propose(creditor, eva), johan))
    told = [one.name for one in history.of_creditor(creditor.id, about=["approval", "account"])]
    assert told == ["approval.approved", "account.added", "approval.proposed"]


def test_on_the_page_it_is_approved_with_the_phone(
    app: Flask, phone: Phone, browser: Browser, creditor: Creditor, eva: Person, johan: Person
) -> None:
    a_signed_agreement(creditor, eva)
    approval = propose(creditor, eva)
    sign_in(app, browser.client, johan)
    address = f"/creditor/{creditor.key}/approvals/{approval.key}"
    order = browser.press(browser.page(f"{address}?lang=en"), "Approve with BankID").location
    phone.approve(order_ref(phone), JOHAN)
    later()
    assert browser.get(order).location == address
    page = words(browser.page(address))
    assert "Approved" in page
    assert johan.name in page
    assert numbers(creditor) == ["5050-1055"]


class TestAccounts:
    @pytest.fixture
    def two(self, phone: Phone, creditor: Creditor, eva: Person, johan: Person) -> list[str]:
        """The keys of two accounts, the second in use."""
        for values in (NEW, OTHER):
            finish(an_order(phone, propose(creditor, eva, values), johan))
        used, unused = accounts.of_company(creditor.id)
        return [unused.key, used.key]

    def change(
        self, phone: Phone, creditor: Creditor, by: Person, other: Person, kind: str, key: str
    ) -> None:
        proposed = acts.propose_change(creditor.id, kind, key, actor=acting(by), now=clock.now())
        db.session.commit()
        approval = approvals.find(proposed)
        assert approval is not None
        finish(an_order(phone, approval, other))

    def test_another_one_is_used(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person, two: list[str]
    ) -> None:
        self.change(phone, creditor, eva, johan, acts.USE, two[0])
        used = accounts.used(creditor.id, "SEK")
        assert used is not None
        assert used.key == two[0]

    def test_one_that_is_not_used_is_removed(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person, two: list[str]
    ) -> None:
        self.change(phone, creditor, eva, johan, acts.REMOVE, two[0])
        assert [one.key for one in accounts.of_company(creditor.id)] == [two[1]]

    def test_the_one_in_use_is_not_removed(
        self, creditor: Creditor, eva: Person, two: list[str]
    ) -> None:
        with pytest.raises(RedaError, match="in use"):
            acts.propose_change(
                creditor.id, acts.REMOVE, two[1], actor=acting(eva), now=clock.now()
            )

    def test_one_that_is_there_is_not_added_again(
        self, creditor: Creditor, eva: Person, two: list[str]
    ) -> None:
        with pytest.raises(RedaError, match="already"):
            propose(creditor, eva)


class TestClosing:
    def close(
        self, phone: Phone, creditor: Creditor, by: Person, other: Person, cases: str
    ) -> None:
        key = acts.propose_closing(creditor.id, cases, actor=acting(by), now=clock.now())
        db.session.commit()
        approval = approvals.find(key)
        assert approval is not None
        finish(an_order(phone, approval, other))

    def test_a_closed_company_takes_nothing_in(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person
    ) -> None:
        rules_of(creditor)
        an_invoice_of(creditor)
        self.close(phone, creditor, eva, johan, "finish")
        assert intake.import_overdue(creditor.id, today=TODAY, now=clock.now()) == 0
        assert db.session.scalars(select(Case)).all() == []

    def test_opened_again_it_does(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person
    ) -> None:
        rules_of(creditor)
        an_invoice_of(creditor)
        self.close(phone, creditor, eva, johan, "finish")
        key = acts.propose_reopening(creditor.id, actor=acting(johan), now=clock.now())
        db.session.commit()
        approval = approvals.find(key)
        assert approval is not None
        finish(an_order(phone, approval, eva))
        assert intake.import_overdue(creditor.id, today=TODAY, now=clock.now()) == 1

    def test_open_cases_are_given_back_if_so_chosen(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person
    ) -> None:
        cases = [a_case(creditor), a_case(creditor)]
        self.close(phone, creditor, eva, johan, "return")
        for _ in range(2):
            closing.return_cases(today=TODAY, now=clock.now(), limit=1, between=db.session.commit)
        assert [one.status for one in cases] == ["recalled", "recalled"]

    def test_else_they_go_on(
        self, phone: Phone, creditor: Creditor, eva: Person, johan: Person
    ) -> None:
        case = a_case(creditor)
        self.close(phone, creditor, eva, johan, "finish")
        closing.return_cases(today=TODAY, now=clock.now(), between=db.session.commit)
        assert case.closed_on is None


def test_a_proposal_lives_fourteen_days() -> None:
    assert timedelta(days=14) == approvals.VALID

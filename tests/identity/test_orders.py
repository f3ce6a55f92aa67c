"""A BankID order belongs to the session that started it, and is good for one use."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.extensions import db
from portal.identity import orders
from portal.identity.bankid import AlreadyInProgress, BankIDUnavailable
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose, Started
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import EVA

NOW = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
SIGN_IN = Purpose("sign in", {"next": "/cases"})
SIGN = Purpose("sign", {"document": "d"}, "# Avtal", b"{}", EVA)


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return pointed_at(settings, bankid_simulator)


def start(purpose: Purpose = SIGN_IN, *, device: str = "other", seconds: float = 0) -> Started:
    started = orders.start(
        purpose,
        binding="mine",
        end_user_ip="192.0.2.7",
        user_agent="test",
        return_url="https://reda.example/bankid/{key}/return?nonce={nonce}",
        device=device,
        now=NOW + timedelta(seconds=seconds),
    )
    db.session.commit()
    return started


def collect(order: BankIDOrder, *, seconds: float = 2) -> BankIDOrder:
    found = orders.collect(order, now=NOW + timedelta(seconds=seconds))
    db.session.commit()
    return found


def completed(phone: Phone, *, device: str = "other", by: str = EVA) -> Started:
    started = start(device=device)
    phone.approve(started.order.order_ref, by)
    collect(started.order)
    return started


def use(order: BankIDOrder, *, seconds: float = 3) -> bool:
    return orders.use(order, now=NOW + timedelta(seconds=seconds))


class TestStart:
    def test_an_order_waits_for_the_app(self, app: Flask, phone: Phone) -> None:
        order = start().order
        assert (order.status, order.hint_code) == ("pending", "outstandingTransaction")

    def test_the_way_back_carries_the_orders_key_and_nonce(self, app: Flask, phone: Phone) -> None:
        started = start()
        expected = f"/bankid/{started.order.key}/return?nonce={started.nonce}"
        assert phone.order(started.order.order_ref)["returnUrl"].endswith(expected)

    def test_a_signature_is_asked_of_its_person_alone(self, app: Flask, phone: Phone) -> None:
        found = phone.order(start(SIGN).order.order_ref)
        assert found["requirement"] == {"personalNumber": EVA}

    def test_an_order_that_bankid_refuses_is_not_kept(self, app: Flask, phone: Phone) -> None:
        start(SIGN)
        with pytest.raises(AlreadyInProgress):
            start(SIGN)
        assert db.session.query(BankIDOrder).count() == 1

    def test_what_only_we_may_know_is_not_readable_in_the_database(
        self, app: Flask, phone: Phone
    ) -> None:
        started = start()
        row = db.session.execute(db.text("select * from bankid_orders")).one()
        stored = b" ".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for value in row
        )
        for secret in (started.order.qr_start_secret, "mine", started.nonce):
            assert secret.encode() not in stored

    def test_the_code_counts_from_bankids_answer(self, app: Flask, phone: Phone) -> None:
        phone.control("next", fault="slow", seconds=0.3, method="auth")
        assert start().order.started_at >= NOW + timedelta(seconds=0.3)


class TestSession:
    def test_the_session_that_started_an_order_finds_it(self, app: Flask, phone: Phone) -> None:
        order = start().order
        assert orders.find(order.key, binding="mine") is order

    @pytest.mark.parametrize("binding", ["theirs", ""])
    def test_another_session_does_not_find_it(self, app: Flask, phone: Phone, binding: str) -> None:
        assert orders.find(start().order.key, binding=binding) is None

    def test_an_invented_key_finds_nothing(self, app: Flask, phone: Phone) -> None:
        assert orders.find("invented", binding="mine") is None


class TestWayBack:
    def test_the_right_nonce_comes_back(self, app: Flask, phone: Phone) -> None:
        started = start()
        assert orders.come_back(started.order, started.nonce)

    @pytest.mark.parametrize("nonce", ["", "guessed"])
    def test_another_nonce_does_not(self, app: Flask, phone: Phone, nonce: str) -> None:
        assert not orders.come_back(start().order, nonce)

    def test_the_nonce_of_another_order_does_not(self, app: Flask, phone: Phone) -> None:
        assert not orders.come_back(start().order, start().nonce)

    def test_a_sign_in_by_a_sent_link_cannot_be_used_by_the_sender(
        self, app: Flask, phone: Phone
    ) -> None:
        order = completed(phone, device="same").order
        assert orders.awaits_return(order, now=NOW)
        assert not use(order)

    def test_a_sign_in_on_this_device_is_used_after_the_way_back(
        self, app: Flask, phone: Phone
    ) -> None:
        started = completed(phone, device="same")
        orders.come_back(started.order, started.nonce)
        assert not orders.awaits_return(started.order, now=NOW)
        assert use(started.order)

    def test_opening_the_app_here_demands_the_way_back_from_then_on(
        self, app: Flask, phone: Phone
    ) -> None:
        order = completed(phone).order
        orders.open_here(order)
        assert not use(order)

    def test_a_scanned_sign_in_needs_no_way_back(self, app: Flask, phone: Phone) -> None:
        assert use(completed(phone).order)

    def test_a_signature_needs_no_way_back_for_it_names_its_person(
        self, app: Flask, phone: Phone
    ) -> None:
        order = start(SIGN, device="same").order
        phone.approve(order.order_ref, EVA)
        assert use(collect(order))

    def test_nobody_is_awaited_for_ever(self, app: Flask, phone: Phone) -> None:
        order = completed(phone, device="same").order
        assert not orders.awaits_return(order, now=NOW + timedelta(minutes=4))


class TestCollect:
    def test_a_hint_is_taken_over(self, app: Flask, phone: Phone) -> None:
        order = start().order
        phone.hint(order.order_ref, "userSign")
        assert collect(order).hint_code == "userSign"

    def test_bankid_is_not_asked_again_within_two_seconds(self, app: Flask, phone: Phone) -> None:
        order = start().order
        collect(order)
        phone.approve(order.order_ref, EVA)
        assert collect(order, seconds=3.9).status == "pending"

    def test_bankid_is_asked_again_after_two_seconds(self, app: Flask, phone: Phone) -> None:
        order = start().order
        collect(order)
        phone.approve(order.order_ref, EVA)
        assert collect(order, seconds=4).status == "complete"

    def test_an_ended_order_is_not_asked_about_again(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        phone.control("next", fault="internalError", method="collect")
        assert collect(order, seconds=60).status == "complete"

    def test_an_order_that_bankid_has_forgotten_has_failed(self, app: Flask, phone: Phone) -> None:
        order = start().order
        phone.client.cancel(order.order_ref)
        found = collect(order)
        assert (found.status, found.hint_code) == ("failed", "expiredTransaction")

    def test_trouble_at_bankid_leaves_the_order_pending(self, app: Flask, phone: Phone) -> None:
        order = start().order
        phone.control("next", fault="maintenance", method="collect")
        with pytest.raises(BankIDUnavailable):
            collect(order)
        assert order.status == "pending"

    def test_bankid_in_trouble_is_not_asked_more_often(self, app: Flask, phone: Phone) -> None:
        order = start().order
        phone.control("next", fault="maintenance", method="collect", times=2)
        with pytest.raises(BankIDUnavailable):
            collect(order)
        assert collect(order, seconds=3).status == "pending"

    def test_who_it_was_lies_encrypted_in_the_database(self, app: Flask, phone: Phone) -> None:
        completed(phone)
        stored = bytes(db.session.scalar(db.text("select completion from bankid_orders")))
        assert EVA.encode() not in stored


class TestUse:
    def test_a_completed_order_tells_who_it_was(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        assert orders.completion(order)["user"]["personalNumber"] == EVA

    def test_an_order_is_used_once(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        assert [use(order), use(order)] == [True, False]

    def test_an_order_used_meanwhile_elsewhere_is_not_used_again(
        self, app: Flask, phone: Phone
    ) -> None:
        order = completed(phone).order
        assert order.used_at is None
        with Session(db.engine) as elsewhere, elsewhere.begin():
            elsewhere.get_one(BankIDOrder, order.id).used_at = NOW
        assert not use(order)

    def test_a_pending_order_cannot_be_used(self, app: Flask, phone: Phone) -> None:
        assert not use(start().order)

    def test_a_failed_order_cannot_be_used(self, app: Flask, phone: Phone) -> None:
        order = start().order
        phone.hint(order.order_ref, "userCancel")
        assert not use(collect(order))

    def test_a_completed_order_holds_for_three_minutes(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        assert use(order, seconds=181.9)

    def test_an_older_one_is_worth_nothing(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        assert not use(order, seconds=182)


class TestCancel:
    def test_cancelling_ends_the_order_here_and_at_bankid(self, app: Flask, phone: Phone) -> None:
        order = start().order
        orders.cancel(order, now=NOW)
        assert (order.status, order.hint_code, order.ended_at) == ("failed", "userCancel", NOW)
        assert phone.waiting() == []

    def test_an_order_is_cancelled_here_when_bankid_does_not_answer(
        self, app: Flask, phone: Phone
    ) -> None:
        order = start().order
        phone.control("next", fault="maintenance", method="cancel")
        orders.cancel(order, now=NOW)
        assert order.status == "failed"

    def test_a_completed_order_is_left_as_it_is(self, app: Flask, phone: Phone) -> None:
        order = completed(phone).order
        orders.cancel(order, now=NOW)
        assert order.status == "complete"

    def test_an_order_completed_meanwhile_elsewhere_is_left_as_it_is(
        self, app: Flask, phone: Phone
    ) -> None:
        order = start().order
        assert order.status == "pending"
        with Session(db.engine) as elsewhere, elsewhere.begin():
            elsewhere.get_one(BankIDOrder, order.id).status = "complete"
        orders.cancel(order, now=NOW)
        assert order.status == "complete"


class TestLeftAlone:
    def left(self, seconds: float) -> list[int]:
        return orders.left_alone(NOW + timedelta(seconds=seconds))

    def test_an_order_whose_page_is_open_is_left_to_it(self, app: Flask, phone: Phone) -> None:
        order = start().order
        collect(order, seconds=60)
        assert self.left(70) == []

    def test_an_order_nobody_asks_about_is_found(self, app: Flask, phone: Phone) -> None:
        order = start().order
        collect(order, seconds=60)
        assert self.left(76) == [order.id]

    def test_an_order_never_asked_about_is_found(self, app: Flask, phone: Phone) -> None:
        order = start().order
        assert self.left(16) == [order.id]

    def test_an_ended_order_is_not_found(self, app: Flask, phone: Phone) -> None:
        completed(phone)
        assert self.left(600) == []


def test_who_signed_in_is_forgotten_once_the_order_cannot_be_used(app: Flask) -> None:
    order = _an_ended_order(completion="{}", minutes_ago=4)
    orders.forget_old(NOW)
    db.session.refresh(order)
    assert order.completion is None


def test_an_order_just_completed_is_kept(app: Flask) -> None:
    order = _an_ended_order(completion="{}", minutes_ago=1)
    orders.forget_old(NOW)
    db.session.refresh(order)
    assert order.completion == "{}"


def test_an_order_is_forgotten_after_a_month(app: Flask) -> None:
    _an_ended_order(completion=None, minutes_ago=31 * 24 * 60)
    orders.forget_old(NOW)
    assert db.session.scalars(select(BankIDOrder)).all() == []


def _an_ended_order(*, completion: str | None, minutes_ago: int) -> BankIDOrder:
    ended_at = NOW - timedelta(minutes=minutes_ago)
    order = BankIDOrder(
        key="key", purpose="sign in", order_ref="ref", auto_start_token="", qr_start_token="",
        qr_start_secret="", session_hash=b"", return_nonce_hash=b"", end_user_ip="127.0.0.1",
        started_at=ended_at, ended_at=ended_at, status="complete", subject={},
        completion=completion,
    )  # fmt: skip
    db.session.add(order)
    db.session.commit()
    return order

import json
import re
import ssl
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.messages import RedaError
from portal.payments.references import make_ocr
from portal.payments.swish import (
    BadCallback,
    Callback,
    RefundCallback,
    RefundStatus,
    Status,
    SwishClient,
    SwishRefused,
    SwishUnavailable,
    clean_message,
    explain,
    is_callback_identifier,
    new_callback_identifier,
    new_payment_id,
    parse_callback,
    parse_refund_callback,
)
from simulators.certificates import SWISH_PAYEE_ALIAS

pytest_plugins = ["tests.swish_fixtures"]

CALLBACK_URL = "https://reda.example/swish/callback"


def ask(client: SwishClient, payment_id: str | None = None, **changed: object) -> str:
    payment_id = payment_id or new_payment_id()
    asked = {
        "amount": Decimal("1234.50"),
        "reference": make_ocr(42),
        "message": "Faktura 2026/113",
        "callback_url": CALLBACK_URL,
        "callback_identifier": new_callback_identifier(),
    }
    client.create(payment_id, **{**asked, **changed})
    return payment_id


def codes_of(refused: pytest.ExceptionInfo[SwishRefused]) -> tuple[str, ...]:
    return refused.value.codes


class TestIdentifiers:
    def test_ids_are_32_upper_case_hexadecimal_digits_and_new_each_time(self):
        made = {new_payment_id() for _ in range(100)} | {
            new_callback_identifier() for _ in range(100)
        }
        assert len(made) == 200
        assert all(re.fullmatch(r"[0-9A-F]{32}", one) for one in made)

    def test_a_callback_identifier_must_be_exactly_ours(self):
        ours = new_callback_identifier()
        assert is_callback_identifier(ours, ours)
        assert not is_callback_identifier(ours, ours.lower() + "x")
        assert not is_callback_identifier(ours, "")
        assert not is_callback_identifier(ours, None)
        assert not is_callback_identifier(ours, "å")


class TestMessages:
    def test_only_permitted_characters_are_left(self):
        assert clean_message("Faktura 2024-113: Café Älg & Öl — “hej” [1/2]") == (
            "Faktura 2024 113: Cafe Älg Öl hej 1 2"
        )

    @given(st.text(max_size=120))
    def test_any_text_becomes_one_that_swish_accepts(self, text):
        cleaned = clean_message(text)
        assert re.fullmatch(r"[a-zåäöA-ZÅÄÖ0-9 :;.,?!()]{0,50}", cleaned)
        assert clean_message(cleaned) == cleaned


class TestAskingForAPayment:
    def test_without_a_mobile_number_the_answer_has_a_token(self, swish):
        payment_id = new_payment_id()
        created = swish.client.create(
            payment_id,
            amount=Decimal("0.01"),
            reference=make_ocr(1),
            message="",
            callback_url=CALLBACK_URL,
            callback_identifier=new_callback_identifier(),
        )
        assert created.token == swish.seen(payment_id)["token"]
        assert created.location.endswith(f"/api/v1/paymentrequests/{payment_id}")

    def test_with_a_mobile_number_there_is_no_token(self, swish):
        created = swish.client.create(
            new_payment_id(),
            amount=Decimal(100),
            reference=make_ocr(1),
            message="Hej",
            callback_url=CALLBACK_URL,
            callback_identifier=new_callback_identifier(),
            payer_alias="46701740605",
        )
        assert created.token is None

    def test_what_was_asked_for_is_what_is_fetched(self, swish):
        payment = swish.client.fetch(ask(swish.client))
        assert payment.status is Status.CREATED
        assert not payment.is_final
        assert payment.amount == Decimal("1234.50")
        assert payment.currency == "SEK"
        assert payment.payee_alias == SWISH_PAYEE_ALIAS
        assert payment.payer_alias is None
        assert payment.reference == make_ocr(42)
        assert payment.message == "Faktura 2026 113"
        assert payment.payment_reference is None
        assert payment.date_paid is None

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "10000000.01", "NaN", "Infinity"])
    def test_an_amount_outside_the_limits_never_leaves_us(self, swish, amount):
        with pytest.raises(RedaError) as refused:
            ask(swish.client, amount=Decimal(amount))
        assert not isinstance(refused.value, SwishRefused | SwishUnavailable)
        assert swish.running.register.payments() == []

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"reference": "x" * 36}, "FF08"),
            ({"callback_url": "http://reda.example/"}, "RP03"),
            ({"payer_alias": "0701740605x"}, "BE18"),
            ({"message": "ACMT03"}, "ACMT03"),
        ],
    )
    def test_swishs_codes_come_with_a_text_for_people(self, swish, changed, code):
        with pytest.raises(SwishRefused) as refused:
            ask(swish.client, **changed)
        assert codes_of(refused) == (code,)
        assert refused.value.problem.message == explain(code).message

    def test_several_codes_are_all_told(self, swish):
        with pytest.raises(SwishRefused) as refused:
            ask(swish.client, reference="å", callback_url="ftp://x")
        assert set(codes_of(refused)) == {"FF08", "RP03"}
        assert len(refused.value.problems) == 2

    def test_the_same_id_is_taken_only_once(self, swish):
        payment_id = ask(swish.client)
        with pytest.raises(SwishRefused) as refused:
            ask(swish.client, payment_id)
        assert codes_of(refused) == ("RP09",)

    def test_one_payer_has_one_payment_at_a_time(self, swish):
        ask(swish.client, payer_alias="46701740605")
        with pytest.raises(SwishRefused) as refused:
            ask(swish.client, payer_alias="46701740605")
        assert codes_of(refused) == ("RP06",)

    def test_another_merchants_number_is_refused(self, swish):
        paths = swish.running.certificates
        other = SwishClient(
            swish.running.api.url,
            "1239999999",
            paths.swish_client,
            paths.swish_client_key,
            paths.tls_ca,
        )
        with other, pytest.raises(SwishRefused) as refused:
            ask(other)
        assert codes_of(refused) == ("PA01",)


class TestTheOutcome:
    def test_a_paid_request_tells_payer_reference_and_time(self, swish):
        payment_id = ask(swish.client)
        before = datetime.now(UTC)
        swish.control(f"requests/{payment_id}/pay")
        payment = swish.client.fetch(payment_id)
        assert payment.status is Status.PAID
        assert payment.is_final
        assert payment.payer_alias == "46701740605"
        assert re.fullmatch(r"[0-9A-F]{32}", payment.payment_reference or "")
        assert payment.date_paid is not None
        assert payment.date_paid.utcoffset() is not None
        assert abs((payment.date_paid - before).total_seconds()) < 60

    @pytest.mark.parametrize(
        ("act", "status", "code"),
        [
            ("decline", Status.DECLINED, None),
            ("timeout", Status.ERROR, "TM01"),
            ("silence", Status.ERROR, "DS24"),
        ],
    )
    def test_each_other_end_is_told_apart(self, swish, act, status, code):
        payment_id = ask(swish.client)
        swish.control(f"requests/{payment_id}/{act}")
        payment = swish.client.fetch(payment_id)
        assert (payment.status, payment.error_code) == (status, code)
        assert payment.is_outcome_unknown == (code == "DS24")
        assert payment.date_paid is None

    def test_a_request_can_be_cancelled_once(self, swish):
        payment_id = ask(swish.client)
        assert swish.client.cancel(payment_id).status is Status.CANCELLED
        with pytest.raises(SwishRefused) as refused:
            swish.client.cancel(payment_id)
        assert codes_of(refused) == ("RP08",)

    def test_a_paid_request_cannot_be_cancelled(self, swish):
        payment_id = ask(swish.client)
        swish.control(f"requests/{payment_id}/pay")
        with pytest.raises(SwishRefused) as refused:
            swish.client.cancel(payment_id)
        assert codes_of(refused) == ("RP07",)
        assert swish.client.fetch(payment_id).status is Status.PAID

    def test_an_unknown_request_is_said_to_be_unknown(self, swish):
        with pytest.raises(SwishRefused) as refused:
            swish.client.fetch(new_payment_id())
        assert codes_of(refused) == ("404",)


class TestPayingBack:
    def pay_back(self, swish, original: str, amount: str, receiver_url: str = CALLBACK_URL) -> str:
        refund_id = new_payment_id()
        swish.client.refund(
            refund_id,
            original_payment_reference=original,
            amount=Decimal(amount),
            reference=make_ocr(43),
            message="För mycket betalt",
            callback_url=receiver_url,
            callback_identifier=new_callback_identifier(),
        )
        return refund_id

    @pytest.fixture
    def paid(self, swish) -> str:
        payment_id = ask(swish.client, amount=Decimal(100))
        swish.control(f"requests/{payment_id}/pay")
        return swish.client.fetch(payment_id).payment_reference

    def test_a_refund_is_debited_and_then_paid(self, swish, paid, receiver):
        refund_id = self.pay_back(swish, paid, "40.25", receiver.url)
        calls = [parse_refund_callback(call.body) for call in receiver.wait_for(2)]
        assert calls == [
            RefundCallback(refund_id, RefundStatus.DEBITED, Decimal("40.25")),
            RefundCallback(refund_id, RefundStatus.PAID, Decimal("40.25")),
        ]
        refund = swish.client.fetch_refund(refund_id)
        assert refund.status is RefundStatus.PAID
        assert refund.original_payment_reference == paid
        assert refund.payment_reference
        assert refund.date_paid is not None

    def test_two_at_a_time_and_more_than_was_paid_are_refused(self, swish, paid, receiver):
        self.pay_back(swish, paid, "60", receiver.url)
        with pytest.raises(SwishRefused) as refused:
            self.pay_back(swish, paid, "40")
        assert codes_of(refused) == ("RF09",)
        receiver.wait_for(2)
        with pytest.raises(SwishRefused) as refused:
            self.pay_back(swish, paid, "40.01")
        assert codes_of(refused) == ("RF08",)
        self.pay_back(swish, paid, "40")

    def test_a_payment_that_is_not_known_cannot_be_paid_back(self, swish):
        with pytest.raises(SwishRefused) as refused:
            self.pay_back(swish, new_payment_id(), "1")
        assert codes_of(refused) == ("RF02",)


class TestWhenSwishFails:
    def test_a_fault_of_theirs_means_try_again(self, swish):
        payment_id = ask(swish.client)
        swish.control("next", answer="500")
        with pytest.raises(SwishUnavailable):
            swish.client.fetch(payment_id)
        assert swish.client.fetch(payment_id).id == payment_id

    def test_a_dropped_connection_means_try_again(self, swish):
        payment_id = new_payment_id()
        swish.control("next", answer="drop")
        with pytest.raises(SwishUnavailable):
            ask(swish.client, payment_id)
        assert ask(swish.client, payment_id) == payment_id

    def test_a_lost_answer_leaves_a_request_that_can_be_fetched(self, swish):
        payment_id = new_payment_id()
        swish.control("next", answer="lose")
        with pytest.raises(SwishUnavailable):
            ask(swish.client, payment_id)
        assert swish.client.fetch(payment_id).status is Status.CREATED

    def test_an_answer_that_takes_too_long_means_try_again(self, swish):
        with swish.another_client(timeout=0.2) as impatient:
            swish.control("next", answer="slow", seconds=1)
            with pytest.raises(SwishUnavailable):
                impatient.fetch(new_payment_id())

    def test_nobody_at_the_address_means_try_again(self, swish):
        swish.running.stop()
        with swish.another_client() as client, pytest.raises(SwishUnavailable):
            client.fetch(new_payment_id())


class TestMutualTls:
    def test_a_client_without_a_certificate_is_refused(self, swish):
        context = ssl.create_default_context(cafile=swish.running.certificates.tls_ca)
        url = f"{swish.running.api.url}/swish-cpcapi/api/v1/paymentrequests/{new_payment_id()}"
        with (
            httpx.Client(verify=context, trust_env=False) as stranger,
            pytest.raises(httpx.TransportError),
        ):
            stranger.get(url)

    def test_a_certificate_of_another_authority_is_refused(self, swish):
        paths = swish.running.certificates
        with (
            SwishClient(
                swish.running.api.url,
                SWISH_PAYEE_ALIAS,
                paths.bankid_client,
                paths.bankid_client_key,
                paths.tls_ca,
            ) as stranger,
            pytest.raises(SwishUnavailable),
        ):
            stranger.fetch(new_payment_id())

    def test_we_refuse_a_server_that_our_authority_did_not_sign(self, swish):
        paths = swish.running.certificates
        with (
            SwishClient(
                swish.running.api.url,
                SWISH_PAYEE_ALIAS,
                paths.swish_client,
                paths.swish_client_key,
                paths.bankid_client_ca,
            ) as client,
            pytest.raises(SwishUnavailable),
        ):
            client.fetch(new_payment_id())


class TestOpeningTheApp:
    RETURN = "https://reda.example/r?a=1&b=å"

    def test_the_app_is_opened_with_token_and_way_back(self, swish):
        assert swish.client.open_url("a1b2", self.RETURN) == (
            "swish://paymentrequest?token=a1b2"
            "&callbackurl=https%3A%2F%2Freda.example%2Fr%3Fa%3D1%26b%3D%C3%A5"
        )

    def test_the_demo_opens_the_simulators_page_instead(self, swish):
        template = swish.running.payer.url + "/?token={token}&callbackurl={return_url}"
        payment_id = ask(swish.client)
        with swish.another_client(app_url=template) as client:
            page = httpx.get(
                client.open_url(swish.seen(payment_id)["token"], self.RETURN), trust_env=False
            )
        assert page.status_code == 200
        assert "234,50" in page.text


A_CALLBACK = {
    "id": "A" * 32,
    "payeePaymentReference": "100000004224",
    "paymentReference": "B" * 32,
    "callbackUrl": CALLBACK_URL,
    "payerAlias": "46701740605",
    "payeeAlias": "1230000001",
    "amount": 100.10,
    "currency": "SEK",
    "message": "",
    "status": "PAID",
    "dateCreated": "2026-03-01T08:26:45.746Z",
    "datePaid": "2026-03-01T09:27:01.000+0100",
    "errorCode": None,
    "errorMessage": None,
}


class TestReadingACallback:
    def test_a_whole_record_is_read(self):
        assert parse_callback(json.dumps(A_CALLBACK).encode()) == Callback(
            "A" * 32, Status.PAID, Decimal("100.10"), "100000004224"
        )

    def test_a_field_that_swish_adds_later_does_no_harm(self):
        assert parse_callback(json.dumps(A_CALLBACK | {"new": [1]}).encode()).id == "A" * 32

    @pytest.mark.parametrize(
        "changed",
        [
            {"id": "a" * 32},
            {"id": None},
            {"id": 7},
            {"status": "PAYED"},
            {"status": ["PAID"]},
            {"amount": True},
            {"amount": "1e9999"},
            {"amount": "100,10"},
            {"amount": 0},
            {"amount": 1.001},
            {"amount": float("inf")},
            {"amount": None},
            {"currency": "EUR"},
            {"payeeAlias": None},
            {"payerAlias": 46701740605},
            {"datePaid": "yesterday"},
            {"datePaid": "2026-03-01T09:27:01"},
        ],
    )
    def test_a_wrong_field_refuses_the_whole(self, changed):
        with pytest.raises(BadCallback) as refused:
            parse_callback(json.dumps(A_CALLBACK | changed).encode())
        assert refused.value.status == 400

    @pytest.mark.parametrize(
        "body", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b"{" + b" " * 20_000 + b"}"]
    )
    def test_what_is_no_record_is_refused(self, body):
        with pytest.raises(BadCallback):
            parse_callback(body)

    @given(st.binary(max_size=200) | st.recursive(st.none(), st.lists).map(repr).map(str.encode))
    def test_no_bytes_raise_anything_else(self, body):
        with pytest.raises(BadCallback):
            parse_callback(body)

    def test_a_refunds_amount_may_be_a_text(self):
        body = {
            "amount": "100.00",
            "originalPaymentReference": "5D59DA1B1632424E874DDB219AD54597",
            "dateCreated": "2020-10-29T13:40:27.950+0100",
            "payerAlias": "1231181189",
            "currency": "SEK",
            "id": "136A8AA7052F42CCB8563C78AB54C66B",
            "status": "DEBITED",
        }
        assert parse_refund_callback(json.dumps(body).encode()) == RefundCallback(
            body["id"], RefundStatus.DEBITED, Decimal(100)
        )
        with pytest.raises(BadCallback):
            parse_refund_callback(json.dumps(body | {"status": "DECLINED"}).encode())


def test_a_code_that_is_new_to_us_still_gets_a_text():
    assert "code" in explain("ZZ99").message
    assert explain("ZZ99").message % explain("ZZ99").values == (
        "Swish refused (code ZZ99). Pay in another way."
    )

"""Our client of BankID says what happened, whatever BankID does."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from portal.identity.bankid import (
    RFA,
    AlreadyInProgress,
    BankID,
    BankIDUnavailable,
    NoSuchOrder,
    Order,
    RequestRefused,
    message_for,
)
from simulators.certificates import Certificates
from simulators.serving import serve
from tests.bankid_fixtures import Phone
from tests.factories import EVA

RETURN = "https://reda.example/bankid/x/return?nonce=y"


def identify(client: BankID, **changed: str) -> Order:
    values = {"end_user_ip": "192.0.2.7", "return_url": RETURN, "user_agent": "test"}
    return client.authenticate(**values | changed)


def sign(client: BankID, **changed: object) -> Order:
    values = {
        "visible": "# Avtal",
        "non_visible": b"{}",
        "personal_number": EVA,
        "end_user_ip": "192.0.2.7",
        "return_url": RETURN,
        "user_agent": "test",
    }
    return client.sign(**values | changed)


def test_an_identification_asks_for_nobody_in_particular(phone: Phone) -> None:
    found = phone.order(identify(phone.client).order_ref)
    assert (found["kind"], found["requirement"]) == ("auth", {})


def test_the_way_back_and_the_address_reach_bankid(phone: Phone) -> None:
    found = phone.order(identify(phone.client).order_ref)
    assert (found["returnUrl"], found["endUserIp"]) == (RETURN, "192.0.2.7")


def test_a_signature_sends_text_and_hidden_data_unchanged(phone: Phone) -> None:
    text = "# Avtal\n\n+ Kund: Åäö & <Söner>"
    found = phone.order(sign(phone.client, visible=text, non_visible=b"\x00\xff").order_ref)
    assert (found["visibleText"], found["visibleFormat"]) == (text, "simpleMarkdownV1")
    assert found["nonVisibleData"] == "AP8="


def test_a_signature_demands_its_person(phone: Phone) -> None:
    found = phone.order(sign(phone.client).order_ref)
    assert found["requirement"] == {"personalNumber": EVA}


def test_a_browser_that_does_not_tell_its_name_can_sign_in(phone: Phone) -> None:
    assert identify(phone.client, user_agent="").order_ref


def test_a_browser_with_a_very_long_name_can_sign_in(phone: Phone) -> None:
    assert identify(phone.client, user_agent="x" * 5000).order_ref


def test_a_pending_order_tells_its_hint(phone: Phone) -> None:
    order = identify(phone.client)
    found = phone.client.collect(order.order_ref)
    assert (found.status, found.hint_code, found.completion) == (
        "pending", "outstandingTransaction", None,
    )  # fmt: skip


def test_a_complete_order_brings_its_completion(phone: Phone) -> None:
    order = identify(phone.client)
    phone.approve(order.order_ref, EVA)
    found = phone.client.collect(order.order_ref)
    assert found.completion is not None
    assert found.completion["user"]["personalNumber"] == EVA


def test_a_cancelled_order_is_unknown_afterwards(phone: Phone) -> None:
    order = identify(phone.client)
    assert phone.client.cancel(order.order_ref)
    with pytest.raises(NoSuchOrder):
        phone.client.collect(order.order_ref)


def test_a_second_order_of_a_person_is_already_in_progress(phone: Phone) -> None:
    sign(phone.client)
    with pytest.raises(AlreadyInProgress) as error:
        sign(phone.client)
    assert error.value.problem.message == RFA[4]


def test_a_text_too_long_is_our_own_mistake(phone: Phone) -> None:
    with pytest.raises(RequestRefused):
        sign(phone.client, visible="a" * 40_000)


@pytest.mark.parametrize(
    "fault", ["maintenance", "internalError", "requestTimeout", "dropConnection", "notJson"]
)
@pytest.mark.parametrize("method", ["auth", "sign", "collect", "cancel"])
def test_bankid_in_trouble_is_told_as_such(phone: Phone, fault: str, method: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "auth": lambda: identify(phone.client),
        "sign": lambda: sign(phone.client),
        "collect": lambda: phone.client.collect("any"),
        "cancel": lambda: phone.client.cancel("any"),
    }
    phone.control("next", fault=fault, method=method)
    with pytest.raises(BankIDUnavailable) as error:
        calls[method]()
    assert error.value.problem.message == RFA[5]


def test_a_call_is_not_tried_again_by_itself(phone: Phone) -> None:
    phone.control("next", fault="internalError", method="auth")
    with pytest.raises(BankIDUnavailable):
        identify(phone.client)
    assert phone.waiting() == []


def test_an_answer_that_takes_too_long_is_given_up(phone: Phone) -> None:
    phone.client.client.timeout = httpx.Timeout(0.05)
    phone.control("next", fault="slow", seconds=0.4)
    with pytest.raises(BankIDUnavailable):
        identify(phone.client)


def test_a_server_of_another_ca_is_not_trusted(phone: Phone) -> None:
    paths = phone.simulator.certificates
    client = BankID(
        phone.simulator.address, paths.bankid_client, paths.bankid_client_key, paths.bankid_root
    )
    with pytest.raises(BankIDUnavailable):
        identify(client)


@contextmanager
def a_bankid_that_says(paths: Certificates, body: object, status: int = 200) -> Iterator[BankID]:
    """Our client, before a server that answers the same to everything."""

    @Request.application
    def answer(request: Request) -> Response:
        return Response(json.dumps(body), status, content_type="application/json")

    with serve(
        answer, "127.0.0.1", 0, certificate=paths.bankid_server, key=paths.bankid_server_key
    ) as server:
        client = BankID(
            f"{server.url}/rp/v6.0", paths.bankid_client, paths.bankid_client_key, paths.tls_ca
        )
        yield client
        client.client.close()


@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        "complete",
        {},
        {"status": "finished"},
        {"status": "complete"},
        {"status": "complete", "completionData": []},
        {"status": "complete", "completionData": {"user": {}}},
    ],
)
def test_an_answer_of_another_shape_counts_as_none(phone: Phone, body: object) -> None:
    with (
        a_bankid_that_says(phone.simulator.certificates, body) as client,
        pytest.raises(BankIDUnavailable),
    ):
        client.collect("any")


def test_a_start_without_its_tokens_counts_as_none(phone: Phone) -> None:
    with (
        a_bankid_that_says(phone.simulator.certificates, {"orderRef": "x"}) as client,
        pytest.raises(BankIDUnavailable),
    ):
        identify(client)


@pytest.mark.parametrize("body", [[], None, {"errorCode": None}, {"errorCode": "somethingNew"}])
def test_an_error_of_another_shape_counts_as_trouble(phone: Phone, body: object) -> None:
    with (
        a_bankid_that_says(phone.simulator.certificates, body, 500) as client,
        pytest.raises(BankIDUnavailable),
    ):
        client.collect("any")


def test_a_certificate_that_bankid_does_not_know_is_our_own_mistake(phone: Phone) -> None:
    body = {"errorCode": "unauthorized", "details": "RP access to the service is denied"}
    with (
        a_bankid_that_says(phone.simulator.certificates, body, 403) as client,
        pytest.raises(RequestRefused),
    ):
        identify(client)


@pytest.mark.parametrize(
    ("device", "start"), [("mobile", "https://app.bankid.com/"), ("desktop", "bankid:///")]
)
def test_what_opens_the_app_does_not_tell_the_way_back(
    phone: Phone, device: str, start: str
) -> None:
    url = phone.client.launch_url("token", device)
    assert url == f"{start}?autostarttoken=token&redirect=null"


def test_certificates_are_read_when_the_client_is_made(phone: Phone, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        BankID(phone.simulator.address, tmp_path / "a", tmp_path / "b", tmp_path / "c")


@pytest.mark.parametrize(
    ("status", "hint", "device", "number"),
    [
        ("pending", "outstandingTransaction", "other", 1),
        ("pending", "outstandingTransaction", "same", 13),
        ("pending", "noClient", "other", 1),
        ("pending", "started", "other", 14),
        ("pending", "userMrtd", "other", 23),
        ("pending", "userCallConfirm", "other", 21),
        ("pending", "userSign", "other", 9),
        ("pending", "somethingNew", "other", 21),
        ("pending", None, "other", 21),
        ("failed", "expiredTransaction", "other", 8),
        ("failed", "certificateErr", "other", 16),
        ("failed", "userCancel", "other", 6),
        ("failed", "cancelled", "other", 3),
        ("failed", "startFailed", "other", 17),
        ("failed", "userDeclinedCall", "other", 6),
        ("failed", "notSupportedByUserApp", "other", 17),
        ("failed", "transactionRiskBlocked", "other", 22),
        ("failed", "somethingNew", "other", 22),
    ],
)
def test_each_hint_has_the_message_that_bankid_recommends(
    status: str, hint: str | None, device: str, number: int
) -> None:
    assert message_for(status, hint, device).message == RFA[number]

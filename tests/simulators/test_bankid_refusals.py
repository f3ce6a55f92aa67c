"""The simulated API refuses what BankID's refuses, and says which field was wrong."""

import ssl

import httpx
import pytest

from tests.bankid_fixtures import Phone
from tests.simulators.test_bankid import TEXT, start, told


def encoded(length: int) -> str:
    """Base64 of exactly so many characters."""
    return "QUFB" * (length // 4)


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "changed", "field"),
        [
            ("auth", {"endUserIp": None}, "endUserIp"),
            ("auth", {"endUserIp": "localhost"}, "endUserIp"),
            ("auth", {"endUserIp": 1}, "endUserIp"),
            ("sign", {"userVisibleData": None}, "userVisibleData"),
            ("sign", {"userVisibleData": ""}, "userVisibleData"),
            ("sign", {"userVisibleData": "no base64"}, "userVisibleData"),
            ("sign", {"userVisibleData": "å"}, "userVisibleData"),
            ("sign", {"userVisibleData": "/w=="}, "userVisibleData"),
            ("sign", {"userVisibleData": encoded(40_004)}, "userVisibleData"),
            ("sign", {"userNonVisibleData": encoded(200_004)}, "userNonVisibleData"),
            ("auth", {"userVisibleData": encoded(1_504)}, "userVisibleData"),
            ("auth", {"userNonVisibleData": encoded(1_504)}, "userNonVisibleData"),
            ("sign", {"userVisibleDataFormat": "html"}, "userVisibleDataFormat"),
            ("auth", {"returnUrl": "/relative"}, "returnUrl"),
            ("auth", {"returnUrl": "http://["}, "returnUrl"),
            ("auth", {"returnUrl": "https://reda.example/" + "a" * 500}, "returnUrl"),
            ("auth", {"returnRisk": "yes"}, "returnRisk"),
            ("auth", {"requirement": []}, "requirement"),
            ("auth", {"requirement": {"personalNumber": "6507182795"}}, "personalNumber"),
            ("auth", {"requirement": {"personalNumber": "196507182794"}}, "personalNumber"),
            ("auth", {"requirement": {"personalNumber": "١٩٦٥٠٧١٨٢٧٩٥"}}, "personalNumber"),
            ("auth", {"requirement": {"cardReader": "class3"}}, "cardReader"),
            ("auth", {"requirement": {"mrtd": "yes"}}, "mrtd"),
            ("auth", {"requirement": {"autoStartTokenRequired": True}}, "autoStartTokenRequired"),
            ("auth", {"app": {"deviceOS": "iOS"}, "web": {"userAgent": "x"}}, "web"),
            ("auth", {"web": {"colour": "red"}}, "web"),
            ("auth", {"orderRef": "x"}, "orderRef"),
        ],
    )
    def test_a_wrong_field_is_named(
        self, relying_party: httpx.Client, kind: str, changed: dict[str, object], field: str
    ) -> None:
        right = {"endUserIp": "192.0.2.7", **({"userVisibleData": TEXT} if kind == "sign" else {})}
        body = {name: value for name, value in (right | changed).items() if value is not None}
        answer = relying_party.post(kind, json=body)
        assert told(answer) == (400, "invalidParameters")
        assert answer.json()["details"] == f"Invalid parameter {field}"

    @pytest.mark.parametrize(
        ("kind", "visible", "hidden"), [("sign", 40_000, 200_000), ("auth", 1_500, 1_500)]
    )
    def test_the_longest_texts_are_taken(
        self, relying_party: httpx.Client, kind: str, visible: int, hidden: int
    ) -> None:
        texts = {"userVisibleData": encoded(visible), "userNonVisibleData": encoded(hidden)}
        assert start(relying_party, kind, **texts)

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'"text"', b"null"])
    def test_a_body_that_is_no_json_object_is_refused(
        self, relying_party: httpx.Client, body: bytes
    ) -> None:
        answer = relying_party.post(
            "auth", content=body, headers={"Content-Type": "application/json"}
        )
        assert told(answer) == (400, "invalidParameters")

    @pytest.mark.parametrize("body", [{}, {"orderRef": 1}, {"orderRef": "no-such-order"}])
    def test_an_unknown_order_is_refused(
        self, relying_party: httpx.Client, body: dict[str, object]
    ) -> None:
        assert told(relying_party.post("collect", json=body)) == (400, "invalidParameters")

    def test_an_unknown_method_is_not_found(self, relying_party: httpx.Client) -> None:
        assert told(relying_party.post("authenticate", json={})) == (404, "notFound")

    @pytest.mark.parametrize("method", ["auth", "sign", "collect", "cancel"])
    def test_only_post_is_allowed(self, relying_party: httpx.Client, method: str) -> None:
        assert told(relying_party.get(method)) == (405, "methodNotAllowed")

    @pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=utf-8"])
    def test_another_media_type_is_refused(self, relying_party: httpx.Client, kind: str) -> None:
        answer = relying_party.post("auth", content=b"{}", headers={"Content-Type": kind})
        assert told(answer) == (415, "unsupportedMediaType")

    def test_a_dropped_connection_is_closed_without_an_answer(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        phone.control("next", fault="dropConnection")
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            relying_party.post("auth", json={"endUserIp": "192.0.2.7"})


class TestTLS:
    def refused(self, phone: Phone, context: ssl.SSLContext) -> bool:
        with (
            httpx.Client(verify=context, trust_env=False) as stranger,
            pytest.raises(httpx.TransportError),
        ):
            stranger.post(f"{phone.simulator.address}auth", json={"endUserIp": "192.0.2.7"})
        return True

    def test_nobody_gets_in_without_a_client_certificate(self, phone: Phone) -> None:
        context = ssl.create_default_context(cafile=phone.simulator.certificates.tls_ca)
        assert self.refused(phone, context)

    def test_a_client_certificate_of_another_ca_does_not_help(self, phone: Phone) -> None:
        paths = phone.simulator.certificates
        context = ssl.create_default_context(cafile=paths.tls_ca)
        context.load_cert_chain(paths.swish_client, paths.swish_client_key)
        assert self.refused(phone, context)

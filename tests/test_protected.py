"""Where somebody with a protected identity is stands on no page and in no file of staff's."""

import io
import zipfile
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from portal.collection import cases, customers, finding, places, states, stops
from portal.collection.models import Debtor, Event, OwnContact
from portal.database import files
from portal.database.encryption import lookup_hash
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people as people_room
from portal.identity.actor import SYSTEM
from portal.messages import RedaError
from portal.payments.models import BankPayment
from portal.reporting import holdings
from portal.signing.models import Signer
from tests.factories import EVA, NOW, TODAY, a_case, a_debtor_of, sign_in
from tests.operations.test_payments import came
from tests.payments.bank_files.written import Paid
from tests.test_walls import CREDITOR, OPERATOR, World, a_world

AHMAD = "197101019052"
BY_CREDITOR = {
    "address_line": "Lönnstigen 17", "postcode": "98143", "town": "Kirunavaara",
    "email": "lonn@gomd.example", "phone": "070-111 22 33",
}  # fmt: skip
TOLD = {
    "address_line": "Tallbacken 29", "postcode": "27293", "town": "Simrislund", "country": "SE",
    "email": "tall@gomd.example", "phone": "+46702223344",
}  # fmt: skip
PAYER = "Granskogen 31"
SECRETS = (*BY_CREDITOR.values(), *(set(TOLD.values()) - {"SE"}), PAYER)
# A bank's file is kept and handed out whole, as the bank sent it (docs/security.md).
WHOLE = {"operations.download_bank_file"}


@pytest.fixture
def world(app: Flask) -> World:
    """Norrsken whose one of each thing is of a debtor with a protected identity."""
    app.config["WTF_CSRF_ENABLED"] = False
    world = a_world(app)
    case, debtor = world.case, world.case.debtor
    for name, value in {**BY_CREDITOR, "name": "Ahmad Al-Khatib"}.items():
        setattr(debtor, name, value)
    debtor.identity_number, debtor.identity_number_hash = AHMAD, lookup_hash(AHMAD)
    db.session.add(
        OwnContact(
            debtor_id=debtor.id, creditor_id=debtor.creditor_id, version=1, changed_at=NOW,
            channel="sms", **TOLD,
        )
    )  # fmt: skip
    letter = db.session.scalars(select(Message).where(Message.case_id == case.id)).first()
    assert letter is not None
    letter.document_sha256 = files.store(f"%PDF-1.7 {' '.join(SECRETS)}".encode())
    letter.status, letter.sent_at = "sent", NOW
    case.invoice.document_sha256 = files.store(f"<Invoice>{' '.join(SECRETS)}</Invoice>".encode())
    for signer in db.session.scalars(select(Signer)):
        signer.identity_number, signer.email, signer.phone = AHMAD, TOLD["email"], TOLD["phone"]
    db.session.commit()
    (payment_id,) = came(Paid(50_000, name=debtor.name))
    db.session.execute(
        text("update bank_payments set payer_address = :told"), {"told": PAYER}
    )  # fmt: skip
    stops.stop(cases.lock(case.id), states.PROTECTED, "", actor=SYSTEM, now=NOW)
    db.session.commit()
    world.values["payment_id"] = payment_id
    return world


@pytest.fixture
def eva(world: World) -> FlaskClient:
    """The company's administrator at a browser."""
    person = people_room.by_identity_number(EVA)
    assert person is not None
    return _browser(world, person)


def _browser(world: World, person: object) -> FlaskClient:
    client = world.app.test_client()
    sign_in(world.app, client, person)  # type: ignore[arg-type]
    return client


def _read(data: bytes) -> str:
    """An answer's text; of a spreadsheet or an archive, that of all its files."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return " ".join(_read(packed.read(one)) for one in packed.namelist())
    return data.decode("utf-8", "replace")


def _told(world: World, client: FlaskClient, endpoint: str, needed: tuple[str, ...]) -> set[str]:
    """What an address of an endpoint tells of where the debtor is."""
    address = world.address(endpoint, needed)
    if endpoint in ("creditor.list_cases", "creditor.export_cases"):
        address += "?cols=name,town,email,phone"
    if endpoint == "creditor.write_document":
        address += f"?case={world.case.reference}"
    said = _read(world.send(client, endpoint, address).data)
    return {one for one in SECRETS if one in said}


def _leaks(world: World, client: FlaskClient, known: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for endpoint, needed in known.items():
        rules = world.app.url_map.iter_rules(endpoint)
        if endpoint not in WHOLE and any("GET" in (one.methods or ()) for one in rules):
            for secret in sorted(_told(world, client, endpoint, needed)):
                yield f"{endpoint}: {secret}"


def test_no_page_or_file_of_the_companys_tells_it(world: World, eva: FlaskClient) -> None:
    acts = {f"creditor.prepare_act {act}": act for act in ("details", "hold")}
    assert list(_leaks(world, eva, CREDITOR)) == []
    for act in acts.values():
        world.values["act"] = act
        assert _told(world, eva, "creditor.prepare_act", CREDITOR["creditor.prepare_act"]) == set()


def test_no_page_of_the_operators_tells_it(world: World) -> None:
    operator = _browser(world, world.people["operator"])
    assert list(_leaks(world, operator, OPERATOR)) == []


def test_they_are_all_there_of_others(world: World, eva: FlaskClient) -> None:
    # What is looked for above would be found.
    db.session.execute(text("update case_stops set ended_at = :now"), {"now": NOW})
    db.session.commit()
    assert _told(world, eva, "creditor.show_case_parties", ("reference",)) >= {*TOLD.values()} - {
        "SE", TOLD["email"], TOLD["phone"],
    }  # fmt: skip
    assert _told(world, eva, "creditor.export_cases", ()) == {
        BY_CREDITOR["town"], BY_CREDITOR["email"], BY_CREDITOR["phone"],
    }  # fmt: skip
    assert _told(world, eva, "creditor.read_document", ("reference", "message_id")) == {*SECRETS}


def test_no_archive_holds_their_letters_and_invoices(world: World) -> None:
    scope = holdings.Scope(world.case.creditor_id, TODAY.replace(year=2020), TODAY, "sv")
    parts = [holdings.PARTS[part].items(scope, 0, 0) for part in ("letters", "invoices")]
    assert world.case.reference not in [one.case for items in parts for one in items]


class TestShown:
    def show(self, world: World, client: FlaskClient, **values: str) -> object:
        address = world.address("creditor.show_protected", ("reference",))
        return client.post(address, data=values)

    def test_an_administrator_who_says_why_sees_it_once(
        self, world: World, eva: FlaskClient
    ) -> None:
        response = self.show(world, eva, what=places.PLACES, reason="Court asks for it")
        said = _read(response.data)  # type: ignore[attr-defined]
        assert TOLD["address_line"] in said
        assert BY_CREDITOR["address_line"] in said
        assert response.headers["Cache-Control"] == "no-store"  # type: ignore[attr-defined]
        assert _told(world, eva, "creditor.show_case_parties", ("reference",)) == set()

    def test_the_history_tells_who_saw_what_and_why(self, world: World, eva: FlaskClient) -> None:
        self.show(world, eva, what=places.PLACES, reason="Court asks for it")
        event = db.session.scalars(select(Event).where(Event.name == places.SHOWN)).one()
        assert event.data == {"what": "places", "reason": "Court asks for it"}
        assert event.actor_person_id == people_room.by_identity_number(EVA).id  # type: ignore[union-attr]

    @pytest.mark.parametrize("reason", ["", "   ", "x" * 301])
    def test_without_a_reason_nothing_is_shown(
        self, world: World, eva: FlaskClient, reason: str
    ) -> None:
        response = self.show(world, eva, what=places.PLACES, reason=reason)
        assert response.status_code == 422  # type: ignore[attr-defined]
        said = _read(response.data)  # type: ignore[attr-defined]
        assert not [one for one in SECRETS if one in said]
        assert db.session.scalars(select(Event).where(Event.name == places.SHOWN)).all() == []

    @pytest.mark.parametrize("what", ["letter", "invoice"])
    def test_a_letter_and_the_invoice_are_shown_the_same_way(
        self, world: World, eva: FlaskClient, what: str
    ) -> None:
        chosen = f"letter-{world.values['message_id']}" if what == "letter" else what
        response = self.show(world, eva, what=chosen, reason="Court asks for it")
        assert PAYER in _read(response.data)  # type: ignore[attr-defined]
        event = db.session.scalars(select(Event).where(Event.name == places.SHOWN)).one()
        assert event.data["what"] == what

    def test_an_operator_sees_a_payers_address_for_a_reason(self, world: World) -> None:
        operator = _browser(world, world.people["operator"])
        address = world.address("operations.show_payer", ("payment_id",))
        assert PAYER not in operator.post(address, data={"reason": ""}).text
        assert PAYER in operator.post(address, data={"reason": "The bank asks"}).text
        event = db.session.scalars(select(Event).where(Event.name == places.SHOWN)).one()
        assert (event.case_id, event.data["what"]) == (world.case.id, "payer")


def test_new_details_leave_alone_what_is_not_filled_in(world: World, eva: FlaskClient) -> None:
    world.values["act"] = "details"
    address = world.address("creditor.do_act", ("reference", "act"))
    values = {"name": "Ahmad Khatib", "country": "SE", "language": "sv", "phone": "070-555 66 77"}
    looked = eva.post(address, data={**values, "step": "look"}).text
    # Nor does the look ahead tell what it was.
    assert [one for one in SECRETS if one in looked] == []
    seen = looked.partition('name="seen"')[2].partition('value="')[2].partition('"')[0]
    eva.post(address, data={**values, "step": "do", "seen": seen})
    db.session.expire_all()
    kept = db.session.get_one(Debtor, world.case.debtor_id)
    assert (kept.name, kept.phone) == ("Ahmad Khatib", "070-555 66 77")
    assert (kept.address_line, kept.email) == (BY_CREDITOR["address_line"], BY_CREDITOR["email"])


def test_another_customer_number_of_the_same_person_is_hidden_too(world: World) -> None:
    one = Debtor(
        creditor_id=world.case.creditor_id, customer_number="other", kind="person", name="Ahmad",
        country="SE", identity_number=AHMAD, identity_number_hash=lookup_hash(AHMAD),
        **BY_CREDITOR,
    )  # fmt: skip
    db.session.add(one)
    db.session.commit()
    of_all = select(Debtor.id).where(
        places.are_hidden(Debtor.id.expression, world.case.creditor_id)
    )  # fmt: skip
    assert {*db.session.scalars(of_all)} == {one.id, world.case.debtor_id}
    assert places.of(one).is_hidden


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("lonn@gomd.example", False), ("gomd", False), ("070-111 22 33", False), ("ahmad", True),
        ("khatib ahmad", True), ("ahmad gomd", False), (AHMAD, True),
    ],
)  # fmt: skip
def test_they_are_found_by_name_and_number_and_not_by_where_they_are(
    world: World, typed: str, is_found: bool
) -> None:
    creditor_id, case = world.case.creditor_id, world.case
    sought = finding.recognise(typed, today=TODAY)
    beside = finding.beside(creditor_id, sought)
    page = finding.page(creditor_id, finding.Filter(), today=TODAY, beside=beside)
    assert (case.id in [one.id for one in page.rows]) == is_found
    listed = customers.page(creditor_id, customers.Filters(search=typed), TODAY)
    assert (case.debtor_id in [one.id for one in listed.rows]) == is_found


def test_so_it_is_also_where_more_are_found_than_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    creditor_id = world.case.creditor_id
    monkeypatch.setattr(finding, "MOST_COUNTED", 0)
    monkeypatch.setattr(customers, "MOST_LOOKED_UP", 0)
    a_case(world.case.creditor, debtor=a_debtor_of(world.case.creditor, email="x@gomd.example"))
    sought = finding.recognise("gomd.example", today=TODAY)
    beside = finding.beside(creditor_id, sought)
    assert beside.found is not None
    assert beside.found.words == ("gomd.example",)
    page = finding.page(creditor_id, finding.Filter(), today=TODAY, beside=beside)
    listed = customers.page(creditor_id, customers.Filters(search="gomd.example"), TODAY)
    assert world.case.id not in [one.id for one in page.rows]
    assert world.case.debtor_id not in [one.id for one in listed.rows]


def test_nothing_is_shown_without_a_reason_whoever_asks(world: World) -> None:
    with pytest.raises(RedaError):
        places.show(world.case.id, places.PLACES, " ", actor=SYSTEM, now=NOW)


def test_the_bank_payment_is_the_debtors(world: World) -> None:
    # Else the operators' page would have nothing to hide.
    assert db.session.scalars(select(BankPayment.payer_address)).one() == PAYER

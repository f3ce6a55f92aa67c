"""A signer reads an envelope's documents and signs them with BankID.

Who opens a link is let in when BankID has told who it is, and only if it is who was invited. What
is signed is `signed_text`; it counts when every check of the signature has passed (`completed`).
One signature may be on several envelopes. Each step, and each that failed, is an event of the log.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.collection import cases
from portal.database import files, queue, tenancy
from portal.database.encryption import decrypt, encrypt, lookup_hash
from portal.extensions import db
from portal.identity import orders
from portal.identity.bankid import AlreadyInProgress, BankIDError, BankIDUnavailable, message_for
from portal.identity.models import BankIDOrder, Person
from portal.identity.orders import Purpose
from portal.messages import N_, Problem, RedaError
from portal.signing import (
    completed,
    envelopes,
    events,
    inviting,
    noting,
    plan_signing,
    signed_text,
    usage,
)
from portal.signing.completed import NotSigned, Proof
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeFile, EnvelopeSignature, Signer
from portal.signing.signed_text import Item

# As long as somebody may read on before BankID asks who they are again.
_KNOWN = timedelta(hours=2)
_LONGEST_AGENT = 200
MOST_TOGETHER = 10
_SEAL = "seal_envelopes"
# Why BankID started no order, as the log tells it.
_REFUSED: Mapping[str, type[BankIDError]] = {
    "alreadyInProgress": AlreadyInProgress,
    "unavailable": BankIDUnavailable,
    "refused": BankIDError,
}


@dataclass(frozen=True)
class Known:
    """Who reads, as BankID told. number: 12 digits. order: the identification, for the log."""

    number: str
    name: str
    order: str


@dataclass(frozen=True)
class Visit:
    """From where somebody comes. agent: what their browser calls itself."""

    ip: str
    agent: str


class SomebodyElse(RedaError):
    """Who has identified is not who was invited."""

    status = 403

    def __init__(self) -> None:
        super().__init__(N_("These documents are for somebody else."))


def remember(order: BankIDOrder, *, now: datetime) -> str:
    """Who has identified by a completed order, sealed for their browser session."""
    user = orders.completion(order)["user"]
    known = Known(user["personalNumber"], user["name"], order.order_ref)
    until = (now + _KNOWN).astimezone(UTC).isoformat()
    return encrypt(json.dumps({**asdict(known), "until": until}).encode()).decode()


def known(sealed: str | None, *, now: datetime) -> Known | None:
    """Whom `remember` sealed, for as long as that holds."""
    if not sealed:
        return None
    told = json.loads(decrypt(sealed.encode()))
    if datetime.fromisoformat(told.pop("until")) <= now:
        return None
    return Known(**told)


def signed_in(person: Person) -> Known:
    """Somebody who has signed in to the portal, which is done with BankID."""
    return Known(person.identity_number, person.name, "signed in")


def open_link(token: str) -> Item | None:
    """Whose link it is, and to what."""
    with tenancy.service():
        signer = inviting.find(token)
        if signer is None:
            return None
        return Item(db.session.get_one(Envelope, signer.envelope_id), signer)


def waiting_for(number: str) -> list[Item]:
    """What waits for somebody's signature, where the sender has told their identity number."""
    with tenancy.service():
        rows = db.session.execute(
            select(Envelope, Signer)
            .join(Signer, Signer.envelope_id == Envelope.id)
            .where(
                Signer.identity_hash == lookup_hash(number),
                Signer.status == "invited",
                Envelope.status == envelopes.OPEN,
            )
            .order_by(Envelope.last_on, Signer.id)
            .limit(100)
        ).all()
        return [Item(*row) for row in rows]


def is_invited(signer: Signer, who: Known) -> bool:
    """Whether somebody may be the one who was invited: it is them, or anybody with the link.

    A company's payment plan is signed by somebody who may sign for it alone.
    """
    if signer.identity_hash is None:
        envelope = db.session.get_one(Envelope, signer.envelope_id)
        return not plan_signing.is_offer(envelope) or plan_signing.may_sign(
            envelope, who.number, today=clock.today()
        )
    return hmac.compare_digest(signer.identity_hash, lookup_hash(who.number))


def masked(number: str) -> str:
    """An identity number as the log tells it: the day of birth alone."""
    return f"{number[:8]}-****"


def note_opened(item: Item, visit: Visit, *, now: datetime) -> None:
    """A signer's link was opened, for the first time."""
    told = {"ip": visit.ip, "agent": visit.agent[:_LONGEST_AGENT]}
    if item.signer.opened_at is None and _note_once(item, "opened", now=now, **told):
        item.signer.opened_at = now


def admit(item: Item, who: Known, visit: Visit, *, now: datetime) -> None:
    """Let in who has identified, and note it; raises SomebodyElse, which is noted too."""
    told = {
        "person": who.name, "identity_number": masked(who.number), "method": "BankID",
        "order": who.order, "ip": visit.ip, "agent": visit.agent[:_LONGEST_AGENT],
    }  # fmt: skip
    among = ("order", "identity_number")
    if not is_invited(item.signer, who):
        _note_once(item, "identified_other", among=among, actor=who.name, now=now, **told)
        raise SomebodyElse
    if _note_once(item, "identified", among=among, actor=who.name, now=now, **told):
        item.signer.identified_at = now


def note_shown(item: Item, file: EnvelopeFile, page: int, *, now: datetime) -> None:
    """A page of a document was shown to a signer."""
    _note_once(
        item, "page_shown", among=("file", "page"), now=now,
        file=file.key, file_name=file.name, page=page,
    )  # fmt: skip


def note_downloaded(item: Item, file: EnvelopeFile, sha256: str, *, now: datetime) -> None:
    """A file was handed to a signer whole."""
    _note_once(
        item, "downloaded", among=("sha256",), now=now,
        file=file.key, file_name=file.name, sha256=sha256,
    )  # fmt: skip


def _note_once(
    item: Item,
    name: str,
    *,
    among: Sequence[str] = (),
    actor: str | None = None,
    now: datetime,
    **data: str | int,
) -> bool:
    """Record an event unless the signer has it. among: the data that it is known by."""
    same = select(EnvelopeEvent.id).where(
        EnvelopeEvent.envelope_id == item.envelope.id,
        EnvelopeEvent.signer_key == item.signer.key,
        EnvelopeEvent.name == name,
        EnvelopeEvent.data.contains({key: data[key] for key in among}),
    )
    if db.session.scalar(same.limit(1)):
        return False
    events.lock(item.envelope)
    # Somebody else may have noted it meanwhile.
    if db.session.scalar(same.limit(1)):
        return False
    events.record(
        item.envelope, name, actor=f"signer:{actor or item.signer.name}", now=now,
        signer=item.signer, **data,
    )  # fmt: skip
    return True


def pages_shown(item: Item) -> set[tuple[str, int]]:
    """Which pages a signer has been shown: keys of files, and numbers."""
    rows = db.session.scalars(
        select(EnvelopeEvent.data).where(
            EnvelopeEvent.envelope_id == item.envelope.id,
            EnvelopeEvent.signer_key == item.signer.key,
            EnvelopeEvent.name == "page_shown",
        )
    )
    return {(data["file"], data["page"]) for data in rows}


def signature_of(signer: Signer) -> EnvelopeSignature | None:
    """A signer's signature, if they have signed."""
    return db.session.scalar(
        select(EnvelopeSignature).where(EnvelopeSignature.signer_id == signer.id)
    )


def purpose(
    items: Sequence[Item],
    who: Known,
    visit: Visit,
    *,
    language: str,
    token: str,
    now: datetime,
) -> Purpose:
    """What BankID is asked to have signed, by nobody else than who has identified.

    token: of the link that the signer came by. To be called where all the envelopes are seen.
    Raises NotOpen, SomebodyElse, and RedaError when it is too much for one signature, or of several
    companies: the signature goes with each of the documents, and names all.
    """
    if len({item.envelope.creditor_id for item in items}) > 1:
        raise RedaError(N_("Sign what different companies have sent one after the other."))
    for item in items:
        envelopes.require_turn(item.envelope, item.signer)
        if not is_invited(item.signer, who):
            raise SomebodyElse
    visible = signed_text.visible(items, language)
    if len(visible.encode()) > signed_text.LONGEST or len(items) > MOST_TOGETHER:
        raise RedaError(N_("That is too much for one signature. Sign fewer of them together."))
    hidden = signed_text.hidden(items, now)
    subject = {
        "signing": [item.signer.id for item in items],
        "token": token,
        "who": encrypt(json.dumps(asdict(who)).encode()).decode(),
        "agent": visit.agent[:_LONGEST_AGENT],
        "visible": visible,
        "non_visible": hidden.decode(),
    }
    return Purpose("sign", subject, visible=visible, non_visible=hidden, personal_number=who.number)


def _items(signer_ids: Sequence[int]) -> list[Item]:
    """What an order signs, in the order that everybody locks them."""
    signers = db.session.scalars(
        select(Signer).where(Signer.id.in_(signer_ids)).order_by(Signer.envelope_id)
    )
    return [Item(db.session.get_one(Envelope, one.envelope_id), one) for one in signers]


def finish(order: BankIDOrder, *, now: datetime) -> bool:
    """Verify a completed order's signature and store it with each envelope that it is on, once.

    To be called where every tenant is seen; the caller commits also when it raises, for the log
    tells what failed. Answers False when the order cannot be used (again). Raises NotSigned when
    the signature does not count, and NotOpen, or why a plan is not agreed on, when nothing of it
    can be signed any more.
    """
    if not orders.use(order, now=now):
        return False
    who = Known(**json.loads(decrypt(order.subject["who"].encode())))
    items = _items(order.subject["signing"])
    try:
        proof = completed.proven(order, who.number, now=now)
    except NotSigned as error:
        for item in items:
            _note_failed(item, error.check, order.order_ref, now)
        raise
    told = signed_text.read(order.subject["non_visible"].encode())
    signed = {one["envelope"]: one for one in told["envelopes"]}
    # A case is locked before what is signed of it, as whoever works on the case does.
    for case_id in sorted(one.envelope.case_id or 0 for one in items):
        if case_id:
            cases.lock(case_id)
    made = [_sign(item, who, order, proof, signed[item.envelope.key], now) for item in items]
    usage.count(one for one in made if isinstance(one, EnvelopeSignature))
    # What proves it lies with the envelopes; who it was is kept nowhere else.
    order.completion = None
    refused = [one for one in made if isinstance(one, RedaError)]
    if len(refused) == len(made):
        raise refused[0]
    return True


def _sign(
    item: Item,
    who: Known,
    order: BankIDOrder,
    proof: Proof,
    told: dict[str, object],
    now: datetime,
) -> EnvelopeSignature | RedaError:
    envelope, signer = events.lock(item.envelope), item.signer
    db.session.refresh(signer)
    is_turn = envelope.status == envelopes.OPEN and signer.status == "invited"
    is_same = (envelope.version, envelope.manifest_sha256) == (
        told["version"], told["manifest_sha256"],
    )  # fmt: skip
    if not (is_turn and is_same and is_invited(signer, who)):
        _note_failed(item, "not open", order.order_ref, now)
        return envelopes.NotOpen()
    if plan_signing.is_offer(envelope):
        try:
            plan_signing.settle(envelope, now=now)
        except RedaError as error:
            _note_failed(item, "plan changed", order.order_ref, now)
            plan_signing.give_up(envelope, now=now)
            return error
    return store(item, who.number, order, proof, now=now)


def store(
    item: Item, number: str, order: BankIDOrder, proof: Proof, *, now: datetime
) -> EnvelopeSignature:
    """Keep a signature that counts with its open envelope, which the caller has locked.

    number: of who signed, 12 digits.
    """
    envelope, signer = item.envelope, item.signer
    signature = EnvelopeSignature(
        creditor_id=envelope.creditor_id,
        envelope_id=envelope.id,
        signer_id=signer.id,
        order_ref=order.order_ref,
        name=proof.name,
        identity_number=number,
        xml_sha256=files.store(proof.xml),
        ocsp_sha256=files.store(proof.ocsp),
        started_ip=order.end_user_ip,
        device_ip=proof.device_ip,
        device=order.subject.get("agent", ""),
        signed_at=proof.signed_at,
        verified_at=now,
    )
    db.session.add(signature)
    signer.identity_number, signer.identity_hash = number, lookup_hash(number)
    events.record(
        envelope, "signed", actor=f"signer:{proof.name}", now=now, signer=signer,
        person=proof.name, identity_number=masked(number), role=signer.role,
        for_company=signer.for_company, order=order.order_ref,
        xml_sha256=signature.xml_sha256, ocsp_sha256=signature.ocsp_sha256,
        started_ip=signature.started_ip, device_ip=signature.device_ip or "",
        signed_at=proof.signed_at.astimezone(UTC).isoformat(),
    )  # fmt: skip
    if envelopes.note_signed(envelope, signer, now=now):
        queue.defer(_SEAL, once=_SEAL)
    else:
        noting.note("signed", envelope, now=now, who=signer.name)
    return signature


def note_failed(order: BankIDOrder, *, now: datetime) -> None:
    """An order failed, which the log of each envelope tells once, with BankID's reason.

    To be called where every tenant is seen.
    """
    for item in _items(order.subject["signing"]):
        _note_failed(item, order.hint_code or "unknown", order.order_ref, now, what="order")


def note_refused(purpose: Purpose, error: BankIDError, *, now: datetime) -> None:
    """BankID did not start an order. To be called where every tenant is seen."""
    reason = next((name for name, kind in _REFUSED.items() if type(error) is kind), "refused")
    for item in _items(purpose.subject["signing"]):
        events.lock(item.envelope)
        events.record(
            item.envelope, "sign_failed", actor=f"signer:{item.signer.name}", now=now,
            signer=item.signer, reason=reason, order="", what="start",
        )  # fmt: skip


def _note_failed(
    item: Item, reason: str, order: str, now: datetime, what: str = "signature"
) -> None:
    """what: whether the order failed, or the signature that it gave."""
    _note_once(
        item, "sign_failed", among=("order",), now=now, reason=reason, order=order, what=what
    )


def last_failure(item: Item) -> Problem | None:
    """Why a signer's last attempt to sign failed, if they have not come anew since."""
    last = db.session.execute(
        select(EnvelopeEvent.name, EnvelopeEvent.data)
        .where(
            EnvelopeEvent.envelope_id == item.envelope.id,
            EnvelopeEvent.signer_key == item.signer.key,
            EnvelopeEvent.name.in_(("sign_failed", "identified", "signed")),
        )
        .order_by(EnvelopeEvent.number.desc())
        .limit(1)
    ).first()
    if last is None or last.name != "sign_failed":
        return None
    reason = last.data["reason"]
    if reason in _REFUSED:
        return _REFUSED[reason]().problem
    if last.data.get("what") == "order":
        return message_for("failed", reason)
    return Problem(completed.NOT_VERIFIED)

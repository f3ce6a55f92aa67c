"""Four eyes: what one administrator proposes is done when another approves it with BankID.

Whoever has an act that needs this registers it (`register`): what it says, the facts that it rests
on, and how it is done. What is approved is the text that was fixed when it was proposed; when the
facts have changed since, it is not done, and both are told to look again. Nobody approves their own
proposal; the database holds that too.
"""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import Select, select

from portal import clock
from portal.collection import history
from portal.companies import members
from portal.database import files, tenancy
from portal.delivery import letters
from portal.extensions import db, settings
from portal.identity import orders
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.identity.orders import Purpose
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.signing import completed, envelopes, service_documents, signed_text
from portal.signing.completed import NotSigned, Proof
from portal.signing.envelopes import NewFile
from portal.signing.models import Approval

KIND = "approval"
VALID = timedelta(days=14)
LONGEST_REASON = 500
WAITING, APPROVED, REFUSED = "waiting", "approved", "refused"
WITHDRAWN, EXPIRED, OVERTAKEN = "withdrawn", "expired", "overtaken"

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Act:
    """A kind of act that needs a second administrator.

    lines: what it says in Swedish, for a company and the act's values; the first is its heading.
    basis: the facts that it rests on, as JSON. perform: does it, given the company, the values,
    the actor and now; raises RedaError when it cannot be done.
    """

    lines: Callable[[int, Values], Sequence[str]]
    basis: Callable[[int, Values], object]
    perform: Callable[[int, Values, Actor, datetime], None]


_ACTS: dict[str, Act] = {}


def register(kind: str, act: Act) -> None:
    """Let a kind of act be proposed. kind: such as `account.add`."""
    _ACTS[kind] = act


def propose(
    creditor_id: int, kind: str, values: Values, *, actor: Actor, now: datetime
) -> Approval:
    """Propose an act, to be approved by another administrator within fourteen days.

    values: JSON values of the act. Raises RedaError when the same waits already, and
    members.NotAllowed when the actor is no administrator.
    """
    members.require_administrator(members.locked(creditor_id), actor, clock.day_of(now))
    same = select(Approval.id).where(
        Approval.creditor_id == creditor_id,
        Approval.kind == kind,
        Approval.values == dict(values),
        Approval.status == WAITING,
    )
    expire(now)
    if db.session.scalar(same.limit(1)):
        raise RedaError(N_("The same is proposed already, and waits for another administrator."))
    text = _text(creditor_id, kind, values, actor, now)
    approval = Approval(
        key=new_key(12),
        creditor_id=creditor_id,
        kind=kind,
        values=dict(values),
        basis_sha256=_basis(creditor_id, kind, values),
        text=text,
        text_sha256=_sha256(text),
        proposed_by=actor.person_id,
        proposer_name=actor.name,
        proposed_at=now,
        expires_at=now + VALID,
        status=WAITING,
    )
    db.session.add(approval)
    _tell("approval.proposed", approval, actor, now)
    db.session.flush()
    return approval


def _text(creditor_id: int, kind: str, values: Values, actor: Actor, now: datetime) -> str:
    creditor = db.session.get_one(Creditor, creditor_id)
    heading, *lines = _ACTS[kind].lines(creditor_id, values)
    local = now.astimezone(clock.STOCKHOLM)
    return "\n".join(
        (
            f"# {heading}",
            "",
            f"+ Företag: {_plain(creditor.name)}",
            *(f"+ {_plain(line)}" for line in lines),
            f"+ Föreslaget av: {_plain(actor.name)}, {local:%Y-%m-%d %H:%M}",
        )
    )


def _plain(text: str) -> str:
    """A text on one line, without what simpleMarkdown would read as its own."""
    return " ".join(text.translate(str.maketrans("*_#+|", "     ")).split())


def _basis(creditor_id: int, kind: str, values: Values) -> str:
    facts = _ACTS[kind].basis(creditor_id, values)
    return _sha256(json.dumps(facts, sort_keys=True, default=str))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def of_company(creditor_id: int, *, limit: int = 50) -> list[Approval]:
    """What was proposed at a company, what waits first and then the newest."""
    return list(
        db.session.scalars(
            select(Approval)
            .where(Approval.creditor_id == creditor_id)
            .order_by((Approval.status == WAITING).desc(), Approval.id.desc())
            .limit(limit)
        )
    )


def waiting(creditor_id: int, *kinds: str) -> list[Approval]:
    """What waits for a second administrator. kinds: how their names begin; any when none."""
    found = of_company(creditor_id)
    return [
        one for one in found if one.status == WAITING and (not kinds or one.kind.startswith(kinds))
    ]


def find(key: str) -> Approval | None:
    """A proposal by its name in addresses, if it may be seen."""
    return db.session.scalar(select(Approval).where(Approval.key == key))


def is_open(approval: Approval, now: datetime) -> bool:
    """Whether it can still be approved."""
    return approval.status == WAITING and now < approval.expires_at


def purpose(approval: Approval, person: Person, *, now: datetime) -> Purpose:
    """What BankID is asked to have signed: the text as it was proposed, and by whom.

    Raises RedaError when this person cannot approve it, or nobody can any more.
    """
    _require_may_decide(approval, person, now)
    company = db.session.get_one(Creditor, approval.creditor_id)
    item = service_documents.prepare(
        approval.creditor_id,
        KIND,
        _file(approval, person),
        title=approval.text.splitlines()[0].removeprefix("# "),
        person=person,
        role=envelopes.APPROVES,
        for_company=company.name,
        now=now,
    )
    sha256 = envelopes.files_of(item.envelope)[0].sha256
    visible = "\n".join(
        (
            approval.text,
            "",
            f"Jag, {_plain(person.name)}, godkänner detta för företaget.",
            "",
            "## Filens SHA-256",
            signed_text.in_fours(sha256),
        )
    )
    hidden = {
        "approval": approval.key,
        "kind": approval.kind,
        "values": approval.values,
        "text_sha256": approval.text_sha256,
        "basis_sha256": approval.basis_sha256,
    }
    subject = {"approval": approval.key, "company": company.key, "person_id": person.id}
    return service_documents.purpose(item, visible, hidden, subject, now=now)


def _file(approval: Approval, person: Person) -> NewFile:
    heading, _, *lines = approval.text.splitlines()
    pdf = letters.render_approval(
        {
            "heading": heading.removeprefix("# "),
            "lines": [line.removeprefix("+ ").partition(": ")[::2] for line in lines],
            "key": approval.key,
            "approver": person.name,
            "made_on": clock.day_of(approval.proposed_at).isoformat(),
        },
        settings=settings(),
    )
    pages = len(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"])
    return NewFile("Godkännande.pdf", pdf, "application/pdf", pages)


def sealed_sha256(approval: Approval) -> str | None:
    """Of the sealed PDF of what was approved, once it is sealed; older approvals have none."""
    evidence = approval.evidence or {}
    if "file_sha256" not in evidence:
        return None
    return service_documents.sealed(approval.creditor_id, KIND, evidence["file_sha256"])


def _require_may_decide(approval: Approval, person: Person, now: datetime) -> None:
    if not is_open(approval, now):
        raise RedaError(N_("This is decided already, or too old. Propose it again."))
    members.require_administrator(
        members.locked(approval.creditor_id), _actor(person), clock.day_of(now)
    )
    # A person is known by the identity number, so that one number is one person.
    if person.id == approval.proposed_by:
        raise RedaError(
            N_("You have proposed this yourself. Another administrator must approve it.")
        )


def _actor(person: Person) -> Actor:
    return Actor("person", person.name, person.id, "creditor")


def finish(order: BankIDOrder, *, now: datetime) -> Approval | None:
    """Verify a completed order's signature, do what it approves, and store its proof, once.

    Answers None when the order cannot be used (again), and the approval as it is when it was
    decided before. Raises NotSigned when the signature does not count, and RedaError when the
    person may not approve it or the facts have changed, which ends it.
    """
    if not orders.use(order, now=now):
        return None
    approval = _locked(order.subject["approval"])
    if approval.status != WAITING:
        return approval
    if _expire_one(approval, now):
        raise NotSigned(N_("This is too old to be approved. Propose it again."))
    with tenancy.service():
        person = db.session.get_one(Person, order.subject["person_id"])
    _require_may_decide(approval, person, now)
    proof = completed.proven(order, person.identity_number, now=now)
    if approval.text_sha256 != _sha256(approval.text):
        raise NotSigned(N_("What was proposed is not what it was. Propose it again."))
    _perform(approval, person, now)
    _store(approval, person, order, proof, now)
    service_documents.sign(order, person.identity_number, proof, now=now)
    order.completion = None
    return approval


def _perform(approval: Approval, person: Person, now: datetime) -> None:
    actor = _actor(person)
    try:
        if _basis(approval.creditor_id, approval.kind, approval.values) != approval.basis_sha256:
            raise RedaError(
                N_(
                    "Something that this rests on was changed after it was proposed, so it was not"
                    " done. Look at how it is now, and propose it again."
                )
            )
        with db.session.begin_nested():
            _ACTS[approval.kind].perform(approval.creditor_id, approval.values, actor, now)
    except RedaError:
        _decide(approval, OVERTAKEN, actor, "", now)
        raise


def _store(
    approval: Approval, person: Person, order: BankIDOrder, proof: Proof, now: datetime
) -> None:
    envelope = envelopes.find(order.subject.get("envelope", ""))
    approval.evidence = {
        "order_ref": order.order_ref,
        "xml_sha256": files.store(proof.xml),
        "ocsp_sha256": files.store(proof.ocsp),
        "visible_sha256": _sha256(order.subject["visible"]),
        "non_visible_sha256": _sha256(order.subject["non_visible"]),
        "started_ip": order.end_user_ip,
        "device_ip": proof.device_ip,
        "signed_at": proof.signed_at.isoformat(),
        # An order that was begun before there were envelopes of this kind has none.
        **({"file_sha256": envelopes.files_of(envelope)[0].sha256} if envelope else {}),
    }
    _decide(approval, APPROVED, _actor(person), "", now)


def refuse(key: str, reason: str, *, actor: Actor, now: datetime) -> Approval:
    """Turn a proposal down, with a reason; whoever proposed it takes it back instead.

    Turning down what is decided already changes nothing. Raises RedaError at the field `reason`
    when another administrator gives none, and members.NotAllowed.
    """
    approval = _locked(key)
    members.require_administrator(members.locked(approval.creditor_id), actor, clock.day_of(now))
    if approval.status != WAITING or _expire_one(approval, now):
        return approval
    told = " ".join(reason.split())[:LONGEST_REASON]
    is_own = actor.person_id == approval.proposed_by
    if not told and not is_own:
        raise RedaError(N_("Write why, so that the other one knows."), field="reason")
    _decide(approval, WITHDRAWN if is_own else REFUSED, actor, told, now)
    return approval


def _locked(key: str) -> Approval:
    return db.session.scalars(
        select(Approval)
        .where(Approval.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _decide(approval: Approval, status: str, actor: Actor, reason: str, now: datetime) -> None:
    approval.status, approval.decided_at, approval.reason = status, now, reason
    approval.decided_by, approval.decider_name = actor.person_id, actor.name
    _tell(f"approval.{status}", approval, actor, now)
    db.session.flush()


def expire(now: datetime) -> int:
    """Let what nobody has approved in time end; answers how many."""
    old = db.session.scalars(
        select(Approval)
        .where(Approval.status == WAITING, Approval.expires_at <= now)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_expire_one(one, now) for one in old)


def _expire_one(approval: Approval, now: datetime) -> bool:
    if now < approval.expires_at:
        return False
    approval.status, approval.decided_at = EXPIRED, now
    _tell("approval.expired", approval, Actor("system"), now)
    db.session.flush()
    return True


def waiting_for_sql(creditor_id: int, person_id: int) -> Select[datetime]:
    """When each proposal was made that a person may approve, the oldest first."""
    return (
        select(Approval.proposed_at)
        .where(
            Approval.creditor_id == creditor_id,
            Approval.status == WAITING,
            Approval.proposed_by != person_id,
        )
        .order_by(Approval.proposed_at)
    )


def _tell(event: str, approval: Approval, actor: Actor, now: datetime) -> None:
    history.record(
        event,
        creditor_id=approval.creditor_id,
        actor=actor,
        now=now,
        approval=approval.key,
        kind=approval.kind,
        values=dict(approval.values),
        text_sha256=approval.text_sha256,
        proposer=approval.proposer_name,
        reason=approval.reason or "",
    )

"""Payment plans that hold only once the debtor has signed them: offered, signed, agreed on.

Which plans the creditor's rules say (`plan_offers.must_be_signed`). The plan lies in an envelope of
its own, and its terms in the envelope's log. It is agreed on in the transaction in which the
signature counts; when what is owed has changed since, the signature does not count. Until then the
case goes on as it is.
"""

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select

from portal import clock
from portal.collection import cases, circumstances, entry_messages, plans, states
from portal.collection.plan_offers import Proposal
from portal.database import tenancy
from portal.delivery import letters
from portal.extensions import db, settings
from portal.identity import signatories
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.law.channels import EMAIL, SMS
from portal.messages import N_, RedaError
from portal.signing import envelopes, events, inviting
from portal.signing.envelopes import Invited, NewFile
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeFile, EnvelopeSignature
from portal.sources import values

KIND = "payment_plan"
# So long an offer stands, and never longer than to its first payment.
STANDS = timedelta(days=3)
_OF_AGE = 18
_ACTED_FOR = {states.MINOR, states.REPRESENTED}
_OFFERED = "plan_offered"


class CannotSign(RedaError):
    """Nobody can sign a plan for this debtor alone; what may be agreed on a person must look at."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("A payment plan must be asked for. Write to us, and we answer."))


def pending(case_id: int, today: date) -> Envelope | None:
    """The plan of a case that waits for the debtor's signature."""
    with tenancy.service():
        return db.session.scalar(
            select(Envelope).where(
                Envelope.case_id == case_id,
                Envelope.kind == KIND,
                Envelope.status == envelopes.OPEN,
                Envelope.last_on >= today,
                Envelope.id.in_(
                    select(EnvelopeEvent.envelope_id).where(EnvelopeEvent.name == _OFFERED)
                ),
            )
        )


def of_case(case_id: int) -> list[Envelope]:
    """The plans of a case that were sent to be signed, however that ended, the oldest first."""
    return list(
        db.session.scalars(
            select(Envelope)
            .where(
                Envelope.case_id == case_id, Envelope.kind == KIND, Envelope.sent_at.is_not(None)
            )
            .order_by(Envelope.id)
        )
    )  # fmt: skip


def sealed_for(envelope: Envelope, number: str | None) -> list[EnvelopeFile]:
    """The sealed files of a plan that one person has signed, and nobody else.

    number: the person's, 12 digits. The evidence in them tells each signer's number and network
    address.
    """
    told = select(EnvelopeSignature).where(EnvelopeSignature.envelope_id == envelope.id)
    if {one.identity_number for one in db.session.scalars(told)} != {number}:
        return []
    return [one for one in envelopes.files_of(envelope) if one.sealed_sha256]


def is_offer(envelope: Envelope) -> bool:
    """Whether a plan is agreed on when this is signed: it was offered, and not written by hand."""
    return envelope.kind == KIND and _terms(envelope) is not None


def address(envelope: Envelope) -> str:
    """The token of the page on which a plan is signed, for the debtor who has opened the case."""
    with tenancy.service():
        return inviting.token(envelopes.signers_of(envelope)[0])


def stands_until(first_on: date, today: date) -> date:
    """The last day to sign a plan that is offered today. first_on: its first payment's last day."""
    return min(today + STANDS, first_on)


def require_able(case: Any, today: date) -> None:
    """Raises CannotSign when the debtor is not known, is a child, or somebody acts for them.

    What was told, and was found not to be so or to be so no more, hinders nothing.
    """
    number = case.debtor.identity_number or ""
    if case.debtor.kind == "company":
        is_able = len(number) == 10
    else:
        born_on = values.born_on(number)
        is_able = born_on is not None and _age(born_on, today) >= _OF_AGE
    if not is_able or circumstances.known_of(case.debtor) & _ACTED_FOR:
        raise CannotSign


def _age(born_on: date, today: date) -> int:
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def offer(
    case: Any,
    *,
    monthly_ore: int,
    first_on: date,
    actor: Actor,
    today: date,
    now: datetime,
    day: int | None = None,
    seen: str | None = None,
) -> Envelope:
    """Send a plan to the debtor to be signed within three days, in place of one that waits already.

    case: locked. Values as `plans.agree` takes them; raises as it does, and CannotSign. The same
    plan again changes nothing.
    """
    proposal = plans.check(
        case, monthly_ore=monthly_ore, first_on=first_on, actor=actor, today=today, day=day,
        seen=seen,
    )  # fmt: skip
    require_able(case, today)
    terms: dict[str, str | int] = {
        "monthly_ore": monthly_ore,
        "first_on": first_on.isoformat(),
        "day": day or first_on.day,
        "shown_on": today.isoformat(),
        "seen": proposal.seen,
        "total_ore": proposal.total_ore,
        "by": actor.kind,
        "by_name": actor.name,
        "by_id": actor.person_id or 0,
        "by_role": actor.role,
    }
    until_on = stands_until(first_on, today)
    # A debtor sees no drafts, and nothing of what the company's people are told.
    with tenancy.service():
        before = pending(case.id, today)
        if before is not None:
            if _terms(before) == terms:
                return before
            envelopes.withdraw(before, "", actor=actor, now=now)
        envelope = _envelope(case, proposal, terms, until_on, actor=actor, today=today, now=now)
        plans.note_offer(case, proposal, until_on=until_on, actor=actor, now=now)
    return envelope


def offer_from_desk(case: Any, **terms: Any) -> Envelope:
    """The same for somebody of the company's, who cannot see the debtor.

    Raises RedaError that tells why the debtor cannot sign.
    """
    debtor = case.debtor
    try:
        require_able(case, terms["today"])
    except CannotSign as error:
        raise RedaError(
            N_("A plan as large as this is signed by the debtor with BankID, and this one cannot:"
               " the identity number is missing, the debtor is a child, or somebody acts for"
               " them. Agree on a smaller plan, or give more time.")
        ) from error  # fmt: skip
    if not any(entry_messages.address(debtor, way) for way in (EMAIL, SMS)):
        raise RedaError(
            N_("There is no e-mail address and no mobile number to send the plan to for signing.")
        )
    return offer(case, **terms)


def _envelope(
    case: Any,
    proposal: Proposal,
    terms: Mapping[str, Any],
    until_on: date,
    *,
    actor: Actor,
    today: date,
    now: datetime,
) -> Envelope:
    sender = Actor(actor.kind, actor.name or settings().service_name, actor.person_id, actor.role)
    envelope = envelopes.draft(
        case.creditor_id,
        title=f"Överenskommelse om betalning, faktura {case.invoice.number}"[
            : envelopes.LONGEST_TITLE
        ],
        last_on=until_on,
        actor=sender,
        sender_email=None,
        now=now,
        kind=KIND,
        case_id=case.id,
    )
    pdf = letters.render_plan_agreement(
        _content(case, proposal, today), language=case.debtor.reads, settings=settings()
    )
    pages = len(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"])
    envelopes.add_file(envelope, NewFile("Avbetalningsplan.pdf", pdf, "application/pdf", pages))
    envelopes.add_signer(envelope, _signer(case))
    events.record(envelope, _OFFERED, actor=sender.label, now=now, **terms)
    envelopes.send(envelope, actor=sender, today=today, now=now)
    return envelope


def _signer(case: Any) -> Invited:
    debtor = case.debtor
    is_company = debtor.kind == "company"
    return Invited(
        debtor.name,
        email=entry_messages.address(debtor, EMAIL),
        phone=entry_messages.address(debtor, SMS),
        identity_number=None if is_company else debtor.identity_number,
        for_company=debtor.name if is_company else "",
        language=debtor.reads,
        needs_address=False,
    )


def _content(case: Any, proposal: Proposal, today: date) -> dict[str, Any]:
    until_on = proposal.interest_through_on
    return {
        "reference": case.reference,
        "currency": case.currency,
        "made_on": today.isoformat(),
        "creditor": {
            "name": case.creditor.name,
            "organisation_number": case.creditor.organisation_number,
        },
        "debtor": {"name": case.debtor.name, "number": case.debtor.identity_number},
        "invoice_number": case.invoice.number,
        "parts": [
            {"due_on": one.due_on.isoformat(), "ore": one.amount_ore} for one in proposal.parts
        ],
        "owed_ore": proposal.owed_ore,
        "fee_ore": proposal.fee_ore,
        "interest_ore": proposal.more_interest_ore,
        "total_ore": proposal.total_ore,
        "known_until": None if proposal.is_interest_known else until_on.isoformat(),
    }


def _terms(envelope: Envelope) -> Mapping[str, Any] | None:
    return db.session.scalar(
        select(EnvelopeEvent.data).where(
            EnvelopeEvent.envelope_id == envelope.id, EnvelopeEvent.name == _OFFERED
        )
    )


def may_sign(envelope: Envelope, number: str, *, today: date) -> bool:
    """Whether somebody may sign a company's plan: alone for the company, by the register.

    number: 12 digits.
    """
    with tenancy.service():
        case = cases.get(envelope.case_id) if envelope.case_id else None
        if case is None:
            return False
        told = case.debtor.identity_number
    return told in signatories.register().companies_of(number, today)


def settle(envelope: Envelope, *, now: datetime) -> None:
    """Agree on the plan that is being signed, in the same transaction.

    The case is locked before the envelope. Raises RedaError, with nothing done, when it is not
    agreed on: PlanChanged when what is owed has changed since it was offered.
    """
    terms, case_id = _terms(envelope), envelope.case_id
    if terms is None or case_id is None:
        raise CannotSign
    case, today = cases.lock(case_id), clock.day_of(now)
    with db.session.begin_nested():
        require_able(case, today)
        plans.agree(
            case,
            monthly_ore=terms["monthly_ore"],
            first_on=date.fromisoformat(terms["first_on"]),
            day=terms["day"],
            seen=terms["seen"],
            shown_on=date.fromisoformat(terms["shown_on"]),
            actor=_by(terms),
            is_signed=True,
            today=today,
            now=now,
        )


def _by(terms: Mapping[str, Any]) -> Actor:
    if terms["by"] == DEBTOR.kind:
        return DEBTOR
    return Actor(terms["by"], terms["by_name"], terms["by_id"] or None, terms["by_role"])


def give_up(envelope: Envelope, *, now: datetime) -> None:
    """A plan that could not be agreed on when it was signed is not signed any more; both are told.

    To be called with the envelope locked.
    """
    if envelope.status == envelopes.OPEN:
        envelopes.overtake(envelope, actor=SYSTEM, now=now)

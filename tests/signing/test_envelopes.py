"""How an envelope goes from a draft to its end."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor
from portal.messages import RedaError
from portal.signing import envelopes, events, inviting
from portal.signing.models import Envelope, EnvelopeEvent, Signer
from tests.factories import NOW, TODAY, a_creditor
from tests.signing.envelopes import SENDER, a_draft, a_file, an_envelope, invited

LATER = NOW + timedelta(days=2)


def names(envelope: Envelope) -> list[str]:
    return [one.name for one in events.of(envelope)]


def mails() -> list[tuple[str, str | None]]:
    rows = db.session.execute(select(Message.kind, Message.address).order_by(Message.id))
    return [(row.kind, row.address) for row in rows]


def statuses(envelope: Envelope) -> list[str]:
    return [one.status for one in envelopes.signers_of(envelope)]


def two_in_order(creditor: Creditor) -> Envelope:
    return an_envelope(creditor, in_order=True, signers=(invited("Eva"), invited("Johan", step=2)))


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def test_an_envelope_that_is_sent_invites_everybody_at_once(creditor: Creditor) -> None:
    an_envelope(creditor, signers=("Eva", "Johan"))
    assert mails() == [
        ("sign_invitation", "eva@signer.example"),
        ("sign_invitation", "johan@signer.example"),
    ]


def test_in_order_only_the_first_step_is_invited(creditor: Creditor) -> None:
    assert statuses(two_in_order(creditor)) == ["invited", "waiting"]


def test_when_the_first_has_signed_the_next_is_invited(creditor: Creditor) -> None:
    envelope = two_in_order(creditor)
    envelopes.note_signed(envelope, envelopes.signers_of(envelope)[0], now=NOW)
    assert statuses(envelope) == ["signed", "invited"]


def test_it_is_completed_when_everybody_has_signed(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    assert envelopes.note_signed(envelope, envelopes.signers_of(envelope)[0], now=NOW)
    assert envelope.status == envelopes.COMPLETED


def test_who_gets_a_copy_is_not_waited_for(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, signers=(invited("Eva"), invited("Kim", role="copy")))
    assert envelopes.note_signed(envelope, envelopes.signers_of(envelope)[0], now=NOW)


def test_sending_twice_sends_once(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    envelopes.send(envelope, actor=SENDER, today=TODAY, now=LATER)
    assert names(envelope) == ["created", "sent", "invited"]


def test_what_was_sent_is_not_changed(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    with pytest.raises(envelopes.NotADraft):
        envelopes.add_file(envelope, a_file())


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("title", {"title": " "}),
        ("last_on", {"last_on": TODAY - timedelta(days=1)}),
        ("last_on", {"last_on": TODAY + timedelta(days=366)}),
    ],
)
def test_what_is_missing_is_told_at_its_field(
    creditor: Creditor, field: str, values: dict[str, object]
) -> None:
    envelope = a_draft(creditor)
    envelopes.change(envelope, **values)
    with pytest.raises(RedaError) as refused:
        envelopes.send(envelope, actor=SENDER, today=TODAY, now=NOW)
    assert refused.value.problem.field == field


def test_it_is_not_sent_without_a_document(creditor: Creditor) -> None:
    with pytest.raises(RedaError) as refused:
        an_envelope(creditor, files=())
    assert refused.value.problem.field == "files"


def test_it_is_not_sent_to_nobody_who_signs(creditor: Creditor) -> None:
    with pytest.raises(RedaError) as refused:
        an_envelope(creditor, signers=(invited("Kim", role="copy"),))
    assert refused.value.problem.field == "signers"


def test_files_are_put_in_another_order(creditor: Creditor) -> None:
    envelope = a_draft(creditor, files=(a_file("a.pdf"), a_file("b.pdf")))
    first, second = envelopes.files_of(envelope)
    envelopes.arrange_files(envelope, [second.key, first.key])
    assert [one.name for one in envelopes.files_of(envelope)] == ["b.pdf", "a.pdf"]


def test_declining_ends_it_and_tells_why(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    envelopes.decline(envelope, envelopes.signers_of(envelope)[0], "  Fel\nbelopp ", now=NOW)
    assert (envelope.status, events.of(envelope)[-1].data) == ("declined", {"reason": "Fel belopp"})


def test_declining_needs_a_reason(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    with pytest.raises(RedaError) as refused:
        envelopes.decline(envelope, envelopes.signers_of(envelope)[0], " ", now=NOW)
    assert refused.value.problem.field == "reason"


def test_whom_it_is_handed_to_signs_instead(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, signers=(invited("Eva", may_hand_over=True), "Johan"))
    eva = envelopes.signers_of(envelope)[0]
    envelopes.hand_over(envelope, eva, invited("Sofia"), now=NOW)
    assert statuses(envelope) == ["handed_over", "invited", "invited"]


def test_it_is_not_handed_over_unless_the_sender_allowed_it(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    with pytest.raises(RedaError):
        envelopes.hand_over(envelope, envelopes.signers_of(envelope)[0], invited("S"), now=NOW)


def test_what_is_withdrawn_cannot_be_declined(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    envelopes.withdraw(envelope, "", actor=SENDER, now=NOW)
    with pytest.raises(envelopes.NotOpen):
        envelopes.decline(envelope, envelopes.signers_of(envelope)[0], "nej", now=NOW)


def test_it_expires_on_the_day_after_its_last(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, last_on=TODAY)
    ended = [envelopes.expire(today=TODAY + timedelta(days=days), now=LATER) for days in (0, 1, 2)]
    assert (ended, envelope.status) == ([0, 1, 0], "expired")


def test_what_expired_is_open_again_when_it_is_given_more_time(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, last_on=TODAY)
    envelopes.expire(today=TODAY + timedelta(days=1), now=LATER)
    more = TODAY + timedelta(days=9)
    envelopes.extend(envelope, more, actor=SENDER, today=TODAY + timedelta(days=1), now=LATER)
    assert (envelope.status, envelope.last_on) == ("open", more)


def test_a_corrected_address_has_another_link(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    eva = envelopes.signers_of(envelope)[0]
    old = inviting.token(eva)
    envelopes.correct(
        envelope, eva, email="eva.berg@signer.example", phone=None, actor=SENDER, now=NOW
    )
    assert (inviting.find(old), inviting.find(inviting.token(eva))) == (None, eva)


def test_nobody_is_reminded_twice_a_day(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    eva = envelopes.signers_of(envelope)[0]
    sent = [envelopes.remind(envelope, eva, actor=SENDER, now=at) for at in (NOW, LATER, LATER)]
    assert sent == [False, True, False]


def test_a_log_verifies_away_from_the_database(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, signers=("Eva", "Johan"))
    assert len(events.verify(events.log_of(envelope))) == 4


@pytest.mark.parametrize("field", ["number", "event", "at", "actor", "signer", "data", "envelope"])
def test_an_event_that_was_changed_is_found(creditor: Creditor, field: str) -> None:
    log = events.log_of(an_envelope(creditor))
    log[1][field] = {"a": 1} if field == "data" else "x"
    with pytest.raises(events.ChainBroken) as broken:
        events.verify(log)
    assert broken.value.number == 2


def test_an_event_that_was_taken_away_is_found(creditor: Creditor) -> None:
    log = events.log_of(an_envelope(creditor))
    with pytest.raises(events.ChainBroken):
        events.verify([log[0], *log[2:]])


@pytest.mark.parametrize("statement", ["update envelope_events set name = 'x'",
                                       "delete from envelope_events"])  # fmt: skip
def test_the_database_lets_no_event_be_changed(creditor: Creditor, statement: str) -> None:
    an_envelope(creditor)
    with pytest.raises(Exception, match=r"permission denied|never removed"):
        db.session.execute(text(statement))


def test_a_signer_sees_their_own_envelope_alone(creditor: Creditor) -> None:
    envelope, _ = an_envelope(creditor), an_envelope(creditor)
    with tenancy.envelopes([envelope.id]):
        seen = [
            set(db.session.scalars(select(Envelope.id))),
            set(db.session.scalars(select(Signer.envelope_id))),
            set(db.session.scalars(select(EnvelopeEvent.envelope_id))),
        ]
    assert seen == [{envelope.id}] * 3

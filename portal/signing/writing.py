"""A document is written from a template: its fields asked for and filled in, and a draft made.

What is shown beforehand is what is made: both are `laid_out` of the same template and values.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from markupsafe import Markup
from sqlalchemy import func, select

from portal.collection import notices
from portal.collection.file_types import tidy_name
from portal.config import Settings
from portal.delivery.letters import count_pages, render_written
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.locales import LANGUAGES, is_offered
from portal.messages import N_, RedaError
from portal.signing import drafts, envelopes, markup, merging, templates
from portal.signing.merging import Subject
from portal.signing.models import Envelope, EnvelopeFile
from portal.signing.pdfs import PDF
from portal.signing.templates import Content, Field, Template

LONGEST_TEXT, LONGEST_LONG = 300, 4_000
_KINDS = {
    **dict.fromkeys(("case.invoice_on", "case.due_on"), templates.DATE),
    **dict.fromkeys(
        ("case.principal", "case.interest", "case.fees", "case.amount_owed"), templates.AMOUNT
    ),
}
# More than so many sheets nobody reads on a telephone before they sign.
MOST_PAGES = 100


@dataclass(frozen=True)
class Writing:
    """A document as it is being written. known: what fields say that are not asked for."""

    template: Template
    subject: Subject | None
    known: Mapping[str, str]

    @property
    def content(self) -> Content:
        """What the template says."""
        return self.template.content

    def asked(self) -> list[Field]:
        """The fields to be filled in: the template's own, and others that nothing is known for."""
        used = dict.fromkeys(self.content.used())
        own = [one for one in self.content.fields if one.name in used]
        unknown = [
            Field(name, merging.FIELDS[name], _KINDS.get(name, templates.TEXT), is_required=True)
            for name in used
            if name in merging.FIELDS and name not in self.known
        ]
        return own + unknown

    def filled(self, answers: Mapping[str, str | date | int | None]) -> dict[str, str]:
        """What stands in each field. answers: texts, dates and öre, by the names of fields.

        Raises RedaError at the name of the field that is wrong.
        """
        asked = {one.name: self._said(one, answers.get(one.name)) for one in self.asked()}
        return {**self.known, **asked}

    def _said(self, field: Field, answer: str | date | int | None) -> str:
        language = self.content.language
        if isinstance(answer, date):
            return merging.day(answer, language)
        if isinstance(answer, int):
            currency = self.subject.currency if self.subject else "SEK"
            return merging.money(answer, language, currency)
        said = markup.tidy(answer or "").strip()
        if field.kind != templates.LONG:
            said = " ".join(said.split())
        if field.is_required and not said:
            raise RedaError(N_("Fill this in."), field=field.name)
        most = LONGEST_LONG if field.kind == templates.LONG else LONGEST_TEXT
        if len(said) > most:
            raise RedaError(
                N_("This has %(count)s characters; at most %(most)s fit. Shorten it."),
                field=field.name, count=len(said), most=most,
            )  # fmt: skip
        if not markup.is_visible(said):
            raise RedaError(
                N_("It holds characters that cannot be seen. Type it again."), field=field.name
            )
        if field.kind == templates.CHOICE and said and said not in field.choices:
            raise RedaError(N_("Choose one of the options."), field=field.name)
        return said


def begin(
    creditor_id: int,
    template: Template,
    subject: Subject | None,
    *,
    sender: str,
    today: date,
    settings: Settings,
) -> Writing:
    """A document to be written. sender: the name of who writes it."""
    known = merging.of_company(
        creditor_id, sender=sender, today=today, language=template.content.language,
        settings=settings,
    )  # fmt: skip
    return Writing(template, subject, {**known, **(subject.values if subject else {})})


def example(
    creditor_id: int, content: Content, *, sender: str, today: date, settings: Settings
) -> Markup:
    """A template's text with examples in its fields; what is its own is shown by its label."""
    language = content.language
    known = merging.of_company(
        creditor_id, sender=sender, today=today, language=language, settings=settings
    )
    blanks = {name: name for name in content.used()} | content.labels()
    return markup.render(content.body, {**merging.examples(language, today), **known}, blanks)


def laid_out(content: Content, values: Mapping[str, str]) -> Markup:
    """The text of a document as HTML."""
    return markup.render(content.body, values)


def pdf(
    creditor_id: int,
    title: str,
    body: Markup,
    *,
    language: str,
    today: date,
    settings: Settings,
) -> bytes:
    """A document as PDF, tagged and with its fonts in it."""
    company = db.session.get_one(Creditor, creditor_id)
    told = {
        "title": title,
        "body": body,
        "creditor": notices.creditor(company),
        "made_on": today.isoformat(),
    }
    return render_written(told, language=language, settings=settings)


def require_title(title: str) -> str:
    """What a document is called, as it is kept. Raises RedaError at `title`."""
    tidied = " ".join(title.split())
    if not tidied or len(tidied) > envelopes.LONGEST_TITLE or not markup.is_visible(tidied):
        raise RedaError(
            N_("Give it a name of at most %(most)s characters."),
            field="title",
            most=envelopes.LONGEST_TITLE,
        )
    return tidied


def make(
    creditor_id: int,
    writing: Writing,
    *,
    title: str,
    values: Mapping[str, str],
    signers: Sequence[envelopes.Invited],
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
    settings: Settings,
) -> Envelope:
    """A draft with the document and those who sign it; the same once more answers the same draft.

    Raises RedaError at `title`, or when the document has become too long.
    """
    content, subject = writing.content, writing.subject
    title = require_title(title)
    made = pdf(
        creditor_id, title, laid_out(content, values), language=content.language, today=today,
        settings=settings,
    )  # fmt: skip
    if (pages := count_pages(made)) > MOST_PAGES:
        raise RedaError(
            N_("It has become %(pages)s pages; at most %(most)s are taken. Make it shorter."),
            pages=pages, most=MOST_PAGES,
        )  # fmt: skip
    case_id = subject.case_id if subject else None
    _lock(creditor_id)
    if (same := _same(creditor_id, writing.template, case_id, made, actor)) is not None:
        return same
    envelope = envelopes.draft(
        creditor_id,
        title=title,
        last_on=today + timedelta(days=content.days),
        actor=actor,
        sender_email=sender_email,
        now=now,
        kind=content.envelope_kind,
        case_id=case_id,
        message=content.message,
        language=content.language,
        in_order=content.in_order,
        remind_days=content.remind_days,
        template_key=writing.template.key,
        template_version=writing.template.version,
    )
    name = tidy_name(f"{title.replace('/', '-')}.pdf")
    envelopes.add_file(envelope, envelopes.NewFile(name, made, PDF, pages))
    for one in signers:
        envelopes.add_signer(envelope, one)
    return envelope


# Names the lock of what a company writes among all locks of the database.
_WRITING = 7_320_000_000_000


def _lock(creditor_id: int) -> None:
    db.session.execute(select(func.pg_advisory_xact_lock(_WRITING + creditor_id)))


def _same(
    creditor_id: int, template: Template, case_id: int | None, made: bytes, actor: Actor
) -> Envelope | None:
    """A draft of the same document by the same person, of a button that was pressed twice."""
    return db.session.scalar(
        select(Envelope)
        .join(EnvelopeFile, EnvelopeFile.envelope_id == Envelope.id)
        .where(
            Envelope.creditor_id == creditor_id,
            Envelope.status == envelopes.DRAFT,
            Envelope.template_key == template.key,
            Envelope.template_version == template.version,
            Envelope.case_id.is_not_distinct_from(case_id),
            Envelope.sender_id.is_not_distinct_from(actor.person_id),
            EnvelopeFile.sha256 == hashlib.sha256(made).hexdigest(),
        )
        .limit(1)
    )


def signers_for(
    writing: Writing, *, sender: str, sender_email: str | None
) -> list[dict[str, str | None]]:
    """What is known of whom each of a template's roles stands for, by the fields of `Invited`."""
    subject, company = writing.subject, writing.known["creditor.name"]
    found: list[dict[str, str | None]] = []
    for role in writing.content.roles:
        told: dict[str, str | None] = {}
        if role.who == templates.CUSTOMER and subject is not None:
            told = {
                "name": "" if subject.company else subject.name,
                "email": subject.email,
                "phone": subject.phone,
                "identity_number": subject.identity_number,
                "for_company": subject.company,
                "language": subject.language,
            }
        elif role.who == templates.SENDER:
            told = {"name": sender, "email": sender_email, "for_company": company}
        found.append(told)
    return found


def invited(
    role: templates.Role, told: Mapping[str, str | None], *, today: date
) -> envelopes.Invited | None:
    """Who was filled in for a role; None when they cannot be reached, and are added later.

    Raises RedaError at the field that is wrong.
    """
    if not any((told.get(name) or "").strip() for name in ("email", "phone")):
        return None
    language = told.get("language") or ""
    return drafts.invited(
        {
            **told,
            "role": role.role,
            "step": str(role.step),
            "language": language if language in LANGUAGES and is_offered(language) else "sv",
        },
        today=today,
    )

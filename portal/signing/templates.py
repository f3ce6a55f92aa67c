"""Templates that documents are written from: those that come with the portal, and a company's own.

Those that come with it are files below templates/signing/templates; a company copies one to change
it. Saving makes a new version, and the old ones stay: a document says which it was written from.
A template that is put away is not offered any more, and can still be read.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from portal.config import ROOT
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.signing import envelopes, markup, merging
from portal.signing.models import SigningTemplate

KINDS = ("document", "payment_plan", "debt_acknowledgement", "power_of_attorney",
         "service_agreement")  # fmt: skip
# Of a plan or a service agreement more comes than a signed paper: those that count are made by
# `plan_signing` and `agreements`, and what is written from a template is a document like any other.
_ONLY_PAPER = ("payment_plan", "service_agreement")
LANGUAGES = ("sv", "en")
TEXT, LONG, DATE, AMOUNT, CHOICE = "text", "long", "date", "amount", "choice"
FIELD_KINDS = (TEXT, LONG, DATE, AMOUNT, CHOICE)
CUSTOMER, SENDER, OTHER = "customer", "sender", "other"
WHO = (CUSTOMER, SENDER, OTHER)
MOST_TEMPLATES, MOST_OWN_FIELDS, MOST_ROLES, MOST_CHOICES = 200, 20, 10, 20
LONGEST_LABEL, LONGEST_CHOICE, MOST_DAYS = 80, 200, 365
_FILES = ROOT / "templates" / "signing" / "templates"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class Role:
    """Somebody whom a document is sent to. who: the customer, who sends it, or somebody else."""

    label: str
    who: str = OTHER
    role: str = envelopes.SIGNS
    step: int = 1


@dataclass(frozen=True)
class Field:
    """A field of a template's own, filled in when a document is written. choices: of a choice."""

    name: str
    label: str
    kind: str = TEXT
    is_required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """What a template says. days: to sign. remind_days: between reminders, 0 for none."""

    name: str
    kind: str = "document"
    language: str = "sv"
    message: str = ""
    days: int = envelopes.DAYS_OPEN
    remind_days: int = 0
    roles: tuple[Role, ...] = ()
    fields: tuple[Field, ...] = ()
    body: str = ""

    @property
    def in_order(self) -> bool:
        """Whether those who sign do so one turn after the other."""
        return len({one.step for one in self.roles}) > 1

    @property
    def envelope_kind(self) -> str:
        """The kind of the envelopes that are written from it."""
        return "document" if self.kind in _ONLY_PAPER else self.kind

    def labels(self) -> dict[str, str]:
        """What its own fields are called, by their names."""
        return {one.name: one.label for one in self.fields}

    def used(self) -> list[str]:
        """The names of the fields that stand in its text, in their order, each once."""
        return list(dict.fromkeys(one.name for one in markup.fields_of(self.body)))

    def known(self) -> set[str]:
        """The names of all fields that can stand in its text."""
        return {*merging.FIELDS, *(one.name for one in self.fields)}


@dataclass(frozen=True)
class Template:
    """A version of a template. saved_at, saved_by: None for one that comes with the portal."""

    key: str
    version: int
    content: Content
    saved_at: datetime | None = None
    saved_by: str | None = None
    is_archived: bool = False

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with the portal, and is copied to be changed."""
        return self.saved_at is None


class SavedMeanwhile(RedaError):
    """Somebody else has saved a version since this one was opened."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            N_("Somebody has saved a new version meanwhile. What you wrote stands here: look at the"
               " new version, then save once more."),
        )  # fmt: skip


@cache
def built_in() -> dict[str, Template]:
    """The templates that come with the portal, by their keys."""
    found = {}
    for path in sorted(_FILES.glob("*.toml")):
        stem, _, language = path.stem.rpartition(".")
        told = tomllib.loads(path.read_text("utf-8"))
        version = told.pop("version")
        content = _content(told | {"language": language, "body": markup.tidy(told["body"])})
        key = f"{stem}-{language}"
        found[key] = Template(key, version, content)
    return found


def _content(told: dict[str, Any]) -> Content:
    roles = tuple(Role(**one) for one in told.pop("roles", ()))
    fields = tuple(
        Field(**one | {"choices": tuple(one.get("choices", ()))}) for one in told.pop("fields", ())
    )
    return Content(roles=roles, fields=fields, **told)


def of_company(creditor_id: int, *, archived: bool = False) -> list[Template]:
    """The newest version of each of a company's templates, by their names.

    archived: those that are put away instead.
    """
    is_put_away = SigningTemplate.archived_at.is_not(None)
    newest = (
        select(SigningTemplate)
        .where(
            SigningTemplate.creditor_id == creditor_id, is_put_away if archived else ~is_put_away
        )
        .ext(distinct_on(SigningTemplate.key))
        .order_by(SigningTemplate.key, SigningTemplate.version.desc())
    )
    found = [_template(row) for row in db.session.scalars(newest)]
    return sorted(found, key=lambda one: (one.content.name.casefold(), one.key))


def _template(row: SigningTemplate) -> Template:
    names = (
        "name",
        "kind",
        "language",
        "message",
        "days",
        "remind_days",
        "roles",
        "fields",
        "body",
    )
    content = _content({name: getattr(row, name) for name in names})
    is_archived = row.archived_at is not None
    return Template(row.key, row.version, content, row.saved_at, row.saved_by, is_archived)


def find(creditor_id: int, key: str, version: int | None = None) -> Template | None:
    """A template that a company may use. version: the newest, unless told."""
    if (ours := built_in().get(key)) is not None:
        return ours
    wanted = select(SigningTemplate).where(
        SigningTemplate.creditor_id == creditor_id, SigningTemplate.key == key
    )
    if version is not None:
        wanted = wanted.where(SigningTemplate.version == version)
    row = db.session.scalar(wanted.order_by(SigningTemplate.version.desc()).limit(1))
    return _template(row) if row else None


def versions(creditor_id: int, key: str) -> list[tuple[int, datetime, str]]:
    """A template's versions, the newest first: number, when it was saved, and by whom."""
    rows = db.session.execute(
        select(SigningTemplate.version, SigningTemplate.saved_at, SigningTemplate.saved_by)
        .where(SigningTemplate.creditor_id == creditor_id, SigningTemplate.key == key)
        .order_by(SigningTemplate.version.desc())
    )
    return [(version, at, by) for version, at, by in rows]


def save(
    creditor_id: int,
    content: Content,
    *,
    key: str | None = None,
    seen: int | None = None,
    actor: Actor,
    now: datetime,
) -> Template:
    """Save a new template, or a new version of one; the same content again makes none.

    key, seen: of the template, and its newest version as it was when it was opened. Raises
    SavedMeanwhile, and RedaError at the field that is wrong.
    """
    content = tidy(content)
    require_whole(content)
    _lock(creditor_id)
    newest = find(creditor_id, key) if key else None
    if newest is not None:
        if newest.content == content and not newest.is_archived:
            return newest
        if newest.version != seen:
            raise SavedMeanwhile
    elif len(own := of_company(creditor_id)) >= MOST_TEMPLATES:
        raise RedaError(
            N_("There are %(most)s templates already. Put one away first."), most=MOST_TEMPLATES
        )
    elif same := next((one for one in own if one.content == content), None):
        return same
    row = SigningTemplate(
        creditor_id=creditor_id,
        key=newest.key if newest else new_key(12),
        version=newest.version + 1 if newest else 1,
        saved_by=actor.name,
        saved_at=now,
        **asdict(content),
    )
    db.session.add(row)
    db.session.flush()
    return _template(row)


# Names the lock of a company's templates among all locks of the database.
_SAVING = 7_310_000_000_000


def _lock(creditor_id: int) -> None:
    db.session.execute(select(func.pg_advisory_xact_lock(_SAVING + creditor_id)))


def put_away(creditor_id: int, key: str, *, now: datetime) -> None:
    """Offer a template no more; it and what was written from it can still be read."""
    _archive(creditor_id, key, now)


def take_back(creditor_id: int, key: str) -> None:
    """Offer a template again."""
    _archive(creditor_id, key, None)


def _archive(creditor_id: int, key: str, at: datetime | None) -> None:
    _lock(creditor_id)
    db.session.execute(
        update(SigningTemplate)
        .where(SigningTemplate.creditor_id == creditor_id, SigningTemplate.key == key)
        .values(archived_at=at)
    )


def name_of(label: str) -> str:
    """What a field is called in the text, made of its label: `Första dagen` is `forsta_dagen`."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].rstrip("_")
    return name if _NAME.fullmatch(name) else f"field_{name}"[:40].rstrip("_")


def tidy(content: Content) -> Content:
    """The same content without what nobody meant, such as spaces around a name."""
    return Content(
        name=" ".join(content.name.split()),
        kind=content.kind,
        language=content.language,
        message=markup.tidy(content.message).strip(),
        days=content.days,
        remind_days=content.remind_days,
        roles=tuple(
            Role(" ".join(one.label.split()), one.who, one.role, one.step) for one in content.roles
        ),
        fields=tuple(_tidy_field(one) for one in content.fields),
        body=markup.tidy(content.body),
    )


def _tidy_field(field: Field) -> Field:
    label = " ".join(field.label.split())
    choices = dict.fromkeys(" ".join(one.split()) for one in field.choices)
    return Field(
        field.name.strip() or name_of(label),
        label,
        field.kind,
        field.is_required,
        tuple(one for one in choices if one) if field.kind == CHOICE else (),
    )


def require_whole(content: Content) -> None:
    """Raises RedaError at the field that is wrong: `name`, `message`, `own`, `roles` or `body`."""
    if not content.name or len(content.name) > envelopes.LONGEST_TITLE:
        raise RedaError(
            N_("Give it a name of at most %(most)s characters."),
            field="name",
            most=envelopes.LONGEST_TITLE,
        )
    for field, text in (("name", content.name), ("message", content.message)):
        if not markup.is_visible(text):
            raise RedaError(_INVISIBLE, field=field)
    _require_fields(content.fields)
    _require_roles(content.roles)
    markup.require_whole(content.body, content.known())


_INVISIBLE = N_("It holds characters that cannot be seen. Type it again.")


def _require_fields(fields: Sequence[Field]) -> None:
    if len(fields) > MOST_OWN_FIELDS:
        raise RedaError(
            N_("At most %(most)s fields can be added."), field="own", most=MOST_OWN_FIELDS
        )
    names = [one.name for one in fields]
    for one in fields:
        _require_label(one.label, "own")
        if not _NAME.fullmatch(one.name):
            raise RedaError(
                N_("The name %(name)s cannot be used. Use small letters, digits and underscores,"
                   " such as first_day."),
                field="own", name=one.name[:60],
            )  # fmt: skip
        if names.count(one.name) > 1:
            raise RedaError(N_("Two fields are named %(name)s."), field="own", name=one.name)
        if one.kind == CHOICE and not 2 <= len(one.choices) <= MOST_CHOICES:
            raise RedaError(
                N_("Write from 2 to %(most)s choices for %(label)s, one a line."),
                field="own", most=MOST_CHOICES, label=one.label,
            )  # fmt: skip
        if not all(len(word) <= LONGEST_CHOICE and markup.is_visible(word) for word in one.choices):
            raise RedaError(N_("A choice of %(label)s is too long."), field="own", label=one.label)


def _require_roles(roles: Sequence[Role]) -> None:
    if len(roles) > MOST_ROLES:
        raise RedaError(N_("At most %(most)s people can be added."), field="roles", most=MOST_ROLES)
    for one in roles:
        _require_label(one.label, "roles")


def _require_label(label: str, field: str) -> None:
    if not label or len(label) > LONGEST_LABEL or not markup.is_visible(label):
        raise RedaError(
            N_("Give each a name of at most %(most)s characters."), field=field, most=LONGEST_LABEL
        )

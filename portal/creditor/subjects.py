"""A customer or a class whose own rules are told and changed: what both have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response
from flask_babel import gettext, ngettext
from htmx_flask import request

from portal import clock
from portal.collection import customers, rulebook
from portal.collection.customers import Setting
from portal.creditor import access, settings, trying, undoing
from portal.creditor.forms_customers import (
    NAMES,
    OWN_TYPES,
    ExclusionForm,
    OwnRulesForm,
    inherited,
    own_rules_form,
)
from portal.creditor.forms_rules import number_of
from portal.extensions import db
from portal.messages import RedaError
from portal.web.rendering import go, render


@dataclass(frozen=True)
class Subject:
    """scope: `customer` or `class`. key: its number or name. url: of its page. title: its name."""

    scope: str
    key: str
    title: str
    url: str
    customer_class: str | None = None

    def said(self) -> customers.Said:
        """What is said of it."""
        number = self.key if self.scope == "customer" else None
        name = self.customer_class if self.scope == "customer" else self.key
        return customers.said(access.role().creditor_id, number=number, customer_class=name)


def cards(said: customers.Said) -> list[tuple[str, Sequence[Setting]]]:
    """The settings as a table shows them, card by card: its title and its settings."""
    found = said.holds
    first: list[tuple[str, Sequence[Setting]]] = [
        (gettext("Collected or not"), [found["is_excluded"], found["is_active"]])
    ]
    return first + [
        (str(card.title), [found[name] for name in card.names]) for card in cards_to_choose()
    ]


def cards_to_choose() -> list[settings.Card]:
    """The cards with what a class or customer may say itself."""
    asked = [
        replace(card, names=tuple(name for name in card.names if name in NAMES))
        for card in settings.CARDS
    ]
    return [card for card in asked if card.names]


def about(touched: customers.Touched) -> list[str]:
    """What an exclusion means for the invoices and the cases that there are."""
    told = []
    if touched.waiting:
        told.append(
            ngettext(
                "%(num)s invoice that waits becomes no case.",
                "%(num)s invoices that wait become no cases.",
                touched.waiting,
            )
        )
    else:
        told.append(gettext("No invoice waits now."))
    if touched.open_cases:
        told.append(
            ngettext(
                "%(num)s open case goes on; hold or recall it on its own page.",
                "%(num)s open cases go on; hold or recall them among the cases.",
                touched.open_cases,
            )
        )
    return told


def exclusion_form(said: customers.Said) -> ExclusionForm:
    """The form of an exclusion, with what its own rules say already."""
    own = said.own
    return ExclusionForm(formdata=None, data={"ends_on": own["ends_on"], "reason": own["reason"]})


def exclude(subject: Subject) -> ExclusionForm | None:
    """Exclude it as the form that was sent says. Answers the form when that cannot be."""
    form = ExclusionForm()
    if not form.validate():
        return form
    try:
        event_id = customers.exclude(
            access.role().creditor_id,
            subject.scope,
            [subject.key],
            ends_on=form.ends_on.data,
            reason=(form.reason.data or "").strip(),
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return form
    undoing.done(gettext("%(name)s is excluded from collection.", name=subject.title), event_id)
    return None


def include(subject: Subject) -> Response:
    """Take it into collection again."""
    event_id = customers.include(
        access.role().creditor_id,
        subject.scope,
        [subject.key],
        actor=access.actor(),
        today=clock.today(),
        now=clock.now(),
    )
    undoing.done(gettext("%(name)s is collected from again.", name=subject.title), event_id)
    return go(subject.url)


def remove_rules(subject: Subject) -> Response:
    """Take away all that it says itself."""
    event_id = rulebook.remove_many(
        access.role().creditor_id,
        subject.scope,
        [subject.key],
        actor=access.actor(),
        today=clock.today(),
        now=clock.now(),
    )
    undoing.done(
        gettext("%(name)s has no rules of its own any more.", name=subject.title), event_id
    )
    return go(subject.url)


def rules_page(subject: Subject, form: OwnRulesForm | None = None, status: int = 200) -> Response:
    """The form of its own rules."""
    said = subject.said()
    form = form or own_rules_form(said, _types(), is_new=True)
    return render(
        "creditor/own_rules.html",
        status=status,
        subject=subject,
        form=form,
        cards=cards_to_choose(),
        own_types=OWN_TYPES,
        hints={name: _hint(said, name) for name in NAMES},
        opened={card.key for card in cards_to_choose() if _is_opened(form, said, card.names)},
    )


def _types() -> list[str]:
    return rulebook.known_types(access.role().creditor_id)


def _hint(said: customers.Said, name: str) -> str:
    return gettext("Left empty: %(inherited)s.", inherited=inherited(said, name))


def _is_opened(form: OwnRulesForm, said: customers.Said, names: Sequence[str]) -> bool:
    return any(form[name].errors or said.own[name] is not None for name in names)


def save_rules(subject: Subject) -> Response:
    """Keep its own rules as the form that was sent says, or preview what they would do."""
    creditor_id, said = access.role().creditor_id, subject.said()
    form = own_rules_form(said, _types(), is_new=False)
    if not form.validate() or not _says_something(said, form):
        return rules_page(subject, form, 422)
    version = number_of(form.version.data)
    try:
        if request.form.get("then") == "preview":
            return trying.leads_to(
                _values(said, form), version, scope=subject.scope, key=subject.key
            )
        event_id = rulebook.save(
            creditor_id,
            _values(said, form),
            version,
            scope=subject.scope,
            key=subject.key,
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        if isinstance(error, rulebook.ChangedMeanwhile):
            # The reader has been told; saving once more is then on purpose.
            form.version.raw_data = None
            form.version.data = str(rulebook.version(creditor_id, subject.scope, subject.key))
        return rules_page(subject, form, error.status)
    undoing.done(gettext("The rules of %(name)s are saved.", name=subject.title), event_id)
    return go(subject.url)


def _says_something(said: customers.Said, form: OwnRulesForm) -> bool:
    """Whether there is a rule that a last day could end; told at the last day."""
    chosen = form.said()
    if said.has_own or not chosen["ends_on"] or any(chosen[name] is not None for name in NAMES):
        return True
    form.ends_on.errors = [gettext("Choose at least one rule, which then ends on this day.")]
    return False


def _values(said: customers.Said, form: OwnRulesForm) -> Mapping[str, Any]:
    # What the form does not ask about stays.
    return {**said.own, **form.said()}

"""The months that the demo's first company has behind it: invoices, letters, payments, objections.

Everything is done by the verbs that do it every day, each with its own day given to it, so that the
books, the history and the letters are as real as tomorrow's. The same dice fall each time.
"""

import csv
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO

from sqlalchemy import select
from stdnum import luhn

from portal import clock
from portal.collection import cases, changes, intake, lifecycle, plans, reaching, states, stops
from portal.collection.models import Case
from portal.delivery import sending
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.identity.models import Creditor
from portal.law.calendar import is_banking_day
from portal.payments import booking, commission, payouts, statements

_DAYS = 125
_FILE_EVERY, _FILE_ROWS = 9, 6
# The company is paid on Wednesdays; so many weeks ago its bank refused it.
_PAID_ON, _REFUSED_WEEKS_AGO = 3, 6
_BANK = Actor("bank")
_OPERATOR = Actor("person", "Erik Wallin", None, "operator")
_COMPANIES = (
    ("Ume Bageri AB", "556"), ("Älvstrandens Hotell AB", "556"), ("Bygg & Plåt i Vännäs AB", "559"),
    ("Brf Lövträdet", "769"), ("Sävar Åkeri HB", "969"), ("Kafé Kardemumma AB", "559"),
)  # fmt: skip
_FOR = ("El", "Elnät", "El och elnät", "Fjärrvärme")
# How likely something comes of a case on a day, by where it stands.
_CHANCES = {
    states.IMPORTED: 0.01, states.REMINDED: 0.055, states.DEMANDED: 0.045, states.DECIDING: 0.07,
    states.LEGAL: 0.01, states.SURVEILLANCE: 0.04,
}  # fmt: skip


def live(creditor: Creditor, people: Sequence[dict[str, str]], today: date) -> None:
    """Let a company live up to yesterday. people: who may owe it something."""
    dice = random.Random(1974)
    clerk = Actor("person", "Johan Ekdahl", None, "creditor")
    _agree_on_a_price(today)
    for ahead in range(_DAYS):
        day = today - timedelta(days=_DAYS - ahead)
        now = datetime.combine(day, time(10), clock.STOCKHOLM)
        if day.day == 1:
            statements.make_due(creditor.id, today=day, now=now)
        if ahead % _FILE_EVERY == 0:
            _receive(creditor, _rows(people, dice, ahead, day), day, now, clerk)
        intake.import_overdue(creditor.id, today=day, now=now)
        while lifecycle.advance(day, now).taken:
            pass
        if is_banking_day(day):
            for case in _open_cases(creditor):
                if dice.random() < _CHANCES.get(case.status, 0):
                    _let_something_happen(case, dice, day, now, clerk)
            if day.isoweekday() == _PAID_ON:
                _pay_out(creditor, (today - day).days // 7, day, now)
        db.session.commit()
        sending.deliver_waiting(now, note=reaching.note_arrival)


def _pay_out(creditor: Creditor, weeks_ago: int, day: date, now: datetime) -> None:
    for payout in payouts.propose(creditor.id, today=day, now=now):
        payouts.post_released(payout, today=day, now=now)
        payout.status, payout.released_on = payouts.RELEASED, day
        payouts.tell_released(payout, _OPERATOR, now)
        if weeks_ago == _REFUSED_WEEKS_AGO:
            payouts.reject(payout, "AC06 Kontot spärrat", on=day, actor=_BANK, now=now)
        else:
            payouts.settle(payout, on=day, actor=_BANK, now=now)


def _agree_on_a_price(today: date) -> None:
    """What the service takes of money for cases under surveillance, since before all of it."""
    if commission.prices():
        return
    notice = timedelta(days=commission.NOTICE_DAYS)
    before = today - timedelta(days=_DAYS) - notice
    commission.add_price(
        None, from_on=before + notice, per_cent=Decimal(25), note="",
        actor=_OPERATOR, today=before, now=datetime.combine(before, time(10), clock.STOCKHOLM),
    )  # fmt: skip


def _open_cases(creditor: Creditor) -> Sequence[Case]:
    return db.session.scalars(
        select(Case)
        .where(Case.creditor_id == creditor.id, Case.closed_on.is_(None))
        .order_by(Case.id)
    ).all()


def _rows(
    people: Sequence[dict[str, str]], dice: random.Random, ahead: int, day: date
) -> list[list[str]]:
    rows = []
    for number in range(_FILE_ROWS):
        due_on = day - timedelta(days=dice.randrange(1, 12))
        place = dice.randrange(len(people) + len(_COMPANIES))
        if place < len(people):
            one = people[place]
            name = f"{one['given_name']} {one['surname']}"
            identity, customer, kind = one["personal_identity_number"], 3000 + place, "Hushåll"
            kronor, language = dice.randrange(280, 4_800), one["language"]
        else:
            index = place - len(people)
            name, prefix = _COMPANIES[index]
            digits = f"{prefix}90{index:04}"
            identity, customer = digits + luhn.calc_check_digit(digits), 4000 + index
            kind, kronor, language = "Företag", dice.randrange(1_900, 42_000), "sv"
        rows.append([
            str(8000 + ahead * 10 + number), str(customer), name, kind, identity,
            f"Storgatan {customer % 100}", "903 26", "Umeå", str(due_on - timedelta(days=30)),
            str(due_on), f"{kronor},{dice.randrange(100):02}", dice.choice(_FOR), language,
        ])  # fmt: skip
    return rows


def _receive(
    creditor: Creditor, rows: Sequence[Sequence[str]], day: date, now: datetime, clerk: Actor
) -> None:
    written = StringIO()
    out = csv.writer(written, delimiter=";", lineterminator="\r\n")
    out.writerow([
        "Fakturanr", "Kundnr", "Kundnamn", "Kundgrupp", "Org.nr/Pers.nr", "Adress", "Postnr", "Ort",
        "Fakturadatum", "Förfallodatum", "Belopp", "Text", "Språk",
    ])  # fmt: skip
    out.writerows(rows)
    file = (f"reskontra-{day}.csv", written.getvalue().encode("utf-8-sig"))
    upload = intake.receive(creditor.id, [file], actor=clerk, now=now).upload
    intake.map_columns(upload, dict(upload.mapping))
    intake.import_upload(upload, actor=clerk, today=day, now=now)


def _let_something_happen(
    case: Case, dice: random.Random, day: date, now: datetime, clerk: Actor
) -> None:
    case = cases.lock(case.id)
    due = cases.amount_due(case, day)
    if case.status == states.DECIDING and dice.random() < 0.6:
        match dice.choice([states.LEGAL, states.SURVEILLANCE, states.WRITTEN_OFF]):
            case states.LEGAL:
                lifecycle.take_to_law(case, actor=clerk, today=day, now=now)
            case states.SURVEILLANCE:
                lifecycle.watch_over(case, actor=clerk, now=now)
            case _:
                lifecycle.write_off(case, actor=clerk, today=day, now=now)
        return
    ore = due.total_ore

    def pay(amount_ore: int) -> Callable[[], object]:
        return lambda: booking.receive(
            case.id, amount_ore=amount_ore, currency="SEK", key=f"bankgiro:{case.ocr}:{day}",
            channel="bankgiro", value_on=day, payer=None, actor=_BANK, now=now,
        )  # fmt: skip

    acts: list[tuple[float, Callable[[], object]]] = [
        (0.72, pay(ore)),
        (0.09, pay(max(1, ore // 200 * 100))),
        (0.02, pay(ore + 10_000)),
        (0.04, lambda: changes.creditor_was_paid(
            case, amount_ore=due.principal_ore, on=day, key=str(day), actor=clerk, now=now)),
        (0.03, lambda: changes.credit(
            case, amount_ore=due.principal_ore, on=day, key=str(day), actor=clerk, now=now)),
        (0.05, lambda: stops.stop(
            case, states.DISPUTE, "Mätaren har lästs av fel.", actor=DEBTOR, now=now)),
    ]  # fmt: skip
    roll = dice.random()
    for chance, act in acts:
        if roll < chance:
            if due.principal_ore:
                act()
            return
        roll -= chance
    if plans.running(case.id) is None and not case.is_stopped:
        plans.agree(
            case, monthly_ore=max(30_000, ore // 4), first_on=day + timedelta(days=14),
            actor=clerk, today=day, now=now,
        )  # fmt: skip

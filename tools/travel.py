"""The demo lives a month in a minute: invoices come, letters go, people pay, object and agree.

`python -m tools.travel` while a demo runs. The demo's clock goes ahead (REDA_CLOCK_FILE) and stays
there, for what has happened must not lie in the future; `make reset` starts over.
"""

import json
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import select

from portal import clock, create_app, jobs
from portal.collection import cases, changes, intake, plan_offers, plans, reaching, states, stops
from portal.collection.models import Case
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import sending
from portal.extensions import db, settings
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.identity.models import Creditor
from portal.payments import booking
from tools import seed

PAYER = "http://127.0.0.1:8104"
DAYS, SECONDS = 30, 60
_CLERK = Actor("source", "Norrsken Energi", role="creditor")
# The day of the month on which most are paid.
_PAYDAY = 25
_AMOUNTS = ("1 120,00", "349,00", "2 475,50", "899,00", "560,75")


def main() -> None:
    """Live a month, and print what each day brings."""
    given = Settings.from_environment()
    if not given.clock_file:
        raise SystemExit("Start the demo with `make month`.")
    app = create_app(given)
    with app.app_context(), tenancy.service():
        for _ in range(DAYS):
            began = time.monotonic()
            print(live_a_day(Path(given.clock_file)), flush=True)
            time.sleep(max(0.0, SECONDS / DAYS - (time.monotonic() - began)))


def live_a_day(clock_file: Path) -> str:
    """Go a day ahead and do what it brings; answers that in words.

    clock_file: what `portal.clock` follows.
    """
    ahead = int(clock_file.read_text()) if clock_file.exists() else 0
    # Beside it and then in its place, so that nobody reads half a number.
    beside = clock_file.with_suffix(".new")
    beside.write_text(str(ahead + 86_400))
    beside.replace(clock_file)
    today, now = clock.today(), clock.now()
    done: Counter[str] = Counter()
    if today.toordinal() % 3 == 0:
        done["new invoices"] = _receive_invoices(today, now)
    jobs.run_days(today, now)
    sent = sending.deliver_waiting(clock.now(), note=reaching.note_arrival).sent
    done["letters sent"] = sent
    for case_id in db.session.scalars(select(Case.id).where(Case.closed_on.is_(None))).all():
        done.update(_act(case_id, today, now))
    told = ", ".join(f"{what}: {count}" for what, count in done.items() if count)
    return f"{today:%a %d %b %Y}: {told or 'a quiet day'}"


def _receive_invoices(today: date, now: datetime) -> int:
    creditor = db.session.scalars(select(Creditor).where(Creditor.key == "norrsken")).one()
    turn = today.toordinal() // 3
    invoices = [
        (
            seed.CUSTOMERS[(turn * 3 + one) % len(seed.CUSTOMERS)],
            5 + one * 2,
            _AMOUNTS[(turn + one) % len(_AMOUNTS)],
            "El",
        )
        for one in range(3)
    ]
    data = seed.ledger_file(today, invoices, first_number=turn * 10)
    received = intake.receive(
        creditor.id, [(f"kundreskontra-{today}.csv", data)], actor=SYSTEM, now=now
    )
    intake.map_columns(received.upload, dict(received.upload.mapping))
    done = intake.import_upload(received.upload, actor=SYSTEM, today=today, now=now)
    db.session.commit()
    return done.new


def _act(case_id: int, today: date, now: datetime) -> list[str]:
    """What the debtor of a case does on a day. Each case has one way, told by its number."""
    case = cases.lock(case_id)
    left = (case.pay_by_on - today).days if case.pay_by_on else None
    done: list[str] = []
    match case_id % 6, case.status, left:
        case (0, "reminded", 4) | (1, "demanded", 2):
            done = [_pay(case_id)]
        case 2, "reminded", 3:
            done = _agree(case, today, now)
        case 3, "demanded", 6:
            stops.stop(case, states.DISPUTE, "Fel belopp på fakturan", actor=DEBTOR, now=now)
            done = ["objection"]
        case 5, "reminded", 5:
            changes.creditor_was_paid(
                case, amount_ore=cases.amount_due(case, today).principal_ore, on=today,
                key=f"demo-{case_id}", actor=_CLERK, now=now,
            )  # fmt: skip
            done = ["paid to the creditor"]
    db.session.commit()
    return done


def _agree(case: Case, today: date, now: datetime) -> list[str]:
    """Let the debtor choose the longest plan that they may alone, if there is one."""
    rules = plan_offers.rules_of(case)
    offers = plan_offers.offers(case, day=_PAYDAY, today=today)
    if not offers or plan_offers.why_not_alone(case, rules):
        return []
    first_on = plan_offers.first_day(rules, _PAYDAY, today)
    with suppress(plans.NotSigned):
        plans.agree(
            case, monthly_ore=offers[-1].monthly_ore, first_on=first_on, day=_PAYDAY, actor=DEBTOR,
            today=today, now=now,
        )  # fmt: skip
        return ["plan agreed"]
    return []


def _pay(case_id: int) -> str:
    request = booking.begin(
        {case_id: None},
        booking.How(f"{settings().base_url}/callbacks/swish"),
        now=clock.now(),
        between=db.session.commit,
    )
    asked = urllib.request.Request(f"{PAYER}/control/requests/{request.id}/pay", b"", method="POST")
    json.load(urllib.request.urlopen(asked, timeout=10))
    booking.ask(request.id, now=clock.now())
    db.session.commit()
    return "paid with Swish"


if __name__ == "__main__":
    main()

"""Why each sum of a case is owed: entry by entry, and interest day by day."""

from flask import Response
from htmx_flask import request

from portal import clock
from portal.collection import cases, makeup
from portal.collection.makeup import Row
from portal.debtor import access
from portal.debtor.forms_why import OnDayForm
from portal.debtor.views import debtor
from portal.law.interest import Day, day_by_day
from portal.web.keeping import kept
from portal.web.rendering import render


@debtor.get("/case/<reference>/why/<any(principal, interest, fees):sum_name>")
@kept
def explain_part(sum_name: str) -> Response:
    """What one part of what is owed is made up of.

    Of interest also each day of one of its periods, `each`, counted from 1 over the whole page; and
    what is owed on another day, `on`.
    """
    case, today = access.current_case(), clock.today()
    due = cases.amount_due(case, today)
    rows = makeup.of(case, sum_name, due)
    form = OnDayForm(request.args if "on" in request.args else None)
    is_asked = "on" in request.args
    is_right = is_asked and form.validate()
    return render(
        "debtor/why.html",
        status=422 if is_asked and not is_right else 200,
        case=case,
        due=due,
        daily_ore=makeup.daily_ore(case, due),
        part=sum_name,
        rows=rows,
        each=_each(rows, request.args.get("each", type=int)),
        form=form,
        then=cases.owed_on(case, form.on.data) if is_right and form.on.data else None,
    )


def _each(rows: list[Row], wanted: int | None) -> tuple[int, tuple[Day, ...]] | None:
    """The number of the wanted period and its days, if there is such a period."""
    number = 0
    for row in rows:
        for place in range(len(row.accrual.periods) if row.accrual else 0):
            number += 1
            if number == wanted and row.accrual:
                return number, day_by_day(row.accrual, place)
    return None

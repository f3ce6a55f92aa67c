"""Money that comes while a page of the case is open: told on the page within seconds."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Response, make_response
from htmx_flask import request

from portal import clock
from portal.collection import cases, settling
from portal.collection.cases import AmountDue
from portal.debtor import access
from portal.debtor.views import debtor
from portal.payments import booking
from portal.payments.models import Payment
from portal.web.rendering import nothing_new, render

# Who has left the page open for longer comes back by reloading it.
_ASKS_FOR = timedelta(minutes=10)
# The status that ends htmx's asking.
_ENOUGH = 286


@dataclass(frozen=True)
class News:
    """What a page asks with. seen: the newest money that it shows. until: when it stops asking, in
    seconds since 1970. is_renewed: whether all of the page is shown anew when money comes.
    due, payment: what is left then, and what came last if it came through us."""

    seen: int
    until: int
    is_renewed: bool
    due: AmountDue | None = None
    payment: Payment | None = None


def news_of(case_id: int, *, is_renewed: bool) -> News:
    """What a page of a case that is shown now asks with."""
    until = int((clock.real_now() + _ASKS_FOR).timestamp())
    return News(settling.newest(case_id), until, is_renewed)


@debtor.get("/case/<reference>/news")
def show_news() -> Response:
    """What has been paid since the page was shown; nothing most of the time."""
    case, asked = access.current_case(), request.args
    until, seen = asked.get("until", 0, int), asked.get("seen", 0, int)
    if clock.real_now().timestamp() > until:
        response = make_response("", _ENOUGH)
        # What was told stays told.
        response.headers["HX-Reswap"] = "none"
        return response
    newest = settling.newest(case.id)
    if newest == seen:
        return nothing_new()
    payments = booking.payments_of(case.id)
    return render(
        "debtor/_news_now.html",
        case=case,
        news=News(
            newest,
            until,
            asked.get("renew", 0, int) == 1,
            cases.amount_due(case, clock.today()),
            payments[0] if payments else None,
        ),
    )

"""Money that comes while a page of the case is open: told on the page within seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Response, make_response, url_for
from htmx_flask import request

from portal import clock
from portal.collection import cases, settling
from portal.collection.cases import AmountDue
from portal.debtor import access
from portal.debtor.views import debtor
from portal.payments import booking
from portal.payments.models import Payment
from portal.web.keeping import later
from portal.web.rendering import nothing_new, render

# Who has left the page open for longer comes back by reloading it.
_ASKS_FOR = timedelta(minutes=10)
# The status that ends htmx's asking.
_ENOUGH = 286


@dataclass(frozen=True)
class News:
    """What a page asks with. seen: the newest money that it shows. until: when it stops asking, in
    seconds since 1970. is_renewed: whether all of the page is shown anew when money comes.
    url: whom it asks. has_come: whether money came since the page was shown.
    due, payment: what is left of its one case then, and what came last if it came through us."""

    seen: int
    until: int | str
    is_renewed: bool
    url: str
    has_come: bool = False
    due: AmountDue | None = None
    payment: Payment | None = None


def news_of(case_id: int, *, is_renewed: bool) -> News:
    """What a page of a case that is shown now asks with."""
    return _asking([case_id], url_for("debtor.show_news"), is_renewed=is_renewed)


def news_since(newest: int) -> News:
    """What the case's own page asks with. newest: the newest money that it shows."""
    return News(newest, later(_until), is_renewed=True, url=url_for("debtor.show_news"))


def news_of_all(newest: int) -> News:
    """What a page of all the cases of a visit asks with. newest: as of `news_since`."""
    return News(newest, later(_until), is_renewed=True, url=url_for("debtor.show_news_of_all"))


def _asking(case_ids: Sequence[int], url: str, *, is_renewed: bool) -> News:
    return News(settling.newest(case_ids), _until(), is_renewed, url)


def _until() -> int:
    return int((clock.real_now() + _ASKS_FOR).timestamp())


@debtor.get("/case/<reference>/news")
def show_news() -> Response:
    """What has been paid since the page was shown; nothing most of the time."""
    case = access.current_case()
    news = _news([case.id])
    if not isinstance(news, News):
        return news
    payments = booking.payments_of(case.id)
    due, payment = cases.amount_due(case, clock.today()), payments[0] if payments else None
    told = replace(news, due=due, payment=payment)
    return render("debtor/_news_now.html", case=case, news=told)


@debtor.get("/overview/news")
def show_news_of_all() -> Response:
    """Whether something was paid on any case since the overview was shown."""
    news = _news(access.opened())
    return render("debtor/_news_now.html", news=news) if isinstance(news, News) else news


def _news(case_ids: Sequence[int]) -> News | Response:
    asked = request.args
    until, seen = asked.get("until", 0, int), asked.get("seen", 0, int)
    if clock.real_now().timestamp() > until:
        response = make_response("", _ENOUGH)
        # What was told stays told.
        response.headers["HX-Reswap"] = "none"
        return response
    newest, is_renewed = settling.newest(case_ids), asked.get("renew", 0, int) == 1
    if newest == seen:
        return nothing_new()
    return News(newest, until, is_renewed, request.path, has_come=True)

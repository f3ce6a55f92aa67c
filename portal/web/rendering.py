"""One template per page: the whole of it to a browser, one block of it to htmx."""

from flask import Response, make_response, redirect, render_template
from htmx_flask import request
from jinja2_fragments.flask import render_block


def render(
    template: str, *, block: str | None = None, status: int = 200, **values: object
) -> Response:
    """Answer a page.

    template: path below templates/.
    block: the block that htmx swaps; the whole page is answered to anyone else.
    status: HTTP status.
    """
    if block and request.htmx and not request.htmx.boosted:
        response = make_response(render_block(template, block, **values), status)
    else:
        response = make_response(render_template(template, **values), status)
    response.headers.add("Vary", "HX-Request")
    return response


def go(url: str) -> Response:
    """Send the reader on to another page, also when htmx asked."""
    if request.htmx and not request.htmx.boosted:
        response = make_response("", 204)
        response.headers["HX-Redirect"] = url
        return response
    return make_response(redirect(url, 303))


def is_seen(state: str) -> bool:
    """Whether the page that htmx asks from shows this state already, as `seen` in its address says.

    A page that asks again and again is then left alone: what is exchanged under a finger is not
    pressed, and loses the focus.
    """
    return bool(request.htmx) and request.args.get("seen") == state


# What the page says to have seen when it asks for the last time.
_OVER = "over"


def last_question(element_id: str) -> Response | None:
    """The first answer to a page that asks again and again, when there is nothing to ask any more.

    It takes the asking element's place and asks once, and that request is the one that leads on.
    Were a repeated one sent on, the page would ask again while the next one is on its way: what
    can be used once would be used twice, and the way there begun anew each time.
    element_id: the element that asks.
    Answers None to that last request and to a browser without htmx: do it now.
    """
    if not request.htmx or request.htmx.boosted or is_seen(_OVER):
        return None
    html = render_template("layouts/taken_on.html", id=element_id, url=request.path, seen=_OVER)
    response = make_response(html)
    response.headers["HX-Retarget"] = f"#{element_id}"
    response.headers["HX-Reswap"] = "outerHTML"
    response.headers.add("Vary", "HX-Request")
    return response


def nothing_new() -> Response:
    """Leave the page that htmx asks from as it is."""
    return make_response("", 204)

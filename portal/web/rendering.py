"""One template per page: the whole of it to a browser, one block of it to htmx."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, session
from flask_wtf.csrf import generate_csrf
from htmx_flask import request
from jinja2_fragments.flask import render_block
from markupsafe import Markup

from portal.web import languages

# More than are read at a time; then they are made anew.
_MOST_KEPT = 500


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


def render_kept(
    template: str, values: Callable[[], Mapping[str, Any]], *, key: Hashable
) -> Response:
    """Answer a page that is the same for everyone who reads it in a language, made once and kept.

    Only the token of its forms is the reader's own, and put in each time. A page that its address
    asks something of, that tells what has just happened or is filled in is made anew.
    values: what the template takes; asked for only when the page is made.
    key: all else that the page differs by.
    """
    is_plain = not (request.args or request.htmx or "_flashes" in session or "unsent" in g)
    if not is_plain or current_app.jinja_env.auto_reload:
        return render(template, **values())
    kept: dict[Hashable, list[str]] = current_app.extensions.setdefault("reda_pages", {})
    token, language = generate_csrf(), languages.current()
    name = (template, request.script_root, language.code, languages.near(language), key)
    pieces = kept.get(name)
    if pieces is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        pieces = kept[name] = render_template(template, **values()).split(token)
    response = make_response(token.join(pieces))
    response.headers.add("Vary", "HX-Request")
    return response


def kept_piece(template: str) -> Markup:
    """A piece of a page that knows nothing of who reads it, made once for each language and kept.

    template: takes no values; that it names nothing but texts and addresses the tests see to.
    """
    environment = current_app.jinja_env
    pieces: dict[Hashable, Markup] = current_app.extensions.setdefault("reda_pieces", {})
    name = (template, request.script_root, languages.current().code)
    if name not in pieces or environment.auto_reload:
        if len(pieces) >= _MOST_KEPT:
            pieces.clear()
        # It was rendered, and so escaped, by its template.
        pieces[name] = Markup(environment.get_template(template).render())  # noqa: S704
    return pieces[name]


def init_app(app: Flask) -> None:
    """Let templates keep pieces of pages: `kept_piece`."""
    app.add_template_global(kept_piece)


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

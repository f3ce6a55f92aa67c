"""The mails on a page, in place of everybody's mail program."""

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from simulators import layout
from simulators.mail.box import Box, Received

_PAGE = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; frame-ancestors 'none';"
    " base-uri 'none'; form-action 'self'"
)
# What a mail holds is not ours: no script runs, nothing is fetched, and links leave the frame.
_MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self';"
    " sandbox allow-top-navigation-by-user-activation allow-popups"
)


def create_pages(box: Box) -> Flask:
    """The WSGI application of the pages."""
    app = layout.create_app(__name__)

    @app.get("/")
    def list_mails() -> str:
        to = request.args.get("to") or None
        mails = list(reversed(box.mails(to)))
        return render_template("mail/mails.html", mails=mails, to=to)

    @app.get("/<int:number>")
    def show_mail(number: int) -> str:
        return render_template("mail/mail.html", mail=_found(box, number))

    @app.get("/<int:number>/html")
    def show_html(number: int) -> Response:
        html = _found(box, number).html
        # Links are followed by the window, not by the frame.
        html = html.replace("<head>", '<head><base target="_top">', 1)
        response = Response(html, mimetype="text/html")
        response.headers["Content-Security-Policy"] = _MAIL
        return response

    @app.get("/<int:number>/source")
    def show_source(number: int) -> Response:
        source = _found(box, number).message.as_bytes()
        return Response(source, mimetype="text/plain", content_type="text/plain; charset=utf-8")

    @app.post("/empty")
    def empty() -> BaseResponse:
        box.empty()
        return redirect(url_for("list_mails"), 303)

    app.after_request(_secure)
    return app


def _found(box: Box, number: int) -> Received:
    found = box.find(number)
    if found is None:
        abort(404)
    return found


def _secure(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", _PAGE)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer

"""The mailboxes on pages, in place of everybody's app; and buttons for what goes wrong next."""

import io

from flask import Flask, Response, abort, redirect, render_template, request, url_for
from pyhanko.pdf_utils.reader import PdfFileReader
from werkzeug.wrappers import Response as BaseResponse

from simulators import layout
from simulators.mailbox.mailboxes import FAULTS, Fault, Letter, Mailboxes, name_of
from simulators.people import people

_SECONDS = {"slow": 5.0, "429": 60.0}


def create_pages(mailboxes: Mailboxes) -> Flask:
    """The WSGI application of the pages."""
    app = layout.create_app(__name__)
    names = {one.personal_number: one.name for one in people()}

    def number_of(name: str) -> str:
        """The number that a name in an address stands for."""
        known = {*names, *mailboxes.owners(), *(one.to for one in mailboxes.letters())}
        return next((one for one in known if name_of(one) == name), "") or abort(404)

    def letter_of(name: str, key: str) -> Letter:
        """A letter of one mailbox, and of no other."""
        of_it = mailboxes.letters(number_of(name))
        return next((one for one in of_it if one.key == key), None) or abort(404)

    @app.get("/")
    def list_mailboxes() -> str:
        owners = mailboxes.owners()
        rows = [
            (name_of(number), names.get(number) or owners.get(number) or number, number in owners,
             len(mailboxes.letters(number)))
            for number in sorted({*names, *owners}, key=lambda one: names.get(one, one))
        ]  # fmt: skip
        return render_template(
            "mailbox/mailboxes.html", rows=rows, faults=FAULTS, waiting=list(mailboxes.faults),
            is_empty=mailboxes.is_empty,
        )  # fmt: skip

    @app.get("/inbox/<name>")
    def show_inbox(name: str) -> str:
        number = number_of(name)
        letters = list(reversed(mailboxes.letters(number)))
        return render_template(
            "mailbox/inbox.html", name=name, owner=names.get(number, number), letters=letters
        )

    @app.get("/inbox/<name>/<key>")
    def show_letter(name: str, key: str) -> str:
        letter = letter_of(name, key)
        return render_template(
            "mailbox/letter.html", name=name, letter=letter, links=links_in(letter.pdf)
        )

    @app.get("/inbox/<name>/<key>.pdf")
    def read_letter(name: str, key: str) -> Response:
        return Response(letter_of(name, key).pdf, mimetype="application/pdf")

    @app.post("/inbox/<name>/change")
    def change(name: str) -> BaseResponse:
        number = number_of(name)
        if number in mailboxes.owners():
            mailboxes.close(number)
        else:
            mailboxes.give(number, names.get(number, ""))
        return redirect(url_for("list_mailboxes"), 303)

    @app.post("/faults")
    def ask_for_fault() -> BaseResponse:
        kind = request.form.get("kind", "")
        if kind == "nobody":
            mailboxes.is_empty = not mailboxes.is_empty
        elif kind in FAULTS:
            mailboxes.faults.append(Fault(kind, _SECONDS.get(kind, 0)))
        return redirect(url_for("list_mailboxes"), 303)

    app.after_request(_secure)
    return app


def links_in(pdf: bytes) -> list[str]:
    """The addresses that a PDF leads to, in their order, each once."""
    found: list[str] = []
    reader = PdfFileReader(io.BytesIO(pdf))
    for number in range(reader.root["/Pages"]["/Count"]):
        page = reader.root["/Pages"]["/Kids"][number]
        for one in page.get("/Annots", []):
            action = one.get_object().get("/A", {})
            if "/URI" in action:
                found.append(str(action["/URI"]))
    return list(dict.fromkeys(found))


def _secure(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", layout.POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer

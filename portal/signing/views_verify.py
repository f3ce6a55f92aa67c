"""Verifying a sealed file: for anybody, without signing in. Nothing of it is kept."""

import json

from flask import Response, abort, request
from itsdangerous import BadSignature, URLSafeSerializer

from portal import clock
from portal.extensions import limiter, settings
from portal.signing import apart, verifying
from portal.signing.forms_verify import VerifyForm
from portal.signing.verification_report import as_json, from_json, render_pdf
from portal.signing.views import signing
from portal.web.forms import text
from portal.web.languages import current
from portal.web.rendering import render

# Of what one has verified and may download: nobody else can have us print their own words.
_SALT = "verification report"
_TONES = {"good": "good", "bad": "danger", "unchecked": "warn", "note": "info"}


@signing.get("/verify")
@limiter.limit("60 per minute")
def verify() -> Response:
    """Where a file is given."""
    return render("signing/verify.html", form=VerifyForm())


@signing.post("/verify")
@limiter.limit("20 per minute; 200 per hour")
def show_verification() -> Response:
    """What was found of the file."""
    form = VerifyForm()
    if not form.validate_on_submit():
        return render("signing/verify.html", form=form, status=422)
    data = form.file.data.read()
    try:
        report = apart.verify(data, settings(), now=clock.now())
    except apart.Busy as error:
        form.file.errors = [text(error)]
        return render("signing/verify.html", form=form, status=error.status)
    return render(
        "signing/verified.html",
        report=report,
        name=form.file.data.filename,
        sentences=list(verifying.sentences(report)),
        tones=_TONES,
        kept=_serializer().dumps(as_json(report)),
    )


@signing.post("/verify/report")
@limiter.limit("20 per minute; 200 per hour")
def download_verification() -> Response:
    """The report of what was found, as JSON or PDF."""
    try:
        told = _serializer().loads(request.form.get("report", ""))
    except BadSignature:
        abort(400)
    kind = request.form.get("kind")
    if kind == "pdf":
        body = render_pdf(from_json(told), language=current().code, settings=settings())
        answer = Response(body, mimetype="application/pdf")
    elif kind == "json":
        body = json.dumps(told, ensure_ascii=False, indent=2).encode()
        answer = Response(body, mimetype="application/json")
    else:
        abort(400)
    answer.headers["Content-Disposition"] = f'attachment; filename="verification.{kind}"'
    return answer


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=_SALT)

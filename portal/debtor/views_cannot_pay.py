"""Where help is to be had for whoever cannot pay."""

from flask import Response

from portal.debtor import access
from portal.debtor.views import debtor
from portal.web.rendering import render


@debtor.get("/case/<reference>/cannot-pay")
def show_cannot_pay() -> Response:
    """Free help, what the Enforcement Authority does and does not do, and the ways on here."""
    return render("debtor/cannot_pay.html", case=access.current_case())

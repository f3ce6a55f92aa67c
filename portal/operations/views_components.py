"""A page that shows every component, in development only."""

from flask import Blueprint, Response

from portal.web.rendering import render

components = Blueprint("components", __name__, url_prefix="/dev")


@components.get("/components")
def show() -> Response:
    """Every component in each of its states."""
    return render("operations/components.html")

"""What acts with many cases are called and what they mean."""

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from portal.collection import together

# What it is called, what its page asks, and what it means.
ACTS: dict[str, tuple[LazyString, LazyString, LazyString]] = {
    together.HOLD: (
        lazy_gettext("Put on hold"),
        lazy_gettext("Put these cases on hold?"),
        lazy_gettext(
            "They stand still and no letter goes out. It costs nothing, and interest runs on."
        ),
    ),
    together.RESUME: (
        lazy_gettext("Let go on after a hold"),
        lazy_gettext("Let these cases go on?"),
        lazy_gettext(
            "The hold ends. The next step comes on its day, at the earliest today; it costs what it"
            " always does. What stops a case besides goes on stopping it."
        ),
    ),
    together.LEGAL: (
        lazy_gettext("Take to the Enforcement Authority"),
        lazy_gettext("Take these cases to the Enforcement Authority (Kronofogden)?"),
        lazy_gettext("An application is made for each. What it costs is claimed in it."),
    ),
    together.SURVEILLANCE: (
        lazy_gettext("Watch over for a long time"),
        lazy_gettext("Watch over these cases for a long time?"),
        lazy_gettext("They wait until the debtor can pay. It costs nothing, and interest runs on."),
    ),
    together.RECALL: (
        lazy_gettext("Recall"),
        lazy_gettext("Recall these cases?"),
        lazy_gettext(
            "Nothing more is asked of the debtors, interest and fees neither. It cannot be undone."
        ),
    ),
    together.WRITE_OFF: (
        lazy_gettext("Write off"),
        lazy_gettext("Write these cases off?"),
        lazy_gettext("What is owed is given up: the claim is your loss. It cannot be undone."),
    ),
    together.CLASS: (
        lazy_gettext("Change the customer class"),
        lazy_gettext("Change the class of these customers?"),
        lazy_gettext(
            "The rules of the new class hold for the next steps of the customers’ cases, and for"
            " their invoices to come."
        ),
    ),
}

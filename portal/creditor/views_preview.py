"""What the rules would do, before anybody saves them: sums, lists, and one invoice's why."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import drafts, policy, previewing, rulebook
from portal.collection.drafts import Draft
from portal.collection.previewing import Asked, Fate, Line, Wanted
from portal.creditor import access, day_chart, settings, trying, views_rules
from portal.creditor.forms_rules import RulesForm, number_of
from portal.creditor.names import reason_name
from portal.creditor.views import creditor
from portal.database import queue
from portal.extensions import db
from portal.law.fees import REMINDER, fee
from portal.messages import RedaError
from portal.web import spreadsheets
from portal.web.forms import text
from portal.web.rendering import go, render

CODES = (previewing.TAKEN, "too early", "paused", *policy.LEFT_OUT)


@dataclass(frozen=True)
class Looking:
    """What the reader looks at, as the address says: rules in force, or their own draft of some."""

    asked: Asked
    draft: Draft | None
    is_off: bool
    wanted: Wanted

    def address(self, endpoint: str, **values: object) -> str:
        """Of a page about the same rules."""
        same: dict[str, Any] = {"draft": self.draft.id if self.draft else None}
        if self.is_off and not self.asked.assumes_on:
            same["as"] = "off"
        return url_for(f"creditor.{endpoint}", **{**same, **values})


def looking() -> Looking:
    """Raises drafts.NotThere when the draft is another's, or gone."""
    creditor_id = access.role().creditor_id
    number = request.args.get("draft", type=int)
    draft = drafts.find(creditor_id, current_user.id, number) if number is not None else None
    is_off = not policy.effective(creditor_id).is_active
    if draft is not None and draft.scope == "company":
        is_off = not draft.values["is_active"]
    asked = Asked(
        creditor_id,
        clock.today(),
        draft.edited if draft else {},
        assumes_on=is_off and request.args.get("as") != "off",
    )
    return Looking(asked, draft, is_off, _wanted())


def _wanted() -> Wanted:
    code, change = request.args.get("code"), request.args.get("change")
    try:
        on = date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        on = None
    return Wanted(
        code=code if code in CODES else None,
        on=on,
        change=change if change in previewing.CHANGES else None,
        of=request.args.get("q", "").strip()[:100] or None,
    )


@creditor.post("/<key>/rules/preview")
def preview_rules() -> Response:
    """Preview the company's rules as they are written in the form; nothing is saved."""
    form = RulesForm()
    values = views_rules.posted_values(form)
    if values is None:
        return views_rules.answer(form, set(request.form.getlist("open")), status=422)
    try:
        return trying.leads_to(values, number_of(form.version.data), number_of(form.base.data))
    except RedaError as error:
        form.take(error)
        return views_rules.answer(form, set(request.form.getlist("open")), status=error.status)


@creditor.get("/<key>/rules/preview")
def show_preview() -> Response:
    """How many invoices become cases on which day, and what keeps the others."""
    now = looking()
    found = previewing.preview(now.asked)
    links = {
        day: now.address("list_preview", on=day.isoformat())
        for day, taken in found.days.items()
        if taken.count
    }
    chart = day_chart.draw(
        found.days,
        found.days_before if now.draft else None,
        links,
        title=gettext("Invoices that become cases, day by day"),
    )
    return render(
        "creditor/rules_preview.html",
        now=now,
        found=found,
        links=links,
        chart=chart,
        fee_ore=fee(REMINDER, now.asked.today).amount_ore,
        edited=_edited(now.draft),
        change_names=_change_names(),
    )


def _edited(draft: Draft | None) -> list[tuple[str, str, str]]:
    """What the draft says otherwise than what is saved: the setting, what holds, what would."""
    if draft is None:
        return []
    creditor_id = access.role().creditor_id
    held = rulebook.own(creditor_id, draft.scope, draft.key)
    if draft.scope == "company":
        held = {**held, **policy.effective(creditor_id).values}
    return [
        (settings.label(name), settings.told(name, held.get(name)), settings.told(name, value))
        for name, value in draft.values.items()
        if held.get(name) != value
    ]


@creditor.post("/<key>/rules/preview/save")
def save_preview() -> Response:
    """Keep the rules that were previewed, and let them decide on what waits."""
    access.require_may_change()
    creditor_id = access.role().creditor_id
    number = request.form.get("draft", type=int, default=0)
    draft = drafts.find(creditor_id, current_user.id, number)
    try:
        rulebook.save(
            creditor_id, draft.values, draft.version, scope=draft.scope, key=draft.key,
            actor=access.actor(), today=clock.today(), now=clock.now(),
        )  # fmt: skip
    except rulebook.ChangedMeanwhile as error:
        db.session.rollback()
        if draft.scope != "company":
            flash(text(error), "warn")
            return go(_home(draft))
        flash(
            gettext(
                "Somebody else changed the rules meanwhile. Look at them below; what you changed is"
                " kept, and can be saved once more."
            ),
            "warn",
        )
        return go(url_for("creditor.change_rules", draft=draft.id))
    drafts.forget(creditor_id, current_user.id, draft.id)
    queue.defer("import_overdue_invoices", once="import_overdue_invoices")
    db.session.commit()
    flash(gettext("The rules are saved."), "good")
    return go(_home(draft))


def _home(draft: Draft) -> str:
    """Where the rules stand that a draft was of."""
    if draft.scope == "class":
        values: dict[str, Any] = {"class": draft.key}
        return url_for("creditor.show_class", **values)
    return url_for(
        "creditor.list_customers" if draft.scope == "customer" else "creditor.change_rules"
    )


@creditor.post("/<key>/rules/preview/forget")
def forget_preview() -> Response:
    """Throw away what was edited and not saved."""
    creditor_id = access.role().creditor_id
    number = request.form.get("draft", type=int, default=0)
    draft = drafts.find(creditor_id, current_user.id, number)
    drafts.forget(creditor_id, current_user.id, draft.id)
    db.session.commit()
    flash(gettext("Your changes are thrown away. The rules are as they were."), "good")
    return go(_home(draft))


@creditor.get("/<key>/rules/preview/invoices")
def list_preview() -> Response:
    """The invoices of a preview: of a day, a reason, a difference, a number."""
    now = looking()
    after = _after()
    page = previewing.page(now.asked, now.wanted, after=after)
    filters = _filters(now)
    following = None
    if page.after is not None:
        key = f"{page.after[0].isoformat()}.{page.after[1]}"
        following = now.address("list_preview", after=key, **filters)
    return render(
        "creditor/rules_preview_invoices.html",
        block="list",
        now=now,
        page=page,
        following=following,
        first=now.address("list_preview", **filters) if after else None,
        filters=filters,
        codes=CODES,
        change_names=_change_names(),
        why=why,
    )


def _filters(now: Looking) -> dict[str, str]:
    wanted = now.wanted
    found = {
        "code": wanted.code,
        "on": wanted.on.isoformat() if wanted.on else None,
        "change": wanted.change,
        "q": wanted.of,
    }
    return {name: value for name, value in found.items() if value}


def _after() -> previewing.After | None:
    day, _, number = request.args.get("after", "").partition(".")
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None


@creditor.get("/<key>/rules/preview/invoices/<int:invoice_id>")
def explain_preview(invoice_id: int) -> Response:
    """What happens with one invoice on each day, and why."""
    now = looking()
    found = previewing.explain(now.asked, invoice_id)
    if found is None:
        raise NotFound
    return render("creditor/rules_preview_invoice.html", now=now, found=found, why=why)


@creditor.get("/<key>/rules/preview/file")
def export_preview() -> Response:
    """Every invoice that the list shows, with what becomes of it and why, in both settings."""
    kind = spreadsheets.XLSX if request.args.get("kind") == "xlsx" else spreadsheets.CSV
    now = looking()
    headings = [
        gettext("Invoice number"), gettext("Customer number"), gettext("Customer"),
        gettext("Customer class"), gettext("Due date"), gettext("Balance still open"),
        gettext("Currency"), *_fate_headings(gettext("these rules")),
    ]  # fmt: skip
    if now.draft:
        headings += [*_fate_headings(gettext("the rules in force")), gettext("Difference")]
    lines = previewing.every(now.asked, now.wanted)
    rows = (_row(line, has_both=now.draft is not None) for line in lines)
    return spreadsheets.answer(kind, "preview", headings, rows)


def _fate_headings(rules: str) -> list[str]:
    return [
        gettext("Becomes a case on, by %(rules)s", rules=rules),
        gettext("Why, by %(rules)s", rules=rules),
        gettext("Deciding setting, by %(rules)s", rules=rules),
        gettext("Its value, by %(rules)s", rules=rules),
        gettext("Whose it is, by %(rules)s", rules=rules),
    ]


def _row(line: Line, *, has_both: bool) -> list[Any]:
    cells = [
        line.number, line.customer_number, line.customer_name, line.customer_class or "",
        line.due_on, Decimal(line.balance_ore) / 100, line.currency, *_fate_cells(line, line.fate),
    ]  # fmt: skip
    if has_both:
        change = _change_names()[line.change] if line.change else ""
        cells += [*_fate_cells(line, line.before), change]
    return cells


def _fate_cells(line: Line, fate: Fate) -> list[Any]:
    if fate.setting is None:
        return [fate.first_on, reason_name(fate.code), "", "", ""]
    return [
        fate.first_on, reason_name(fate.code), settings.label(fate.setting),
        settings.told(fate.setting, fate.value), whose(line, fate),
    ]  # fmt: skip


def whose(line: Line, fate: Fate) -> str:
    """Whose rule decides, in words."""
    if fate.scope == "default":
        return gettext("Nobody has chosen; it holds by itself")
    key = {"class": line.customer_class, "customer": line.customer_number}.get(fate.scope or "")
    return settings.scope_name(fate.scope or "company", key or "")


def why(line: Line, fate: Fate) -> str:
    """The setting that decides and whose it is, in words; "" where the law decides."""
    if fate.setting is None:
        return ""
    return gettext(
        "%(setting)s: %(value)s (%(whose)s)",
        setting=settings.label(fate.setting),
        value=settings.told(fate.setting, fate.value),
        whose=whose(line, fate),
    )


def _change_names() -> dict[str, str]:
    """How an invoice may fare otherwise than by the rules in force, in words."""
    return {
        previewing.GAINED: gettext("Becomes a case, and would not"),
        previewing.LOST: gettext("Becomes no case, and would"),
        previewing.EARLIER: gettext("Becomes a case earlier"),
        previewing.LATER: gettext("Becomes a case later"),
        previewing.OTHER_REASON: gettext("No case, for another reason"),
    }

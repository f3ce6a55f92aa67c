"""An invoice out of named texts: each value by itself, then what they must be to one another."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from portal.messages import N_, Problem, RedaError
from portal.sources import values
from portal.sources.invoice import Invoice


def read(
    texts: Mapping[str, str],
    *,
    line: int,
    today: date,
    amount: Callable[[str], int] = values.amount,
) -> Invoice | list[Problem]:
    """The invoice that the texts tell, or everything that is wrong with them.

    texts: by the keys of `columns.FIELDS` and `supplier_organisation_number`; empty is the same
    as absent. line: for `source_line` and the problems. amount: how amounts are written.
    """
    record = _Record(texts, line)
    country = record.take("country", values.country, "SE")
    fields: dict[str, Any] = {
        "source_line": line,
        **_what_is_owed(record, amount, today),
        **_who_owes(record, country, today),
        **_where_to_reach_them(record, country),
    }
    return record.problems or Invoice(**fields)


class _Record:
    """The texts of one invoice, and the problems met so far."""

    def __init__(self, texts: Mapping[str, str], line: int) -> None:
        self._texts = texts
        self._line = line
        self.problems: list[Problem] = []

    def has(self, key: str) -> bool:
        return bool(self._texts.get(key, "").strip())

    def take(self, key: str, parse: Callable[[str], Any], otherwise: Any = None) -> Any:
        """The value of a text, or `otherwise` when it is empty or wrong."""
        if not self.has(key):
            return otherwise
        try:
            text = self._texts[key].strip()
            values.refuse_formula(text)
            return parse(text)
        except RedaError as error:
            self.wrong(key, error.problem.message, **error.problem.values)
            return otherwise

    def need(self, key: str, parse: Callable[[str], Any]) -> Any:
        """The value of a text that may not be empty; None when it is wrong."""
        if not self.has(key):
            self.wrong(key, N_("This is missing. Fill it in."))
        return self.take(key, parse)

    def wrong(self, key: str, message: str, **told: object) -> None:
        self.problems.append(Problem(message, told, key, self._line))


def _text(most: int) -> Callable[[str], str]:
    return lambda text: values.plain_text(text, most)


def _code(most: int) -> Callable[[str], str]:
    return lambda text: values.code(text, most)


def _what_is_owed(
    record: _Record, amount: Callable[[str], int], today: date
) -> Mapping[str, object]:
    number = record.need("number", _code(50))
    issued_on = record.take("issued_on", values.day)
    due_on = record.need("due_on", values.day)
    amount_ore = record.need("amount", amount)
    balance_ore = record.take("balance", amount, amount_ore)
    if due_on is not None:
        _check_dates(record, issued_on, due_on, today)
    if None not in (amount_ore, balance_ore) and balance_ore > amount_ore:
        record.wrong(
            "balance", N_("More is open than the invoice asked for. Check amount and balance.")
        )
    return {
        "number": number,
        "issued_on": issued_on,
        "due_on": due_on,
        "amount_ore": amount_ore,
        "balance_ore": balance_ore,
        "currency": record.take("currency", values.currency, "SEK"),
        "description": record.take("description", _text(500), ""),
        "payment_reference": record.take("payment_reference", _code(50)),
        "reminder_fee_charged": record.take("reminder_fee_charged", values.yes_or_no, False),
        "type": record.take("type", values.invoice_type, "invoice"),
        "supplier_organisation_number": record.take(
            "supplier_organisation_number", lambda text: _supplier(text, today)
        ),
    }


def _check_dates(record: _Record, issued_on: date | None, due_on: date, today: date) -> None:
    if due_on >= today:
        record.wrong(
            "due_on",
            N_("This invoice is not overdue: it is due on %(due_on)s. Leave it out until then."),
            due_on=due_on.isoformat(),
        )
    if issued_on is not None and issued_on > due_on:
        record.wrong(
            "due_on",
            N_("The due date %(due_on)s is before the invoice date %(issued_on)s. Check both."),
            due_on=due_on.isoformat(),
            issued_on=issued_on.isoformat(),
        )


def _supplier(text: str, today: date) -> str:
    return values.identity_number(text, today=today)[-10:]


def _who_owes(record: _Record, country: str, today: date) -> Mapping[str, object]:
    """A customer without identity number or stated kind is a person, whom the law protects more."""
    identity_number = record.take(
        "identity_number", lambda text: values.identity_number(text, today=today)
    )
    kind = record.take("customer_kind", values.customer_kind, "person")
    if identity_number:
        kind = "company" if len(identity_number) == 10 else "person"
    return {
        "customer_number": record.need("customer_number", _code(50)),
        "customer_name": record.need("customer_name", _text(200)),
        "customer_kind": kind,
        "identity_number": identity_number,
        "customer_class": record.take("customer_class", _text(50)),
        "size_class": record.take("size_class", values.size_class),
        "language": record.take("language", values.language),
        "country": country,
    }


_ADDRESS = ("address_line", "postcode", "town")


def _where_to_reach_them(record: _Record, country: str) -> Mapping[str, object]:
    if any(record.has(key) for key in _ADDRESS):
        for key in _ADDRESS:
            if not record.has(key):
                record.wrong(key, N_("The address is not complete. Fill this in as well."))
    elif not any(record.has(key) for key in ("email", "phone", "identity_number")):
        record.wrong(
            "address_line",
            N_("The customer cannot be reached. Fill in an address, or e-mail or telephone."),
        )
    return {
        "address_line": record.take("address_line", _text(200), ""),
        "postcode": record.take(
            "postcode", lambda text: values.postcode(text, country=country), ""
        ),
        "town": record.take("town", _text(100), ""),
        "email": record.take("email", values.email),
        "phone": record.take("phone", lambda text: values.phone(text, country=country)),
    }


def without_twins(
    invoices: list[Invoice], problems: list[Problem], message: str
) -> tuple[list[Invoice], list[Problem]]:
    """The first invoice of each number, and a problem with `message` for each later one.

    message: marked text; its values are the number and the line of the first.
    """
    first: dict[str, Invoice] = {}
    for one in sorted(invoices, key=lambda invoice: invoice.source_line):
        known = first.setdefault(one.number, one)
        if known is not one:
            told = {"number": one.number, "line": known.source_line}
            problems = [*problems, Problem(message, told, "number", one.source_line)]
    return list(first.values()), sorted(problems, key=lambda problem: problem.line or 0)

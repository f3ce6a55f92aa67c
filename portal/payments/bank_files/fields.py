"""What stands in an element of an ISO 20022 message, by its path below it."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lxml import etree

from portal.messages import N_
from portal.payments.bank_files.record import BankFileError, check_currency

_AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d{1,5}))?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_SWEDEN = ZoneInfo("Europe/Stockholm")
# Larger numbers of lines libxml2 does not keep.
_LAST_LINE = 65_534
# Of an amount's path: where its currency is.
_CURRENCY = "@Ccy"


class Fields:
    """The texts in an element, read in one go.

    Texts of the same path are lines of one. place: where in the document the element is.
    """

    __slots__ = ("line", "place", "texts")

    def __init__(self, node: etree._Element, place: str, leaving_out: tuple[str, ...] = ()) -> None:
        """Read them. leaving_out: children that are not read, for they are many or come apart."""
        self.line, self.place = line_of(node), place
        self.texts: dict[str, str] = {}
        for child in node:
            name = local_name(child)
            if name not in leaving_out:
                self._add(child, name)

    def _add(self, node: etree._Element, path: str) -> None:
        if len(node):
            for child in node:
                self._add(child, f"{path}/{local_name(child)}")
            return
        text = (node.text or "").strip()
        if text:
            before = self.texts.get(path)
            self.texts[path] = text if before is None else f"{before}\n{text}"
            if currency := node.get("Ccy"):
                self.texts[path + _CURRENCY] = currency

    def text(self, *paths: str) -> str:
        """The text at the first of some paths that has one, or ""."""
        for path in paths:
            if found := self.texts.get(path):
                return found
        return ""

    def first(self, *paths: str) -> str:
        """The first line of it: where there may be several, and one is wanted."""
        return self.text(*paths).partition("\n")[0]

    def need(self, path: str) -> str:
        """The text at a path. Raises BankFileError when there is none."""
        found = self.texts.get(path)
        if not found:
            raise self.error(N_("“%(name)s” is missing."), name=path)
        return found

    def error(self, message: str, **values: object) -> BankFileError:
        """What is wrong here."""
        return BankFileError(message, line=self.line, place=self.place, **values)

    def ore(self, path: str) -> int | None:
        """An amount in öre, or None when there is none. Raises BankFileError when it is wrong."""
        text = self.texts.get(path)
        if not text:
            return None
        found = _AMOUNT.fullmatch(text)
        parts = ((found[2] or "") if found else "").rstrip("0")
        if found is None or len(parts) > 2:
            raise self.error(N_("“%(text)s” is no amount."), text=text)
        return int(found[1]) * 100 + int(parts.ljust(2, "0"))

    def amount(self, path: str) -> tuple[int, str]:
        """An amount in öre, and its currency. Raises BankFileError when either is missing."""
        self.need(path)
        currency = check_currency(self.text(path + _CURRENCY), self.line, self.place)
        return self.ore(path) or 0, currency

    def currency(self, path: str) -> str:
        """The currency of an amount, or ""."""
        return self.text(path + _CURRENCY)

    def count(self, path: str) -> int | None:
        """A number of things, or None when none is told."""
        text = self.texts.get(path)
        if not text:
            return None
        if not (text.isascii() and text.isdecimal()):
            raise self.error(N_("“%(text)s” is no number."), text=text)
        return int(text)

    def sign(self, path: str = "CdtDbtInd", default: int = 0) -> int:
        """1 for money in, -1 for money out. default: when it is not told; 0: it has to be."""
        text = self.text(path)
        if not text and default:
            return default
        if text not in ("CRDT", "DBIT"):
            raise self.error(N_("“CdtDbtInd” is “%(text)s”, neither CRDT nor DBIT."), text=text)
        return 1 if text == "CRDT" else -1

    def is_true(self, path: str) -> bool:
        """Whether it says so."""
        return self.text(path) in ("true", "1")

    def day(self, *names: str) -> date:
        """The day of the first of some dates that is told, in Sweden."""
        for name in names:
            if text := self.text(f"{name}/Dt"):
                found = _DATE.fullmatch(text)
                try:
                    if found is not None:
                        return date.fromisoformat(found[1])
                except ValueError:
                    pass
                raise self.error(N_("“%(date)s” is no date."), date=text)
            if self.text(f"{name}/DtTm"):
                return self.moment(f"{name}/DtTm").date()
        raise self.error(N_("“%(name)s” is missing."), name=names[0])

    def moment(self, path: str) -> datetime:
        """An instant; one without a time zone is Sweden's."""
        text = self.need(path)
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise self.error(N_("“%(date)s” is no date."), date=text) from None
        return found.replace(tzinfo=_SWEDEN) if found.tzinfo is None else found.astimezone(_SWEDEN)

    def account(self, path: str) -> str:
        """The number of an account as we compare it: without blanks and hyphens, in capitals."""
        found = self.first(*(f"{path}{name}" for name in _NUMBERS))
        return plain(found) if found else ""


_NUMBERS = ("Id/IBAN", "Id/Othr/Id", "Id/BBAN", "Id/PrtryAcct/Id")
_APART = re.compile(r"[\s-]")


def plain(number: str) -> str:
    """The number of an account as we compare it."""
    return _APART.sub("", number).upper()


def local_name(node: etree._Element) -> str:
    """An element's name without its namespace."""
    tag: str = node.tag
    return tag.rpartition("}")[2]


def line_of(node: etree._Element) -> int | None:
    """The line that an element begins on, or None when it is too far down to be known."""
    line = node.sourceline
    return line if isinstance(line, int) and line <= _LAST_LINE else None

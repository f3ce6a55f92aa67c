"""BgMax, Bankgirot's file of incoming payments.

Records of 80 columns in ISO 8859-1, their kind in the first two: 01 start; 05 opens a section, for
one bankgiro and one deposit; 20 payment and 21 deduction, each followed by its 22 and 23 (further
references), 25 (information), 26–29 (payer); 15 closes the section with the deposit's day, sum and
count; 70 ends the file with the counts of all.

Source: Bankgirot, "Bankgiro Inbetalningar – Teknisk manual" (October 2023; August 2015 reads the
same), chapter 2, tables 2–17, and its example files. That a deposit is the payments less the
deductions, and counts both, that 22 and 23 are shares of the payment before them and no part of
the deposit beside it, and what the codes mean, is from there. The manual lets a reader skip kinds
of records that it does not know; here they refuse the file, for what they say could change what
money is for.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import BinaryIO, NamedTuple, NoReturn
from zoneinfo import ZoneInfo

from portal.messages import N_
from portal.payments.bank_files.record import (
    DEDUCTION,
    PAYMENT,
    BankFileError,
    Header,
    Received,
    Record,
    Reference,
    Section,
    check_currency,
    check_size,
)

_COLUMNS = 80
_TAB = 8
# A line of a text that has no line breaks must not be read into memory whole.
_LONGEST = 1000
_SWEDEN = ZoneInfo("Europe/Stockholm")
_CUT_OFF = N_("The file is cut off: record %(record)s is missing. Fetch it from the bank again.")


class _Extra(NamedTuple):
    number: str
    amount_ore: int


class _Deposit(NamedTuple):
    paid_on: date
    serial: str


class _Open(NamedTuple):
    """The section being read."""

    line: int
    account: str
    currency: str
    deposit: _Deposit


class _Payment:
    """The payment being read, which ends where the next one begins."""

    __slots__ = (
        "address", "amount_ore", "extras", "is_deduction", "line", "name", "number", "payer",
        "reference", "serial", "texts",
    )  # fmt: skip

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.is_deduction = text[:2] == "21"
        self.payer = _bankgiro(text[2:12], line)
        self.reference = text[12:37].strip()
        self.amount_ore = check_size(_number(text[37:55], line, "38–55"), line)
        self.serial = _serial(text)
        self.extras: list[_Extra] = []
        self.texts: list[str] = []
        self.name = self.number = ""
        self.address: list[str] = []


def read(stream: BinaryIO) -> Iterator[Record]:
    """The records of a file: its header, then each section and its payments.

    stream: can be read again from where it stands. Raises BankFileError, at the latest after the
    last payment, when it is no whole and right file.
    """
    return _Reader(stream).records()


class _Reader:
    def __init__(self, stream: BinaryIO) -> None:
        self.deposits, encoding = _looked_through(stream)
        self.lines = _Lines(stream, encoding)
        self.section: _Open | None = None
        self.payment: _Payment | None = None
        self.sum_ore = self.in_section = 0
        self.counts = {"20": 0, "21": 0, "22": 0, "15": 0}

    def records(self) -> Iterator[Record]:
        """All that the file says."""
        yield self._start()
        for line, text in self.lines:
            kind = text[:2]
            if kind in ("20", "21"):
                if self.payment is not None:
                    yield self._ended()
                self._begin_payment(line, text)
            elif kind in _OF_A_PAYMENT:
                self._add(kind, line, text)
            elif kind == "05":
                yield self._open(line, text)
            elif kind == "15":
                if self.payment is not None:
                    yield self._ended()
                self._close(line, text)
            elif kind == "70":
                self._end(line, text)
                return
            else:
                raise BankFileError(
                    N_("The record begins with “%(kind)s”, which BgMax does not have."),
                    line=line, kind=kind.strip(),
                )  # fmt: skip
        raise BankFileError(_CUT_OFF, line=self.lines.line, record="70")

    def _start(self) -> Header:
        line, text = next(self.lines, (1, "".ljust(_COLUMNS)))
        if text[:22] != "01BGMAX".ljust(22):
            raise BankFileError(N_("The file does not begin as BgMax does."), line=line)
        if text[22:24] != "01":
            raise BankFileError(
                N_("This is BgMax version “%(version)s”. Only version 01 can be read."),
                line=line, version=text[22:24].strip(),
            )  # fmt: skip
        stamp = text[24:44]
        try:
            if not (stamp.isascii() and stamp.isdecimal()):
                raise ValueError
            made_at = datetime.strptime(stamp, "%Y%m%d%H%M%S%f").replace(tzinfo=_SWEDEN)
        except ValueError:
            raise BankFileError(
                N_("“%(date)s” is no date."), line=line, date=stamp.strip()
            ) from None
        if text[44] not in "PT":
            raise BankFileError(
                N_("Column 45 says neither P (production) nor T (test)."), line=line
            )
        return Header("bgmax", stamp, made_at, text[44] == "T")

    def _open(self, line: int, text: str) -> Section:
        if self.section is not None:
            raise BankFileError(_CUT_OFF, line=line, record="15")
        if self.counts["15"] == len(self.deposits):
            raise BankFileError(_CUT_OFF, line=line, record="15")
        account = _bankgiro(text[2:12], line) or _bankgiro(text[12:22], line)
        if not account:
            raise BankFileError(N_("No bankgiro is named."), line=line)
        currency = check_currency(text[22:25], line)
        self.section = _Open(line, account, currency, self.deposits[self.counts["15"]])
        self.sum_ore = self.in_section = 0
        return Section(account, (), line, None)

    def _begin_payment(self, line: int, text: str) -> None:
        self._opened(line)
        self.payment = payment = _Payment(line, text)
        self.counts[text[:2]] += 1
        self.in_section += 1
        self.sum_ore += -payment.amount_ore if payment.is_deduction else payment.amount_ore

    def _opened(self, line: int) -> _Open:
        if self.section is None:
            raise BankFileError(
                N_("The record stands outside every section (05 to 15)."), line=line
            )
        return self.section

    def _add(self, kind: str, line: int, text: str) -> None:
        payment = self.payment
        if payment is None:
            raise BankFileError(N_("The record belongs to no payment."), line=line)
        if kind in ("22", "23"):
            self.counts["22"] += 1
            _add_extra(payment, kind, line, text)
        elif kind == "25":
            payment.texts.append(text[2:52].strip())
        elif kind == "26":
            payment.name = _joined(text[2:37], text[37:72])
        elif kind == "27":
            payment.address.insert(0, text[2:37].strip())
            payment.address.append(text[37:46].strip())
        elif kind == "28":
            payment.address += [text[2:37].strip(), text[37:72].strip() or text[72:74].strip()]
        else:
            payment.number = text[2:14].strip()

    def _ended(self) -> Received:
        payment, section = self.payment, self.section
        assert payment is not None
        assert section is not None
        self.payment = None
        is_deduction = payment.is_deduction
        return Received(
            payment.line, None, section.account, DEDUCTION if is_deduction else PAYMENT,
            -payment.amount_ore if is_deduction else payment.amount_ore, section.currency,
            section.deposit.paid_on, _references(payment), "\n".join(filter(None, payment.texts)),
            payment.payer, payment.name, "\n".join(filter(None, payment.address)),
            payment.number.removeprefix("00"), payment.serial,
            section.deposit.serial, self.in_section,
        )  # fmt: skip

    def _close(self, line: int, text: str) -> None:
        section = self._opened(line)
        currency = check_currency(text[68:71], line)
        if currency != section.currency:
            raise BankFileError(
                N_("The section was opened in %(opened)s and is closed in %(closed)s."),
                line=line, opened=section.currency, closed=currency,
            )  # fmt: skip
        count = _number(text[71:79], line, "72–79")
        if count != self.in_section:
            raise _miscounted(count, self.in_section, line)
        field = text[50:68]
        # Nothing but a sign can say that more was deducted than paid.
        told = -_number(field[1:], line, "51–68") if field[0] == "-" else _number(
            field, line, "51–68"
        )  # fmt: skip
        if told != self.sum_ore:
            raise BankFileError(
                N_("The deposit says %(told_ore)s, but its payments come to %(sum_ore)s."),
                line=line, told_ore=told, sum_ore=self.sum_ore,
            )  # fmt: skip
        self.counts["15"] += 1
        self.section = None

    def _end(self, line: int, text: str) -> None:
        if self.section is not None:
            raise BankFileError(_CUT_OFF, line=line, record="15")
        for kind, begin in (("20", 2), ("21", 10), ("22", 18), ("15", 26)):
            count = _number(text[begin : begin + 8], line, f"{begin + 1}–{begin + 8}")
            if count != self.counts[kind]:
                raise _miscounted(count, self.counts[kind], line)
        for after, _ in self.lines:
            raise BankFileError(N_("The file goes on after its end record (70)."), line=after)


_OF_A_PAYMENT = frozenset({"22", "23", "25", "26", "27", "28", "29"})


def _add_extra(payment: _Payment, kind: str, line: int, text: str) -> None:
    payer, serial = _bankgiro(text[2:12], line), _serial(text)
    if (payer and payer != payment.payer) or (serial and serial != payment.serial):
        raise BankFileError(
            N_("The reference belongs to another payment than the one on line %(before)s."),
            line=line, before=payment.line,
        )  # fmt: skip
    amount = _number(text[37:55], line, "38–55")
    is_off = kind == "23" or payment.is_deduction
    payment.extras.append(_Extra(text[12:37].strip(), -amount if is_off else amount))


def _references(payment: _Payment) -> tuple[Reference, ...]:
    """What a payment is for, with the shares that the file tells.

    Either no share is told, or all are and make up the payment; then what they leave of it is
    that of the payment's own reference.
    """
    own = (Reference(payment.reference, None),) if payment.reference else ()
    extras = payment.extras
    if not any(one.amount_ore for one in extras):
        return (*own, *(Reference(one.number, None) for one in extras if one.number))
    total = -payment.amount_ore if payment.is_deduction else payment.amount_ore
    rest = total - sum(one.amount_ore for one in extras)
    if rest:
        is_share = rest * total > 0 and all(one.amount_ore for one in extras)
        if not (own and is_share):
            raise BankFileError(
                N_("The references of the payment come to another sum than the payment."),
                line=payment.line,
            )
        own = (Reference(payment.reference, rest),)
    return (*own, *(Reference(one.number, one.amount_ore) for one in extras))


def _miscounted(told: int, found: int, line: int) -> BankFileError:
    return BankFileError(
        N_("The record counts %(told)s, but the file has %(found)s."),
        line=line, told=told, found=found,
    )  # fmt: skip


def _bankgiro(field: str, line: int) -> str:
    """An account as digits, or "" when none is named."""
    field = field.strip()
    if field and not (field.isascii() and field.isdecimal()):
        raise BankFileError(N_("“%(number)s” is no bankgiro number."), line=line, number=field)
    return field.lstrip("0")


def _serial(text: str) -> str:
    serial = text[57:69].strip()
    return serial if serial.strip("0") else ""


def _number(field: str, line: int, columns: str) -> int:
    if not (field.isascii() and field.isdecimal()):
        raise BankFileError(
            N_("Columns %(columns)s must be digits, but say “%(said)s”."),
            line=line, columns=columns, said=field.strip(),
        )  # fmt: skip
    return int(field)


def _joined(first: str, second: str) -> str:
    return " ".join(filter(None, (first.strip(), second.strip())))


def _date(field: str, line: int) -> date:
    try:
        if not (field.isascii() and field.isdecimal()):
            raise ValueError
        return date(int(field[:4]), int(field[4:6]), int(field[6:]))
    except ValueError:
        raise BankFileError(N_("“%(date)s” is no date."), line=line, date=field.strip()) from None


def _looked_through(stream: BinaryIO) -> tuple[list[_Deposit], str]:
    """Day and serial of each section, which stand in the record that closes it, and the encoding.

    The encoding is ISO 8859-1 as the format says (with the signs that Windows adds), but for a file
    that is UTF-8 from end to end: a single name can look like it, having been mangled before.
    """
    begin, found = stream.tell(), []
    line, is_utf8 = 0, True
    while raw := stream.readline(_LONGEST):
        line += 1
        if raw[:2] == b"15":
            text = raw.decode("latin-1").expandtabs(_TAB).ljust(_COLUMNS)
            found.append(_Deposit(_date(text[37:45], line), text[45:50].strip()))
        is_utf8 = is_utf8 and (raw.isascii() or _is_utf8(raw))
    stream.seek(begin)
    return found, "utf-8" if is_utf8 else "cp1252"


class _Lines:
    """The lines of a file, numbered, each filled up to 80 columns; empty ones are left out.

    Files that have passed through hands have short lines, tabs instead of blanks, and UTF-8. They
    are read: every amount is ASCII, and the names come out right.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self.line = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        while raw := self._stream.readline(_LONGEST):
            self.line += 1
            text = self._decoded(raw).rstrip("\r\n\x1a ")
            if not text:
                continue
            if "\t" in text:
                text = text.expandtabs(_TAB).rstrip()
            if len(text) > _COLUMNS:
                raise BankFileError(N_("The line is longer than 80 characters."), line=self.line)
            if not text.isprintable():
                self._check_characters(text)
            return self.line, text.ljust(_COLUMNS)
        raise StopIteration

    def _decoded(self, raw: bytes) -> str:
        if raw.isascii():
            return raw.decode("ascii")
        if self.line == 1 and raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise BankFileError(
                N_("The file is saved as UTF-16. BgMax is ISO 8859-1: fetch it anew, unchanged."),
                line=1,
            )
        if self.line == 1 and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            self._refuse(raw[error.start])

    def _check_characters(self, text: str) -> None:
        for character in text:
            if character < " " or "\x7f" <= character < "\xa0":
                self._refuse(ord(character))

    def _refuse(self, code: int) -> NoReturn:
        raise BankFileError(
            N_("The line has a character that is no text (code %(code)s)."),
            line=self.line, code=code,
        )  # fmt: skip


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

"""ISO 20022 camt.054 (notification of entries) and camt.053 (statement with balances).

One account a notification or statement, with its entries (`Ntry`); an entry is one payment, or a
batch whose payments are its `TxDtls`. Versions 001.02 to 001.13, whose differences are few: from
.04 on a payment's amount stands on `TxDtls` itself, later a party is in `Pty`, a status in `Cd`.

Sources: ISO 20022 message definition reports "Bank-to-Customer Cash Management" (camt.053 and
camt.054); Common Global Implementation (CGI-MP), "Bank-to-Customer Debit/Credit Notification";
Swedbank Sweden's "MIG Credit and Debit Notification (CAMT.054)" (2020), where the account is
`Othr/Id`, the bankgiro a payment's `CdtrAcct` with the scheme `BGNR`, and an OCR reference
`CdtrRefInf/Ref`.

Held against each other: the payments of an entry with the entry; a batch's own count and sum
(`Btch`); the summary of a notification (`TxsSummry`) with its entries; opening balance and booked
entries with closing balance. Entries that are not booked yet (`Sts` other than BOOK) are left out.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from lxml import etree
from stdnum.exceptions import ValidationError
from stdnum.se import orgnr

from portal.messages import N_
from portal.payments.bank_files.record import (
    DEBIT,
    DEDUCTION,
    PAYMENT,
    RETURNED,
    REVERSAL,
    BankFileError,
    Header,
    Received,
    Record,
    Reference,
    Section,
    check_currency,
    check_size,
)

_PIECE = 1 << 16
# Banks have been seen to put blanks, and a mark of the byte order after them, before the XML.
BEFORE_XML = b"\xef\xbb\xbf \r\n\t"
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[34])\.001\.(\d\d)")
_VERSIONS = range(2, 14)
# Root of the message and what holds the entries of one account, by the kind of message.
_BODY = {
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
}
# A balance between the pages of a statement takes the place of the one that another page has.
_OPENING, _CLOSING = ("OPBD", "PRCD", "ITBD"), ("CLBD", "ITBD")
# Of an identification: those that are not the bank's own customer numbers.
_NUMBERS_OF_COMPANIES = ("", "COID", "TXID")
_CUT_OFF = N_("The file is no whole XML. Fetch it from the bank again, unchanged.")
_OTHER_KIND = N_("The file is “%(name)s”, and neither camt.054 nor camt.053.")


_AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d{1,5}))?")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_BANKGIRO = re.compile(r"BG ?(\d{3,4}-?\d{4})\b")
_SWEDEN = ZoneInfo("Europe/Stockholm")
# Larger numbers of lines libxml2 does not keep.
_LAST_LINE = 65_534
_TAGS = (
    *("Document", "GrpHdr", "Ntfctn", "Stmt", "NtfctnPgntn", "StmtPgntn"),
    *("Acct", "Bal", "TxsSummry", "Ntry", "NtryDtls", "TxDtls"),
)


def read(stream: BinaryIO) -> Iterator[Record]:
    """The records of a file: its header, then each account and its booked payments.

    Raises BankFileError, at the latest after the last payment, when it is no whole and right file.
    Entities, document types and the network are never followed.
    """
    reader = _Reader()
    try:
        for event, node in _events(stream):
            yield from reader.take(event, node)
    except etree.XMLSyntaxError as error:
        raise BankFileError(_CUT_OFF, line=error.lineno or 1) from None
    if not reader.kind:
        raise BankFileError(_OTHER_KIND, name="")


def _events(stream: BinaryIO) -> Iterator[tuple[str, Any]]:
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=[f"{{*}}{name}" for name in _TAGS],
        resolve_entities=False, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    parser.feed(stream.read(_PIECE).lstrip(BEFORE_XML))
    while True:
        yield from parser.read_events()
        piece = stream.read(_PIECE)
        if not piece:
            break
        parser.feed(piece)
    parser.close()
    yield from parser.read_events()


class _Total:
    """How many, and their sum."""

    __slots__ = ("count", "ore")

    def __init__(self) -> None:
        self.count = self.ore = 0

    def add(self, ore: int) -> None:
        self.count += 1
        self.ore += ore


class _Account:
    """The notification or statement being read."""

    def __init__(self, name: str, number: int, *, is_paged: bool) -> None:
        self.place = f"{name}[{number}]"
        self.account = self.id = ""
        self.is_paged = is_paged
        self.balances: dict[str, list[int]] = {}
        self.summary: dict[str, int] = {}
        # By the sign of the entry: of all, and of those that are booked.
        self.all = {1: _Total(), -1: _Total()}
        self.booked = {1: _Total(), -1: _Total()}

    @property
    def entries(self) -> int:
        return self.all[1].count + self.all[-1].count


class _Entry:
    """The entry being read: what it says before its payments, and what they have come to."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.line: int | None = None
        self.sign, self.ore, self.currency, self.kind = 1, 0, "", PAYMENT
        self.is_reversal = self.is_booked = False
        self.value_on = date.min
        self.serial = self.account = ""
        self.payments = _Total()
        self.batch = _Total()
        self.lacks_amounts = False


class _Reader:
    def __init__(self) -> None:
        self.kind = self.ns = ""
        self._paths: dict[str, str] = {}
        self.accounts = 0
        self.is_paged = False
        self.owners: tuple[str, ...] = ()
        self.account: _Account | None = None
        self.entry: _Entry | None = None

    def take(self, event: str, node: etree._Element) -> Iterator[Record]:
        """What an element's beginning or end tells."""
        name = etree.QName(node).localname
        if event == "start":
            self._began(name, node)
            return
        parent = node.getparent()
        above = "" if parent is None else etree.QName(parent).localname
        if name == "TxDtls" and self.entry is not None:
            yield from self._ended_payment(self.entry, node)
        elif name == "NtryDtls" and self.entry is not None:
            self._close_batch(self.entry, node)
        elif name == "Ntry" and self.account is not None:
            yield from self._ended_entry(self.account, node)
        elif name == "GrpHdr":
            yield self._header(node)
        elif name == "Document":
            self._ended_document(node)
        elif self.account is not None and above == _BODY[self.kind][1]:
            yield from self._of_account(self.account, name, node)
        elif self.account is not None and name == _BODY[self.kind][1]:
            self._close_account(self.account, node)

    def _began(self, name: str, node: etree._Element) -> None:
        if name == "Document":
            self._root(node)
        elif not self.kind:
            raise BankFileError(_OTHER_KIND, name=name)
        elif name == _BODY[self.kind][1]:
            self.accounts += 1
            self.account = _Account(name, self.accounts, is_paged=self.is_paged)
        elif name == "NtryDtls" and self.account is not None:
            if self.entry is None:
                entry = node.getparent()
                assert entry is not None
                self.entry = self._entry(self.account, entry)
            self.entry.batch = _Total()

    def _root(self, node: etree._Element) -> None:
        if node.getroottree().docinfo.internalDTD is not None:
            raise BankFileError(
                N_("The file declares a document type, which no bank’s file does."), line=1
            )
        namespace = etree.QName(node).namespace or ""
        found = _NAMESPACE.fullmatch(namespace)
        if found is None or node.getparent() is not None:
            raise BankFileError(_OTHER_KIND, line=_line(node), name=namespace.rpartition(":")[2])
        if int(found[2]) not in _VERSIONS:
            raise BankFileError(
                N_("Version %(version)s of %(kind)s cannot be read."),
                line=_line(node), version=found[2], kind=found[1],
            )  # fmt: skip
        self.kind, self.ns = found[1], f"{{{namespace}}}"

    def _header(self, node: etree._Element) -> Header:
        self.is_paged = self._is_page(node, "MsgPgntn")
        self.owners = self._owners(node, "MsgRcpt")
        bank_id = self._need(node, "MsgId", "GrpHdr")
        made_at = self._text(node, "CreDtTm")
        return Header(self.kind, bank_id, _moment(made_at, node) if made_at else None, False)

    def _is_page(self, node: etree._Element, name: str) -> bool:
        """Whether what is read is one of several pages."""
        page = node if name == "." else node.find(self._path(name))
        if page is None:
            return False
        return not (
            self._text(page, "PgNb") in ("", "1") and self._text(page, "LastPgInd") in ("true", "1")
        )

    def _ended_document(self, node: etree._Element) -> None:
        names = [etree.QName(one).localname for one in node]
        if names != [_BODY[self.kind][0]] or not self.accounts:
            raise BankFileError(_OTHER_KIND, line=_line(node), name=", ".join(names))

    def _of_account(self, account: _Account, name: str, node: etree._Element) -> Iterator[Record]:
        if name == "Acct":
            account.account = _account(self._account_of(node))
            account.id = self._text(node.getparent(), "Id")
            if not account.account:
                raise self._error(N_("No account is named."), node, account.place)
            owners = self.owners + self._owners(node, "Ownr")
            yield Section(account.account, owners, _line(node), account.place)
        elif name == "Bal":
            self._balance(account, node)
        elif name == "TxsSummry":
            self._summary(account, node)
        elif name in ("NtfctnPgntn", "StmtPgntn"):
            account.is_paged |= self._is_page(node, ".")

    # What stands in the places of an element.

    def _path(self, path: str) -> str:
        found = self._paths.get(path)
        if found is None:
            found = "/".join(f"{self.ns}{name}" for name in path.split("/"))
            self._paths[path] = found
        return found

    def _text(self, node: etree._Element | None, *paths: str) -> str:
        """The text at the first of some paths that has one, or ""."""
        if node is not None:
            for path in paths:
                found = node.findtext(self._path(path))
                if found is not None and (found := found.strip()):
                    return found
        return ""

    def _need(self, node: etree._Element, path: str, place: str) -> str:
        found = self._text(node, path)
        if not found:
            raise self._error(N_("“%(name)s” is missing."), node, place, name=path)
        return found

    def _error(
        self, message: str, node: etree._Element, place: str, **values: object
    ) -> BankFileError:
        return BankFileError(message, line=_line(node), place=place, **values)

    def _ore(self, node: etree._Element, path: str, place: str) -> int | None:
        """An amount in öre, or None when there is none."""
        text = self._text(node, path)
        if not text:
            return None
        found = _AMOUNT.fullmatch(text)
        parts = ((found[2] or "") if found else "").rstrip("0")
        if found is None or len(parts) > 2:
            raise self._error(N_("“%(text)s” is no amount."), node, place, text=text)
        return int(found[1]) * 100 + int(parts.ljust(2, "0"))

    def _sign(self, node: etree._Element, place: str, default: int = 0) -> int:
        text = self._text(node, "CdtDbtInd")
        if not text and default:
            return default
        if text not in ("CRDT", "DBIT"):
            raise self._error(
                N_("“CdtDbtInd” is “%(text)s”, neither CRDT nor DBIT."), node, place, text=text
            )
        return 1 if text == "CRDT" else -1

    def _amount(self, node: etree._Element, path: str, place: str) -> tuple[int, str]:
        ore = self._ore(node, path, place)
        if ore is None:
            raise self._error(N_("“%(name)s” is missing."), node, place, name=path)
        found = node.find(self._path(path))
        assert found is not None
        return ore, check_currency(found.get("Ccy", ""), _line(node), place)

    def _day(self, node: etree._Element, place: str) -> date:
        for name in ("ValDt", "BookgDt"):
            if text := self._text(node, f"{name}/Dt"):
                found = _DATE.fullmatch(text)
                try:
                    if found is not None:
                        return date.fromisoformat(found[1])
                except ValueError:
                    pass
                raise self._error(N_("“%(date)s” is no date."), node, place, date=text)
            if text := self._text(node, f"{name}/DtTm"):
                return _moment(text, node).date()
        raise self._error(N_("“%(name)s” is missing."), node, place, name="ValDt")

    def _account_of(self, node: etree._Element) -> str:
        return self._text(node, "Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN")

    def _owners(self, node: etree._Element, name: str) -> tuple[str, ...]:
        """Swedish organisation numbers of a party, those that are said to be such."""
        found = []
        for one in node.iterfind(self._path(f"{name}/Id/OrgId/Othr")):
            scheme = self._text(one, "SchmeNm/Cd", "SchmeNm/Prtry")
            if scheme in _NUMBERS_OF_COMPANIES:
                try:
                    found.append(orgnr.validate(self._text(one, "Id")))
                except ValidationError:
                    continue
        return tuple(found)

    # Entries and their payments.

    def _entry(self, account: _Account, node: etree._Element) -> _Entry:
        if not account.account:
            raise self._error(N_("No account is named."), node, account.place)
        entry = _Entry(f"{account.place}/Ntry[{account.entries + 1}]")
        place = entry.place
        entry.line = _line(node)
        entry.ore, entry.currency = self._amount(node, "Amt", place)
        entry.sign = self._sign(node, place)
        entry.is_reversal = self._text(node, "RvslInd") in ("true", "1")
        status = self._text(node, "Sts/Cd", "Sts/Prtry", "Sts")
        if not status:
            raise self._error(N_("“%(name)s” is missing."), node, place, name="Sts")
        entry.is_booked = status == "BOOK"
        entry.value_on = self._day(node, place) if entry.is_booked else date.min
        reference = self._text(node, "NtryRef")
        entry.serial = self._text(node, "AcctSvcrRef") or reference
        found = _BANKGIRO.match(reference)
        entry.account = _account(found[1]) if found and entry.sign > 0 else account.account
        entry.kind = _kind(entry.sign, is_reversal=entry.is_reversal, is_return=False)
        return entry

    def _ended_payment(self, entry: _Entry, node: etree._Element) -> Iterator[Record]:
        account = self.account
        assert account is not None
        place = f"{entry.place}/TxDtls[{entry.payments.count + 1}]"
        sign = self._sign(node, place, entry.sign)
        ore = self._own_amount(entry, node, place)
        entry.payments.add(sign * ore)
        entry.batch.add(ore)
        if entry.is_booked and ore:
            check_size(ore, _line(node), place)
            kind = _kind(
                sign,
                is_reversal=entry.is_reversal,
                is_return=node.find(self._path("RtrInf")) is not None,
            )
            if sign < 0 < entry.sign:
                kind = DEDUCTION
            yield self._received(account, entry, node, place, kind, sign * ore)
        _let_go(node)

    def _own_amount(self, entry: _Entry, node: etree._Element, place: str) -> int:
        """A payment's amount; that of the entry when it is the only one and tells none."""
        for path in ("Amt", "AmtDtls/TxAmt/Amt"):
            ore = self._ore(node, path, place)
            found = node.find(self._path(path))
            if ore is not None and found is not None and found.get("Ccy") == entry.currency:
                return ore
        entry.lacks_amounts = True
        return entry.ore

    def _received(
        self, account: _Account, entry: _Entry, node: etree._Element | None, place: str,
        kind: str, ore: int,
    ) -> Received:  # fmt: skip
        # Whom the money came from, or went to; a reversal keeps the parties of what it takes back.
        is_ours = kind in (PAYMENT, DEDUCTION, REVERSAL)
        party = "Dbtr" if is_ours else "Cdtr"
        parties = None if node is None else node.find(self._path("RltdPties"))
        who = None if parties is None else parties.find(self._path(party))
        inner = None if who is None else who.find(self._path("Pty"))
        who = who if inner is None else inner
        held = None if parties is None else parties.find(self._path(f"{party}Acct"))
        references, texts = self._remittance(node, ore)
        if node is not None and (told := self._text(node, "AddtlTxInf")):
            texts.append(told)
        return Received(
            entry.line if node is None else _line(node), place,
            (is_ours and self._bankgiro(parties)) or entry.account, kind, ore, entry.currency,
            entry.value_on, references, "\n".join(texts),
            "" if held is None else _account(self._account_of(held)),
            self._text(who, "Nm")
            or self._text(parties, f"Ultmt{party}/Nm", f"Ultmt{party}/Pty/Nm"),
            self._address(who), self._text(who, "Id/OrgId/Othr/Id", "Id/PrvtId/Othr/Id"),
            self._text(node, "Refs/AcctSvcrRef", "Refs/TxId") or entry.serial,
            entry.serial or f"{account.id}/{account.entries + 1}", max(1, entry.payments.count),
        )  # fmt: skip

    def _bankgiro(self, parties: etree._Element | None) -> str:
        """The bankgiro that a payment came to, if it is told."""
        scheme = self._text(
            parties, "CdtrAcct/Id/Othr/SchmeNm/Prtry", "CdtrAcct/Id/Othr/SchmeNm/Cd"
        )
        if not scheme.startswith("BG"):
            return ""
        return _account(self._text(parties, "CdtrAcct/Id/Othr/Id"))

    def _address(self, who: etree._Element | None) -> str:
        where = None if who is None else who.find(self._path("PstlAdr"))
        if where is None:
            return ""
        lines = [(one.text or "").strip() for one in where.iterfind(self._path("AdrLine"))]
        street = " ".join(filter(None, (self._text(where, "StrtNm"), self._text(where, "BldgNb"))))
        rest = [self._text(where, name) for name in ("PstCd", "TwnNm", "Ctry")]
        return "\n".join(filter(None, [*lines, street, *rest]))

    def _remittance(
        self, node: etree._Element | None, ore: int
    ) -> tuple[tuple[Reference, ...], list[str]]:
        """What a payment is for: references with their shares, and free texts."""
        if node is None:
            return (), []
        texts = [
            one.text.strip() for one in node.iterfind(self._path("RmtInf/Ustrd"))
            if one.text and one.text.strip()
        ]  # fmt: skip
        found: list[Reference] = []
        for one in node.iterfind(self._path("RmtInf/Strd")):
            numbers = [
                self._text(one, "CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"),
                self._text(one, "RfrdDocInf/Nb"),
            ]
            numbers = [number for number in dict.fromkeys(numbers) if number]
            share = self._share(one)
            found += [Reference(number, share if not at else None)
                      for at, number in enumerate(numbers)]  # fmt: skip
            texts += [
                told.text.strip() for told in one.iterfind(self._path("AddtlRmtInf")) if told.text
            ]
        shares = sum(one.amount_ore or 0 for one in found)
        if shares != ore:
            # Banks pass on what the payer's bank wrote; shares of another sum say nothing.
            found = [Reference(one.number, None) for one in found]
        return tuple(found), texts

    def _share(self, node: etree._Element) -> int | None:
        for path, sign in (("RmtdAmt", 1), ("CdtNoteAmt", -1)):
            text = self._text(node, f"RfrdDocAmt/{path}")
            if found := _AMOUNT.fullmatch(text):
                return sign * (int(found[1]) * 100 + int((found[2] or "")[:2].ljust(2, "0")))
        return None

    # Sums.

    def _close_batch(self, entry: _Entry, node: etree._Element) -> None:
        batch = node.find(self._path("Btch"))
        if batch is not None and entry.batch.count:
            count, ore = self._count(batch, "NbOfTxs"), self._ore(batch, "TtlAmt", entry.place)
            if count is not None and count != entry.batch.count:
                raise self._miscounted(count, entry.batch.count, node, entry.place)
            # The sum of a batch may be told for both directions apart, or net.
            if ore is not None and ore not in (entry.batch.ore, abs(entry.payments.ore)):
                raise self._mis_summed(ore, entry.batch.ore, node, entry.place)
        _let_go(node)

    def _ended_entry(self, account: _Account, node: etree._Element) -> Iterator[Record]:
        entry = self.entry or self._entry(account, node)
        self.entry = None
        signed = entry.sign * entry.ore
        if not entry.payments.count:
            if entry.is_booked and entry.ore:
                yield self._received(account, entry, None, entry.place, entry.kind, signed)
        elif entry.lacks_amounts and entry.payments.count > 1:
            raise self._error(
                N_("The entry has several payments, and not each tells its amount."),
                node, entry.place,
            )  # fmt: skip
        elif entry.payments.ore != signed:
            raise self._mis_summed(signed, entry.payments.ore, node, entry.place)
        account.all[entry.sign].add(entry.ore)
        if entry.is_booked:
            account.booked[entry.sign].add(entry.ore)
        _let_go(node)

    def _balance(self, account: _Account, node: etree._Element) -> None:
        code = self._text(node, "Tp/CdOrPrtry/Cd", "Tp/Cd")
        if code in (*_OPENING, *_CLOSING):
            place = f"{account.place}/Bal"
            ore, _ = self._amount(node, "Amt", place)
            account.balances.setdefault(code, []).append(self._sign(node, place) * ore)

    def _summary(self, account: _Account, node: etree._Element) -> None:
        place = f"{account.place}/TxsSummry"
        for part, name in (("TtlNtries", "all"), ("TtlCdtNtries", "in"), ("TtlDbtNtries", "out")):
            if (count := self._count(node, f"{part}/NbOfNtries")) is not None:
                account.summary[f"{name} count"] = count
            if (ore := self._ore(node, f"{part}/Sum", place)) is not None:
                account.summary[f"{name} sum"] = ore
        for path in ("TtlNtries/TtlNetNtryAmt", "TtlNtries/TtlNetNtry/Amt"):
            if (ore := self._ore(node, path, place)) is not None:
                above = node.find(self._path(path.rpartition("/")[0]))
                assert above is not None
                account.summary["net"] = self._sign(above, place, 1) * ore

    def _close_account(self, account: _Account, node: etree._Element) -> None:
        if not account.account:
            raise self._error(N_("No account is named."), node, account.place)
        if not account.is_paged:
            found, booked = _figures(account.all), _figures(account.booked)
            for name, told in account.summary.items():
                if told not in (found[name], booked[name]):
                    fails = self._miscounted if name.endswith("count") else self._mis_summed
                    raise fails(told, found[name], node, f"{account.place}/TxsSummry")
        if self.kind == "camt.053":
            self._check_balances(account, node)
        self.account = None
        _let_go(node)

    def _check_balances(self, account: _Account, node: etree._Element) -> None:
        opening = _balance_of(account, _OPENING, 0)
        closing = _balance_of(account, _CLOSING, -1)
        if opening is None or closing is None:
            if not account.is_paged:
                raise self._error(
                    N_("The statement lacks its opening or closing balance."), node, account.place
                )
            return
        booked = account.booked[1].ore - account.booked[-1].ore
        if opening + booked != closing:
            raise self._error(
                N_(
                    "The opening balance and the entries come to %(sum_ore)s, but the closing"
                    " balance is %(told_ore)s."
                ),
                node, account.place, sum_ore=opening + booked, told_ore=closing,
            )  # fmt: skip

    def _count(self, node: etree._Element, path: str) -> int | None:
        text = self._text(node, path)
        return int(text) if text.isascii() and text.isdecimal() else None

    def _miscounted(self, told: int, found: int, node: etree._Element, place: str) -> BankFileError:
        return self._error(
            N_("The record counts %(told)s, but the file has %(found)s."),
            node, place, told=told, found=found,
        )  # fmt: skip

    def _mis_summed(self, told: int, found: int, node: etree._Element, place: str) -> BankFileError:
        return self._error(
            N_("It says %(told_ore)s, but what it is made up of comes to %(sum_ore)s."),
            node, place, told_ore=told, sum_ore=found,
        )  # fmt: skip


def _figures(totals: dict[int, _Total]) -> dict[str, int]:
    paid_in, paid_out = totals[1], totals[-1]
    return {
        "all count": paid_in.count + paid_out.count, "all sum": paid_in.ore + paid_out.ore,
        "in count": paid_in.count, "in sum": paid_in.ore,
        "out count": paid_out.count, "out sum": paid_out.ore,
        "net": paid_in.ore - paid_out.ore,
    }  # fmt: skip


def _balance_of(account: _Account, codes: tuple[str, ...], at: int) -> int | None:
    for code in codes:
        if found := account.balances.get(code):
            return found[at]
    return None


def _kind(sign: int, *, is_reversal: bool, is_return: bool) -> str:
    if sign > 0:
        return RETURNED if is_reversal or is_return else PAYMENT
    return REVERSAL if is_reversal else DEBIT


def _account(text: str) -> str:
    """An account as we compare it: an IBAN in capitals, all else without blanks and hyphens."""
    return re.sub(r"[\s-]", "", text).upper()


def _line(node: etree._Element) -> int | None:
    line = node.sourceline
    return line if isinstance(line, int) and line <= _LAST_LINE else None


def _moment(text: str, node: etree._Element) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BankFileError(N_("“%(date)s” is no date."), line=_line(node), date=text) from None
    return found.replace(tzinfo=_SWEDEN) if found.tzinfo is None else found.astimezone(_SWEDEN)


def _let_go(node: etree._Element) -> None:
    """Forget an element that has been taken, and its sister before it, which the parser is past."""
    before, parent = node.getprevious(), node.getparent()
    node.clear()
    if before is not None and before.tag == node.tag and parent is not None:
        parent.remove(before)

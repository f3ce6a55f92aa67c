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
from datetime import date
from typing import Any, BinaryIO

from lxml import etree
from stdnum.exceptions import ValidationError
from stdnum.se import orgnr

from portal.messages import N_
from portal.payments.bank_files.fields import Fields, line_of, local_name, plain
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
    Statement,
    check_size,
)

# Banks have been seen to put blanks, and a mark of the byte order after them, before the XML.
BEFORE_XML = b"\xef\xbb\xbf \r\n\t"
_PIECE = 1 << 16
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
_NO_ACCOUNT = N_("No account is named.")
_WHY_RETURNED = ("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry", "RtrInf/AddtlInf")
# What stands where a name has to stand and there is none.
_NOT_NAMED = "NOTPROVIDED"
_BANKGIRO = re.compile(r"BG ?(\d{3,4}-?\d{4})\b")
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
        raise BankFileError(
            N_("This is no file of payments that can be read. BgMax, camt.054 and camt.053 can."),
            line=1,
        )


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
        # By code: öre, currency and day.
        self.balances: dict[str, list[tuple[int, str, date | None]]] = {}
        self.summary: dict[str, int] = {}
        # By the sign of the entry: of all, and of those that are booked.
        self.all = {1: _Total(), -1: _Total()}
        self.booked = {1: _Total(), -1: _Total()}

    @property
    def entries(self) -> int:
        return self.all[1].count + self.all[-1].count


class _Entry:
    """The entry being read: what it says before its payments, and what they have come to."""

    def __init__(self, told: Fields) -> None:
        self.told, self.place = told, told.place
        self.ore, self.currency = told.amount("Amt")
        self.sign = told.sign()
        self.is_reversal = told.is_true("RvslInd")
        status = told.text("Sts/Cd", "Sts/Prtry") or told.need("Sts")
        self.is_booked = status == "BOOK"
        self.value_on = told.day("ValDt", "BookgDt") if self.is_booked else date.min
        self.kind = _kind(self.sign, is_reversal=self.is_reversal, is_return=False)
        self.serial = self.deposit = self.account = ""
        self.payments, self.batch = _Total(), _Total()
        self.lacks_amounts = False


class _Reader:
    def __init__(self) -> None:
        self.kind = self.ns = ""
        self.accounts = 0
        self.is_paged = False
        self.owners: tuple[str, ...] = ()
        self.account: _Account | None = None
        self.entry: _Entry | None = None

    def take(self, event: str, node: etree._Element) -> Iterator[Record]:
        """What an element's beginning or end tells."""
        name = local_name(node)
        if event == "start":
            self._began(name, node)
        elif name == "TxDtls" and self.entry is not None and self.account is not None:
            yield from self._ended_payment(self.account, self.entry, node)
        elif name == "NtryDtls" and self.entry is not None:
            self._close_batch(self.entry, node)
        elif name == "Ntry" and self.account is not None:
            yield from self._ended_entry(self.account, node)
        elif name == "GrpHdr":
            yield self._header(node)
        elif name == "Document":
            self._ended_document(node)
        elif self.account is not None and name == _BODY[self.kind][1]:
            yield from self._close_account(self.account, node)
        elif self.account is not None and _above(node) == _BODY[self.kind][1]:
            yield from self._of_account(self.account, name, node)

    def _began(self, name: str, node: etree._Element) -> None:
        if name == "Document":
            self._root(node)
        elif not self.kind:
            raise BankFileError(_OTHER_KIND, name=name)
        elif name == _BODY[self.kind][1]:
            self.accounts += 1
            self.account = _Account(name, self.accounts, is_paged=self.is_paged)
        elif name == "NtryDtls" and self.account is not None:
            above = node.getparent()
            assert above is not None
            if self.entry is None:
                self.entry = self._entry(self.account, above)
            self.entry.batch = _Total()

    def _root(self, node: etree._Element) -> None:
        if node.getroottree().docinfo.internalDTD is not None:
            raise BankFileError(
                N_("The file declares a document type, which no bank’s file does."), line=1
            )
        namespace = etree.QName(node).namespace or ""
        found = _NAMESPACE.fullmatch(namespace)
        if found is None or node.getparent() is not None:
            name = namespace.rpartition(":")[2] or etree.QName(node).localname
            raise BankFileError(_OTHER_KIND, line=line_of(node), name=name)
        if int(found[2]) not in _VERSIONS:
            raise BankFileError(
                N_("Version %(version)s of %(kind)s cannot be read."),
                line=line_of(node), version=found[2], kind=found[1],
            )  # fmt: skip
        self.kind, self.ns = found[1], f"{{{namespace}}}"

    def _header(self, node: etree._Element) -> Header:
        told = Fields(node, "GrpHdr")
        self.is_paged = _is_page(told, "MsgPgntn/")
        self.owners = self._owners(node, "MsgRcpt")
        made_at = told.moment("CreDtTm") if told.text("CreDtTm") else None
        return Header(self.kind, told.need("MsgId"), made_at, False)

    def _ended_document(self, node: etree._Element) -> None:
        names = [local_name(one) for one in node]
        if names != [_BODY[self.kind][0]] or not self.accounts:
            raise BankFileError(_OTHER_KIND, line=line_of(node), name=", ".join(names))

    def _of_account(self, account: _Account, name: str, node: etree._Element) -> Iterator[Record]:
        told = Fields(node, f"{account.place}/{name}")
        if name == "Acct":
            account.account = told.account("")
            above = node.getparent()
            account.id = ("" if above is None else above.findtext(f"{self.ns}Id")) or ""
            if not account.account:
                raise told.error(_NO_ACCOUNT)
            owners = self.owners + self._owners(node, "Ownr")
            yield Section(account.account, owners, told.line, account.place)
        elif name == "Bal":
            _balance(account, told)
        elif name == "TxsSummry":
            _summary(account, told)
        else:
            account.is_paged |= _is_page(told, "")

    def _owners(self, node: etree._Element, name: str) -> tuple[str, ...]:
        """Swedish organisation numbers of a party, those that are said to be such."""
        found = []
        for one in node.iterfind(
            "/".join(self.ns + part for part in (name, "Id", "OrgId", "Othr"))
        ):
            told = Fields(one, name)
            if told.text("SchmeNm/Cd", "SchmeNm/Prtry") in _NUMBERS_OF_COMPANIES:
                try:
                    found.append(orgnr.validate(told.text("Id")))
                except ValidationError:
                    continue
        return tuple(found)

    # Entries and their payments.

    def _entry(self, account: _Account, node: etree._Element) -> _Entry:
        told = Fields(node, f"{account.place}/Ntry[{account.entries + 1}]", ("NtryDtls",))
        if not account.account:
            raise told.error(_NO_ACCOUNT)
        entry = _Entry(told)
        reference = told.text("NtryRef")
        found = _BANKGIRO.match(reference)
        # A bankgiro alone is the name of all that comes to it, and of nothing by itself.
        is_name = found is None or found.end() < len(reference)
        entry.serial = told.text("AcctSvcrRef") or (reference if is_name else "")
        entry.deposit = entry.serial or f"{account.id}/{account.entries + 1}"
        entry.account = plain(found[1]) if found and entry.sign > 0 else account.account
        return entry

    def _ended_payment(
        self, account: _Account, entry: _Entry, node: etree._Element
    ) -> Iterator[Record]:
        told = Fields(node, f"{entry.place}/TxDtls[{entry.payments.count + 1}]", ("RmtInf",))
        sign = told.sign(default=entry.sign)
        ore = _own_amount(entry, told)
        entry.batch.add(ore)
        if entry.sign == sign == 1 and 0 < entry.ore < ore and self._is_charged(entry, told, node):
            ore = entry.ore
        entry.payments.add(sign * ore)
        if entry.is_booked and ore:
            check_size(ore, told.line, told.place)
            is_return = any(path.startswith("RtrInf") for path in told.texts)
            kind = _kind(sign, is_reversal=entry.is_reversal, is_return=is_return)
            if sign < 0 < entry.sign:
                kind = DEDUCTION
            remittance = node.find(f"{self.ns}RmtInf")
            yield _received(entry, told, kind, sign * ore, remittance)
        _let_go(node)

    def _is_charged(self, entry: _Entry, told: Fields, node: etree._Element) -> bool:
        """Whether an entry's only payment tells what was sent, of which a bank has kept charges.

        What came to the account is then the entry's amount, and no more.
        """
        above = node.getparent()
        number = None if above is None else above.findtext(f"{self.ns}Btch/{self.ns}NbOfTxs")
        is_sent = told.ore("Amt") is None and told.ore("AmtDtls/TxAmt/Amt") is not None
        return not entry.payments.count and number == "1" and is_sent

    # Sums.

    def _close_batch(self, entry: _Entry, node: etree._Element) -> None:
        batch = node.find(f"{self.ns}Btch")
        if batch is not None and entry.batch.count:
            told = Fields(batch, entry.place)
            count, ore = told.count("NbOfTxs"), told.ore("TtlAmt")
            if count is not None and count != entry.batch.count:
                raise _miscounted(told, count, entry.batch.count)
            # The sum of a batch may be told for both directions together, or net.
            if ore is not None and ore not in (entry.batch.ore, abs(entry.payments.ore)):
                raise _mis_summed(told, ore, entry.batch.ore)
        _let_go(node)

    def _ended_entry(self, account: _Account, node: etree._Element) -> Iterator[Record]:
        entry = self.entry or self._entry(account, node)
        self.entry = None
        signed = entry.sign * entry.ore
        if not entry.payments.count:
            if entry.is_booked and entry.ore:
                check_size(entry.ore, entry.told.line, entry.place)
                yield _received(entry, entry.told, entry.kind, signed, None)
        elif entry.lacks_amounts and entry.payments.count > 1:
            raise entry.told.error(
                N_("The entry has several payments, and not each tells its amount.")
            )
        elif entry.payments.ore != signed:
            raise _mis_summed(entry.told, signed, entry.payments.ore)
        account.all[entry.sign].add(entry.ore)
        if entry.is_booked:
            account.booked[entry.sign].add(entry.ore)
        _let_go(node)

    def _close_account(self, account: _Account, node: etree._Element) -> Iterator[Record]:
        told = Fields(node, account.place, ("Ntry",))
        if not account.account:
            raise told.error(_NO_ACCOUNT)
        if not account.is_paged:
            found, booked = _figures(account.all), _figures(account.booked)
            for name, said in account.summary.items():
                if said not in (found[name], booked[name]):
                    fails = _miscounted if name.endswith("count") else _mis_summed
                    raise fails(told, said, found[name])
        if self.kind == "camt.053":
            yield from _statement(account, told)
        self.account = None
        _let_go(node)


def _above(node: etree._Element) -> str:
    parent = node.getparent()
    return "" if parent is None else local_name(parent)


def _is_page(told: Fields, path: str) -> bool:
    """Whether what is read is one of several pages."""
    number, is_told = told.text(f"{path}PgNb"), told.text(f"{path}LastPgInd")
    return bool(number or is_told) and not (
        number in ("", "1") and told.is_true(f"{path}LastPgInd")
    )


def _own_amount(entry: _Entry, told: Fields) -> int:
    """A payment's amount; that of the entry when it is the only one and tells none."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        ore = told.ore(path)
        if ore is not None and told.currency(path) == entry.currency:
            return ore
    entry.lacks_amounts = True
    return entry.ore


def _received(
    entry: _Entry, told: Fields, kind: str, ore: int, remittance: etree._Element | None
) -> Received:
    # Whom the money came from, or went to; a reversal keeps the parties of what it takes back.
    is_paid_to_us = kind in (PAYMENT, DEDUCTION, REVERSAL)
    party = "RltdPties/Dbtr" if is_paid_to_us else "RltdPties/Cdtr"
    ultimate = party.replace("/", "/Ultmt")
    references, texts = _remittance(remittance, told.place, ore)
    if more := told.text("AddtlTxInf"):
        texts.append(more)
    # Why a payment that we ordered came back, before all else.
    if why := " ".join(filter(None, map(told.text, _WHY_RETURNED))):
        texts.insert(0, why)
    named = told.text("Refs/EndToEndId")
    # Since version .08 who is a party stands one step further in.
    who = f"{party}/Pty" if any(path.startswith(f"{party}/Pty/") for path in told.texts) else party
    return Received(
        told.line, told.place, (is_paid_to_us and _bankgiro(told)) or entry.account, kind, ore,
        entry.currency, entry.value_on, references, "\n".join(texts), told.account(f"{party}Acct/"),
        told.text(f"{who}/Nm", f"{ultimate}/Nm", f"{ultimate}/Pty/Nm"), _address(told, who),
        told.first(f"{who}/Id/OrgId/Othr/Id", f"{who}/Id/PrvtId/Othr/Id"),
        told.text("Refs/AcctSvcrRef", "Refs/TxId") or entry.serial, entry.deposit,
        max(1, entry.payments.count), "" if named == _NOT_NAMED else named,
        _giro(told, party),
    )  # fmt: skip


def _giro(told: Fields, party: str) -> str:
    """Which giro a party's account is of, if that is told; `BBAN` is any account but at 9960."""
    held = f"{party}Acct/Id/Othr/SchmeNm"
    scheme = told.first(f"{held}/Prtry", f"{held}/Cd")
    if scheme.startswith("BG"):
        return "bankgiro"
    agent = party.replace("RltdPties", "RltdAgts")
    member = told.first(f"{agent}Agt/FinInstnId/ClrSysMmbId/MmbId")
    return "plusgiro" if scheme.startswith("PG") or (scheme, member) == ("BBAN", "9960") else ""


def _bankgiro(told: Fields) -> str:
    """The bankgiro that a payment came to, if it is told."""
    held = "RltdPties/CdtrAcct/Id/Othr/"
    if told.text(f"{held}SchmeNm/Prtry", f"{held}SchmeNm/Cd").startswith("BG"):
        return plain(told.first(f"{held}Id"))
    return ""


def _address(told: Fields, who: str) -> str:
    where = f"{who}/PstlAdr/"
    street = f"{told.text(where + 'StrtNm')} {told.text(where + 'BldgNb')}".strip()
    parts = (told.text(where + name) for name in ("PstCd", "TwnNm", "Ctry"))
    return "\n".join(filter(None, [told.text(where + "AdrLine"), street, *parts]))


def _remittance(
    node: etree._Element | None, place: str, ore: int
) -> tuple[tuple[Reference, ...], list[str]]:
    """What a payment is for: references with their shares, and free texts."""
    if node is None:
        return (), []
    texts, found = [], []
    for one in node:
        if local_name(one) == "Strd":
            told = Fields(one, place)
            numbers = [
                told.first("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"),
                told.first("RfrdDocInf/Nb"),
            ]
            numbers = [number for number in dict.fromkeys(numbers) if number]
            found += [
                Reference(number, None if at else _share(told)) for at, number in enumerate(numbers)
            ]
            texts.append(told.text("AddtlRmtInf"))
        else:
            texts.append((one.text or "").strip())
    # Banks pass on what the payer's bank wrote; shares of another sum say nothing.
    tie = sum(one.amount_ore or 0 for one in found) == abs(ore)
    sign = 1 if ore > 0 else -1
    found = [
        Reference(one.number, sign * one.amount_ore if tie and one.amount_ore else None)
        for one in found
    ]
    return tuple(found), [one for one in texts if one]


def _share(told: Fields) -> int | None:
    for path, sign in (("RfrdDocAmt/RmtdAmt", 1), ("RfrdDocAmt/CdtNoteAmt", -1)):
        try:
            ore = told.ore(path)
        except BankFileError:
            return None
        if ore is not None:
            return sign * ore
    return None


def _balance(account: _Account, told: Fields) -> None:
    code = told.text("Tp/CdOrPrtry/Cd", "Tp/Cd")
    if code in (*_OPENING, *_CLOSING):
        ore, currency = told.amount("Amt")
        on = told.day("Dt") if told.text("Dt/Dt", "Dt/DtTm") else None
        account.balances.setdefault(code, []).append((told.sign() * ore, currency, on))


def _summary(account: _Account, told: Fields) -> None:
    for part, name in (("TtlNtries", "all"), ("TtlCdtNtries", "in"), ("TtlDbtNtries", "out")):
        if (count := told.count(f"{part}/NbOfNtries")) is not None:
            account.summary[f"{name} count"] = count
        if (ore := told.ore(f"{part}/Sum")) is not None:
            account.summary[f"{name} sum"] = ore
    for path, sign in (
        ("TtlNtries/TtlNetNtryAmt", "TtlNtries/CdtDbtInd"),
        ("TtlNtries/TtlNetNtry/Amt", "TtlNtries/TtlNetNtry/CdtDbtInd"),
    ):
        if (ore := told.ore(path)) is not None:
            account.summary["net"] = told.sign(sign, default=1) * ore


def _statement(account: _Account, told: Fields) -> Iterator[Statement]:
    opening = _balance_of(account, _OPENING, 0)
    closing = _balance_of(account, _CLOSING, -1)
    if opening is None or closing is None:
        if not account.is_paged:
            raise told.error(N_("The statement lacks its opening or closing balance."))
        return
    booked = account.booked[1].ore - account.booked[-1].ore
    (opening_ore, currency, opened_on), (closing_ore, _, closed_on) = opening, closing
    if opening_ore + booked != closing_ore:
        raise told.error(
            N_(
                "The opening balance and the entries come to %(sum_ore)s, but the closing"
                " balance is %(told_ore)s."
            ),
            sum_ore=opening_ore + booked, told_ore=closing_ore,
        )  # fmt: skip
    if opened_on is not None and closed_on is not None:
        yield Statement(account.account, currency, opened_on, opening_ore, closed_on, closing_ore)


def _miscounted(told: Fields, said: int, found: int) -> BankFileError:
    return told.error(
        N_("The record counts %(told)s, but the file has %(found)s."), told=said, found=found
    )


def _mis_summed(told: Fields, said: int, found: int) -> BankFileError:
    return told.error(
        N_("It says %(told_ore)s, but what it is made up of comes to %(sum_ore)s."),
        told_ore=said, sum_ore=found,
    )  # fmt: skip


def _figures(totals: dict[int, _Total]) -> dict[str, int]:
    paid_in, paid_out = totals[1], totals[-1]
    return {
        "all count": paid_in.count + paid_out.count, "all sum": paid_in.ore + paid_out.ore,
        "in count": paid_in.count, "in sum": paid_in.ore,
        "out count": paid_out.count, "out sum": paid_out.ore,
        "net": paid_in.ore - paid_out.ore,
    }  # fmt: skip


def _balance_of(
    account: _Account, codes: tuple[str, ...], at: int
) -> tuple[int, str, date | None] | None:
    for code in codes:
        if found := account.balances.get(code):
            return found[at]
    return None


def _kind(sign: int, *, is_reversal: bool, is_return: bool) -> str:
    if sign > 0:
        return RETURNED if is_reversal or is_return else PAYMENT
    # What came and is sent back to its payer is told as a debit with its reason (`RtrInf`).
    return REVERSAL if is_reversal or is_return else DEBIT


def _let_go(node: etree._Element) -> None:
    """Forget an element that has been taken, and its sister before it, which the parser is past."""
    before, parent = node.getprevious(), node.getparent()
    node.clear()
    if before is not None and before.tag == node.tag and parent is not None:
        parent.remove(before)

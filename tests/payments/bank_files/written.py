"""Banks' files as a test tells them: a few payments, and the bytes that a bank would write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

OURS = "50501055"
STAMP = "20260309173035010331"
DAY = date(2026, 3, 9)


@dataclass
class Paid:
    """One payment. ore: signed; below zero a deduction. extras: further references, with shares."""

    ore: int
    reference: str = ""
    extras: Sequence[tuple[str, int]] = ()
    payer: str = ""
    texts: Sequence[str] = ()
    name: str = ""
    street: str = ""
    postcode: str = ""
    town: str = ""
    number: str = ""
    serial: str = ""
    aligns_right: bool = True
    # How who ordered it named it, and why it came back; of ISO 20022 alone.
    end_to_end_id: str = ""
    why_returned: str = ""
    # Of ISO 20022 alone too; "": none.
    scheme: str = "<Prtry>BGNR</Prtry>"
    member: str = ""


@dataclass
class Deposit:
    """What came to a bankgiro on a day."""

    paid: Sequence[Paid] = field(default_factory=list)
    bankgiro: str = OURS
    day: date = DAY
    serial: str = "00074"
    currency: str = "SEK"

    @property
    def ore(self) -> int:
        return sum(one.ore for one in self.paid)


def bgmax_lines(*deposits: Deposit, stamp: str = STAMP, mark: str = "P") -> list[str]:
    """The records, each of 80 columns."""
    lines = [f"01{'BGMAX':<20}01{stamp}{mark}"]
    for one in deposits:
        lines.append(f"05{one.bankgiro:0>10}{'':10}{one.currency}")
        for paid in one.paid:
            lines += _payment(paid)
        told = f"{one.ore:018}"
        lines.append(
            f"15{'58410000010098232':0>35}{one.day:%Y%m%d}{one.serial}{told}{one.currency}"
            f"{len(one.paid):08}"
        )
    kinds = [line[:2] for line in lines]
    counts = (kinds.count("20"), kinds.count("21"), kinds.count("22") + kinds.count("23"))
    lines.append("70" + "".join(f"{count:08}" for count in (*counts, len(deposits))))
    return [line.ljust(80) for line in lines]


def _payment(paid: Paid) -> list[str]:
    begin, end = f"{paid.payer:0>10}", f"22{paid.serial or '':0>12}0"

    def placed(reference: str) -> str:
        return reference.rjust(25) if paid.aligns_right else reference.ljust(25)

    code = "20" if paid.ore > 0 else "21"
    lines = [f"{code}{begin}{placed(paid.reference)}{abs(paid.ore):018}{end}"]
    for reference, ore in paid.extras:
        lines.append(f"{'23' if ore < 0 else '22'}{begin}{placed(reference)}{abs(ore):018}{end}")
    lines += [f"25{text}" for text in paid.texts]
    if paid.name:
        lines.append(f"26{paid.name}")
    if paid.street or paid.postcode:
        lines.append(f"27{paid.street:<35}{paid.postcode}")
    if paid.town:
        lines.append(f"28{paid.town}")
    if paid.number:
        lines.append(f"29{paid.number:0>12}")
    return lines


def as_bytes(lines: Sequence[str], *, encoding: str = "latin-1", ends: str = "\r\n") -> bytes:
    """A file of lines."""
    return "".join(line + ends for line in lines).encode(encoding)


def bgmax(*deposits: Deposit, stamp: str = STAMP, mark: str = "P") -> bytes:
    """A whole BgMax file."""
    return as_bytes(bgmax_lines(*deposits, stamp=stamp, mark=mark))


def a_deposit() -> Deposit:
    """A little of everything."""
    return Deposit(
        [
            Paid(100_000, "1234567897", payer="3783511", serial="10", name="Kalles Plåt AB",
                 street="Storgatan 2", postcode="12345", town="Storåker", number="5560000167"),
            Paid(-50_000, "89853", payer="3783511", serial="11"),
            Paid(140_000, "", [("657866", 90_000), ("658765", 60_000), ("657767", -10_000)],
                 serial="14", texts=["Betalning för tre", "och en kreditnota"]),
            Paid(70_000, "659763", [("659771", 0), ("659789", 0)], aligns_right=False),
        ]
    )  # fmt: skip


# ISO 20022

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"


def kronor(ore: int) -> str:
    """An amount as the standard writes it."""
    return f"{abs(ore) // 100}.{abs(ore) % 100:02}"


def _direction(ore: int) -> str:
    return "CRDT" if ore > 0 else "DBIT"


def details(paid: Paid, version: int = 8) -> str:
    """A payment of an entry."""
    amount = f'<Amt Ccy="SEK">{kronor(paid.ore)}</Amt>'
    if version < 4:
        amount = f"<AmtDtls><TxAmt>{amount}</TxAmt></AmtDtls>"
    else:
        amount += f"<CdtDbtInd>{_direction(paid.ore)}</CdtDbtInd>"
    names = f"<AcctSvcrRef>{paid.serial}</AcctSvcrRef>" if paid.serial else ""
    if paid.end_to_end_id:
        names += f"<EndToEndId>{paid.end_to_end_id}</EndToEndId>"
    serial = f"<Refs>{names}</Refs>" if names else ""
    why = f"<RtrInf><Rsn><Cd>{paid.why_returned}</Cd></Rsn></RtrInf>" if paid.why_returned else ""
    name = f"<Nm>{paid.name}</Nm>" if paid.name else ""
    if name and version >= 8:
        name = f"<Pty>{name}</Pty>"
    held = ""
    if paid.payer:
        scheme = f"<SchmeNm>{paid.scheme}</SchmeNm>" if paid.scheme else ""
        held = f"<DbtrAcct><Id><Othr><Id>{paid.payer}</Id>{scheme}</Othr></Id></DbtrAcct>"
    agent = ""
    if paid.member:
        member = f"<ClrSysMmbId><MmbId>{paid.member}</MmbId></ClrSysMmbId>"
        agent = f"<RltdAgts><DbtrAgt><FinInstnId>{member}</FinInstnId></DbtrAgt></RltdAgts>"
    strd = "".join(
        f"<Strd>{_share(ore)}<CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>"
        for reference, ore in ([(paid.reference, 0)] if paid.reference else []) + [*paid.extras]
    )
    texts = "".join(f"<Ustrd>{text}</Ustrd>" for text in paid.texts)
    return (
        f"<TxDtls>{serial}{amount}<RltdPties><Dbtr>{name}</Dbtr>{held}</RltdPties>{agent}"
        f"<RmtInf>{texts}{strd}</RmtInf>{why}</TxDtls>"
    )


def _share(ore: int) -> str:
    if not ore:
        return ""
    name = "RmtdAmt" if ore > 0 else "CdtNoteAmt"
    return f'<RfrdDocAmt><{name} Ccy="SEK">{kronor(ore)}</{name}></RfrdDocAmt>'


def entry(
    paid: Sequence[Paid], version: int = 8, *, reference: str = "R1", status: str = "BOOK",
    reversal: bool = False, day: date = DAY,
) -> str:  # fmt: skip
    """An entry of several payments, or of one."""
    ore = sum(one.ore for one in paid)
    total = sum(abs(one.ore) for one in paid)
    batch = f'<Btch><NbOfTxs>{len(paid)}</NbOfTxs><TtlAmt Ccy="SEK">{kronor(total)}</TtlAmt></Btch>'
    said = f"<Cd>{status}</Cd>" if version >= 8 else status
    return (
        f'<Ntry><Amt Ccy="SEK">{kronor(ore)}</Amt><CdtDbtInd>{_direction(ore)}</CdtDbtInd>'
        f"{'<RvslInd>true</RvslInd>' if reversal else ''}<Sts>{said}</Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>{reference}</AcctSvcrRef>"
        f"<NtryDtls>{batch}{''.join(details(one, version) for one in paid)}</NtryDtls></Ntry>"
    )


def summary(*ores: int) -> str:
    """What a notification says its entries come to."""
    paid_in = [one for one in ores if one > 0]
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{len(ores)}</NbOfNtries></TtlNtries>"
        f"<TtlCdtNtries><NbOfNtries>{len(paid_in)}</NbOfNtries><Sum>{kronor(sum(paid_in))}</Sum>"
        "</TtlCdtNtries></TxsSummry>"
    )


def balance(code: str, ore: int) -> str:
    """A balance of a statement."""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        f'<Amt Ccy="SEK">{kronor(ore)}</Amt><CdtDbtInd>{_direction(ore)}</CdtDbtInd></Bal>'
    )


def camt(
    entries: str, *, kind: str = "camt.054", version: int = 8, before: str = "", account: str = "",
    message: str = "M1", header: str = "", doctype: str = "", encoding: str = "UTF-8",
) -> bytes:  # fmt: skip
    """A whole document. before: balances and summary. doctype: what stands before the document."""
    root, body = (
        ("BkToCstmrDbtCdtNtfctn", "Ntfctn") if kind == "camt.054" else ("BkToCstmrStmt", "Stmt")
    )
    held = account or f"<Id><Othr><Id>{OURS}</Id></Othr></Id>"
    return (
        f'<?xml version="1.0" encoding="{encoding}"?>{doctype}\n'
        f'<Document xmlns="{NAMESPACE}{kind}.001.{version:02}">\n<{root}>'
        f"<GrpHdr><MsgId>{message}</MsgId><CreDtTm>2026-03-09T08:00:00</CreDtTm>{header}</GrpHdr>\n"
        f"<{body}><Id>N1</Id><Acct>{held}<Ccy>SEK</Ccy></Acct>{before}\n{entries}\n</{body}>"
        f"</{root}></Document>\n"
    ).encode(encoding)

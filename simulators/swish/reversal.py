"""What the merchant's bank would tell of a payment that it takes back: a file (camt.054)."""

import secrets
from datetime import datetime
from decimal import Decimal

from simulators.swish.records import Payment

NAME = "camt.054-reversal.xml"
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
# Of the demo.
_BANKGIRO = "50501055"


def written(payment: Payment, amount: Decimal, at: datetime) -> bytes:
    """A debit of an amount on the day of an instant; it names the payment by Swish's reference."""
    money = f'<Amt Ccy="SEK">{amount:.2f}</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
    name, day = secrets.token_hex(8).upper(), at.date().isoformat()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}">\n'
        f"<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M{name}</MsgId>"
        f"<CreDtTm>{at:%Y-%m-%dT%H:%M:%S}</CreDtTm></GrpHdr>\n"
        f"<Ntfctn><Id>N{name}</Id><Acct><Id><Othr><Id>{_BANKGIRO}</Id></Othr></Id>"
        f"<Ccy>SEK</Ccy></Acct>\n<Ntry>{money}<RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>R{name}</AcctSvcrRef><NtryDtls><TxDtls>{money}"
        f"<RmtInf><Ustrd>SWISH {payment.payment_reference}</Ustrd></RmtInf></TxDtls></NtryDtls>"
        "</Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>\n"
    ).encode()

"""Names of files that every computer takes, and words for codes of the books."""

import re
import unicodedata

from portal.messages import N_
from portal.reporting.tables import Text

# What Windows does not take in a name, and what would lead out of a folder.
_REFUSED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]+')
# Names that are devices on Windows, whatever comes after a full stop.
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{one}{n}" for one in ("com", "lpt") for n in range(10)}
_LONGEST = 60

_ENTRIES = {
    "claim.taken": N_("The claim was taken in"),
    "payment.swish": N_("Payment by Swish"),
    "payment.card": N_("Payment by card"),
    "payment.account": N_("Payment from a bank account"),
    "payment.bankgiro": N_("Payment by bankgiro"),
    "payment.direct": N_("Payment to the creditor"),
    "commission": N_("Commission"),
    "commission.taken_back": N_("Commission taken back"),
    "signatures": N_("Signatures"),
    "fees.vat": N_("VAT on fees that you bear"),
    "payout": N_("Paid out to you"),
    "payout.rejected": N_("A payout that did not arrive"),
    "payout.settled": N_("The bank has paid"),
    "payout.returned": N_("A payout that came back"),
    "refund.paid": N_("Paid back to the payer"),
    "refund.returned": N_("A refund that came back"),
    "refund.lost": N_("Borne by the service"),
    "interest.accrued": N_("Interest to this day"),
    "interest.waived": N_("Interest waived"),
    "fee.reminder": N_("Reminder fee"),
    "fee.demand": N_("Fee for the demand"),
    "fee.late_payment": N_("Late-payment compensation"),
    "fee.plan": N_("Fee for the payment plan"),
    "creditor_fee.reminder": N_("Reminder fee that you bear"),
    "creditor_fee.demand": N_("Fee for the demand that you bear"),
    "creditor_fee.plan": N_("Fee for the payment plan that you bear"),
    "fee.waived": N_("Fees waived"),
    "claim.credited": N_("Credit note"),
    "claim.never_owed": N_("Never owed"),
    "claim.recalled": N_("Recalled"),
    "claim.written_off": N_("Written off"),
    "claim.returned": N_("Given back"),
    "claim.limited": N_("Limited by time"),
    "rest.written_off": N_("Small rest written off"),
    "payment.statement": N_("Payment of a monthly statement"),
    "payment.taken_back": N_("Payment taken back"),
    "payment.counted_anew": N_("Payment counted anew"),
    "payment.returned_by_bank": N_("Money returned by the bank"),
    "payment.came_again": N_("Money come again"),
    "rest.taken_back": N_("Rest owed again"),
    "fee.taken_back": N_("Fee owed again"),
    "funds.covered": N_("Covered by the service"),
    "funds.cover_returned": N_("No longer covered by the service"),
    "own_share.ordered": N_("The service's share ordered"),
    "own_share.settled": N_("The service's share taken out"),
    "own_share.rejected": N_("The service's share not taken out"),
    "own_share.returned": N_("The service's share came back"),
    "own_money.paid_in": N_("Paid in by the service"),
    "own_money.borne": N_("Borne by the service"),
}


ACCOUNTS = {
    "principal": N_("Owed by the debtor: invoice"),
    "interest": N_("Owed by the debtor: interest"),
    "fees": N_("Owed by the debtor: fees"),
    "claims": N_("Your claim, not yet collected"),
    "client_funds": N_("Client funds account"),
    "owed_to_creditor": N_("Owed to you"),
    "fee_income": N_("Our fees"),
    "over_payment": N_("Paid too much, to be refunded"),
    "unmatched": N_("Received, not yet matched"),
    "bad_debt": N_("Given up, or lost"),
    "owed_by_creditor": N_("What you are charged, to be set off"),
    "payout_in_transit": N_("On its way to you"),
    "covered": N_("Covered by the service"),
    "own_share": N_("The service's share"),
    "own_share_in_transit": N_("The service's share, on its way"),
    "commission_income": N_("Our commission"),
    "signature_income": N_("Our income from signatures"),
    "vat_owed": N_("VAT"),
}


def entry(kind: str) -> Text | str:
    """What a ledger entry is called."""
    known = _ENTRIES.get(kind)
    return Text(known) if known else kind


def safe(name: str) -> str:
    """A name for a file or folder that Windows, macOS and Linux take alike; never empty.

    Letters of every alphabet stay, in one form of writing (NFC).
    """
    plain = unicodedata.normalize("NFC", name)
    plain = "".join(one for one in plain if unicodedata.category(one)[0] != "C" or one == "\t")
    plain = " ".join(_REFUSED.sub("-", plain).split())[:_LONGEST].strip(" .")
    if plain.partition(".")[0].strip().casefold() in _DEVICES:
        plain = f"_{plain}"
    return plain or "_"

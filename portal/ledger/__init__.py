"""The books: double entry, only ever added to, balanced by the database itself.

- `post(...)`: write an entry, once per idempotency key; `post_many(...)`: one for each row.
- `take_back(key)`: write an entry that takes an earlier one back.
- `balance(case_id, on)`: what is owed on a case, part by part.
- `balance_after(key)`: the same, when the entry with a key had been written.
- `is_posted(key)`, `is_posted_sql(key)`: whether an entry with a key is written.
- `of_case(case_id)`: all that changed what is owed on a case: its balance on any day, when the
  principal changed and through which day interest is booked, for interest. `BOOKS`: of several, to
  be asked with other things (`database.together`).
- `interest_booked(case_id)`: how much interest is booked.
- `fees_charged(case_id)`: its fees that stand, `fees_called_for(case_id)` also those that money
  let fall; `paid_of(case_id, account)`: which payments cover
  them, or its interest; `collected(case_id, payment_key)`: what a payment covers of the rest.
- `covers(case_id, payment_key)`: what a payment covers as it is counted now.
- `received_since_sql(case_id, at)`: what came for a case, for its plan.
- `owed_to(creditor_id)`, `owed_rows(creditor_id)`: collected and not yet paid out.
- `owed_by(creditor_id)`: what the creditor is charged: fees it bears, commission, signatures.
- `charged_currencies(creditor_id)`, `line_id(key, account)`: for statements of what is charged.
- `to_settle_sql(creditor_id)`, `owing_creditors()`: what payouts are made of, and whose.
- `entries(case_id)`: the entries of a case, for a page.
- `unpaid_sql(column)`: what debtors still owe, for a list; `balances_sql(column)`: by part.
- `trial_balance()`, `off_balance()`: every account's sum; all together, and of each creditor, zero.
- `covering(case_id)`: the payments that stand, and their days; `standing(case_id, kind)`: entries.
- `money_of(case_id)`: what came for a case and was not taken back.
- `overpaid_sql()`: what was paid too much and is still to go back, by case.
- `case_totals_sql()`: what is owed and what came, of every case.
- `client_money(creditor_id, currency)`: what of a company's lies on the client account.
- `cover(...)`, `return_covers(...)`: our own share stands in for it; `covered(currency)`: for what.
- `own_share(currency)`: what on the client account is ours; `hold_own_share(currency)`: before
  any of it is taken.
- `keep_sums(through)`, `kept_through()`, `newest_entry()`, `forget_sums()`, `are_sums_right()`: the
  books summed up through an entry; `steadily(read)`, `SUMS`: to read the sums and what was posted
  since; `totals()`: the trial balance from them.
"""

from portal.ledger.books import (
    AGAIN,
    BOOKS,
    CLAIM_TAKEN,
    COMMISSION,
    COMMISSION_TAKEN_BACK,
    COUNTED_ANEW,
    COVER_RETURNED,
    COVERED_BY_US,
    FEES_IN_ORDER,
    FEES_VAT,
    INTEREST_ACCRUED,
    INTEREST_WAIVED,
    NEVER_OWED,
    NO_BOOKS,
    PAID_OUT,
    PAYOUT_REJECTED,
    PAYOUT_RETURNED,
    PAYOUT_SETTLED,
    REFUND_LOST,
    REFUND_PAID,
    REFUND_RETURNED,
    SIGNATURES,
    STATEMENT_PAID,
    Account,
    Balance,
    CaseBooks,
    CaseLine,
    Counted,
    EntryRow,
    Money,
    Movement,
    OwedRow,
    PaidOf,
    balance,
    balance_after,
    balances_sql,
    case_totals_sql,
    charged_currencies,
    collected,
    counted_anew,
    counted_for,
    covering,
    covers,
    entries,
    fees_called_for,
    fees_charged,
    interest_booked,
    interest_booked_before,
    is_posted,
    is_posted_sql,
    line_id,
    money_of,
    of_case,
    off_balance,
    overpaid_sql,
    owed_by,
    owed_rows,
    owed_to,
    paid_of,
    post,
    post_many,
    received_since_sql,
    standing,
    take_back,
    to_settle_sql,
    trial_balance,
    unpaid_sql,
)
from portal.ledger.client_money import (
    OwnShare,
    Share,
    client_money,
    cover,
    covered,
    hold_own_share,
    own_share,
    return_covers,
)
from portal.ledger.kept import (
    SUMS,
    are_sums_right,
    forget_sums,
    keep_sums,
    kept_through,
    newest_entry,
    owing_creditors,
    steadily,
    totals,
)

__all__ = [
    "AGAIN",
    "BOOKS",
    "CLAIM_TAKEN",
    "COMMISSION",
    "COMMISSION_TAKEN_BACK",
    "COUNTED_ANEW",
    "COVERED_BY_US",
    "COVER_RETURNED",
    "FEES_IN_ORDER",
    "FEES_VAT",
    "INTEREST_ACCRUED",
    "INTEREST_WAIVED",
    "NEVER_OWED",
    "NO_BOOKS",
    "PAID_OUT",
    "PAYOUT_REJECTED",
    "PAYOUT_RETURNED",
    "PAYOUT_SETTLED",
    "REFUND_LOST",
    "REFUND_PAID",
    "REFUND_RETURNED",
    "SIGNATURES",
    "STATEMENT_PAID",
    "SUMS",
    "Account",
    "Balance",
    "CaseBooks",
    "CaseLine",
    "Counted",
    "EntryRow",
    "Money",
    "Movement",
    "OwedRow",
    "OwnShare",
    "PaidOf",
    "Share",
    "are_sums_right",
    "balance",
    "balance_after",
    "balances_sql",
    "case_totals_sql",
    "charged_currencies",
    "client_money",
    "collected",
    "counted_anew",
    "counted_for",
    "cover",
    "covered",
    "covering",
    "covers",
    "entries",
    "fees_called_for",
    "fees_charged",
    "forget_sums",
    "hold_own_share",
    "interest_booked",
    "interest_booked_before",
    "is_posted",
    "is_posted_sql",
    "keep_sums",
    "kept_through",
    "line_id",
    "money_of",
    "newest_entry",
    "of_case",
    "off_balance",
    "overpaid_sql",
    "owed_by",
    "owed_rows",
    "owed_to",
    "owing_creditors",
    "own_share",
    "paid_of",
    "post",
    "post_many",
    "received_since_sql",
    "return_covers",
    "standing",
    "steadily",
    "take_back",
    "to_settle_sql",
    "totals",
    "trial_balance",
    "unpaid_sql",
]

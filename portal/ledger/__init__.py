"""The books: double entry, only ever added to, balanced by the database itself.

- `post(...)`: write an entry, once per idempotency key.
- `balance(case_id, on)`: what is owed on a case, part by part.
- `principal_movements(case_id)`: when the principal changed, for interest.
- `owed_to(creditor_id)`: collected and not yet paid out.
- `entries(case_id)`: the entries of a case, for a page.
- `trial_balance()`: every account's sum; all together zero.
"""

from portal.ledger.books import (
    Account,
    Balance,
    EntryRow,
    Movement,
    balance,
    entries,
    owed_to,
    post,
    principal_movements,
    trial_balance,
)

__all__ = [
    "Account",
    "Balance",
    "EntryRow",
    "Movement",
    "balance",
    "entries",
    "owed_to",
    "post",
    "principal_movements",
    "trial_balance",
]

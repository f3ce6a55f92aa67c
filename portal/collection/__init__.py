"""Overdue invoices become cases, and cases live until they are paid.

- `intake.receive`, `intake.read`, `intake.import_upload`: a creditor's file, step by step.
- `intake.import_overdue`: waiting invoices become cases when the rules say so.
- `policy.effective`, `policy.decide`: which rules hold for an invoice, from which scope, and why.
- `lifecycle.advance`: what is due today, done.
- `lifecycle.settle_payment`: money that came, settled and told.
- `cases.page`, `cases.find`, `cases.amount_due`: what pages show.
- `access.enter`: a debtor's way in by reference and code.
- `history.record`, `history.of_case`: what happened.
- `rates.table`, `rates.add`: reference rates, the law's and the operator's.
"""

"""Overdue invoices become cases, and cases live until they are paid.

- `intake.receive`, `intake.preview`, `intake.import_upload`: a creditor's file, step by step.
- `intake.import_overdue`: waiting invoices become cases when the rules say so.
- `policy.effective`, `policy.decide`: which rules hold for an invoice, from which scope, and why.
- `deciding.lay_out`: the rules of a creditor laid out for statements over many invoices.
- `previewing.preview`, `page`, `every`, `explain`: what rules would do that nobody has saved.
- `drafts.keep`, `drafts.find`: rules that somebody edits.
- `lifecycle.advance`: what is due today, done; the steps by `advancing`, thousands at a time.
- `settling.settle_payment`: money that came, settled and told; `receiving.settle_many`: of many.
- `owed.sums`, `owed.every`: what all cases owe on a day, interest included.
- `holding.standing`, `turn_on`, `pause`, `hold_everything`, `go_on`: a company's switch.
- `stops.stop`, `lifecycle.resume`: a case stands still, and goes on.
- `plan_offers.propose`, `plans.agree`: payment plans.
- `disputes.object_to`, `disputes.answer`: objections.
- `never_owed.principal_paid`: what was paid to us of the invoice that one is about.
- `effects.preview`, `effects.perform`: what an act would do, shown before it is done.
- `notes`, `attachments`: what a company keeps with a case for itself.
- `changes`: what the creditor's own ledger tells while a case lives.
- `circumstances.known_of`: what any case of a customer tells of them as a person.
- `places.of`, `places.show`: where a debtor is, unless they have a protected identity.
- `forwarding.find`, `forwarding.note_posted`: letters to a protected identity, posted by hand.
- `coming.of_case`, `debts.of`: what comes next on a case, and what its debtor owes on all of them.
- `states`: the table of what can happen to a case.
- `cases.find`, `cases.amount_due`: what pages show of a case.
- `finding.recognise`, `finding.beside`, `finding.page`, `finding.every`: lists of cases.
- `saved_views`: lists that people keep under a name.
- `together.prepare`, `together.look`, `together.begin`, `together.go_on`: one act with many cases.
- `checks.differences`: where the books and the cases do not agree.
- `days.to_run`: which days the clock has still to run.
- `access.enter`: a debtor's way in by reference and code.
- `entry_codes.ask`, `entry_codes.enter`: a debtor's way in by a code that is sent to them.
- `access.enter`, `access.of_person`: a debtor's way in by reference and code, and by BankID.
- `entry_links.make`, `entry_links.open_case`: a debtor's way in by a link in a message.
- `history.record`, `history.of_case`: what happened. `history.check`, `history.broken`: whether
  anybody has changed it since.
- `specimens.letter`: what a letter about an invented invoice says.
- `rates.table`, `rates.add`: reference rates, the law's and the operator's.
"""

"""The door of a creditor's people: uploads, cases, rules, payout."""

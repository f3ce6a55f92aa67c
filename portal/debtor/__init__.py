"""The debtor's door: in with reference and code, understand, pay, done."""

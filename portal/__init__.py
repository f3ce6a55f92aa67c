"""Reda: collection portal for creditors, debtors and signers."""

"""A BankID that runs on one machine: the relying party API version 6.0 over mutual TLS, and a phone
as a web page.

Shaped after https://developers.bankid.com (API reference: auth, sign, collect, cancel, errors; QR
code; autostart; verifying signatures) and the documents "Signature profile for BankID" and
"Guidelines for formatted text" published there. It has test certificates of its own and no part of
BankID's; what it signs is worth nothing outside this machine.

`orders` keeps the orders and their lives, `signature` makes what a person signs, `rp` is the API,
`phone` the phone and the control API for tests.
"""

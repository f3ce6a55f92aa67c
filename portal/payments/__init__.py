"""Money in and out: Swish, card, account, OCR references, account numbers and QR codes.

What other rooms and the doors call:

- `references`: `make_ocr`, `check_ocr`.
- `accounts`: `Bankgiro`, `Plusgiro`, `check_iban`, `written_iban`, `check_account`,
  `written_account`, `check_organisation_number`, `written_organisation_number`,
  `check_identity_number`, `written_identity_number`, `is_coordination_number`.
- `qr`: `invoice_payload`, `swish_payload`, `swish_request_payload`, `svg`.
- `swish`: `SwishClient` (one per process), `new_payment_id`, `new_callback_identifier`,
  `parse_callback`, `parse_refund_callback`, `is_callback_identifier`, `explain`.
- `offers`: what may be paid on a case, what is left afterwards, what a transfer by bank comes to.
- `online`: `OnlineClient` of the payment provider for card and account, `is_signed`.
- `taking`: files from banks (BgMax, camt.054, camt.053), each whole and once; `new_payments` are
  those that nobody has matched.
- `matching`: which case a bank's payment is for: `match_new` books what is certain, `candidates`
  tells of what is not, `other_numbers` why what looks certain waits. `deciding`: what a person does
  with the others, and refunds.
- `ways`: what Swish, card and account have in common, and their names.
- `booking`: what becomes of a payment at once, from the first click to the books.
  `booking.receive_many`: money of many payments, such as a bank file tells of.
- `commission.charge`, `commission.follow`: what is due to us of a payment on a case under
  long-term surveillance, booked with it; `statements`: what a company was charged in a month;
  `paying_in`: what it has paid of that itself; `exchange_rates`: for the tax in kronor of those in
  another currency.
- `refunds`: what goes back to who paid it, who decides, and how it is booked; `paying_back`: by
  Swish, card and account, the way it came. By bank it goes with the payouts. `telling`: the
  debtor is told of it.
- `told_twice`: deposits that files of two kinds tell of; `told_at_once`: Swish that comes on the
  account too; `coming_back`: payouts, refunds and our own share that the bank got back;
  `coming_again`: what was taken back of payments at once and is here again.
- `payouts`: what is owed becomes proposals; `releasing`: two operators approve them, and they are
  ordered in a file for the bank (`pain001`); `statuses`: what the bank says of it.
"""

"""Words going out: letters, and the outbox that they wait in.

What other rooms and the doors call:

- `outbox`: `put`, `put_mail`, `withdraw`, `withdraw_unsent` (in a verb's transaction),
  `deliver_waiting` and `write_batches` (the job), `messages_of`.
- `channels.mail.address_of`, for whoever takes an e-mail address from somebody.
- `letters`: `render_letter`, `render_receipt`, `render_agreement`, each answering a PDF,
  `render_batch` for many letters in one, and `is_fast`, `warn_if_slow` for the operator.
- `prints.first_page`: how a finished PDF looks, and where on it some words stand.

`presses` renders many letters in worker processes, `mails` the texts of e-mails. A channel is a
module in `channels/` that takes a finished document or mail and hands it over.
"""

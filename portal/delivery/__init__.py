"""Words going out: letters, and the outbox that they wait in.

What other rooms and the doors call:

- `outbox`: `put`, `put_mail`, `put_sms`, `withdraw`, `withdraw_unsent`, `withdraw_addressed` (in
  a verb's transaction), `messages_of`.
- `sending.deliver_waiting`, `sending.deliver_at_once` and `batches.write_batches` (the jobs);
  `receipts.ask_what_became_of`, when a provider tells of a text message.
- `outbox.kept_back`, `outbox.posted_by_hand`, `sending.without_address`: letters that a person
  posts.
- `mailboxes.forget_handed_over` (a job), `channels.mailbox.has_one`, for a page that offers it.
- `channels.mail.address_of` and `channels.sms.number_of`, for whoever takes an e-mail address or a
  mobile number from somebody.
- `letters`: `render_letter`, `render_receipt`, `render_agreement`, each answering a PDF,
  `render_batch` for many letters in one, and `is_fast`, `warn_if_slow` for the operator.
- `prints.first_page`: how a finished PDF looks, and where on it some words stand.

`presses` renders many letters in worker processes, `mails` the texts of e-mails, `texts` those of
text messages. A channel is a module in `channels/` that takes what is finished and hands it over.
"""

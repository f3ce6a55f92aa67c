"""What people are told of what happens: in the notification centre and by e-mail, as they choose.

What other rooms and the doors call:

- `telling.notify`: tell a company's people of something, in the verb's own transaction.
- `gathering.gather` (the job): tell of the history's new events, each once.
- `choosing`: `choices_of`, `save`, `stop_mails`: how a person is told, by company and kind.
- `centre`: `page`, `count_unread`, `open_one`, `mark_read`, `mark_unread`, `mark_all_read`.
- `mailing.send_due` (the job): put the e-mails and digests that are due in the outbox.

`kinds` is the registry: whoever tells of something new adds a kind there, and its words in
`portal/creditor/notices.py`.
"""

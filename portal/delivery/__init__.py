"""Words going out: letters, and the outbox that they wait in.

What other rooms and the doors call:

- `outbox`: `put`, `withdraw`, `withdraw_unsent` (in a verb's transaction), `deliver_waiting` and
  `write_batches` (the job), `messages_of`.
- `letters`: `render_letter`, `render_receipt`, `render_agreement`, each answering a PDF,
  `render_batch` for many letters in one, and `is_fast`, `warn_if_slow` for the operator.

`presses` renders many letters in worker processes. A channel is a module in `channels/` that takes
a finished document and says where it handed it.
"""

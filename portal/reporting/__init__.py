"""What a company takes along: reports, and archives of its documents, made in the background.

A report or an archive is asked for as an order of work; a worker makes it piece by piece, and its
files are kept for a week. This room reads what the other rooms keep and writes nothing of theirs.

- `orders.put(...)`, `orders.cancel(...)`, `orders.again(...)`: what a person does with an order.
- `orders.find(id)`, `orders.page(...)`: for pages.
- `orders.forget_old(now)`: files are gone after a week.
- `statements.shares(payout)`, `statements.parts(payout)`, `statements.written(...)`: what a payout
  to a company is made of; `vouchers.of_payout(...)`, `vouchers.write_sie(...)`: for its own books.
- `making.make_next(...)`: the worker's part.
"""

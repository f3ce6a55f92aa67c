"""The creditor as a company: its people, what it tells about itself, and who lets in whom.

- `members`, `invitations`: who may act for a company; nobody else writes memberships once it is
  there.
- `cards`, `addresses`, `contacts`, `looks`: its page, card by card, and its letters' look;
  `previews` shows the real letter with a look that is not saved.
- `accounts`: where it is paid out to; `acts` are what needs two administrators.
- `charts`: which accounts of its own books its vouchers use.
- `standing`: whether it takes anything in.
"""

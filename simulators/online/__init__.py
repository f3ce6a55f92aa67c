"""A provider of payments by card and from accounts that moves no money.

`python -m simulators.online --port P` serves on the loopback interface, until it is stopped, what
the merchant calls (`/payments`), the page that a payer comes to (`/pay/<token>`), a list of all
payments (`/`), and the control of tests (`/control`). The protocol is the one that
`portal/payments/online.py` describes. Everything is forgotten when the process ends.
"""

from simulators.online.running import CALLBACK_KEY, KEY, Running, start

__all__ = ["CALLBACK_KEY", "KEY", "Running", "start"]

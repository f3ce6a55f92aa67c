"""An operator of digital mailboxes: it takes letters as Kivra does, and shows them to readers.

The interface is that of `portal.delivery.channels.mailbox`, with its source. What goes wrong next
is told by `/control` and by the page.
"""

from simulators.mailbox.running import CLIENT_ID, CLIENT_SECRET, TENANT, Running, start

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "TENANT", "Running", "start"]

"""Swish Commerce API v2 over mutual TLS, and the payer's app as a page.

`python -m simulators.swish --certificates FOLDER --port P --payer-port Q` serves both on the
loopback interface until it is stopped. The payer's pages and the control of tests are plain HTTP on
the payer port; `GET /` there answers 200 when both are ready.

Written from Getswish's "Merchant Integration Guide" 2.x and its "User Guide Merchant Swish
Simulator" 1.6, from which also comes that a message which is an error code makes that error happen.

Where it differs from Swish, and why:
- A callback address may be http when its host is the loopback interface, as the demo's portal is.
- Nothing says how long Swish waits between two callbacks: here 5 seconds, doubled each time.
- How the next refund ends, `POST /control/next-refund` says; Swish has no such wish.
- A payer need not be enrolled, and any mobile number may pay.
- Everything is forgotten when the process ends.
"""

from simulators.swish.running import Running, start

__all__ = ["Running", "start"]

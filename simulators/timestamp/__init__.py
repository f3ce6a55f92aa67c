"""A timestamp authority, and the certificates that documents are sealed with in a demo.

`python -m simulators.timestamp --certificates FOLDER --port P` serves on the loopback interface,
until it is stopped, what clients of RFC 3161 ask for (`POST /timestamp`) and whether one of its
certificates is still good (`POST /ocsp`, RFC 6960). Certificates that are absent are made first.
"""

from simulators.timestamp.authority import Certificates, ensure, make
from simulators.timestamp.running import Running, start

__all__ = ["Certificates", "Running", "ensure", "make", "start"]

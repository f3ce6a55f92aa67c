"""A look for viruses by ClamAV's daemon, where one is set up (`CLAMD`).

The file goes over the daemon's socket in pieces (INSTREAM of clamd's protocol); nothing is written
for it to read.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from portal.extensions import settings

_PIECE = 64 * 1024
_SECONDS = 30


class ScannerSilent(Exception):
    """The scanner is set up and does not answer."""


def is_set_up() -> bool:
    """Whether files are looked through for viruses."""
    return bool(settings().clamd)


def virus_in(data: bytes) -> str | None:
    """The name of the virus that the scanner finds in a file, or None.

    Raises ScannerSilent when the scanner does not answer, or not with yes or no.
    """
    try:
        with _connected(settings().clamd) as clamd:
            clamd.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                clamd.sendall(struct.pack("!I", len(piece)) + piece)
            clamd.sendall(struct.pack("!I", 0))
            answer = b"".join(iter(lambda: clamd.recv(4096), b"")).rstrip(b"\0\n").decode()
    except OSError as error:
        raise ScannerSilent from error
    if answer.endswith(" FOUND"):
        return answer.removesuffix(" FOUND").removeprefix("stream: ")
    if answer != "stream: OK":
        raise ScannerSilent(answer)
    return None


@contextmanager
def _connected(address: str) -> Iterator[socket.socket]:
    """A socket to `host:port`, or to the path of a Unix socket."""
    if address.startswith("/"):
        found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        found.settimeout(_SECONDS)
        found.connect(address)
    else:
        host, _, port = address.rpartition(":")
        found = socket.create_connection((host, int(port)), timeout=_SECONDS)
    with found:
        yield found

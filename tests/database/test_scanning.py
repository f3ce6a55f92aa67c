"""Files go over clamd's own protocol, where a scanner is set up."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from portal.collection import attachments
from portal.collection.models import Attachment
from portal.database import scanning
from portal.extensions import db
from portal.identity.actor import SYSTEM
from tests.factories import NOW, a_case

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd(socketserver.StreamRequestHandler):
    """As much of ClamAV's daemon as takes a stream and tells what is in it."""

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
        found = b"stream: Eicar-Signature FOUND\0" if EICAR in data else b"stream: OK\0"
        self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0" if b"ERROR" in data else found)


@pytest.fixture
def clamd() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Clamd) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def scanned(app: Flask, clamd: str) -> Iterator[Flask]:
    yield from _with(app, clamd)


def _with(app: Flask, clamd: str) -> Iterator[Flask]:
    before = app.extensions["reda_settings"]
    app.extensions["reda_settings"] = replace(before, clamd=clamd)
    yield app
    app.extensions["reda_settings"] = before


def added(name: str, data: bytes) -> attachments.Added:
    return attachments.add(a_case(), [(name, data)], actor=SYSTEM, now=NOW)


def test_a_virus_is_found(scanned: Flask) -> None:
    assert scanning.virus_in(EICAR) == "Eicar-Signature"


def test_a_large_file_goes_in_pieces(scanned: Flask) -> None:
    assert scanning.virus_in(b"a" * 300_000 + EICAR) == "Eicar-Signature"


def test_a_clean_file_is_kept_as_scanned(scanned: Flask) -> None:
    (kept,) = added("a.txt", b"Hej").kept
    assert kept.scan == "clean"


def test_a_file_with_a_virus_is_refused(scanned: Flask) -> None:
    (refused,) = added("a.txt", EICAR).refused
    assert "virus was found" in refused.problem.message
    assert db.session.query(Attachment).count() == 0


def test_what_the_scanner_cannot_say_is_not_taken_for_clean(scanned: Flask) -> None:
    with pytest.raises(scanning.ScannerSilent):
        scanning.virus_in(b"ERROR")


def test_a_silent_scanner_keeps_no_file(app: Flask, tmp_path: Path) -> None:
    for _ in _with(app, str(tmp_path / "nobody.sock")):
        (refused,) = added("a.txt", b"Hej").refused
        assert "does not answer" in refused.problem.message


def test_without_a_scanner_it_is_told_that_nothing_was_scanned(app: Flask) -> None:
    (kept,) = added("a.txt", b"Hej").kept
    assert kept.scan == "not scanned"

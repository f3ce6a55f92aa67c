"""A file from a bank, whatever its format, told by how it begins."""

from collections.abc import Iterator
from typing import BinaryIO

from portal.messages import N_
from portal.payments.bank_files import bgmax, camt
from portal.payments.bank_files.record import BankFileError, Record

_UTF16_XML = (b"\xff\xfe<\0", b"\xfe\xff\0<")


def read(stream: BinaryIO) -> Iterator[Record]:
    """The records of a file: its header, then each account or deposit and its payments.

    stream: at the file's beginning, to which it can be put back. Raises BankFileError, at the
    latest after the last payment, when the file is of no kind that we take, or is not whole and
    right.
    """
    begin = stream.tell()
    first = stream.read(1000)
    stream.seek(begin)
    if not first.strip(b"\0 \r\n\t"):
        raise BankFileError(N_("The file is empty."))
    if first.lstrip(camt.BEFORE_XML).startswith(b"<") or first.startswith(_UTF16_XML):
        return camt.read(stream)
    if first.startswith((b"01", b"\xef\xbb\xbf01", b"\xff\xfe", b"\xfe\xff")):
        return bgmax.read(stream)
    raise BankFileError(
        N_("This is no file of payments that can be read. BgMax, camt.054 and camt.053 can."),
        line=1,
    )

"""Files of incoming payments from banks: bytes in, records out. Nothing here is saved or decided.

- `reading.read(stream)`: the records of a file of any kind that we take.
- `bgmax.read(stream)`, `camt.read(stream)`: those of one kind.
- `record`: the records, and `BankFileError`, which says at which line and why a file is refused.

Every reader is an iterator that holds one payment at a time, however large the file. A file is
right only when its reader comes to its end: what was read before an error is worth nothing.
"""

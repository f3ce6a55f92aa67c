"""Reading without a transaction of one's own: a session, or whether a page still holds.

A statement alone, and some that are sent together, are a transaction as they are. To begin and to
end one costs two waits more, and what the toolkit does around it more than the statement; and the
driver forgets at each end what it has had the database prepare. So these connections are apart.
They cannot write.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from portal.extensions import db

# Of the engine (`SQLALCHEMY_BINDS`).
BIND = "reading"


@contextmanager
def reading() -> Iterator[psycopg.Connection]:
    """A connection in no scope but one that is sent along with what is asked."""
    taken = db.engines[BIND].raw_connection()
    try:
        connection = taken.driver_connection
        assert isinstance(connection, psycopg.Connection)
        yield connection
    except BaseException:
        # Nobody else gets it as it may be now.
        taken.invalidate()
        raise
    finally:
        taken.close()

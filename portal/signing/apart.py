"""A stranger's file is verified in a process of its own, with only so much time and memory.

A PDF can be made such that reading it takes hours, or all the memory there is. That process then
ends, and whoever gave the file is told; who else uses the portal notices nothing.
"""

import multiprocessing
import resource
import threading
from datetime import datetime
from multiprocessing.connection import Connection

from portal.config import Settings
from portal.messages import N_, RedaError
from portal.signing import verifying
from portal.signing.trust import trust_of
from portal.signing.verifying import Report

# Seconds of a processor, and megabytes; a sealed file of a thousand pages needs a tenth of it.
SECONDS, MEGABYTES = 30, 1_500
# How long the reader waits by the clock, on a machine that has much else to do.
_LONGEST_WAIT = 40
_AT_ONCE = 2
_WAIT_FOR_TURN = 10
# Not `fork`: who asks has threads, whose locks a forked child would find taken for ever.
_context = multiprocessing.get_context("forkserver")
_turns = threading.BoundedSemaphore(_AT_ONCE)


class Busy(RedaError):
    """As many files are looked at as may be at once."""

    status = 503


def verify(
    data: bytes,
    settings: Settings,
    *,
    now: datetime,
    seconds: int = SECONDS,
    megabytes: int = MEGABYTES,
) -> Report:
    """As `verifying.verify`, by whom the settings trust; incomplete when it takes too much.

    seconds: of a processor. Raises Busy at `file`.
    """
    if not _turns.acquire(timeout=_WAIT_FOR_TURN):
        raise Busy(
            N_("Many files are being verified just now. Try again in a minute."), field="file"
        )
    try:
        report = _verified_apart(data, settings, now, seconds, megabytes)
    finally:
        _turns.release()
    return report or verifying.gave_up(data, now=now)


def _verified_apart(
    data: bytes, settings: Settings, now: datetime, seconds: int, megabytes: int
) -> Report | None:
    # What every process would load, loaded once and shared.
    _context.set_forkserver_preload([__name__])
    ours, theirs = _context.Pipe()
    process = _context.Process(
        target=_verify, args=(theirs, settings, now, seconds, megabytes), daemon=True
    )
    process.start()
    theirs.close()
    try:
        with ours:
            ours.send_bytes(data)
            if not ours.poll(_LONGEST_WAIT):
                return None
            report: Report = ours.recv()
            return report
    except (EOFError, OSError):
        process.join()
        if process.exitcode == 1:
            # Our own fault and not the file's; its traceback is in the log.
            raise
        return None
    finally:
        process.kill()
        process.join()
        process.close()


def _verify(
    asked: Connection, settings: Settings, now: datetime, seconds: int, megabytes: int
) -> None:
    trust = trust_of(settings)
    data = asked.recv_bytes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    try:
        report = verifying.verify(data, trust, now=now)
    except MemoryError:
        return
    asked.send(report)

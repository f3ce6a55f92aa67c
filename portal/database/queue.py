"""Jobs that become due when the transaction commits, and only if it does.

Procrastinate keeps its queue in the same database; the job's row is written on the connection of
the running transaction. Rooms name a task; `portal/jobs.py` says what it does.
"""

import json
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from portal.extensions import db

# What takes long waits in a queue of its own, so that nothing waits for it; and so does what
# somebody waits for with the telephone in their hand, so that it waits for nothing, and what reads
# all files, which takes hours.
DEFAULT, SLOW, PROMPT, CHECKS = "default", "slow", "prompt", "checks"
QUEUES = (DEFAULT, SLOW, PROMPT, CHECKS)
_QUEUES = {
    **dict.fromkeys(("make_ordered", "seal_envelopes", "renew_seals", "take_bank_files"), SLOW),
    **dict.fromkeys(("match_bank_payments", "send_lists"), SLOW),
    "send_entry_code": PROMPT,
    **dict.fromkeys(("check_files", "check_logs"), CHECKS),
}
_DEFER = text(
    "select procrastinate_defer_jobs_v1(array[row(:queue, :task, 0, null, :once,"
    " cast(:args as jsonb), null)::procrastinate_job_to_defer_v1])"
)


def queue_of(task: str) -> str:
    """The queue that a task's jobs wait in."""
    return _QUEUES.get(task, DEFAULT)


def defer(task: str, *, once: str | None = None, **arguments: object) -> None:
    """Defer a job in the running transaction.

    task: name as registered in portal/jobs.py. once: a name under which at most one job waits;
    a second is not added. arguments: JSON values that the task takes.
    """
    try:
        with db.session.begin_nested():
            values = {"task": task, "queue": queue_of(task), "once": once}
            db.session.execute(_DEFER, {**values, "args": json.dumps(arguments)})
    except IntegrityError:
        if once is None:
            raise


def forget_done(before: datetime) -> None:
    """Delete jobs that succeeded before an instant; those that failed wait for the operator."""
    db.session.execute(
        text(
            "delete from procrastinate_jobs j where status = 'succeeded' and not exists"
            " (select from procrastinate_events e where e.job_id = j.id and e.at >= :before)"
        ),
        {"before": before},
    )

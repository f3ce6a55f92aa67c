"""Failed jobs, for the operator to see and to start anew."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from portal.extensions import db
from portal.messages import N_, RedaError

_FAILED = text("""
    select j.id, j.task_name, j.args, j.attempts, max(e.at) as failed_at
    from procrastinate_jobs j
    left join procrastinate_events e on e.job_id = j.id and e.type = 'failed'
    where j.status = 'failed'
    group by j.id order by j.id desc limit 200
""")
_COUNTS = text("select status::text, count(*) from procrastinate_jobs group by status")
_RETRY = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)")


@dataclass(frozen=True)
class FailedJob:
    """A job that was tried in vain as often as it may be."""

    id: int
    task: str
    arguments: dict[str, Any]
    attempts: int
    failed_at: datetime | None


def failed() -> list[FailedJob]:
    """Jobs that failed for good, newest first."""
    return [FailedJob(*row) for row in db.session.execute(_FAILED)]


def counts() -> dict[str, int]:
    """How many jobs stand in each status."""
    return {status: int(count) for status, count in db.session.execute(_COUNTS)}


def retry(job_id: int) -> None:
    """Let a failed job run again. Raises RedaError when it is not failed (any more)."""
    try:
        with db.session.begin_nested():
            db.session.execute(_RETRY, {"id": job_id})
    except IntegrityError:
        raise RedaError(N_("The same job waits already and will run soon.")) from None
    except DBAPIError:
        raise RedaError(N_("This job is not failed any more.")) from None

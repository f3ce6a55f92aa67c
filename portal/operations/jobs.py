"""Jobs as the operator sees them: how many, which failed, and starting one anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from portal.extensions import db
from portal.messages import N_, RedaError

_FAILED = text("""
    select j.id, j.task_name, j.args, j.attempts, max(e.at) as failed_at
    from procrastinate_jobs j
    left join procrastinate_events e on e.job_id = j.id and e.type = 'failed'
    where j.status = 'failed'
    group by j.id order by j.id desc limit 200
""")
_LATEST = text("""
    select j.task_name, max(e.at) from procrastinate_jobs j
    join procrastinate_events e on e.job_id = j.id and e.type = 'succeeded'
    group by j.task_name order by j.task_name
""")
_COUNTS = text("select status::text, count(*) from procrastinate_jobs group by status")
_LOCK_FAILED = text(
    "select id from procrastinate_jobs where id = :id and status = 'failed' for update"
)
_RETRY = text("select procrastinate_retry_job_v2(:id, now(), null, null, null)")


class NotFailed(RedaError):
    """Only a job that failed for good can be started anew."""

    status = 409


@dataclass(frozen=True)
class FailedJob:
    """A job that was tried in vain as often as it may be."""

    id: int
    task: str
    arguments: dict[str, Any]
    attempts: int
    failed_at: datetime | None


@dataclass(frozen=True)
class LatestRun:
    """When a task last succeeded."""

    task: str
    at: datetime


def failed() -> Sequence[FailedJob]:
    """Jobs that failed for good, newest first."""
    return [FailedJob(*row) for row in db.session.execute(_FAILED)]


def latest_runs() -> Sequence[LatestRun]:
    """When each task last succeeded, by its name; those that never have are not there."""
    return [LatestRun(*row) for row in db.session.execute(_LATEST)]


def counts() -> dict[str, int]:
    """How many jobs stand in each status."""
    return {status: int(count) for status, count in db.session.execute(_COUNTS)}


def retry(job_id: int) -> None:
    """Let a failed job run again. Raises NotFailed, also when the same job waits already."""
    if db.session.scalar(_LOCK_FAILED, {"id": job_id}) is None:
        raise NotFailed(N_("This job is not failed any more."))
    try:
        with db.session.begin_nested():
            db.session.execute(_RETRY, {"id": job_id})
    except IntegrityError:
        raise NotFailed(N_("The same job waits already and will run soon.")) from None

"""What runs without anybody asking: the tasks, their schedule, and the worker that runs them.

Each task is safe to run again and to run twice at once. A task that fails is tried again with
growing pauses (4, 16, 64, 256 seconds); after that an operator sees it and can start it anew.
"""

import asyncio
import functools
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import procrastinate
import structlog
from croniter import croniter
from flask import Flask
from procrastinate import RetryStrategy
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from sqlalchemy import select, text

from portal import clock, ledger
from portal.collection import (
    bulk,
    circumstances,
    closing,
    days,
    drafts,
    entry_codes,
    entry_links,
    figures,
    history,
    intake,
    lifecycle,
    reaching,
    together,
)
from portal.creditor.notices import MailSpeaker
from portal.database import file_checks, queue, server, tenancy
from portal.delivery import batches, mailboxes, outbox, receipts, sending
from portal.extensions import db, settings
from portal.identity import attempts, orders, sessions
from portal.identity.models import BankIDOrder, Creditor
from portal.messages import Problem, RedaError
from portal.notifications import centre, gathering, mailing
from portal.operations import bank_folder, payout_folder
from portal.payments import (
    booking,
    chargebacks,
    clearing,
    matching,
    paying_back,
    paying_in,
    payouts,
    reconciling,
    statements,
    statuses,
    uneven,
)
from portal.reporting import making
from portal.reporting import orders as orders_of_work
from portal.signing import (
    agreements,
    approvals,
    asking,
    envelopes,
    finishing,
    keeping,
    log_checks,
    renewing,
    sealing,
    sending_lists,
    service_documents,
)
from portal.signing.models import Envelope, SendingList

log = structlog.get_logger()
# Names the lock that only one runner of days holds.
_CLOCK = 0x7265_6461
_DONE_JOBS_KEPT = timedelta(days=7)
_DRAFTS_KEPT = timedelta(days=1)
_RETRY = RetryStrategy(max_attempts=4, exponential_wait=4)


class BooksDiffer(Exception):
    """The nightly check has found something; it stands on the operator's page."""


def _at_every_creditor(
    act: Callable[[int], object], failure: str, ids: Sequence[int] | None = None
) -> None:
    """Do something for every creditor, or for those with ids, each in a transaction of its own.

    One that fails is logged as `failure`, and holds up none of the others; then the newest error is
    raised.
    """
    failed: Exception | None = None
    if ids is None:
        ids = db.session.scalars(select(Creditor.id).order_by(Creditor.id)).all()
    for creditor_id in ids:
        try:
            act(creditor_id)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            log.warning(failure, creditor=creditor_id, error=type(error).__name__)
            failed = error
    if failed is not None:
        raise failed


def import_overdue_invoices() -> None:
    """Decide on every creditor's waiting invoices, one creditor after the other."""

    def decide(creditor_id: int) -> None:
        intake.import_overdue(
            creditor_id, today=clock.today(), now=clock.now(), between=db.session.commit
        )

    _at_every_creditor(decide, "import.failed")


def advance_cases() -> None:
    """Run the clock up to today, days that were missed first."""
    today = clock.today()
    try:
        run_days(today, clock.now())
    except days.ClockWentBack:
        # By hand somebody has run it up to a day still to come. Until then a day has nothing left
        # to do, and trying again helps nobody.
        log.warning("days.run_ahead", today=str(today), last=str(days.last_run()))


def run_days(until: date, now: datetime, *, chunk: int = 5_000) -> None:
    """Run the days up to and including one.

    now: the instant that the last day's acts carry. chunk: cases moved in one transaction. Of a
    missed day, only what has no letter is done on that day; letters carry the day they are written
    on, the last. Two at once wait for each other. Stopped in the middle, the next run goes on.
    """
    with db.engine.connect() as alone:
        alone.execute(text("select pg_advisory_lock(:key)"), {"key": _CLOCK})
        try:
            for day in days.to_run(until):
                _run_day(day, now, is_last=day == until, chunk=chunk)
        finally:
            alone.execute(text("select pg_advisory_unlock(:key)"), {"key": _CLOCK})


def _run_day(day: date, now: datetime, *, is_last: bool, chunk: int) -> None:
    days.begin(day, now)
    db.session.commit()
    opened = moved = 0
    for creditor_id in db.session.scalars(select(Creditor.id).order_by(Creditor.id)).all():
        opened += intake.import_overdue(creditor_id, today=day, now=now, between=db.session.commit)
        db.session.commit()
    while taken := lifecycle.advance(day, now, writes_letters=is_last, limit=chunk).taken:
        moved += taken
        db.session.commit()
    days.finish(day, now, opened=opened, moved=moved)
    db.session.commit()


def deliver_outbox() -> None:
    """Send what waits in the outbox."""
    keeps_back = circumstances.is_case_protected
    while sending.deliver_waiting(
        clock.now(), note=reaching.note_arrival, keeps_back=keeps_back
    ).sent:
        pass
    batches.write_batches()


def tell_people() -> None:
    """Tell of what has happened, and put the mails that are due in the outbox."""
    gathering.gather(clock.now(), between=db.session.commit)
    mailing.send_due(MailSpeaker(), now=clock.now(), between=db.session.commit)


def tell_of_agreements() -> None:
    """Tell of versions of the agreement that wait for a company."""
    agreements.tell_of_versions(clock.now())


def ask_swish(request_id: str | None = None) -> None:
    """Ask about one request to pay, or about all that Swish or the provider is silent on."""
    wanted = [request_id] if request_id else booking.unanswered(clock.now())
    failed: RedaError | None = None
    for one in wanted:
        try:
            booking.ask(one, now=clock.now())
            db.session.commit()
        except RedaError as error:
            # The others must not wait for one that nobody will tell about.
            db.session.rollback()
            failed = error
    if failed is not None:
        raise failed


def ask_chargebacks(request_id: str | None = None) -> None:
    """Ask what is taken back of one payment, or of those that the provider names."""
    now = clock.now()
    wanted = [request_id] if request_id else chargebacks.changed(now)
    failed: RedaError | None = None
    for one in wanted:
        try:
            chargebacks.learn(one, now=now)
            db.session.commit()
        except RedaError as error:
            # The others must not wait for one that goes wrong.
            db.session.rollback()
            failed = error
    if failed is not None:
        raise failed


def pay_back(refund_id: int | None = None) -> None:
    """Send refunds the way that the money came, and learn how those that are sent went.

    refund_id: of one that is sent; else all that are due.
    """
    base, now = settings().base_url, clock.now()
    acts: list[Callable[[], object]] = []
    if refund_id is None:
        acts += [
            functools.partial(paying_back.send, one, base, now=now, between=db.session.commit)
            for one in paying_back.due()
        ]
    wanted = [refund_id] if refund_id else paying_back.unanswered(now)
    acts += [functools.partial(paying_back.follow, one, base, now=now) for one in wanted]
    failed: RedaError | None = None
    for act in acts:
        try:
            act()
            db.session.commit()
        except RedaError as error:
            # The others must not wait for one that nobody will tell about.
            db.session.rollback()
            failed = error
    if failed is not None:
        raise failed


def take_bank_files() -> None:
    """Take what lies in the folder that banks' files are put in, if there is one."""
    if settings().bank_folder:
        bank_folder.take_all(Path(settings().bank_folder))


def propose_payouts() -> None:
    """Put what companies are owed into proposals, of those whose schedule is due today."""
    now = clock.now()
    today = clock.day_of(now)
    _at_every_creditor(
        lambda one: payouts.propose(one, today=today, now=now),
        "proposal.failed",
        payouts.due(today),
    )


def follow_payouts() -> None:
    """Put approved payouts in the folder for the bank, and learn which of them it has paid."""
    now = clock.now()
    if settings().payout_folder:
        payout_folder.write_all(Path(settings().payout_folder), now=now)
    statuses.settle_debits(now=now)


def make_statements() -> None:
    """Make every company's statement of the months that have ended, one company at a time."""
    now = clock.now()
    _at_every_creditor(
        lambda one: statements.make_due(one, today=clock.day_of(now), now=now), "statement.failed"
    )


def tell_of_statements() -> None:
    """Tell companies' people what of their statements no payout has covered."""
    now = clock.now()
    _at_every_creditor(
        lambda one: paying_in.tell_due(one, today=clock.day_of(now), now=now), "telling.failed"
    )


def match_bank_payments() -> None:
    """Match what banks have told of: what is certain is booked, the rest waits for a person."""
    matching.match_new(now=clock.now(), between=db.session.commit)


def ask_of_texts(name: str | None = None) -> None:
    """Ask what became of one text message, or of all that the provider is silent on."""
    for one in [name] if name else receipts.unanswered(clock.now()):
        reaching.learn_what_became_of(one, now=clock.now())
        db.session.commit()


def collect_bankid() -> None:
    """Learn how BankID orders ended whose page is gone; signatures count all the same."""
    for order_id in orders.left_alone(clock.now()):
        try:
            order = orders.collect(db.session.get_one(BankIDOrder, order_id), now=clock.now())
            finishing.note_failed(order, now=clock.now())
            # What was learnt of it stands also if the rest fails.
            db.session.commit()
            if order.purpose == "sign" and order.status == "complete":
                finishing.finish(order, now=clock.now())
        except RedaError as error:
            # What was learnt of it is kept, and the other orders do not wait.
            log.warning("bankid.not_collected", order=order_id, error=type(error).__name__)
        db.session.commit()


def check_books() -> None:
    """Look whether books, cases, payments and statements agree; fails, for an operator, if not."""
    off = len(ledger.off_balance()) + uneven.keep(now=clock.now())
    off += sum(not one.agrees for one in statements.against_the_books())
    # The page tells of it also when the job fails.
    db.session.commit()
    if off:
        log.error("books.differ", count=off)
        raise BooksDiffer(f"{off} differences; see the operator's page of the books")


def reconcile() -> None:
    """Hold yesterday's bank, books and cases against each other; operators see what differs."""
    now = clock.now()
    yesterday = clock.day_of(now) - timedelta(days=1)
    ledger.return_covers(on=clock.day_of(now), now=now)
    db.session.commit()
    clear_what_agrees()
    if count := reconciling.keep_day(yesterday, now=now, known=clearing.check(yesterday)):
        log.error("reconciliation.differs", day=str(yesterday), count=count)


def clear_what_agrees() -> None:
    """Clear what bank and books both have; when the books are busy, another night."""
    try:
        newest = clearing.newest_entry()
    except RedaError:
        log.warning("reconciliation.not_cleared")
        return
    # Others post while it is done.
    db.session.commit()
    clearing.clear(newest, now=clock.now())
    db.session.commit()


def verify_history() -> None:
    """Look whether anybody has changed what happened; operators see whose history does not hold."""
    for one in history.check(clock.now()).broken:
        log.error("history.broken", creditor=one.creditor_key, position=one.position, what=one.what)
    db.session.commit()


def check_files(is_asked: bool = False) -> None:
    """Read all stored files again once a week; operators see which are not what was stored.

    is_asked: now, although it is not time.
    """
    done = file_checks.run(clock.real_now, is_stopping=making.is_stopping, is_asked=is_asked)
    if done is not None and (done.damaged or done.missing):
        log.error("files.wrong", damaged=done.damaged, missing=done.missing)


def check_logs() -> None:
    """Look whether anybody has changed the log of a document to sign; operators see which."""
    if wrong := log_checks.check(clock.now(), between=db.session.commit):
        log.error("envelopes.broken", count=wrong)


def refresh_figures(creditor_id: int | None = None) -> None:
    """Make the figures of one creditor anew, or of all where something has happened since."""
    for one in figures.due(clock.today(), clock.now(), creditor_id):
        figures.prepare()
        figures.refresh(one, today=clock.today(), now=clock.now())
        db.session.commit()


def make_ordered() -> None:
    """Give every report and archive that waits a turn, and come again for what is not made then."""
    while making.make_next(clock.now):
        if making.is_stopping():
            break


def ask_for_agreements() -> None:
    """Tell companies of a new version of the agreement."""
    asking.ask(today=clock.today(), now=clock.now())


def follow_envelopes() -> None:
    """End what nobody has signed in time, and remind who has not signed yet."""
    while envelopes.expire(today=clock.today(), now=clock.now()):
        db.session.commit()
    for envelope_id in envelopes.to_follow(clock.today()):
        envelopes.follow(envelope_id, today=clock.today(), now=clock.now())
        db.session.commit()


def return_cases() -> None:
    """Recall the open cases of companies that are closed so."""
    closing.return_cases(today=clock.today(), now=clock.now(), between=db.session.commit)


def act_together() -> None:
    """Go on with what people do with many cases."""
    for act_id in together.waiting():
        while together.go_on(act_id, today=clock.today(), now=clock.now()):
            db.session.commit()
        db.session.commit()


def send_entry_code(code_id: int) -> None:
    """Send the code that somebody has asked for, at once."""
    key = entry_codes.send(code_id, now=clock.now())
    db.session.commit()
    if key is not None:
        sending.deliver_at_once([key], clock.now())


def seal_envelopes() -> None:
    """Seal what all have signed. What cannot be sealed now waits, and the others do not wait."""
    _each_envelope(sealing.waiting(), lambda one: sealing.seal(one, now=clock.now()))


def send_lists() -> None:
    """Go on with drafts that are sent to all of a list; each list has its turn, and another."""
    while ids := sending_lists.waiting():
        for list_id in ids:
            sending = db.session.get_one(SendingList, list_id)
            try:
                sending_lists.go_on(sending, today=clock.today(), now=clock.now())
            except RedaError as error:
                db.session.rollback()
                sending_lists.stop(sending, now=clock.now(), failure=error.problem)
            except Exception as error:
                # The others do not wait, and whose list it is may go on with it.
                log.error("list.failed", list=list_id, error=type(error).__name__, exc_info=True)
                db.session.rollback()
                failure = Problem(making.WENT_WRONG)
                sending_lists.stop(sending, now=clock.now(), failure=failure)
            db.session.commit()
        if making.is_stopping():
            break


def renew_seals() -> None:
    """Give sealed files another timestamp before the certificate of their newest one ends."""
    today = clock.today()
    _each_envelope(
        renewing.due(today), lambda one: renewing.renew(one, today=today, now=clock.now())
    )


def delete_old_documents() -> None:
    """Tell of documents whose time is soon over, and delete those whose time is."""
    today = clock.today()
    keeping.tell(today=today, now=clock.now())
    db.session.commit()
    _each_envelope(
        keeping.due(today), lambda one: keeping.delete_due(one, today=today, now=clock.now())
    )
    keeping.remove_files(now=clock.now(), real_now=clock.real_now())


def _each_envelope(ids: Sequence[int], act: Callable[[Envelope], object]) -> None:
    failed: Exception | None = None
    for envelope_id in ids:
        try:
            act(db.session.get_one(Envelope, envelope_id))
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            log.warning("envelope.failed", envelope=envelope_id, error=str(error))
            failed = error
    if failed is not None:
        raise failed


def tidy() -> None:
    """Forget ended sessions, BankID orders, guesses, notifications, drafts, done jobs.

    Files that were made to be fetched go when their week is over.
    """
    sessions.forget_ended(clock.real_now())
    orders.forget_old(clock.now())
    attempts.forget_old(clock.now())
    approvals.expire(clock.now())
    centre.forget_old(clock.now())
    outbox.forget_old_mails(clock.now())
    while mailboxes.forget_handed_over(clock.now(), real_now=clock.real_now()):
        db.session.commit()
    drafts.forget_old(clock.now())
    entry_codes.forget_old(clock.now())
    entry_links.forget_old(clock.now())
    bulk.forget_old(clock.now())
    orders_of_work.forget_old(clock.now(), real_now=clock.real_now())
    together.forget_drafts(clock.now() - _DRAFTS_KEPT)
    service_documents.forget_drafts(clock.now() - _DRAFTS_KEPT)
    queue.forget_done(clock.real_now() - _DONE_JOBS_KEPT)
    db.session.commit()


# Name, task, and when it runs by itself (minute hour day month weekday, UTC).
SCHEDULE: Mapping[str, tuple[Callable[..., None], str]] = {
    "import_overdue_invoices": (import_overdue_invoices, "*/15 * * * *"),
    # Hourly, so that a worker that was down at the first hour does the day's work all the same.
    "advance_cases": (advance_cases, "0 4-20 * * *"),
    "tell_people": (tell_people, "* * * * *"),
    "tell_of_agreements": (tell_of_agreements, "5 5 * * *"),
    "deliver_outbox": (deliver_outbox, "* * * * *"),
    "take_bank_files": (take_bank_files, "* * * * *"),
    # Early on the banking day, and again: what came in meanwhile is added.
    "propose_payouts": (propose_payouts, "10 4-8 * * *"),
    # Early on the first, before payouts are proposed; again, so that no month is missed.
    "make_statements": (make_statements, "40 2-8 1-5 * *"),
    "tell_of_statements": (tell_of_statements, "25 5-9 * * *"),
    "follow_payouts": (follow_payouts, "*/5 * * * *"),
    # Each file has it done at once; this is for one whose turn went wrong.
    matching.JOB: (match_bank_payments, "7,37 * * * *"),
    "ask_swish": (ask_swish, "* * * * *"),
    "ask_chargebacks": (ask_chargebacks, "25 * * * *"),
    "pay_back": (pay_back, "* * * * *"),
    "ask_of_texts": (ask_of_texts, "20 * * * *"),
    "collect_bankid": (collect_bankid, "* * * * *"),
    "refresh_figures": (refresh_figures, "*/5 * * * *"),
    "make_ordered": (make_ordered, "* * * * *"),
    "ask_for_agreements": (ask_for_agreements, "50 5 * * *"),
    # From seven in the morning in Sweden; nobody is woken. Again, so that no morning is missed.
    "follow_envelopes": (follow_envelopes, "20 6-14 * * *"),
    "return_cases": (return_cases, "45 * * * *"),
    "act_together": (act_together, "* * * * *"),
    "seal_envelopes": (seal_envelopes, "*/10 * * * *"),
    "send_lists": (send_lists, "* * * * *"),
    "renew_seals": (renew_seals, "20 3 * * *"),
    # Again, so that the files of what was deleted go the same day.
    "delete_old_documents": (delete_old_documents, "50 3,8,17 * * *"),
    "tidy": (tidy, "30 * * * *"),
    "verify_history": (verify_history, "0 2 * * *"),
    "check_books": (check_books, "15 2 * * *"),
    "check_logs": (check_logs, "30 2 * * *"),
    # Banks' files of the day before have come by then.
    "reconcile": (reconcile, "45 5 * * *"),
    # Begins once a week; hourly, so that one that was stopped goes on.
    "check_files": (check_files, "40 * * * *"),
}


def next_run(name: str, now: datetime) -> datetime:
    """When a task of `SCHEDULE` runs by itself the next time."""
    found: datetime = croniter(SCHEDULE[name][1], now.astimezone(UTC)).get_next(datetime)
    return found


def make_worker(app: Flask) -> procrastinate.App:
    """The worker of an application, with every task registered."""
    worker = procrastinate.App(connector=_connector(app))
    for name, (work, cron) in SCHEDULE.items():
        # Under its own name at most one waits; Procrastinate leaves out a turn that finds one.
        options: dict[str, Any] = {"queue": queue.queue_of(name), "queueing_lock": name}
        task = worker.task(name=name, retry=_RETRY, **options)(_within(app, name, work))
        worker.periodic(cron=cron)(task)
    name, options = entry_codes.JOB, {"queue": queue.queue_of(entry_codes.JOB)}
    worker.task(name=name, retry=_RETRY, **options)(_within(app, name, send_entry_code))
    return worker


def _connector(app: Flask) -> procrastinate.PsycopgConnector:
    url = app.extensions["reda_database"].app.set(drivername="postgresql")

    async def become_app_role(connection: AsyncConnection[Any]) -> None:
        if url.username != server.APP_ROLE:
            await connection.execute(f"set role {server.APP_ROLE}")
            await connection.commit()

    return procrastinate.PsycopgConnector(
        conninfo=url.render_as_string(hide_password=False), configure=become_app_role
    )


def _within(app: Flask, name: str, work: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(work)
    def run(timestamp: int | None = None, **arguments: Any) -> None:
        with app.app_context():
            try:
                with tenancy.service():
                    work(**arguments)
                    db.session.commit()
            except Exception as error:
                log.warning("job.failed", job=name, error=type(error).__name__, exc_info=True)
                raise
            finally:
                db.session.remove()

    return run


def work(app: Flask) -> None:
    """Run jobs until the process is told to end; what takes long waits for nothing but itself."""
    asyncio.run(_work(make_worker(app)))


async def _work(worker: procrastinate.App) -> None:
    async with worker.open_async():
        lanes = [
            Worker(worker, queues=[name], name=name, concurrency=1, install_signal_handlers=False)
            for name in queue.QUEUES
        ]

        def stop() -> None:
            making.stop()
            for lane in lanes:
                lane.stop()

        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stop)
        await asyncio.gather(*(lane.run() for lane in lanes))

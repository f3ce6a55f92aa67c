"""A bank's file that somebody brings: taken or refused, and what is said of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from flask_babel import gettext, ngettext

from portal import clock
from portal.extensions import db
from portal.messages import Problem
from portal.payments import matching, taking
from portal.payments.bank_files.record import BankFileError
from portal.web.formats import date_time, kronor
from portal.web.forms import text


@dataclass(frozen=True)
class Brought:
    """What became of a file. name: as it was brought. is_new: whether it was taken now."""

    file: taking.File
    name: str
    is_new: bool

    @property
    def is_refused(self) -> bool:
        return self.file.status == "refused"


def bring(stream: BinaryIO, name: str, *, way: str, by: str) -> Brought:
    """Take a file, or note why it is refused; commits either.

    stream: the file from its beginning. way: page, folder or command. by: who brings it.
    """
    kept = taking.keep(stream, name)
    try:
        taken = taking.take(
            kept, stream, way=way, by=by, today=clock.today(), now=clock.now()
        )  # fmt: skip
    except BankFileError as error:
        db.session.rollback()
        file = taking.refuse(kept, error.problem, way=way, by=by, now=clock.now())
        db.session.commit()
        return Brought(file, kept.name, True)
    if taken.is_new:
        matching.match_soon()
    db.session.commit()
    return Brought(taken.file, kept.name, taken.is_new)


def problem_of(file: taking.File) -> Problem | None:
    """Why a file was refused, if it was."""
    return None if file.problem is None else Problem.from_json(file.problem)


def report(brought: Brought) -> Iterator[str]:
    """What became of a file, in lines in the reader's language."""
    file = brought.file
    problem = problem_of(file)
    if problem is not None:
        yield gettext("%(name)s is refused. Nothing of it is taken.", name=brought.name)
        if problem.line is not None:
            yield gettext("Line %(line)s", line=problem.line)
        if problem.field:
            yield problem.field
        yield text(problem)
        return
    if not brought.is_new:
        yield gettext(
            "%(name)s had been taken already, %(at)s, as %(before)s. Nothing is changed.",
            name=brought.name, at=date_time(file.at), before=file.name,
        )  # fmt: skip
        return
    count = sum(one["payments"] + one["others"] for one in file.totals)
    yield ngettext(
        "%(name)s is taken: %(num)s payment.", "%(name)s is taken: %(num)s payments.", count,
        name=brought.name,
    )  # fmt: skip
    for one in file.totals:
        yield kronor(one["paid_ore"] + one["others_ore"], one["currency"])
    if taking.is_compared(file.kind):
        yield gettext("It is held against the books. Nothing of it is booked.")
    if file.repeated:
        yield ngettext(
            "%(num)s of them had come in another file, and is not new.",
            "%(num)s of them had come in another file, and are not new.",
            file.repeated,
        )

"""Commands for the people who run the portal: `flask database`, `worker`, `law`, `signatories` …"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_babel import force_locale
from flask_migrate import upgrade
from sqlalchemy import select

from portal import clock
from portal.collection import history, rates
from portal.database import server, tenancy
from portal.extensions import db, settings
from portal.identity import signatories
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.messages import RedaError
from portal.operations import bringing
from portal.signing import agreements, seals, verifying
from portal.signing.trust import trust_of
from portal.signing.verification_report import VERDICTS
from portal.sources import values

database = AppGroup("database", help="Prepare the database.")
law = AppGroup("law", help="Extend the law's tables.")
company = AppGroup("signatories", help="Who may sign for a company that owes something.")
money = AppGroup("payments", help="Take in what banks tell.")
past = AppGroup("history", help="Look at what happened.")
sealed = AppGroup("signing", help="Look at sealed documents.")


@database.command("prepare")
def prepare_database() -> None:
    """Create the database and the application's role if missing, and migrate."""
    urls = current_app.extensions["reda_database"]
    server.ensure_database(urls.owner)
    server.ensure_role(urls.owner, urls.app)
    upgrade()
    agreements.publish_all()
    db.session.commit()


# A rate below zero, which has been, begins like an option.
@law.command("add-reference-rate", context_settings={"ignore_unknown_options": True})
@click.argument("from_on", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("per_cent")
@click.option("--source", required=True, help="Where it was read, such as the decision's number.")
def add_reference_rate(from_on: datetime, per_cent: str, source: str) -> None:
    """Add Riksbanken's reference rate of the half-year that begins FROM_ON."""
    try:
        rate = Decimal(per_cent.replace(",", "."))
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite():
        raise click.BadParameter("Write a number of per cent, such as 2.00.")
    _add_rate(from_on.date(), rate, source)


def _add_rate(from_on: date, rate: Decimal, source: str) -> None:
    with tenancy.service():
        try:
            rates.add(from_on, rate, source, actor=SYSTEM, now=clock.now())
        except RedaError as error:
            raise click.ClickException(str(error)) from None
        db.session.commit()


@company.command("tell")
@click.argument("organisation_number")
@click.argument("identity_number")
@click.option("--from", "from_on", type=click.DateTime(["%Y-%m-%d"]), help="Default: today.")
@click.option("--until", "until_on", type=click.DateTime(["%Y-%m-%d"]), help="Default: no end.")
@click.option("--source", required=True, help="Who says so, such as a certificate of registration.")
def tell_signatory(
    organisation_number: str,
    identity_number: str,
    from_on: datetime | None,
    until_on: datetime | None,
    source: str,
) -> None:
    """Tell that IDENTITY_NUMBER may sign alone for ORGANISATION_NUMBER, and so sees its cases.

    Told once more, it takes the place of what was told before.
    """
    start_on = from_on.date() if from_on else clock.today()
    end_on = until_on.date() if until_on else None
    if end_on and end_on < start_on:
        raise click.BadParameter("The last day is before the first.")
    numbers = [_number(organisation_number, 10), _number(identity_number, 12)]
    with tenancy.service():
        signatories.tell(
            *numbers, from_on=start_on, until_on=end_on, source=source, now=clock.now()
        )
        db.session.commit()
    click.echo(f"Noted, from {start_on}{f' until {end_on}' if end_on else ''}.")


@company.command("end")
@click.argument("organisation_number")
@click.argument("identity_number")
def end_signatory(organisation_number: str, identity_number: str) -> None:
    """Let IDENTITY_NUMBER see no cases of ORGANISATION_NUMBER from today on."""
    numbers = [_number(organisation_number, 10), _number(identity_number, 12)]
    with tenancy.service():
        if not signatories.end(*numbers, today=clock.today()):
            raise click.ClickException("Nobody has told that they may sign for it.")
        db.session.commit()
    click.echo("Ended.")


def _number(written: str, digits: int) -> str:
    try:
        found = values.identity_number(written, today=clock.today())
    except RedaError as error:
        raise click.ClickException(str(error)) from None
    if len(found) != digits:
        raise click.BadParameter("Write the company's number first, then the person's.")
    return found


@click.command("advance")
@click.option("--date", "until", type=click.DateTime(["%Y-%m-%d"]), help="Default: today.")
def advance(until: datetime | None) -> None:
    """Run the clock up to a day for everything: what is due then is done, missed days first."""
    from portal import jobs

    day = until.date() if until else clock.today()
    if day > clock.today() and settings().is_production:
        raise click.BadParameter("A day that has not come cannot be run.")
    try:
        with tenancy.service():
            jobs.run_days(day, clock.now() if day == clock.today() else clock.morning_of(day))
    except RedaError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Run up to {day}.")


@past.command("verify")
@click.option("--creditor", "key", metavar="KEY", help="Only this creditor's.")
def verify_history(key: str | None) -> None:
    """Find an event that was changed, removed, added or moved; exit with 1 if there is one."""
    with tenancy.service():
        creditor_id = None
        if key is not None:
            creditor_id = db.session.scalar(select(Creditor.id).where(Creditor.key == key))
            if creditor_id is None:
                raise click.BadParameter(f"No creditor has the key {key}.")
        found = history.check(clock.now(), creditor_id)
        db.session.commit()
    for one in found.broken:
        click.echo(f"{one.creditor_key}: event {one.position}: {one.what}")
    if found.broken:
        click.echo(f"The history of {len(found.broken)} of {found.creditors} creditors is broken.")
        raise SystemExit(1)
    click.echo(f"{found.events} events of {found.creditors} creditors hold.")


@sealed.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--files",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Put the evidence in it into this folder as well, if all of it holds.",
)
def verify_sealed(file: Path, folder: Path | None) -> None:
    """Tell whether FILE is unchanged since it was sealed, who signed it and when.

    The database is not asked. Exits with 1 unless every check was made and holds.
    """
    data = file.read_bytes()
    try:
        report = verifying.verify(data, trust_of(settings()), now=clock.now())
    except (OSError, ValueError) as error:
        raise click.ClickException(
            f"A certificate of the settings cannot be read: {error}"
        ) from None
    for name, one in verifying.sentences(report):
        click.echo(f"{_MARKS[one.status]}  {name}: {one.message.message % one.message.values}")
    click.echo(VERDICTS[report.verdict] + ".")
    if report.verdict != verifying.VALID:
        raise SystemExit(1)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in seals.files_in(seals.open_pdf(data)):
            # A name from a file never leads out of the folder.
            (folder / Path(name.replace("\\", "/")).name).write_bytes(content)


# What a line of `signing verify` begins with, by what was found.
_MARKS = {"good": "holds", "bad": "WRONG", "unchecked": "NOT CHECKED", "note": "note"}


@money.command("take")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def take_bank_file(file: Path) -> None:
    """Take FILE from a bank (BgMax, camt.054 or camt.053), whole; exit with 1 if it is refused."""
    with tenancy.service(), file.open("rb") as stream, force_locale("en"):
        brought = bringing.bring(stream, file.name, way="command", by="")
        for line in bringing.report(brought):
            click.echo(line)
    if brought.is_refused:
        raise SystemExit(1)


@click.command("worker")
def run_worker() -> None:
    """Run jobs until interrupted."""
    from portal import jobs

    jobs.work(current_app._get_current_object())  # type: ignore[attr-defined]


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in (database, law, company, money, past, sealed, advance, run_worker):
        app.cli.add_command(command)

"""Commands for the people who run the portal: `flask database`, `flask worker`, `flask law`."""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import upgrade

from portal import clock
from portal.collection import rates
from portal.database import server, tenancy
from portal.extensions import db, settings
from portal.identity.actor import SYSTEM
from portal.messages import RedaError
from portal.signing import agreements

database = AppGroup("database", help="Prepare the database.")
law = AppGroup("law", help="Extend the law's tables.")


@database.command("prepare")
def prepare_database() -> None:
    """Create the database and the application's role if missing, and migrate."""
    urls = current_app.extensions["reda_database"]
    server.ensure_database(urls.owner)
    server.ensure_role(urls.owner, urls.app)
    upgrade()
    agreements.publish_all()
    db.session.commit()


@law.command("add-reference-rate")
@click.argument("from_on", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("per_cent")
@click.option("--source", required=True, help="Where it was read, such as the decision's number.")
def add_reference_rate(from_on: datetime, per_cent: str, source: str) -> None:
    """Add Riksbanken's reference rate of the half-year that begins FROM_ON."""
    try:
        rate = Decimal(per_cent.replace(",", "."))
    except InvalidOperation:
        raise click.BadParameter("Write a number of per cent, such as 2.00.") from None
    _add_rate(from_on.date(), rate, source)


def _add_rate(from_on: date, rate: Decimal, source: str) -> None:
    with tenancy.service():
        try:
            rates.add(from_on, rate, source, actor=SYSTEM, now=clock.now())
        except RedaError as error:
            raise click.ClickException(str(error)) from None
        db.session.commit()


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


@click.command("worker")
def run_worker() -> None:
    """Run jobs until interrupted."""
    from portal.jobs import make_worker

    make_worker(current_app._get_current_object()).run_worker(  # type: ignore[attr-defined]
        concurrency=1, name="worker", listen_notify=True
    )


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in (database, law, advance, run_worker):
        app.cli.add_command(command)

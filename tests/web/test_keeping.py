"""A page is kept by all that was read for it, and who adds to it need not think of that."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, flash, make_response
from sqlalchemy import func, select, text, update

from portal import clock
from portal.database import reads, tenancy
from portal.database.reading import reading
from portal.extensions import db
from portal.identity.models import Creditor
from portal.web import keeping
from tests.factories import a_creditor, session_cookie

pytestmark = pytest.mark.own_application


def name() -> str | None:
    """What the database tells: the name of the first company."""
    return db.session.scalar(select(Creditor.name).order_by(Creditor.id).limit(1))


@pytest.fixture
def company(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


@pytest.fixture
def clock_file(app: Flask, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "clock"
    clock.follow(file)
    yield file
    clock.follow(None)


class Door:
    """A page at an address of its own, read by somebody who is in, and how often it was made."""

    def __init__(self, app: Flask, told: Callable[[], object]) -> None:
        self.made = 0

        @keeping.kept
        def page() -> Any:
            self.made += 1
            return make_response(f"<p>{told()}</p>")

        def show() -> Any:
            tenancy.enter(tenancy.Scope("service"))
            return page()

        app.add_url_rule("/dev/kept", "dev_kept", show)
        self.client = app.test_client()
        self.client.set_cookie(*session_cookie(app, {"is": "in"}))

    def get(self, path: str = "/dev/kept", **headers: str) -> str:
        return self.client.get(path, headers=headers).text


def rename(company: Creditor, name: str) -> None:
    db.session.execute(update(Creditor).where(Creditor.id == company.id).values(name=name))
    db.session.commit()


def test_it_is_made_once_while_it_reads_the_same(app: Flask, company: Creditor) -> None:
    door = Door(app, name)
    assert [door.get() for _ in range(3)] == ["<p>Norrsken Energi AB</p>"] * 3
    assert door.made == 1


def test_it_is_sent_as_it_was_the_first_time(app: Flask, company: Creditor) -> None:
    door = Door(app, name)
    first, again = (door.client.get("/dev/kept") for _ in range(2))
    assert list(first.headers) == list(again.headers)
    assert first.data == again.data


def test_it_is_made_anew_when_what_it_read_has_changed(app: Flask, company: Creditor) -> None:
    door = Door(app, name)
    door.get()
    rename(company, "Fjällbäcks Tandvård AB")
    assert door.get() == "<p>Fjällbäcks Tandvård AB</p>"


def test_it_is_made_anew_when_what_decides_what_it_reads_has_changed(
    app: Flask, company: Creditor
) -> None:
    def told() -> object:
        return name() == "Norrsken Energi AB" or db.session.scalar(select(func.count(Creditor.id)))

    door = Door(app, told)
    assert door.get() == "<p>True</p>"
    rename(company, "Fjällbäcks Tandvård AB")
    assert door.get() == "<p>1</p>"
    a_creditor()
    assert door.get() == "<p>2</p>"


def test_it_is_made_anew_when_its_rows_come_in_another_order(app: Flask, company: Creditor) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    door = Door(app, lambda: list(db.session.scalars(select(Creditor.id).order_by(Creditor.name))))
    assert door.get() == f"<p>[{other.id}, {company.id}]</p>"
    rename(company, "Aspen AB")
    assert door.get() == f"<p>[{company.id}, {other.id}]</p>"


def test_nothing_is_not_read_as_an_empty_text(app: Flask, company: Creditor) -> None:
    door = Door(app, lambda: db.session.execute(select(Creditor.email, Creditor.phone)).one())
    for phone in (None, "", None):
        db.session.execute(update(Creditor).values(phone=phone))
        db.session.commit()
        assert f"{phone!r}" in door.get()


def test_it_is_made_anew_on_another_day(app: Flask, clock_file: Path) -> None:
    door = Door(app, clock.today)
    today = clock.today()
    assert [door.get(), door.get()] == [f"<p>{today}</p>"] * 2
    clock_file.write_text("86400")
    assert door.get() == f"<p>{today + timedelta(days=1)}</p>"


@pytest.mark.parametrize("instant", [clock.now, clock.real_now])
def test_what_tells_the_instant_is_not_kept(app: Flask, instant: Callable[[], object]) -> None:
    door = Door(app, instant)
    assert door.get() != door.get()


def test_what_the_database_tells_of_the_instant_is_asked_each_time(app: Flask) -> None:
    door = Door(app, lambda: db.session.scalar(select(func.clock_timestamp())))
    assert door.get() != door.get()


def _write() -> object:
    db.session.execute(update(Creditor).values(town="Umeå"))
    db.session.commit()
    return name()


def _lock() -> object:
    return db.session.scalar(select(Creditor.name).with_for_update())


def _number() -> object:
    return db.session.scalar(text("select nextval('creditors_id_seq')"))


def _elsewhere() -> object:
    with db.engine.connect() as other:
        return other.scalar(select(Creditor.name))


def _in_another_scope() -> object:
    with tenancy.creditors([1]):
        return name()


def _flash() -> object:
    flash("Hello")
    return name()


@pytest.mark.parametrize(
    "told", [_write, _lock, _number, _elsewhere, _in_another_scope, _flash],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_a_page_that_does_more_than_ask_is_not_kept(
    app: Flask, company: Creditor, told: Callable[[], object]
) -> None:
    door = Door(app, told)
    for _ in range(3):
        door.get()
    assert door.made == 3


def test_what_was_read_before_is_not_taken_for_granted(app: Flask, company: Creditor) -> None:
    door = Door(app, name)

    @app.before_request
    def _read_first() -> None:
        name()

    door.get()
    rename(company, "Fjällbäcks Tandvård AB")
    door.get()
    assert door.made == 2


def test_an_error_is_not_kept(app: Flask) -> None:
    door = Door(app, lambda: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    door.get()
    door.get()
    assert door.made == 2


def test_what_comes_later_is_told_each_time(app: Flask, company: Creditor) -> None:
    numbers = iter(range(9))
    door = Door(app, lambda: (name(), keeping.later(lambda: next(numbers))))
    told = [door.get() for _ in range(3)]
    assert ["0" in told[0], "1" in told[1], "2" in told[2], door.made] == [True, True, True, 1]


def test_what_is_asked_again_is_kept_while_it_answers_the_same(app: Flask) -> None:
    answers = ["a"]
    door = Door(app, lambda: keeping.asked(lambda: answers[0]))
    assert [door.get(), door.get(), door.made] == ["<p>a</p>", "<p>a</p>", 1]
    answers[0] = "b"
    assert [door.get(), door.get(), door.made] == ["<p>b</p>", "<p>b</p>", 2]


def test_nobody_writes_a_place_that_is_filled_in(app: Flask, company: Creditor) -> None:
    rename(company, "0" * 32)
    door = Door(app, lambda: (name(), keeping.later(lambda: 7)))
    assert [door.get().count("0" * 32) for _ in range(2)] == [1, 1]


def test_each_address_language_and_visit_has_its_own(app: Flask, company: Creditor) -> None:
    door = Door(app, name)
    door.get()
    door.get("/dev/kept?part=1")
    door.get(Accept_Language="ar")
    door.client.set_cookie(*session_cookie(app, {"is": "in"}))
    door.get()
    assert door.made == 4


def test_how_somebody_came_to_it_makes_no_other_page(app: Flask, company: Creditor) -> None:
    door = Door(app, name)
    door.get()
    door.get(Referer="http://localhost/", Cache_Control="no-cache", Sec_Fetch_Site="none")
    assert door.made == 1


def test_it_is_kept_for_some_minutes_only(
    app: Flask, company: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(app, name)
    door.get()
    monkeypatch.setattr(keeping, "_LONGEST_SECONDS", -1)
    door.get()
    assert door.made == 2


def test_no_more_is_kept_than_there_is_room_for(
    app: Flask, company: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_MOST_BYTES", 10_000)
    door = Door(app, name)
    for number in range(9):
        door.get(f"/dev/kept?part={number}")
    made = door.made
    door.get("/dev/kept?part=8")
    door.get("/dev/kept?part=0")
    assert (made, door.made) == (9, 10)


def test_what_cannot_be_read_again_does_not_hold(app: Flask) -> None:
    with reads.noted() as noted:
        db.session.execute(text("create temporary table passing as select 1 as one"))
        db.session.execute(text("select * from passing"))
    assert not noted.is_whole
    assert not noted.still_hold()


def test_a_connection_that_only_reads_writes_nothing(app: Flask, company: Creditor) -> None:
    with pytest.raises(Exception, match="read-only"), reading() as connection:
        connection.execute("update creditors set town = 'Umeå'")


def test_a_connection_that_only_reads_sees_nobodys_rows_by_itself(
    app: Flask, company: Creditor
) -> None:
    with reading() as connection:
        found = connection.execute("select count(*) from invoices").fetchone()
    assert found == (0,)

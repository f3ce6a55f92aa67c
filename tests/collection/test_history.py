"""What happened stands as it was written: whoever changes it behind our back is found."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import func, literal, null, select, text
from sqlalchemy.exc import DBAPIError

from portal.collection import cases, history, lifecycle, policy, rulebook, settling
from portal.collection.models import Case, Event, HistoryHead, HistoryLink
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, SYSTEM, Actor
from portal.identity.models import Creditor
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor,
    a_reminded_case,
    an_invoice_of,
    letters_leave,
    rules_of,
)

SQL = "update events set {} where id = %s"


def tell(creditor: Creditor, *numbers: int) -> None:
    """Record an event for each number, in one transaction."""
    for number in numbers:
        history.record(
            "thing.happened",
            creditor_id=creditor.id,
            actor=SYSTEM,
            now=NOW,
            number=number,
        )
    db.session.commit()


def positions(creditor: Creditor) -> list[tuple[int, int]]:
    """Each place of a creditor's history, and the number of the event that stands there."""
    rows = db.session.execute(
        select(HistoryLink.position, Event.data["number"].as_integer())
        .join(Event, Event.id == HistoryLink.event_id)
        .where(HistoryLink.creditor_id == creditor.id)
        .order_by(HistoryLink.position)
    )
    return [tuple(row) for row in rows]


def found(creditor: Creditor | None = None) -> list[tuple[str, int, str]]:
    """What a check finds, as (creditor's key, position, what)."""
    db.session.rollback()
    broken = history.verify(creditor.id if creditor else None).broken
    return [(one.creditor_key, one.position, one.what) for one in broken]


@dataclass
class Intruder:
    """Somebody who has become the database's owner, and goes round every trigger."""

    connection: psycopg.Connection[Any]
    creditor: Creditor
    ids: list[int] = field(default_factory=list)

    def do(self, statement: str, *values: object) -> None:
        self.connection.execute(statement, values)

    def id(self, position: int) -> int:
        return self.ids[position - 1]

    def shift(self, first: int, by: int) -> None:
        """Give the places from one on other numbers; by way of negative ones, which nobody has."""
        where = "where creditor_id = %s and position"
        self.do(
            f"update history_links set position = -position {where} >= %s", self.creditor.id, first
        )
        self.do(
            f"update history_links set position = %s - position {where} < 0", by, self.creditor.id
        )

    def exchange(self, column: str) -> None:
        """Let two links, the second and the fourth, change what one of their columns holds."""
        two, four = (2, 4) if column == "position" else (self.id(2), self.id(4))
        for old, new in ((two, -1), (four, two), (-1, four)):
            self.do(
                f"update history_links set {column} = %s where creditor_id = %s and {column} = %s",
                *(new, self.creditor.id, old),
            )


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


@pytest.fixture
def owner(_cleaning: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A connection for which no trigger fires."""
    _cleaning.execute("set session_replication_role = replica")
    return _cleaning


@pytest.fixture
def intruder(creditor: Creditor, owner: psycopg.Connection[Any]) -> Intruder:
    """At a history of five events, with a neighbour whose own must go on holding."""
    tell(creditor, 1, 2, 3, 4, 5)
    tell(a_creditor("Lindens Cykel AB"), 1, 2)
    ids = db.session.scalars(
        select(HistoryLink.event_id)
        .where(HistoryLink.creditor_id == creditor.id)
        .order_by(HistoryLink.position)
    )
    return Intruder(owner, creditor, list(ids))


def test_the_first_event_of_a_creditor_has_place_one(creditor: Creditor) -> None:
    tell(creditor, 7)
    assert positions(creditor) == [(1, 7)]


def test_each_creditor_has_a_chain_of_its_own(creditor: Creditor) -> None:
    other = a_creditor("Lindens Cykel AB")
    for number in (1, 2, 3):
        tell(creditor, number)
        tell(other, number)
    assert positions(creditor) == positions(other) == [(1, 1), (2, 2), (3, 3)]


def test_the_head_is_the_last_link(creditor: Creditor) -> None:
    tell(creditor, 1, 2, 3)
    head = db.session.get_one(HistoryHead, creditor.id)
    last = db.session.get_one(HistoryLink, (creditor.id, 3))
    assert (head.position, head.hash) == (last.position, last.hash)


def test_a_hash_can_be_computed_by_anyone(creditor: Creditor) -> None:
    tell(creditor, 1)
    link = db.session.get_one(HistoryLink, (creditor.id, 1))
    written = (
        f'[{creditor.id}, 1, {link.event_id}, null, "thing.happened",'
        ' "2026-03-10T08:30:00.000000Z", "system", null, {"number": 1}]'
    )
    hashed = db.session.scalar(select(func.sha256(bytes(32) + written.encode())))
    assert link.hash == hashed


def test_what_is_rolled_back_leaves_no_gap(creditor: Creditor) -> None:
    tell(creditor, 1)
    undone = db.session.begin_nested()
    history.record("x", creditor_id=creditor.id, actor=SYSTEM, now=NOW)
    undone.rollback()
    tell(creditor, 2)
    assert positions(creditor) == [(1, 1), (2, 2)]


def test_the_chain_holds_after_a_case_has_lived(app: Flask) -> None:
    case = a_reminded_case()
    letters_leave()
    rules_of(case.creditor)
    values = {**policy.DEFAULTS, "days_after_due": 9}
    rulebook.save(
        case.creditor_id, values, 1, actor=Actor("person", "Eva Öberg"), today=TODAY, now=NOW
    )
    settling.settle_payment(
        cases.lock(case.id), amount_ore=106_548, key="one", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    assert history.verify() == history.Verified(5, 1, [])


def test_a_debtors_act_is_linked_though_the_debtor_sees_no_chain(app: Flask) -> None:
    case = a_case()
    with tenancy.cases([case.id]):
        history.record(
            "case.said", creditor_id=case.creditor_id, case_id=case.id, actor=DEBTOR, now=NOW
        )
        db.session.commit()
        assert db.session.scalars(select(HistoryLink)).all() == []
    assert history.verify() == history.Verified(2, 1, [])


def test_a_creditor_sees_no_other_chain(creditor: Creditor) -> None:
    tell(creditor, 1)
    tell(a_creditor("Lindens Cykel AB"), 1)
    with tenancy.creditors([creditor.id]):
        assert [one.creditor_id for one in db.session.scalars(select(HistoryLink))] == [creditor.id]


def test_a_creditor_without_events_is_not_counted(creditor: Creditor) -> None:
    assert history.verify() == history.Verified(0, 0, [])


def at_once(app: Flask, work: Callable[[int], None], times: int = 8) -> None:
    """Do some work in as many threads, which all begin together."""
    together = threading.Barrier(times)

    def run(number: int) -> None:
        with app.app_context(), tenancy.service():
            together.wait()
            work(number)
            db.session.remove()

    db.session.commit()
    with ThreadPoolExecutor(times) as pool:
        list(pool.map(run, range(times)))


def test_threads_that_write_for_one_creditor_leave_one_chain(
    app: Flask, creditor: Creditor
) -> None:
    creditor_id = creditor.id

    def work(number: int) -> None:
        for _ in range(10):
            for _ in range(3):
                history.record("x", creditor_id=creditor_id, actor=SYSTEM, now=NOW, n=number)
            db.session.commit()

    at_once(app, work)
    assert history.verify() == history.Verified(240, 1, [])


def test_threads_that_write_for_many_creditors_in_any_order_do_not_stop_each_other(
    app: Flask,
) -> None:
    # Half of them have no history yet, so that heads are also made at once.
    ids = [a_creditor().id for _ in range(12)]
    for one in ids[::2]:
        history.record("x", creditor_id=one, actor=SYSTEM, now=NOW)
    db.session.commit()

    def work(number: int) -> None:
        for turn in range(5):
            order = ids[(number + turn) % 12 :] + ids[: (number + turn) % 12]
            for one in order if number % 2 else order[::-1]:
                history.record("x", creditor_id=one, actor=SYSTEM, now=NOW, n=number)
                db.session.flush()
            db.session.commit()

    at_once(app, work)
    assert history.verify() == history.Verified(6 + 8 * 5 * 12, 12, [])


def happened(*creditors: Creditor) -> Any:
    """A query of an event for each of some creditors' cases, in the order of the cases."""
    return (
        select(
            Case.creditor_id,
            Case.id,
            literal("case.said"),
            literal(NOW),
            literal("system"),
            null(),
            func.jsonb_build_object("due_on", Case.due_on, "ore", Case.principal_ore),
        )
        .where(Case.creditor_id.in_([one.id for one in creditors]))
        .order_by(Case.id.desc())
    )


def test_events_of_many_cases_are_told_in_one_statement(creditor: Creditor) -> None:
    other = a_creditor("Lindens Cykel AB")
    known = [a_case(one) for one in (creditor, other, creditor, other, creditor)]
    assert history.record_many(happened(creditor, other)) == 5
    db.session.commit()
    assert history.verify() == history.Verified(10, 2, [])
    said = db.session.scalars(
        select(Event.case_id)
        .join(HistoryLink, HistoryLink.event_id == Event.id)
        .where(Event.name == "case.said", Event.creditor_id == creditor.id)
        .order_by(HistoryLink.position)
    ).all()
    assert said == [known[4].id, known[2].id, known[0].id]


def test_many_and_one_are_written_alike(creditor: Creditor) -> None:
    case = a_case(creditor)
    history.record_many(happened(creditor))
    history.record(
        "case.said", creditor_id=creditor.id, case_id=case.id, actor=SYSTEM, now=NOW,
        due_on=case.due_on.isoformat(), ore=case.principal_ore,
    )  # fmt: skip
    db.session.commit()
    many, one = (
        text.partition(b'"case.said"')[2]
        for text in db.session.scalars(
            text_of_events().where(Event.name == "case.said").order_by(Event.id)
        )
    )
    assert many == one


def text_of_events() -> Any:
    return select(func.reda_event_text(text("events"), 0, 0)).select_from(Event)


def test_events_that_were_there_before_the_chain_are_linked_by_the_migration(
    intruder: Intruder,
) -> None:
    intruder.do("delete from history_links")
    intruder.do("delete from history_heads")
    intruder.do("select reda_link_events(0)")
    assert found() == []
    assert positions(intruder.creditor) == [(n, n) for n in range(1, 6)]


@pytest.mark.parametrize(
    "change",
    [
        "name = 'thing.hindered'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "actor = 'person:Eva'",
        "data = '{\"number\": 30}'",
        'data = \'{"number": "3"}\'',
        "data = data || '{\"more\": null}'",
        "case_id = 1",
        "actor_person_id = 1",
        "creditor_id = creditor_id + 1",
    ],
)
def test_a_changed_value_is_found(intruder: Intruder, change: str) -> None:
    intruder.do(SQL.format(change), intruder.id(3))
    assert found() == [(intruder.creditor.key, 3, "changed")]


@pytest.mark.parametrize("position", [1, 3, 5])
def test_a_removed_event_is_found(intruder: Intruder, position: int) -> None:
    intruder.do("delete from events where id = %s", intruder.id(position))
    assert found() == [(intruder.creditor.key, position, "removed")]


@pytest.mark.parametrize("position", [1, 3, 4])
def test_an_event_removed_with_its_link_is_found(intruder: Intruder, position: int) -> None:
    intruder.do("delete from events where id = %s", intruder.id(position))
    intruder.do("delete from history_links where event_id = %s", intruder.id(position))
    assert found() == [(intruder.creditor.key, position, "removed")]


def test_an_event_removed_whose_followers_took_its_place_is_found(intruder: Intruder) -> None:
    intruder.do("delete from events where id = %s", intruder.id(2))
    intruder.do("delete from history_links where event_id = %s", intruder.id(2))
    intruder.shift(3, -1)
    assert found() == [(intruder.creditor.key, 2, "removed")]


def test_a_removed_last_event_is_found(intruder: Intruder) -> None:
    intruder.do("delete from events where id = %s", intruder.id(5))
    intruder.do("delete from history_links where event_id = %s", intruder.id(5))
    assert found() == [(intruder.creditor.key, 5, "missing at the end")]


def test_a_whole_history_that_is_removed_is_found(intruder: Intruder) -> None:
    intruder.do("delete from events where creditor_id = %s", intruder.creditor.id)
    intruder.do("delete from history_links where creditor_id = %s", intruder.creditor.id)
    assert found() == [(intruder.creditor.key, 1, "missing at the end")]


@pytest.mark.parametrize("column", ["position", "event_id"])
def test_exchanged_links_are_found(intruder: Intruder, column: str) -> None:
    intruder.exchange(column)
    assert found() == [(intruder.creditor.key, 2, "reordered")]


def test_exchanged_events_are_found(intruder: Intruder) -> None:
    said = "case_id, name, occurred_at, actor, actor_person_id, data"
    intruder.do(
        f"update events a set ({said}) ="
        f" (select {said} from events b where b.id = any(%s) and b.id <> a.id)"
        " where a.id = any(%s)",
        *[[intruder.id(2), intruder.id(4)]] * 2,
    )
    assert found() == [(intruder.creditor.key, 2, "reordered")]


def test_an_event_beside_the_chain_is_found(intruder: Intruder) -> None:
    intruder.do(
        "insert into events (creditor_id, name, occurred_at, actor, data)"
        " values (%s, 'thing.happened', now(), 'system', '{}')",
        intruder.creditor.id,
    )
    assert found() == [(intruder.creditor.key, 6, "added")]


def insert_at_three(intruder: Intruder, hashed: str) -> None:
    intruder.shift(3, 1)
    intruder.do(
        "with e as (insert into events (creditor_id, name, occurred_at, actor, data)"
        " values (%s, 'thing.happened', now(), 'system', '{}') returning events)"
        " insert into history_links (creditor_id, position, event_id, hash)"
        f" select %s, 3, (events).id, {hashed} from e, history_links before"
        " where before.creditor_id = %s and before.position = 2",
        *[intruder.creditor.id] * 3,
    )


def test_an_event_inserted_in_between_with_any_hash_is_found(intruder: Intruder) -> None:
    insert_at_three(intruder, "sha256('')")
    assert found() == [(intruder.creditor.key, 3, "added")]


def test_an_event_inserted_in_between_with_its_right_hash_is_found(intruder: Intruder) -> None:
    insert_at_three(intruder, "sha256(before.hash || reda_event_text(events, 3, (events).id))")
    # The one put in holds by itself; what stood there no longer follows on what was before it.
    assert found() == [(intruder.creditor.key, 4, "added")]


@pytest.mark.parametrize(
    ("change", "position", "what"),
    [
        ("update history_heads set hash = sha256('') where creditor_id = %s", 5, "head changed"),
        ("update history_heads set position = 4 where creditor_id = %s", 5, "added"),
        (
            "update history_heads set position = 6 where creditor_id = %s",
            6,
            "missing at the end",
        ),
        ("delete from history_heads where creditor_id = %s", 1, "added"),
    ],
)
def test_a_changed_head_is_found(intruder: Intruder, change: str, position: int, what: str) -> None:
    intruder.do(change, intruder.creditor.id)
    assert found() == [(intruder.creditor.key, position, what)]


@pytest.mark.parametrize("position", [1, 3, 5])
def test_a_changed_hash_is_found(intruder: Intruder, position: int) -> None:
    intruder.do(
        "update history_links set hash = sha256('') where event_id = %s", intruder.id(position)
    )
    assert found() == [(intruder.creditor.key, position, "changed")]


def test_the_first_of_two_wrongs_is_told(intruder: Intruder) -> None:
    for position in (4, 2):
        intruder.do(SQL.format("actor = 'x'"), intruder.id(position))
    assert found() == [(intruder.creditor.key, 2, "changed")]


def test_of_one_creditor_nothing_is_told_about_another(intruder: Intruder) -> None:
    intruder.do(SQL.format("actor = 'x'"), intruder.id(2))
    other = db.session.scalars(select(Creditor).where(Creditor.id != intruder.creditor.id)).one()
    assert found(other) == []
    assert history.verify(other.id).events == 2


def test_a_history_that_goes_on_after_a_change_still_tells_of_it(intruder: Intruder) -> None:
    intruder.do(SQL.format("actor = 'x'"), intruder.id(2))
    tell(intruder.creditor, 6, 7)
    assert found() == [(intruder.creditor.key, 2, "changed")]


def test_what_a_check_found_is_kept_for_operators(intruder: Intruder) -> None:
    intruder.do(SQL.format("actor = 'x'"), intruder.id(2))
    history.check(NOW)
    db.session.commit()
    (one,) = history.broken()
    assert (one.creditor_key, one.position, one.what, one.checked_at) == (
        intruder.creditor.key, 2, "changed", NOW,
    )  # fmt: skip


def test_a_check_that_finds_nothing_forgets_what_was_found_before(intruder: Intruder) -> None:
    intruder.do(SQL.format("actor = 'x'"), intruder.id(2))
    history.check(NOW)
    intruder.do(SQL.format("actor = 'system'"), intruder.id(2))
    history.check(NOW + timedelta(days=1))
    db.session.commit()
    assert history.broken() == []


def test_it_is_known_when_histories_were_last_checked(creditor: Creditor) -> None:
    assert history.checked_at() is None
    tell(creditor, 1)
    history.check(NOW)
    assert history.checked_at() == NOW


LETTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(LETTERS, max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_single_changed_byte_of_what_happened_is_found(
    app: Flask, owner: psycopg.Connection[Any], data: st.DataObject
) -> None:
    creditor = a_creditor()
    before = data.draw(st.dictionaries(st.text(LETTERS, max_size=5), VALUES, min_size=1))
    history.record("x", creditor_id=creditor.id, actor=SYSTEM, now=NOW, number=1)
    db.session.add(
        Event(creditor_id=creditor.id, name="x", occurred_at=NOW, actor="system", data=before)
    )
    db.session.commit()
    event_id, written = db.session.execute(
        text("select id, data::text from events where creditor_id = :id order by id desc limit 1"),
        {"id": creditor.id},
    ).one()
    raw = bytearray(written.encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    try:
        owner.execute(
            "update events set data = convert_from(%s, 'UTF8')::jsonb where id = %s",
            (bytes(raw), event_id),
        )
    except psycopg.DataError:
        # No longer JSON, which the column does not take.
        return
    after = db.session.scalar(
        text("select data::text from events where id = :id"), {"id": event_id}
    )
    # White space between values and the order of keys are not part of what is said.
    expected = [] if after == written else [(creditor.key, 2, "changed")]
    assert found(creditor) == expected


@pytest.mark.parametrize("table", ["events", "history_links", "history_heads"])
@pytest.mark.parametrize("change", ["update {} set creditor_id = 1", "delete from {}"])
def test_the_application_changes_nothing_that_happened(
    creditor: Creditor, table: str, change: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(change.format(table)))


@pytest.mark.parametrize(
    "statement",
    [
        "insert into history_links values (1, 1, 1, '')",
        "insert into history_heads values (1, 1, '')",
        "select reda_link_events(0)",
    ],
)
def test_the_application_writes_no_link_by_itself(app: Flask, statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(statement))


def why(case: Case, name: str) -> history.Told:
    return next(one for one in history.of_case(case.id) if one.name == name)


def test_a_case_says_which_scope_each_of_its_rules_came_from(app: Flask) -> None:
    creditor = a_creditor()
    rules = policy.Effective(
        {**policy.DEFAULTS, "reminder_days": 14, "reminder_fee_agreed": True},
        {"days_after_due": "default", "reminder_days": "class", "reminder_fee_agreed": "customer"},
    )
    case = lifecycle.open_case(an_invoice_of(creditor), rules, today=TODAY, now=NOW)
    db.session.commit()
    told = why(case, "case.imported")
    assert {one.name: (one.value, one.scope) for one in told.settings} == {
        "days_after_due": (7, "default"),
        "reminder_days": (14, "class"),
        "reminder_fee_agreed": (True, "customer"),
        "interest_kind": ("statutory", "default"),
        "agreed_rate": (None, "default"),
    }


def test_a_reminder_is_explained_by_the_rules_that_its_case_was_opened_with(app: Flask) -> None:
    creditor = a_creditor()
    rules = policy.Effective(
        {**policy.DEFAULTS, "reminder_days": 14}, {"reminder_days": "customer"}
    )
    case = lifecycle.open_case(an_invoice_of(creditor), rules, today=TODAY, now=NOW)
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    db.session.commit()
    told = why(case, "case.reminder_sent")
    assert history.Setting("reminder_days", 14, "customer") in told.settings
    assert told.inputs == {"fee_charged_before": False}


def test_a_payment_is_explained_by_what_was_owed_before_it(app: Flask) -> None:
    case = a_reminded_case()
    settling.settle_payment(
        cases.lock(case.id), amount_ore=50_000, key="one", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    assert why(case, "case.payment_received").inputs == {
        "owed": {"fees_ore": 6_000, "interest_ore": 548, "principal_ore": 100_000},
        "amount_ore": 50_000,
    }


def test_an_event_from_before_settings_were_told_is_explained_by_what_it_has(
    creditor: Creditor,
) -> None:
    case = a_case(creditor)
    history.record(
        "case.imported", creditor_id=creditor.id, case_id=case.id, actor=SYSTEM, now=NOW,
        invoice="F1", principal_ore=1, due_on="2026-02-18", days_after_due=5, scope="class",
    )  # fmt: skip
    db.session.commit()
    assert history.of_case(case.id)[0].settings[0] == history.Setting("days_after_due", 5, "class")

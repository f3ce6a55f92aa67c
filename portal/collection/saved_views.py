"""Lists of cases that people keep under a name: a view is its address's query.

A view is its owner's; shared, everybody of the company sees it, and an administrator may rename or
remove it too. Which view a person begins with is that person's own choice.
"""

from datetime import datetime

from sqlalchemy import select

from portal.collection.finding import DEFAULT_VIEW, View
from portal.collection.models import SavedView
from portal.extensions import db
from portal.identity import preferences
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

LONGEST_NAME = 60
_LONGEST_QUERY = 4_000
_MOST = 100


class NoSuchView(RedaError):
    """The view is not there, or not this person's to change."""

    status = 404


def every(creditor_id: int, person_id: int) -> list[View]:
    """A person's own views and those shared with them, by name."""
    rows = db.session.scalars(
        select(SavedView)
        .where(SavedView.creditor_id == creditor_id)
        .where((SavedView.person_id == person_id) | SavedView.is_shared)
        .order_by(SavedView.name, SavedView.id)
    )
    return [
        View(one.id, one.name, one.query, one.person_id == person_id, one.is_shared,
             one.person_name)
        for one in rows
    ]  # fmt: skip


def default(creditor_id: int, person_id: int) -> str | None:
    """Which view a person begins with: the id of a saved one, or the word of one of the page's."""
    chosen: str | None = preferences.kept(person_id, creditor_id, DEFAULT_VIEW)
    return chosen


def choose_default(creditor_id: int, person_id: int, view: str | None) -> None:
    """Begin with a view from now on; None: with all cases."""
    if view:
        preferences.keep(person_id, creditor_id, DEFAULT_VIEW, view)
    else:
        preferences.forget(person_id, creditor_id, DEFAULT_VIEW)


def save(
    creditor_id: int, name: str, query: str, *, is_shared: bool, actor: Actor, now: datetime
) -> SavedView:
    """Keep a list under a name. Raises RedaError for a name that is empty, too long or taken."""
    assert actor.person_id is not None
    own = select(SavedView.id).where(
        SavedView.creditor_id == creditor_id, SavedView.person_id == actor.person_id
    )
    if len(db.session.scalars(own).all()) >= _MOST:
        raise RedaError(N_("You have %(most)s views. Remove one first."), most=_MOST)
    view = SavedView(
        creditor_id=creditor_id,
        person_id=actor.person_id,
        person_name=actor.name,
        name=_name(creditor_id, actor.person_id, name),
        query=_query(query),
        is_shared=is_shared,
        created_at=now,
    )
    db.session.add(view)
    db.session.flush()
    return view


def change(
    creditor_id: int,
    view_id: int,
    *,
    actor: Actor,
    is_administrator: bool,
    name: str | None = None,
    query: str | None = None,
    is_shared: bool | None = None,
) -> SavedView:
    """Give a view another name or another list, or share it or no longer; None leaves it as it is.

    Raises NoSuchView, and RedaError as `save` does.
    """
    view = _take(creditor_id, view_id, actor, is_administrator)
    if name is not None and name.strip() != view.name:
        view.name = _name(creditor_id, view.person_id, name)
    if query is not None:
        view.query = _query(query)
    # Whether it is shared is its owner's to say: to whoever else, it would be gone.
    if is_shared is not None and view.person_id == actor.person_id:
        view.is_shared = is_shared
    db.session.flush()
    return view


def remove(creditor_id: int, view_id: int, *, actor: Actor, is_administrator: bool) -> str:
    """Remove a view; answers its name. Raises NoSuchView."""
    view = _take(creditor_id, view_id, actor, is_administrator)
    name = view.name
    db.session.delete(view)
    assert actor.person_id is not None
    if default(creditor_id, actor.person_id) == str(view_id):
        choose_default(creditor_id, actor.person_id, None)
    return name


def _take(creditor_id: int, view_id: int, actor: Actor, is_administrator: bool) -> SavedView:
    view = db.session.get(SavedView, view_id)
    if view is None or view.creditor_id != creditor_id:
        raise NoSuchView(N_("The view is not there any more."))
    is_own = view.person_id == actor.person_id
    if not is_own and not (view.is_shared and is_administrator):
        raise NoSuchView(N_("The view is not there any more."))
    return view


def _name(creditor_id: int, person_id: int, name: str) -> str:
    told = " ".join(name.split())
    if not told:
        raise RedaError(N_("Give the view a name."), field="name")
    if len(told) > LONGEST_NAME:
        raise RedaError(
            N_("The name has more than %(most)s characters."), field="name", most=LONGEST_NAME
        )
    taken = select(SavedView.id).where(
        SavedView.creditor_id == creditor_id,
        SavedView.person_id == person_id,
        SavedView.name == told,
    )
    if db.session.scalar(taken) is not None:
        raise RedaError(N_("A view of that name is there already."), field="name")
    return told


def _query(query: str) -> str:
    if len(query) > _LONGEST_QUERY:
        raise RedaError(N_("The filter is too long to be kept. Choose less."))
    return query

"""The kinds of notification: who can be told, of which events, and how if they choose nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

AT_ONCE, DAILY, WEEKLY, NEVER = HOWS = ("at once", "daily", "weekly", "never")
# When digests come, where nobody has chosen: before the day's work, on Mondays.
DAILY_AT, WEEKLY_ON, WEEKLY_AT = time(7, 30), 1, time(7, 30)

_ALL = ("administrator", "collector", "viewer")
_CHANGERS = ("administrator", "collector")
_ADMINISTRATORS = ("administrator",)


@dataclass(frozen=True)
class Source:
    """An event of the history that tells of a kind.

    needs: what its data must hold. fails_when: a number in its data that is above zero when it
    failed.
    """

    event: str
    needs: Mapping[str, Any] | None = None
    fails_when: str | None = None


@dataclass(frozen=True)
class Kind:
    """key: stands in the database. group: where it stands among the choices: cases, money, work or
    company. roles: who can be told. centre, mail: how somebody is told who has not chosen; viewers
    then get no mail, except where it is meant for them. can_fail: some of it tells of a failure, so
    that one may choose to be told of those alone. is_personal: it is for the one that it names.
    """

    key: str
    group: str
    sources: Sequence[Source] = ()
    roles: Sequence[str] = _ALL
    centre: str = AT_ONCE
    mail: str = DAILY
    can_fail: bool = False
    failed_only: bool = False
    is_personal: bool = False

    def mail_for(self, role: str) -> str:
        """How somebody with a role is mailed who has not chosen."""
        return NEVER if role == "viewer" and not self.is_personal else self.mail


KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("mention", "cases", mail=AT_ONCE, is_personal=True),
        Kind(
            "dispute", "cases", [Source("case.disputed"), Source("case.told")], mail=AT_ONCE
        ),
        Kind("message", "cases", [Source("case.message_received"), Source("case.dispute_replied")]),
        Kind("decision", "cases", [Source("case.awaits_decision")]),
        Kind("plan_broken", "cases", [Source("case.plan_broken")]),
        Kind("review", "cases", [Source("case.needs_review")], mail=NEVER),
        Kind("letter_failed", "cases"),
        Kind("payment", "money", [Source("case.payment_received")], centre=NEVER, mail=NEVER),
        Kind("paid", "money", [Source("case.paid")], centre=NEVER, mail=WEEKLY),
        Kind("payout", "money", mail=AT_ONCE, can_fail=True),
        Kind("statement", "money", [Source("statement.made")]),
        Kind(
            "upload", "work", [Source("upload.imported", fails_when="problems")],
            can_fail=True, failed_only=True,
        ),
        Kind("report", "work", mail=NEVER, can_fail=True, is_personal=True),
        Kind("archive", "work", mail=NEVER, can_fail=True, is_personal=True),
        Kind("rules", "company", [Source("rules.changed")], roles=_CHANGERS, mail=NEVER),
        Kind(
            "people", "company",
            [Source("member.joined"), Source("member.role_changed"), Source("member.removed")],
            roles=_ADMINISTRATORS,
        ),
        Kind(
            "approval", "company",
            [
                Source(f"approval.{what}")
                for what in ("proposed", "approved", "refused", "expired", "overtaken")
            ],
            roles=_ADMINISTRATORS, mail=AT_ONCE,
        ),
        Kind(
            "company", "company",
            [
                *(Source(f"company.{what}") for what in ("changed", "closed", "reopened")),
                *(Source(f"account.{what}") for what in ("added", "used", "removed")),
            ],
            roles=_ADMINISTRATORS,
        ),
        Kind("agreement", "company", roles=_ADMINISTRATORS, mail=AT_ONCE),
        # Of what somebody has sent, they are told; of what the portal has, all who may send.
        Kind("document", "work", roles=_CHANGERS, mail=AT_ONCE, is_personal=True),
        # The signed document itself goes to its sender by mail whatever is chosen here.
        Kind("document_completed", "work", roles=_CHANGERS, mail=NEVER, is_personal=True),
        Kind("document_deletion", "work", roles=_ADMINISTRATORS),
    )
}  # fmt: skip
GROUPS = ("cases", "money", "work", "company")


def for_role(role: str) -> list[Kind]:
    """The kinds that somebody with a role can be told of."""
    return [kind for kind in KINDS.values() if role in kind.roles]


def kinds_json() -> str:
    """The registry as SQL reads it: a row for each kind and role."""
    return json.dumps(
        [
            {
                "kind": kind.key,
                "role": role,
                "centre": kind.centre,
                "mail": kind.mail_for(role),
                "failed_only": kind.failed_only,
            }
            for kind in KINDS.values()
            for role in kind.roles
        ]
    )


def sources_json() -> str:
    """The events that tell of something, as SQL reads them."""
    return json.dumps(
        [
            {
                "event": source.event,
                "kind": kind.key,
                "needs": source.needs or {},
                "fails_when": source.fails_when,
            }
            for kind in KINDS.values()
            for source in kind.sources
        ]
    )

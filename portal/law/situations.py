"""Circumstances of a debtor under which nothing may be demanded as before, and until when.

Inkassolagen (1974:182) § 4 (god inkassosed) asks that each is looked into by a person; § 8 forbids
to collect what is probably not owed, or not of this person. Automatic letters, fees and steps stop
from the moment that somebody tells of it. What then may go on, and against whom, is the statute's.
The last one, that something held about somebody is wrong, stops nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from portal.messages import N_


@dataclass(frozen=True)
class Situation:
    """One circumstance.

    name: the stop that it puts on a case. rule: the statute. since: from when it holds as written
    here. means: what the creditor must know before the case goes on.
    """

    name: str
    rule: str
    since: date
    means: str


# Whoever is in one of these is invited to no payment: the debt is settled elsewhere, such as by an
# estate, or not theirs, such as the heirs'.
SETTLED_ELSEWHERE = frozenset({"debt restructuring", "bankrupt", "minor", "deceased"})

SITUATIONS: Mapping[str, Situation] = {
    one.name: one
    for one in (
        Situation(
            "debt restructuring",
            "skuldsaneringslagen (2016:675)",
            date(2016, 11, 1),
            N_("The Enforcement Authority decides on a debt restructuring. A debt that is part of"
               " it is not demanded: notify the claim there, and wait for the decision."),
        ),
        Situation(
            "bankrupt",
            "konkurslagen (1987:672) 3 kap. 1 §, 5 kap. 1 §",
            date(1988, 1, 1),
            N_("A debtor in bankruptcy does not dispose of the estate. The claim is lodged with the"
               " administrator of the bankruptcy, and nothing is demanded of the debtor."),
        ),
        Situation(
            "represented",
            "föräldrabalken (1949:381) 11 kap. 4, 7 och 9 §§",
            date(1989, 1, 1),
            N_("A trustee or an administrator acts for the debtor. Check the appointment, and"
               " change the address so that letters reach whoever acts for them."),
        ),
        Situation(
            "deceased",
            "ärvdabalken (1958:637) 18 och 21 kap.",
            date(1982, 1, 1),
            N_("The estate pays the debts of somebody who has died, as far as it goes; the heirs do"
               " not pay out of their own. Turn to the estate once it has an address."),
        ),
        Situation(
            "minor",
            "föräldrabalken (1949:381) 9 kap. 1 §, 10 kap.",
            date(1975, 1, 1),
            N_("Nothing is demanded of a child. A minor is bound by few agreements: find out how"
               " the debt arose, and write to the guardian."),
        ),
        Situation(
            "wrong person",
            "inkassolagen (1974:182) §§ 4, 8",
            date(1975, 1, 1),
            N_("A claim that is probably not this person’s may not be collected. Compare name,"
               " address and order before the case goes on."),
        ),
        Situation(
            "said paid",
            "inkassolagen (1974:182) §§ 4, 8",
            date(1975, 1, 1),
            N_("A claim that is probably paid may not be collected. Look for the money before the"
               " case goes on."),
        ),
        Situation(
            "correction",
            "dataskyddsförordningen (EU 2016/679) art. 12.3, 12.4, 16",
            date(2018, 5, 25),
            N_("What is held about somebody must be right. Put it right, or tell why it is right"
               " as it is, within a month. The case goes on meanwhile."),
        ),
    )
}  # fmt: skip

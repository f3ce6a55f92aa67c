"""What the help pages say: questions that people ask, hard words, and the parts of letters.

The words themselves, in each language, are the glossary's that all catalogues are held to
(`portal.locales.words`); here is what they mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.messages import N_

# Question and answer, in the order in which people ask.
QUESTIONS: Mapping[str, tuple[str, str]] = {
    "who": (
        N_("Who are you, and why do you write to me?"),
        N_(
            "We collect unpaid invoices for companies. The company that sent the invoice has asked"
            " us to. Its name is at the top of your case."
        ),
    ),
    "real": (
        N_("Is the letter real?"),
        N_(
            "We never ask for your BankID code, your card number or a password, and never call to"
            " make you log in. If you are unsure, call us on the number below."
        ),
    ),
    "paid": (
        N_("I have paid. Why did I get a letter?"),
        N_(
            "A payment can take one to two banking days to reach us, and a letter may have been on"
            " its way. If you paid in the last few days you need do nothing. If it was longer ago,"
            " tell us on the page of your case."
        ),
    ),
    "wrong": (
        N_("The invoice is wrong, or it is not mine. What do I do?"),
        N_(
            "Object on the page of your case, before the last day to pay. The case then stands"
            " still until you have an answer. You should not pay what you do not owe."
        ),
    ),
    "hard": (
        N_("I cannot pay everything now. What can I do?"),
        N_(
            "On the page of your case you can choose more time or a payment plan, if the company"
            " allows it. You can also pay a part. The budget and debt counsellor of your"
            " municipality helps you free of charge."
        ),
    ),
    "remark": (
        N_("Do I get a payment remark?"),
        N_(
            "Not from a reminder or a demand. A payment remark (betalningsanmärkning) can only"
            " follow a decision by the Enforcement Authority or a court."
        ),
    ),
    "wait": (
        N_("What does it cost if I wait?"),
        N_(
            "Interest is counted for each day. A demand (inkassokrav) has a fee, and later there"
            " can be costs at the Enforcement Authority. On the page of your case you see each"
            " sum, and what comes next."
        ),
    ),
    "seen": (
        N_("How do I know that my payment has come?"),
        N_("The page of your case changes by itself, and you find the receipt there."),
    ),
    "other": (
        N_("The letter is for someone who has died, or for a child. What do I do?"),
        N_("Tell us on the page of the case. We stop, and ask for nothing while we look into it."),
    ),
    "talk": (
        N_("Can I talk to somebody?"),
        N_(
            "Yes. Call us or write to us: you find us at the bottom of each page. Write in the"
            " language that you know best."
        ),
    ),
}

# By the glossary's key, what a word means.
WORDS: Mapping[str, str] = {
    "creditor": N_("The company that is owed the money."),
    "claim": N_("What a company says that you owe it."),
    "principal": N_("What is unpaid of the invoice itself, without interest and fees."),
    "lateinterest": N_(
        "What is paid for each day that a payment is late. By law it is the reference rate and"
        " eight percentage points a year, if nothing else was agreed."
    ),
    "referencerate": N_(
        "A rate that Sweden’s central bank (Riksbanken) sets on 1 January and 1 July each year."
    ),
    "reminder": N_("The first letter about an unpaid invoice."),
    "reminderfee": N_("What a reminder may cost. The law says how much at most."),
    "demand": N_(
        "A formal letter from a debt collection company. It says what is owed and by when to pay"
        " or object."
    ),
    "demandfee": N_("What a demand may cost. The law says how much at most."),
    "plan": N_("You pay in parts, on days that are agreed. As long as you do, nothing more comes."),
    "planfee": N_("What it may cost to make a payment plan. The law says how much at most."),
    "postpone": N_("A later last day to pay. Interest is counted meanwhile."),
    "objection": N_(
        "You say that a claim, or a part of it, is wrong. Then it must be looked into."
    ),
    "debtcollection": N_("To ask for payment of a debt in the way that the law says."),
    "enforcement": N_(
        "The public authority that decides on unpaid debts and can collect them. It asks you"
        " before it decides on a payment order."
    ),
    "paymentorder": N_(
        "A decision by the Enforcement Authority that a debt is to be paid. If you object in time,"
        " it makes none."
    ),
    "remark": N_(
        "An entry at a credit information company that a debt was not paid. It makes it harder to"
        " rent a home or to borrow."
    ),
    "seizure": N_(
        "The Enforcement Authority takes pay or property for a debt. What you need to live on is"
        " left to you."
    ),
    "surveillance": N_("The debt is kept and looked at now and then, for a long time."),
    "limitation": N_("So old that it need not be paid any more."),
    "counsellor": N_(
        "A person in your municipality who helps with money and debts, free of charge."
    ),
    "restructuring": N_(
        "A decision by the Enforcement Authority that you pay what you can for some years and are"
        " then free of your debts."
    ),
    "bankgiro": N_("A number that payments in Sweden are sent to, instead of an account number."),
    "ocr": N_("A number that you write when you pay. It tells whose payment it is."),
}

_REFERENCE = N_("With the reference and the code you open your case on the web.")
_SUM = N_("What to pay, and the last day to do it.")
_OCR = N_("Write this number when you pay. It tells us that the payment is yours.")
_PARTS = N_("How the sum is made up: the invoice, interest and fees.")
_WRONG = N_("What to do if something is wrong. An objection stops the case.")
_HARD = N_("What to do if you cannot pay now.")
_QUESTIONS = N_("How to reach us.")


@dataclass(frozen=True)
class LetterHelp:
    """What a letter means, and what its parts are for, by the Swedish words that begin them."""

    name: str
    meaning: str
    marks: Mapping[str, str]


LETTERS: Mapping[str, LetterHelp] = {
    "reminder": LetterHelp(
        N_("Reminder"),
        N_(
            "An invoice has not been paid. Pay it by the last day, or tell us if something is"
            " wrong. A reminder gives no payment remark (betalningsanmärkning)."
        ),
        {
            "Referens": _REFERENCE,
            "Att betala": _SUM,
            "OCR-nummer": _OCR,
            "Så är summan räknad": _PARTS,
            "Stämmer det inte?": _WRONG,
            "Kan du inte betala nu?": _HARD,
            "Frågor? Vi hjälper dig": _QUESTIONS,
        },
    ),
    "demand": LetterHelp(
        N_("Demand"),
        N_(
            "The invoice is still not paid. This is a formal demand (inkassokrav): pay or object by"
            " the last day. After that the company can turn to the Enforcement Authority"
            " (Kronofogden)."
        ),
        {
            "Referens": _REFERENCE,
            "Att betala": _SUM,
            "OCR-nummer": _OCR,
            "Så är summan räknad": _PARTS,
            "Stämmer det inte?": _WRONG,
            "Vad händer om jag inte gör något?": N_("What can follow if nothing is done."),
            "Kan du inte betala nu?": _HARD,
            "Frågor? Vi hjälper dig": _QUESTIONS,
        },
    ),
    "plan": LetterHelp(
        N_("Payment plan"),
        N_(
            "You have agreed to pay in parts. Pay each part by its day, and nothing more is asked"
            " of you."
        ),
        {
            "Referens": _REFERENCE,
            "Första betalningen": N_("The first part, and the last day to pay it."),
            "OCR-nummer": N_("Write this number each time you pay."),
            "Alla betalningar": N_("Each part and its day."),
            "Kan du inte betala en månad?": N_("What to do if you cannot pay a part."),
            "Frågor? Vi hjälper dig": _QUESTIONS,
        },
    ),
    "dispute_answer": LetterHelp(
        N_("Answer to your objection"),
        N_(
            "The company has looked into your objection and says what it thinks. The letter tells"
            " if there is anything left to pay."
        ),
        {
            "Referens": _REFERENCE,
            "skriver": N_("What the company says, and why."),
            "Att betala": _SUM,
            "Håller du inte med?": N_("What to do if you do not agree."),
            "Frågor? Vi hjälper dig": _QUESTIONS,
        },
    ),
    "more_time": LetterHelp(
        N_("More time to pay"),
        N_("You have more time to pay. Nothing more happens before the new last day."),
        {
            "Referens": _REFERENCE,
            "Att betala": _SUM,
            "OCR-nummer": _OCR,
            "Så är summan räknad": _PARTS,
            "Stämmer det inte?": _WRONG,
            "Räcker inte tiden?": _HARD,
            "Frågor? Vi hjälper dig": _QUESTIONS,
        },
    ),
}

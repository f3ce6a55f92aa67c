"""What letters and receipts say, as the outbox keeps it."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

_REMINDER = {
    "creditor": {"name": "Norrsken Energi AB", "organisation_number": "5599000016"},
    "recipient": {
        "name": "Ahmad Al-Khatib",
        "address_line": "Storgatan 1",
        "postcode": "11122",
        "town": "Stockholm",
        "country": "SE",
    },
    "invoice": {
        "number": "F2026-17",
        "issued_on": "2026-01-19",
        "due_on": "2026-02-18",
        "description": "El januari",
        "amount_ore": 120_000,
    },
    "parts": [
        {"kind": "principal", "ore": 100_000},
        {
            "kind": "interest",
            "ore": 548,
            "periods": [
                {
                    "from_on": "2026-02-19",
                    "to_on": "2026-03-10",
                    "days": 20,
                    "principal_ore": 100_000,
                    "per_cent": "10.00",
                }
            ],
        },
        {"kind": "reminder_fee", "ore": 6_000, "statute": "lag (1981:739) § 2, § 4"},
    ],
    "total_ore": 106_548,
    "currency": "SEK",
    "reference": "604812345",
    "ocr": "100000004224",
    "account": {"kind": "bankgiro", "number": "59999991"},
    "written_on": "2026-03-10",
    "pay_by_on": "2026-03-20",
    "web_address": "https://reda.example",
}
_RECEIPT = {
    "receipt_number": "2026-0000012",
    "creditor": "Norrsken Energi AB",
    "debtor_name": "Ahmad Al-Khatib",
    "reference": "604812345",
    "invoice_number": "F2026-17",
    "paid_on": "2026-03-10",
    "channel": "swish",
    "channel_reference": "0123456789ABCDEF0123456789ABCDEF",
    "amount_ore": 110_000,
    "currency": "SEK",
    "parts": [
        {"kind": "principal", "ore": 100_000},
        {"kind": "interest", "ore": 548},
        {"kind": "reminder_fee", "ore": 6_000},
        {"kind": "overpaid", "ore": 3_452},
    ],
    "left_ore": 0,
}


def a_reminder(**changed: Any) -> dict[str, Any]:
    """An ordinary reminder with some members changed; a mapping changes members of its own."""
    content = deepcopy(_REMINDER)
    for name, value in changed.items():
        if isinstance(value, dict):
            content[name] = {**content[name], **value}
        else:
            content[name] = value
    return content


def a_demand(**changed: Any) -> dict[str, Any]:
    """A demand of the case that `a_reminder` reminded of, with some members changed."""
    content = a_reminder(
        invoice={"description": "El januari"},
        parts=[
            *_REMINDER["parts"][:2],
            {
                "kind": "reminder_fee",
                "ore": 6_000,
                "statute": "lag (1981:739) § 2, § 4",
                "charged_on": "2026-02-24",
            },
            {"kind": "demand_fee", "ore": 18_000, "statute": "lag (1981:739) § 3 p. 1, § 4"},
        ],
        total_ore=124_548,
    )
    content |= {
        "object_by_on": "2026-03-19",
        "object_to": "hej@reda.example",
        "assignment": None,
        "next": "legal",
    }
    return {**content, **changed}


def a_receipt(**changed: Any) -> dict[str, Any]:
    """The receipt of a payment that closed the case and was too large."""
    return {**deepcopy(_RECEIPT), **changed}


def half_years(count: int, principal_ore: int) -> list[dict[str, Any]]:
    """So many periods of interest, the last one ending when the reminder is written."""
    periods: list[dict[str, Any]] = []
    to_on = date(2026, 3, 10)
    for _ in range(count):
        from_on = date(to_on.year, 1 if to_on.month < 7 else 7, 1)
        periods.insert(
            0,
            {
                "from_on": from_on.isoformat(),
                "to_on": to_on.isoformat(),
                "days": (to_on - from_on).days + 1,
                "principal_ore": principal_ore,
                "per_cent": "10.50",
            },
        )
        to_on = from_on - timedelta(days=1)
    return periods


def a_long_reminder() -> dict[str, Any]:
    """Names, sums and interest as long as they come."""
    parts = [
        {"kind": "principal", "ore": 123_456_789},
        {"kind": "interest", "ore": 71_234_567, "periods": half_years(12, 123_456_789)},
        {"kind": "reminder_fee", "ore": 6_000, "statute": "lag (1981:739) § 2, § 4"},
    ]
    return a_reminder(
        creditor={
            "name": "Bostadsrättsföreningen Stora Sköndals Trädgårdsstad och "
            "Fjärrvärmesamfällighet ekonomisk förening"
        },
        recipient={
            "name": "Anna-Karin Margareta Elisabeth von Oxenstierna af Korsholm och "
            "Wasa-Lewenhaupt",
            "address_line": "Kungliga Djurgårdens Förvaltningsväg 124 B, lägenhet 1203, c/o "
            "Bergström",
            "town": "Västra Frölunda-Tynnered",
            "country": "NO",
        },
        invoice={
            "number": "FAKT-2026-000123456789-SLUT",
            "description": "Fjärrvärme, elnät, elhandel, bredband, vatten och avlopp, renhållning, "
            "parkering och gemensamhetsanläggning för februari och mars enligt avtal. " * 3,
            "amount_ore": 123_456_789,
        },
        parts=parts,
        total_ore=sum(part["ore"] for part in parts),
        ocr="1000000000000065",
    )


def a_long_demand() -> dict[str, Any]:
    """A demand with names, sums and interest as long as they come."""
    content = a_long_reminder()
    fee = {"kind": "demand_fee", "ore": 18_000, "statute": "lag (1981:739) § 3 p. 1, § 4"}
    return {
        **a_demand(),
        **content,
        "parts": [*content["parts"], fee],
        "total_ore": content["total_ore"] + fee["ore"],
    }

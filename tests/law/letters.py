"""Letters that lack nothing, and how a test takes something from them."""

import copy

A_REMINDER = {
    "creditor": {"name": "Södra Elbolaget AB", "organisation_number": "5560000001"},
    "recipient": {"name": "Åsa Öberg"},
    "invoice": {
        "number": "F-1042",
        "issued_on": "2025-12-31",
        "due_on": "2026-01-31",
        "description": "Electricity, December",
        "amount_ore": 100_000,
    },
    "parts": [
        {"kind": "principal", "ore": 100_000},
        {
            "kind": "interest",
            "ore": 767,
            "periods": [
                {
                    "from_on": "2026-02-01",
                    "to_on": "2026-02-28",
                    "days": 28,
                    "principal_ore": 100_000,
                    "per_cent": "10.00",
                }
            ],
        },
        {"kind": "reminder_fee", "ore": 6_000, "statute": "lag (1981:739) § 2, § 4"},
    ],
    "total_ore": 106_767,
    "currency": "SEK",
    "ocr": "10000123",
    "account": {"kind": "bankgiro", "number": "50501055"},
    "written_on": "2026-02-28",
    "pay_by_on": "2026-03-10",
}

A_DEMAND = {
    **A_REMINDER,
    "parts": [
        *A_REMINDER["parts"],
        {"kind": "demand_fee", "ore": 18_000, "statute": "lag (1981:739) § 3 p. 1, § 4"},
    ],
    "total_ore": 124_767,
    "assignment": None,
    "object_to": "Reda, Box 1, 111 11 Stockholm",
    "object_by_on": "2026-03-10",
}


def with_value(letter, path, value):
    content, place, last = _way(letter, path)
    place[last] = value
    return content


def without(letter, path):
    content, place, last = _way(letter, path)
    del place[last]
    return content


def _way(letter, path):
    content = copy.deepcopy(letter)
    *way, last = path.split(".")
    place = content
    for name in way:
        place = place[int(name) if isinstance(place, list) else name]
    return content, place, int(last) if isinstance(place, list) else last

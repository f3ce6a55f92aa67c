"""What camt.054 and camt.053 say, and which of them are refused."""

import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.payments.bank_files import reading
from portal.payments.bank_files.record import (
    BankFileError,
    Header,
    Received,
    Record,
    Reference,
    Section,
)
from tests.payments.bank_files.written import OURS, Paid, balance, camt, entry, summary

ANNA = Paid(
    150_000, "203100425", payer="3783511", serial="S1", name="Anna Åkesson",
    texts=["Faktura 1", "och 2"],
)  # fmt: skip
BO = Paid(50_000, "", [("203100433", 30_000), ("203100441", 20_000)], serial="S2")


def read(data: bytes) -> list[Record]:
    return list(reading.read(io.BytesIO(data)))


def payments(data: bytes) -> list[Received]:
    return [one for one in read(data) if isinstance(one, Received)]


def refused(data: bytes) -> BankFileError:
    with pytest.raises(BankFileError) as error:
        read(data)
    return error.value


def a_statement(opening: int, closing: int, entries: str, **values: str) -> bytes:
    balances = balance("OPBD", opening) + balance("CLBD", closing)
    return camt(entries, kind="camt.053", before=balances, **values)  # type: ignore[arg-type]


def test_a_document_says_who_made_it_when_and_for_which_account() -> None:
    header, section, *_ = read(camt(entry([ANNA])))
    made_at = datetime(2026, 3, 9, 7, tzinfo=UTC)
    assert header == Header("camt.054", "M1", made_at, False)
    assert section == Section(OURS, (), 4, "Ntfctn[1]")


@pytest.mark.parametrize("version", range(2, 14))
def test_every_version_says_the_same(version: int) -> None:
    found = payments(camt(entry([ANNA, BO], version), version=version))
    assert [(one.amount_ore, one.payer_name) for one in found] == [
        (150_000, "Anna Åkesson"), (50_000, ""),
    ]  # fmt: skip


def test_a_payment_is_read_whole() -> None:
    assert payments(camt(entry([ANNA])))[0] == Received(
        5, "Ntfctn[1]/Ntry[1]/TxDtls[1]", OURS, "payment", 150_000, "SEK", date(2026, 3, 9),
        (Reference("203100425", None),), "Faktura 1\noch 2", "3783511", "Anna Åkesson", "", "",
        "S1", "R1", 1, "", "bankgiro",
    )  # fmt: skip


def test_references_that_share_a_payment_tell_their_shares() -> None:
    found = payments(camt(entry([BO])))[0].references
    assert found == (Reference("203100433", 30_000), Reference("203100441", 20_000))


def test_shares_that_come_to_another_sum_are_not_believed() -> None:
    found = payments(camt(entry([Paid(50_000, "", [("A", 1), ("B", 2)])])))[0].references
    assert found == (Reference("A", None), Reference("B", None))


def test_shares_of_what_went_out_are_below_zero_as_it_is() -> None:
    one = entry([Paid(-500, "", [("A", 300), ("B", 200)])])
    assert payments(camt(one))[0].references == (Reference("A", -300), Reference("B", -200))


def test_a_credit_note_in_a_batch_is_below_zero() -> None:
    found = payments(camt(entry([ANNA, Paid(-50_000, "X")])))
    assert [(one.kind, one.amount_ore) for one in found] == [
        ("payment", 150_000), ("deduction", -50_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ore", "reversal", "kind"),
    [(100, False, "payment"), (-100, False, "debit"), (-100, True, "reversal"),
     (100, True, "returned")],
)  # fmt: skip
def test_what_an_entry_is(ore: int, reversal: bool, kind: str) -> None:
    found = payments(camt(entry([Paid(ore)], reversal=reversal)))[0]
    assert (found.kind, found.amount_ore) == (kind, ore)


@pytest.mark.parametrize(("ore", "kind"), [(-100, "reversal"), (100, "returned")])
def test_what_is_sent_back_is_taken_back_from_whom_it_came_to(ore: int, kind: str) -> None:
    (found,) = payments(camt(entry([Paid(ore, why_returned="FOCR")])))
    assert (found.kind, found.amount_ore) == (kind, ore)


def test_an_entry_without_payments_is_one() -> None:
    plain = entry([ANNA]).partition("<NtryDtls>")[0] + "</Ntry>"
    found = payments(camt(plain))
    assert [(one.place, one.amount_ore) for one in found] == [("Ntfctn[1]/Ntry[1]", 150_000)]


def test_the_only_payment_of_an_entry_may_leave_the_amount_to_it() -> None:
    one = entry([ANNA], 2).replace(
        '<AmtDtls><TxAmt><Amt Ccy="SEK">1500.00</Amt></TxAmt></AmtDtls>', ""
    )
    assert payments(camt(one, version=2))[0].amount_ore == 150_000


def test_of_an_only_payment_that_a_bank_kept_charges_of_what_came_counts() -> None:
    sent = entry([Paid(10_000)], 2)
    came = sent.replace('<Ntry><Amt Ccy="SEK">100.00</Amt>', '<Ntry><Amt Ccy="SEK">99.00</Amt>')
    assert payments(camt(came, version=2))[0].amount_ore == 9_900


def test_of_several_payments_each_tells_its_amount() -> None:
    one = entry([ANNA, BO], 2).replace(
        '<AmtDtls><TxAmt><Amt Ccy="SEK">1500.00</Amt></TxAmt></AmtDtls>', ""
    )
    assert refused(camt(one, version=2)).problem.field == "Ntfctn[1]/Ntry[1]"


def test_what_is_not_booked_is_left_out() -> None:
    assert payments(camt(entry([ANNA], status="PDNG"))) == []


def test_the_bankgiro_that_a_payment_came_to_is_told() -> None:
    scheme = "<SchmeNm><Prtry>BGNR</Prtry></SchmeNm>"
    held = f"<CdtrAcct><Id><Othr><Id>5555-5555</Id>{scheme}</Othr></Id></CdtrAcct></RltdPties>"
    one = entry([ANNA]).replace("</RltdPties>", held)
    assert payments(camt(one))[0].account == "55555555"


def by_bankgiro_alone(*paid: Paid) -> str:
    """An entry that the bank names by nothing but the bankgiro that it came to."""
    named = "<NtryRef>BG 5050-1055</NtryRef>"
    return entry(paid).replace("<AcctSvcrRef>R1</AcctSvcrRef>", named, 1)


def test_a_bankgiro_alone_is_no_name_of_an_entry() -> None:
    one, other = payments(camt(by_bankgiro_alone(Paid(500)) + by_bankgiro_alone(Paid(500))))
    assert one.deposit != other.deposit
    assert (one.serial, other.serial) == ("", "")
    assert one.account == "50501055"


def test_a_name_after_the_bankgiro_is_the_entrys_name() -> None:
    named = by_bankgiro_alone(Paid(500)).replace("5050-1055", "5050-1055 00074")
    assert payments(camt(named))[0].deposit == "BG 5050-1055 00074"


def test_the_owner_of_the_account_is_told_by_organisation_number() -> None:
    number = "<Id><OrgId><Othr><Id>556000-0167</Id></Othr></OrgId></Id>"
    account = f"<Id><Othr><Id>{OURS}</Id></Othr></Id><Ownr>{number}</Ownr>"
    section = read(camt(entry([ANNA]), account=account))[1]
    assert isinstance(section, Section)
    assert section.owner_numbers == ("5560000167",)


def test_a_statement_whose_balances_tie_is_read() -> None:
    data = a_statement(100, 200_100, entry([ANNA, BO]))
    assert sum(one.amount_ore for one in payments(data)) == 200_000


def test_a_statement_whose_balances_do_not_tie_is_refused() -> None:
    error = refused(a_statement(100, 200_101, entry([ANNA, BO])))
    assert error.problem.values == {"sum_ore": 200_100, "told_ore": 200_101}


def test_a_statement_without_its_balances_is_refused() -> None:
    refused(camt(entry([ANNA]), kind="camt.053"))


def test_a_page_of_a_statement_ties_with_the_balances_between_pages() -> None:
    between = balance("ITBD", 100) + balance("ITBD", 150_100)
    pages = "<MsgPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></MsgPgntn>"
    data = camt(entry([ANNA]), kind="camt.053", before=between, header=pages)
    assert len(payments(data)) == 1


@pytest.mark.parametrize(
    "data",
    [
        camt(entry([ANNA, BO]).replace("<NbOfTxs>2", "<NbOfTxs>3")),
        camt(entry([ANNA, BO]).replace('<TtlAmt Ccy="SEK">2000', '<TtlAmt Ccy="SEK">2001')),
        camt(entry([ANNA, BO]).replace('<Ntry><Amt Ccy="SEK">2000', '<Ntry><Amt Ccy="SEK">2001')),
        camt(entry([ANNA]), before=summary(200_000)),
        camt(entry([ANNA]), before=summary(100_000, 50_000)),
        camt(entry([ANNA]).replace("1500.00", "1500.001")),
        camt(entry([ANNA]).replace("1500.00", "1 500.00")),
        camt(entry([ANNA]).replace("1500.00", "9" * 16)),
        camt(entry([ANNA]).replace("1500.00", "9" * 14)),
        camt(entry([ANNA]).replace('"SEK"', '"JPY"')),
        camt(entry([ANNA]).replace("2026-03-09", "2026-02-30")),
        camt(entry([ANNA]).replace("CRDT", "KRED")),
        camt(entry([ANNA]).replace("<Sts><Cd>BOOK</Cd></Sts>", "")),
        camt(entry([ANNA]), account="<Nm>Reda</Nm>"),
        camt(entry([ANNA]), version=14),
        camt(entry([ANNA]), kind="camt.052"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(data: bytes) -> None:
    assert refused(data).problem.line is not None


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Document [<!ENTITY a "b">]>',
        '<!DOCTYPE Document SYSTEM "http://localhost/x.dtd">',
    ],
)
def test_a_document_type_is_refused(doctype: str) -> None:
    assert "document type" in str(refused(camt(entry([ANNA]), doctype=doctype)))


def test_an_entity_is_not_followed() -> None:
    refused(camt(entry([ANNA]).replace("Faktura 1", "&secret;")))


def test_iso_8859_1_and_what_stands_before_the_document_are_read() -> None:
    data = b"\r\n \xef\xbb\xbf" + camt(entry([ANNA]))
    assert payments(data) == payments(camt(entry([ANNA]), encoding="ISO-8859-1"))


@pytest.mark.parametrize("name", ["invoice", "Document"])
def test_another_document_is_refused_by_name(name: str) -> None:
    refused(f"<{name} xmlns='urn:other'><Ntry/></{name}>".encode())


def test_what_is_no_bank_document_is_not_called_by_an_empty_name() -> None:
    page = refused(b"<?xml version='1.0'?><html><body>Log in</body></html>")
    assert "no file of payments" in str(page)
    assert "“Document”" in str(refused(b"<Document><Ntry/></Document>"))


ORES = st.lists(st.integers(1, 100_000_000), min_size=1, max_size=4)
ENTRIES = st.lists(ORES, min_size=1, max_size=3)


def written(entries: list[list[int]], version: int) -> str:
    return "".join(entry([Paid(ore) for ore in one], version) for one in entries)


@given(ENTRIES, st.integers(2, 13))
def test_a_written_document_reads_back_to_the_same_payments(
    entries: list[list[int]], version: int
) -> None:
    found = [one.amount_ore for one in payments(camt(written(entries, version), version=version))]
    assert found == [ore for one in entries for ore in one]


@given(ENTRIES, st.data())
def test_any_digit_of_an_amount_or_count_that_is_changed_is_noticed(
    entries: list[list[int]], data: st.DataObject
) -> None:
    total = sum(map(sum, entries))
    whole = a_statement(100, 100 + total, written(entries, 8)).decode()
    figures = [
        at
        for name in ("Amt", "TtlAmt", "NbOfTxs")
        for begin in _places(whole, f"<{name}")
        for at in range(whole.index(">", begin) + 1, whole.index("</", begin))
        if whole[at].isdecimal()
    ]
    at = data.draw(st.sampled_from(figures))
    digit = data.draw(st.sampled_from("0123456789"))
    assume(digit != whole[at])
    refused((whole[:at] + digit + whole[at + 1 :]).encode())


def _places(text: str, begins: str) -> list[int]:
    found, at = [], text.find(begins)
    while at >= 0:
        if text[at + len(begins)] in " >":
            found.append(at)
        at = text.find(begins, at + 1)
    return found


@given(ENTRIES, st.data())
def test_a_document_that_is_cut_off_anywhere_is_noticed(
    entries: list[list[int]], data: st.DataObject
) -> None:
    whole = camt(written(entries, 8)).rstrip()
    refused(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_a_document_in_utf_16_is_read() -> None:
    assert payments(camt(entry([ANNA]), encoding="UTF-16")) == payments(camt(entry([ANNA])))


def test_a_file_of_two_accounts_is_read_account_by_account() -> None:
    one = camt(entry([ANNA])).decode()
    body = one[one.index("<Ntfctn>") : one.index("</BkTo")]
    two = one.replace(body, body + body.replace(OURS, "9912346"))
    assert [(each.account, each.place) for each in payments(two.encode())] == [
        (OURS, "Ntfctn[1]/Ntry[1]/TxDtls[1]"), ("9912346", "Ntfctn[2]/Ntry[1]/TxDtls[1]"),
    ]  # fmt: skip


def test_an_address_is_read_in_either_form() -> None:
    lines = "<PstlAdr><AdrLine>Gatan 1</AdrLine><AdrLine>123 45 Orten</AdrLine></PstlAdr>"
    parts = (
        "<PstlAdr><StrtNm>Gatan</StrtNm><BldgNb>1</BldgNb><PstCd>123 45</PstCd>"
        "<TwnNm>Orten</TwnNm><Ctry>SE</Ctry></PstlAdr>"
    )
    found = [
        payments(camt(entry([ANNA]).replace("</Nm>", f"</Nm>{one}")))[0].payer_address
        for one in (lines, parts)
    ]
    assert found == ["Gatan 1\n123 45 Orten", "Gatan 1\n123 45\nOrten\nSE"]

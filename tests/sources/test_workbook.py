import io
import re
import struct
import zipfile
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from portal.messages import RedaError
from portal.sources.tables import open_table
from tests.sources.factory import a_list, a_workbook, part_of, with_part, with_shared_strings

HEADINGS = ["Fakturanr", "Kundnamn", "Belopp"]
# A workbook knows no time zones.
MORNING = datetime(2026, 11, 3, 10, 30)  # noqa: DTZ001
SHEET = "xl/worksheets/sheet1.xml"


def rows(data: bytes) -> list[list[str]]:
    return [list(row.cells) for row in open_table(data, "list.xlsx").rows]


def amounts(*values: object, **more: object) -> list[str]:
    data = a_workbook([HEADINGS, *([str(i), "Anna", v] for i, v in enumerate(values))], **more)
    return [row[2] for row in rows(data)]


class TestValues:
    def test_texts_come_out_as_they_were_put_in(self):
        invoices = a_list()
        table = open_table(invoices.as_xlsx(), "list.xlsx")
        assert list(table.columns) == invoices.headings
        assert [list(row.cells) for row in table.rows] == invoices.cells()

    def test_dates_are_written_year_first_and_numbers_with_a_point(self):
        given_ = [date(2026, 11, 3), MORNING, 1234.5, 1234, Decimal("0.1")]
        assert amounts(*given_) == ["2026-11-03", "2026-11-03", "1234.5", "1234", "0.1"]

    def test_the_noise_of_binary_arithmetic_is_no_third_decimal(self):
        assert amounts(0.1 + 0.2, 1.1 * 1.1, 4350.50 * 3) == ["0.3", "1.21", "13051.5"]

    @given(st.lists(st.integers(1, 1_000_000_000), min_size=1, max_size=20))
    @settings(max_examples=20, deadline=None)
    def test_every_ore_survives_being_a_number_in_a_workbook(self, ore):
        written = amounts(*(one / 100 for one in ore))
        assert [int(Decimal(text) * 100) for text in written] == ore

    def test_zeros_that_the_format_shows_are_kept(self):
        data = a_workbook(
            [HEADINGS, [42, "Anna", 505282384]],
            formats={"A2": "00000", "C2": "000000\\-0000"},
        )
        assert rows(data) == [["00042", "Anna", "0505282384"]]

    def test_a_number_too_long_for_a_workbook_shows_that_it_lost_digits(self):
        assert amounts(12345678901234567890) == ["1.23457E+19"]

    def test_truth_and_time_of_day_are_words(self):
        assert amounts(True, False, time(10, 30)) == ["yes", "no", "10:30:00"]

    def test_empty_rows_are_left_out_and_lines_still_counted(self):
        data = a_workbook([HEADINGS, [], ["1", "Anna", 1], ["", None, " "], ["2", "Bo", 2]])
        assert [row.line for row in open_table(data, "list.xlsx").rows] == [3, 5]

    def test_a_cell_beyond_the_headings_is_a_problem_of_its_row(self):
        data = a_workbook([HEADINGS, ["1", "Anna", 1, "mer"], ["2", "Bo", 2]])
        first, second = open_table(data, "list.xlsx").rows
        assert first.problem is not None
        assert second.problem is None

    def test_a_hidden_sheet_is_passed_over_while_another_is_visible(self):
        book = Workbook()
        book.active.append(["Arbetsblad", "Utkast"])
        book.active.sheet_state = "hidden"
        for row in (HEADINGS, ["1", "Anna", 1]):
            sheet = book["Fakturor"] if "Fakturor" in book else book.create_sheet("Fakturor")
            sheet.append(row)
        out = io.BytesIO()
        book.save(out)
        table = open_table(out.getvalue(), "list.xlsx")
        assert table.sheet == "Fakturor"
        assert [list(row.cells) for row in table.rows] == [["1", "Anna", "1"]]

    def test_one_row_more_than_the_limit_is_refused(self, monkeypatch):
        monkeypatch.setattr("portal.sources.tables.MAX_ROWS", 3)
        lines = [[str(i), "Anna", i] for i in range(1, 40)]
        assert len(rows(a_workbook([HEADINGS, *lines[:3]]))) == 3
        for count in (4, 39):
            with pytest.raises(RedaError, match="more than 3 rows"):
                rows(a_workbook([HEADINGS, *lines[:count]]))


class TestFormulas:
    def sheet_with(self, cell: str) -> bytes:
        data = a_workbook([HEADINGS, ["1", "Anna", 777], ["2", "Bo", 20]])
        sheet = part_of(data, SHEET).decode()
        changed = re.sub(r'<c r="C2"[^>]*>.*?</c>', cell, sheet)
        assert changed != sheet
        return with_part(data, SHEET, changed.encode())

    def test_what_a_formula_came_to_is_read(self):
        data = self.sheet_with('<c r="C2"><f>3*4</f><v>12</v></c>')
        assert [row[2] for row in rows(data)] == ["12", "20"]

    def test_a_formula_that_came_to_nothing_is_empty(self):
        data = self.sheet_with('<c r="C2" t="str"><f>IF(1,"","")</f><v></v></c>')
        assert [row[2] for row in rows(data)] == ["", "20"]

    @pytest.mark.parametrize("value", ["", "<v/>", "<v></v>"])
    def test_a_formula_that_was_never_computed_shows_itself(self, value):
        data = self.sheet_with(f'<c r="C2"><f>3*4</f>{value}</c>')
        assert [row[2] for row in rows(data)] == ["=3*4", "20"]

    def test_a_formula_of_an_array_shows_itself_too(self):
        data = self.sheet_with('<c r="C2"><f t="array" ref="C2">SUM(A1:A2)</f></c>')
        assert [row[2] for row in rows(data)] == ["=", "20"]

    def test_an_error_shows_itself(self):
        data = self.sheet_with('<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
        assert [row[2] for row in rows(data)] == ["#DIV/0!", "20"]


class TestHostileFiles:
    good = with_shared_strings(a_workbook([HEADINGS, ["1", "Anna", 1]]))

    def test_the_workbook_is_good_before_it_is_made_hostile(self):
        assert rows(self.good) == [["1", "Anna", "1"]]

    def refused(self, data: bytes, says: str) -> None:
        with pytest.raises(RedaError, match=says):
            open_table(data, "list.xlsx")

    def test_a_part_that_unfolds_a_thousandfold_is_refused_before_it_is_read(self):
        bomb = with_part(self.good, "xl/media/zeros.bin", b"\0" * 30_000_000)
        assert len(bomb) < 100_000
        self.refused(bomb, "unfolds to too much")

    def test_parts_that_unfold_to_too_much_in_all_are_refused(self, monkeypatch):
        monkeypatch.setattr("portal.sources.workbook.MAX_UNFOLDED_BYTES", 1_000)
        self.refused(self.good, "unfolds to too much")

    def test_too_many_parts_are_refused(self):
        out = io.BytesIO(self.good)
        with zipfile.ZipFile(out, "a") as archive:
            for i in range(2_001):
                archive.writestr(f"xl/media/{i}", b"")
        self.refused(out.getvalue(), "unfolds to too much")

    def test_a_directory_that_lies_about_sizes_does_not_unfold_more_than_it_says(self):
        bomb = bytearray(with_part(self.good, SHEET, b" " * 30_000_000))
        for at in (match.start() for match in re.finditer(b"PK\x01\x02", bytes(bomb))):
            if struct.unpack_from("<I", bomb, at + 24) == (30_000_000,):
                struct.pack_into("<I", bomb, at + 24, 1_000)
        self.refused(bytes(bomb), "damaged")

    @pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml"])
    def test_entities_that_multiply_are_refused(self, part):
        levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 9))
        bomb = f'<!DOCTYPE x [<!ENTITY e0 "lol">{levels}]>'
        xml = part_of(self.good, part).decode()
        xml = re.sub(r"^<\?xml.*?\?>", "", xml)
        opened = re.sub(r"(<sheetName|<v|<t)>[^<]*<", r"\1>&e8;<", xml)
        if opened == xml:
            opened = xml.replace('name="Sheet"', 'name="&e8;"')
        assert opened != xml
        self.refused(with_part(self.good, part, (bomb + opened).encode()), "damaged")

    def test_an_entity_from_a_file_is_not_read(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("hemligt")
        xml = part_of(self.good, "xl/sharedStrings.xml").decode()
        xml = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>' + re.sub(
            r"<t>Anna</t>", "<t>&e;</t>", re.sub(r"^<\?xml.*?\?>", "", xml)
        )
        assert "&e;" in xml
        self.refused(with_part(self.good, "xl/sharedStrings.xml", xml.encode()), "damaged")

    def test_a_sheet_that_claims_to_be_huge_is_read_for_what_it_is(self):
        xml = part_of(self.good, SHEET).decode()
        huge = re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"', xml)
        assert huge != xml
        assert rows(with_part(self.good, SHEET, huge.encode())) == [["1", "Anna", "1"]]

    def test_a_row_far_beyond_the_last_is_not_waited_for(self):
        xml = part_of(self.good, SHEET).decode()
        far = xml.replace("</sheetData>", '<row r="999999999999"><c><v>1</v></c></row></sheetData>')
        assert far != xml
        assert rows(with_part(self.good, SHEET, far.encode())) == [["1", "Anna", "1"]]

    def test_a_zip_with_a_password_is_refused_as_such(self):
        locked = bytearray(self.good)
        for at in (match.start() for match in re.finditer(b"PK\x01\x02", bytes(locked))):
            locked[at + 8] |= 1
        self.refused(bytes(locked), "has a password")

    @given(st.data())
    @settings(max_examples=60, deadline=None)
    def test_any_damage_to_a_workbook_is_a_table_or_a_refusal(self, data):
        part = data.draw(st.sampled_from([None, SHEET, "xl/workbook.xml", "xl/styles.xml"]))
        content = bytearray(self.good if part is None else part_of(self.good, part))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] = data.draw(st.integers(0, 255))
        damaged = bytes(content) if part is None else with_part(self.good, part, bytes(content))
        try:
            table = open_table(damaged, "list.xlsx")
        except RedaError:
            return
        assert all(len(row.cells) == len(table.columns) for row in table.rows)

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.messages import RedaError
from portal.sources.tables import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, open_table
from tests.sources.factory import a_list, a_workbook, an_invoice

HEADINGS = "Fakturanr;Kundnamn;Belopp"


def csv(*lines: str, newline: str = "\n") -> bytes:
    return newline.join([HEADINGS, *lines]).encode()


def cells(data: bytes) -> list[tuple[int, list[str]]]:
    return [(row.line, list(row.cells)) for row in open_table(data, "list.csv").rows]


class TestEncodingAndDelimiter:
    @pytest.mark.parametrize("delimiter", [";", ",", "\t"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "utf-16"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_a_swedish_list_is_read_however_it_was_saved(self, delimiter, encoding, newline):
        invoices = a_list(an_invoice().to("Åsa Öberg-Ängström & Élise"), an_invoice("1002"))
        data = invoices.as_csv(delimiter=delimiter, encoding=encoding, newline=newline)
        table = open_table(data, "Förfallna.CSV")
        assert list(table.columns) == invoices.headings
        assert [list(row.cells) for row in table.rows] == invoices.cells()
        assert [row.line for row in table.rows] == [2, 3]
        assert table.delimiter == delimiter
        assert table.encoding == encoding.removesuffix("-sig")

    @given(st.text("åäöÅÄÖéüabc ", min_size=1, max_size=40).filter(str.strip))
    def test_swedish_letters_survive_both_encodings(self, name):
        for encoding in ("utf-8", "windows-1252"):
            rows = cells(f"{HEADINGS};Förfallodatum\n1;{name};2;3".encode(encoding))
            assert rows == [(2, ["1", name.strip(), "2", "3"])]

    def test_one_damaged_byte_does_not_cost_the_other_rows_their_letters(self):
        data = csv("1;Åsa;10", "2;B\0rje;20", "3;Örjan;30").replace(b"\0", b"\xf6")
        names = [row[1] for _, row in cells(data)]
        assert names == ["Åsa", "B\ufffdrje", "Örjan"]

    def test_commas_in_swedish_amounts_do_not_make_the_comma_the_delimiter(self):
        table = open_table(csv("1;Berg, Åsa;1 234,50", "2;Ek, Bo;99,00"), "list.csv")
        assert table.delimiter == ";"

    def test_excels_own_note_about_the_delimiter_is_no_row(self):
        data = b"sep=;\n" + csv("1;Anna;10")
        assert cells(data) == [(3, ["1", "Anna", "10"])]


class TestRows:
    def test_empty_rows_are_left_out_and_lines_still_counted(self):
        assert [line for line, _ in cells(csv("", "1;Anna;10", ";;", "  ", "2;Bo;20"))] == [3, 6]

    def test_a_title_above_the_headings_is_passed_over(self):
        data = b"Kundreskontra\nUtskriven 2026-11-24\n\n" + csv("1;Anna;10")
        assert cells(data) == [(5, ["1", "Anna", "10"])]

    def test_a_cell_may_run_over_lines_and_hold_the_delimiter(self):
        data = csv('1;"Anna; Bo\nEk ""Kula""";10', "2;Cia;20")
        assert cells(data) == [(2, ["1", 'Anna; Bo\nEk "Kula"', "10"]), (4, ["2", "Cia", "20"])]

    def test_a_short_row_is_filled_and_empty_cells_beyond_the_headings_are_dropped(self):
        assert cells(csv("1;Anna", "2;Bo;20;;")) == [
            (2, ["1", "Anna", ""]),
            (3, ["2", "Bo", "20"]),
        ]

    def test_a_row_with_a_cell_too_many_is_a_problem(self):
        broken, good = open_table(csv("1;Ek; Anna;10", "2;Bo;20"), "list.csv").rows
        assert "4 cells" in broken.problem.message % broken.problem.values
        assert broken.problem.line == 2
        assert good.problem is None

    @pytest.mark.parametrize(
        "line",
        [
            '1;"Anna;10',
            '1;"Anna" Ek;10',
            '"1;Anna;10',
        ],
    )
    @pytest.mark.parametrize(
        "others",
        [
            ["2;Bo;20", "3;Cia;30"],
            ["2;Bo;20", '3;"Cia";30', "4;Dan;40"],
            ["2;Bo;20", '3;Skärm 24";30', "4;Dan;40"],
        ],
    )
    def test_a_quotation_mark_out_of_place_costs_its_own_row_only(self, line, others):
        rows = open_table(csv(line, *others), "list.csv").rows
        assert [row.line for row in rows] == list(range(2, len(others) + 3))
        assert "quotation mark" in rows[0].problem.message
        assert [row.cells[0] for row in rows if row.problem is None] == [
            other[0] for other in others
        ]

    def test_a_heading_that_stands_twice_gets_a_number(self):
        table = open_table(b"Fakturanr;Datum;;Datum;Belopp\n1;2;3;4;5", "list.csv")
        assert list(table.columns) == ["Fakturanr", "Datum", "(3)", "Datum (2)", "Belopp"]

    def test_samples_show_what_a_column_holds(self):
        table = open_table(csv("1;Anna;10", "2;;20", "3;Bo;30"), "list.csv")
        assert table.samples("Kundnamn") == ["Anna", "Bo"]
        assert table.samples("Belopp", 2) == ["10", "20"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("data", "filename", "says"),
        [
            (b"", "list.csv", "empty"),
            (b" \r\n\r\n", "list.csv", "empty"),
            (b"\xef\xbb\xbf\r\n", "list.csv", "empty"),
            (b"%PDF-1.7\n", "list.csv", "a PDF file"),
            (b"\x89PNG\r\n\x1a\n", "list.csv", "a PNG file"),
            (b"\xff\xd8\xff\xe0", "list.csv", "a JPEG file"),
            (b"PK\x03\x04", "list.zip", "a ZIP file"),
            (b"PK\x03\x04 not really", "list.xlsx", "damaged"),
            (b"Fakturanr;Namn\n1;2", "list.xlsx", "damaged"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "list.csv", "This kind of workbook"),
            (b"Fakturanr;Namn\n1;2", "list.xls", "This kind of workbook"),
            (b"<html><table>", "list.csv", "web page or XML"),
            (b'<?xml version="1.0"?><Invoice/>', "list.csv", "web page or XML"),
            (b"Fakturanr;Namn\n1;2", "list.exe", "named .exe"),
            (b"Fakturanr;Namn\n1;2", "list", "Files named"),
            (b"a\x00b;c\n1;2", "list.csv", "not a table of text"),
            (bytes(range(1, 256)), "list.csv", "not a table of text"),
            (b"1001;Anna;100,00\n1002;Bo;200,00", "list.csv", "first row holds values"),
            (b"Hej\nDetta;\xc3\xa4r", "list.csv", "No headings"),
            (b"Fakturanr;Kundnamn\n", "list.csv", "no rows"),
            (b'Fakturanr;"Kund" namn;Belopp\n1;2;3', "list.csv", "quotation mark"),
            (b"a" * 200_001, "list.csv", "longer than any invoice"),
            (b"sep=;", "list.csv", "No headings"),
        ],
    )
    def test_a_file_that_is_no_list_is_refused_and_told_why(self, data, filename, says):
        with pytest.raises(RedaError, match=says):
            open_table(data, filename)

    def test_a_workbook_with_a_password_is_refused_as_such(self):
        data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
        with pytest.raises(RedaError, match="has a password"):
            open_table(data, "list.xlsx")

    def test_a_file_of_fifty_megabytes_is_refused_with_the_limit(self):
        with pytest.raises(RedaError, match="50 MB; at most 20 MB"):
            open_table(b"x" * 50_000_000, "list.csv")

    def test_a_file_just_over_the_limit_is_not_said_to_be_within_it(self):
        with pytest.raises(RedaError, match="21 MB; at most 20 MB"):
            open_table(b"x" * (MAX_BYTES + 1), "list.csv")

    def test_as_many_rows_as_the_limit_are_read_and_one_more_is_refused(self):
        row = b"1;Anna;10\n"
        start = HEADINGS.encode() + b"\n"
        assert len(open_table(start + row * MAX_ROWS, "list.csv").rows) == MAX_ROWS
        with pytest.raises(RedaError, match="more than 100000 rows"):
            open_table(start + row * (MAX_ROWS + 1), "list.csv")

    def test_a_cell_longer_than_any_text_costs_its_own_row_only(self):
        rows = open_table(csv("1;" + "x" * 150_000 + ";10", "2;Bo;20"), "list.csv").rows
        assert [row.problem is None for row in rows] == [False, True]

    def test_a_million_empty_lines_are_not_waited_for(self):
        with pytest.raises(RedaError, match="more than 100000 rows"):
            open_table(HEADINGS.encode() + b"\n" * 1_000_001, "list.csv")

    def test_too_many_columns_are_refused(self):
        line = ";".join(f"Kolumn{i}x" for i in range(MAX_COLUMNS + 1)).encode()
        with pytest.raises(RedaError, match="more than 200 columns"):
            open_table(line + b"\n1;2;3", "list.csv")

    def test_another_kind_of_zip_is_no_workbook(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("word/document.xml", "<w/>")
        with pytest.raises(RedaError, match="damaged"):
            open_table(out.getvalue(), "list.xlsx")


def test_a_workbook_is_known_by_its_content_whatever_its_name():
    data = a_workbook([["Fakturanr", "Kundnamn"], ["1", "Anna"]])
    assert open_table(data, "list.csv").sheet == "Sheet"


@given(
    st.binary(max_size=400)
    | st.builds(lambda tail: HEADINGS.encode() + b"\n" + tail, st.binary(max_size=200))
    | st.text(';,\t"\n\r12aå', max_size=200).map(lambda text: f"{HEADINGS}\n{text}".encode())
    | st.builds(lambda tail: b"PK\x03\x04" + tail, st.binary(max_size=100)),
    st.sampled_from(["list.csv", "list.xlsx", "list.txt", "list.pdf", ""]),
)
def test_any_bytes_are_a_table_or_a_refusal(data, filename):
    try:
        table = open_table(data, filename)
    except RedaError:
        return
    assert len(set(table.columns)) == len(table.columns) >= 2
    assert all(len(row.cells) == len(table.columns) for row in table.rows)
    lines = [row.line for row in table.rows]
    assert lines == sorted(set(lines))


@given(st.lists(st.text('ab;"', max_size=12), min_size=1, max_size=12))
def test_a_quotation_mark_never_costs_more_rows_than_those_that_hold_one(texts):
    plain = [f"{i};namn;{i}" for i in range(len(texts))]
    lines = [line for pair in zip(texts, plain, strict=True) for line in pair]
    found = {row.cells[0] for row in open_table(csv(*lines), "list.csv").rows}
    assert found >= {line[0] for line in plain}

"""What a debtor reads of what is held about them, and gets as a file."""

import io
import json
import zipfile

from flask.testing import FlaskClient

from portal.collection.models import Case
from portal.database import files
from portal.delivery.models import Message
from portal.extensions import db
from tests.debtor.test_pages import Visitor, case, said

__all__ = ["case"]


def test_the_page_tells_what_the_creditor_told(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    words = said(Visitor(client).get("/case/data"))
    assert all(one in words for one in ("Storgatan 1", case.invoice.number, case.reference))


def test_the_file_holds_it_all_but_the_identity_number(client: FlaskClient, case: Case) -> None:
    case.debtor.identity_number = "196104032898"
    db.session.commit()
    Visitor(client).enter(case)
    text = Visitor(client).raw("/case/data.json").text
    told = json.loads(text)
    assert (told["name"], told["reference"]) == (case.debtor.name, case.reference)
    assert "196104032898" not in text


def test_the_archive_holds_the_letters_too(client: FlaskClient, case: Case) -> None:
    letter = db.session.scalars(db.select(Message)).one()
    letter.document_sha256 = files.store(b"%PDF-1.7")
    db.session.commit()
    Visitor(client).enter(case)
    with zipfile.ZipFile(io.BytesIO(Visitor(client).raw("/case/data.zip").data)) as archive:
        assert archive.namelist() == ["data.json", f"reminder-{letter.id}.pdf"]


def test_anybody_reads_how_data_are_used(client: FlaskClient) -> None:
    assert "bokföringslagen" in said(Visitor(client).get("/privacy"))

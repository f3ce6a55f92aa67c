"""A creditor's overdue invoices come in: a file is received, read, imported; rules decide."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ARRAY, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from portal.collection import history, importing
from portal.collection.models import ColumnMapping, Debtor, Invoice, Upload
from portal.companies import addresses, standing
from portal.database import files, queue
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.messages import N_, Problem, RedaError
from portal.sources import invoice as source
from portal.sources import peppol, spreadsheet

MOST_FILES = 200
# Enough to mend a file by; a file that is wrong all through needs no longer list.
_PROBLEMS_KEPT = 500


@dataclass(frozen=True)
class Received:
    """A file that came. is_known: it came before, and nothing has changed."""

    upload: Upload
    is_known: bool


@dataclass(frozen=True)
class Preview:
    """What an import would do: the invoices that are new, how many we have, and what is wrong."""

    new: Sequence[source.Invoice]
    known: int
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Imported:
    """What an import did: invoices that are new, that we had already, and rows left out."""

    new: int
    known: int
    cases: int
    problems: Sequence[Problem]


def receive(
    creditor_id: int, given: Sequence[tuple[str, bytes]], *, actor: Actor, now: datetime
) -> Received:
    """Keep what a creditor uploaded: one spreadsheet, or one or more Peppol invoices.

    given: (file name, bytes) of each. The same bytes again answer the upload that they made.
    Raises RedaError, at the field `files`, when they cannot be read as either.
    """
    given = [(name, data) for name, data in given if name or data]
    if not given:
        raise RedaError(N_("Choose a file first."), field="files")
    if len(given) > MOST_FILES:
        raise RedaError(
            N_("Choose at most %(most)s files at a time."), field="files", most=MOST_FILES
        )
    are_xml = [_looks_like_xml(name, data) for name, data in given]
    if not all(are_xml) and len(given) > 1:
        raise RedaError(
            N_("Upload one spreadsheet at a time, or several Peppol invoices (XML) together."),
            field="files",
        )
    kind = "peppol" if are_xml[0] else "spreadsheet"
    if kind == "spreadsheet":
        _check_table(*given[0])
    hashes = [hashlib.sha256(data).hexdigest() for _, data in given]
    sha256 = hashes[0] if len(hashes) == 1 else _hash_of(sorted(hashes))
    known = db.session.scalar(
        select(Upload).where(Upload.creditor_id == creditor_id, Upload.sha256 == sha256)
    )
    if known is not None:
        return Received(known, True)
    for _, data in given:
        files.store(data)
    upload = Upload(
        creditor_id=creditor_id,
        filename=given[0][0] if len(given) == 1 else f"{given[0][0]} +{len(given) - 1}",
        kind=kind,
        sha256=sha256,
        status="mapping" if kind == "spreadsheet" else "preview",
        mapping={},
        result={"files": [[name, one] for (name, _), one in zip(given, hashes, strict=True)]},
        person_id=actor.person_id,
        created_at=now,
    )
    db.session.add(upload)
    db.session.flush()
    if kind == "spreadsheet":
        upload.mapping = _remembered_mapping(upload)
    return Received(upload, False)


def _hash_of(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _looks_like_xml(name: str, data: bytes) -> bool:
    return name.lower().endswith(".xml") or data.lstrip(b"\xef\xbb\xbf \t\r\n")[:5] == b"<?xml"


def _check_table(name: str, data: bytes) -> None:
    try:
        spreadsheet.open_table(data, name)
    except RedaError as error:
        error.problem = Problem(error.problem.message, error.problem.values, "files")
        raise


def find_upload(upload_id: int) -> Upload | None:
    """An upload, if it may be seen."""
    return db.session.get(Upload, upload_id)


def uploads(creditor_id: int, limit: int = 20) -> list[Upload]:
    """A creditor's latest uploads, newest first."""
    return list(
        db.session.scalars(
            select(Upload)
            .where(Upload.creditor_id == creditor_id)
            .order_by(Upload.id.desc())
            .limit(limit)
        )
    )


def table_of(upload: Upload) -> spreadsheet.Table:
    """The rows of an uploaded spreadsheet."""
    name, sha256 = upload.result["files"][0]
    return spreadsheet.open_table(files.read(sha256), name)


def _remembered_mapping(upload: Upload) -> dict[str, str]:
    columns = table_of(upload).columns
    remembered = db.session.scalar(
        select(ColumnMapping.mapping).where(
            ColumnMapping.creditor_id == upload.creditor_id,
            ColumnMapping.headings_hash == _hash_of(columns),
        )
    )
    return dict(remembered or spreadsheet.guess_mapping(columns))


def map_columns(upload: Upload, mapping: dict[str, str]) -> None:
    """Say which column holds what, and remember it for the creditor's next file like this one.

    mapping: field key to column heading; a field without a column is left out.
    Raises RedaError, at the field, when a needed one has no column or a column is not there.
    """
    _refuse_if_imported(upload)
    columns = table_of(upload).columns
    chosen = {key: column for key, column in mapping.items() if column}
    for field in spreadsheet.FIELDS:
        if field.required and field.key not in chosen:
            raise RedaError(N_("Choose the column that holds this."), field=field.key)
        if field.key in chosen and chosen[field.key] not in columns:
            raise RedaError(N_("The file has no such column."), field=field.key)
    twice = {column for column in chosen.values() if list(chosen.values()).count(column) > 1}
    if twice:
        key = next(key for key, column in chosen.items() if column in twice)
        raise RedaError(N_("The same column is chosen twice. Choose one for each."), field=key)
    upload.mapping = chosen
    upload.status = "preview"
    values = {"mapping": chosen}
    db.session.execute(
        insert(ColumnMapping)
        .values(creditor_id=upload.creditor_id, headings_hash=_hash_of(columns), **values)
        .on_conflict_do_update(
            index_elements=[ColumnMapping.creditor_id, ColumnMapping.headings_hash], set_=values
        )
    )


def _refuse_if_imported(upload: Upload) -> None:
    if upload.status == "imported":
        raise RedaError(N_("This file is already imported. Upload a new one to change something."))


def read(upload: Upload, *, today: date) -> source.Reading:
    """The invoices of an upload and what is wrong with the others; nothing is saved."""
    if upload.kind == "spreadsheet":
        reading = spreadsheet.read(table_of(upload), upload.mapping, today=today)
    else:
        given = [(name, files.read(sha256)) for name, sha256 in upload.result["files"]]
        reading = peppol.read_many(given, today=today)
    creditor = db.session.get_one(Creditor, upload.creditor_id)
    return _without_others(reading, creditor.organisation_number)


def _without_others(reading: source.Reading, organisation_number: str) -> source.Reading:
    """Leave out invoices that another company has sent."""
    own, problems = [], list(reading.problems)
    for one in reading.invoices:
        supplier = one.supplier_organisation_number
        if supplier is not None and supplier != organisation_number:
            problems.append(
                Problem(
                    N_("Invoice %(number)s was sent by another company (%(supplier)s)."),
                    {"number": one.number, "supplier": supplier},
                    line=one.source_line,
                )
            )
        else:
            own.append(one)
    return source.Reading(own, sorted(problems, key=lambda p: p.line or 0))


def preview(upload: Upload, *, today: date) -> Preview:
    """What an import of an upload would take in and leave out; nothing is saved."""
    reading = read(upload, today=today)
    numbers = [one.number for one in reading.invoices]
    rows = db.session.execute(
        select(Invoice.number, Invoice.balance_ore, Invoice.due_on, Invoice.currency).where(
            Invoice.creditor_id == upload.creditor_id,
            # One parameter however many there are; the server takes 65,535.
            Invoice.number == any_(literal(numbers, ARRAY(Text))),
        )
    )
    here = {row[0]: row[1:] for row in rows}
    new, known, problems = [], 0, list(reading.problems)
    for one in reading.invoices:
        if one.number not in here:
            new.append(one)
        elif here[one.number] == (one.balance_ore, one.due_on, one.currency):
            known += 1
        else:
            problems.append(_is_another(one))
    return Preview(new, known, sorted(problems, key=lambda problem: problem.line or 0))


def _is_another(one: source.Invoice) -> Problem:
    return Problem(
        N_(
            "Invoice %(number)s is here already with another amount or due date. It was left"
            " as it is."
        ),
        {"number": one.number},
        field="number",
        line=one.source_line,
    )


def import_upload(upload: Upload, *, actor: Actor, today: date, now: datetime) -> Imported:
    """Take an upload's good rows into the creditor's ledger, and let the rules decide on them.

    The same upload again, or an invoice that we have already, changes nothing.
    Raises RedaError when the upload has no mapping yet.
    """
    upload = db.session.scalars(
        select(Upload).where(Upload.id == upload.id).with_for_update()
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip
    if upload.status == "imported":
        return Imported(0, int(upload.result.get("new", 0)), 0, [])
    if upload.status == "mapping":
        raise RedaError(N_("Say first which column holds what."))
    reading = read(upload, today=today)
    problems = list(reading.problems)
    new = known = 0
    documents = upload.result["files"] if upload.kind == "peppol" else []
    for one in reading.invoices:
        outcome = _add_invoice(upload, one, documents, now)
        if isinstance(outcome, Problem):
            problems.append(outcome)
        elif outcome:
            new += 1
        else:
            known += 1
    upload.status, upload.imported_at = "imported", now
    upload.result = {
        **upload.result,
        "new": new,
        "known": known,
        "problems": [problem.as_json() for problem in problems[:_PROBLEMS_KEPT]],
        "problem_count": len(problems),
    }
    if upload.kind == "peppol":
        _note_seller(upload, now)
    history.record(
        "upload.imported",
        creditor_id=upload.creditor_id,
        actor=actor,
        now=now,
        upload=upload.id,
        filename=upload.filename,
        new=new,
        known=known,
        problems=len(problems),
    )
    db.session.flush()
    cases = import_overdue(upload.creditor_id, today=today, now=now)
    return Imported(new, known, cases, problems)


def _note_seller(upload: Upload, now: datetime) -> None:
    """Take down the address that the company's own invoices give of it, by the newest file."""
    creditor = db.session.get_one(Creditor, upload.creditor_id)
    for name, sha256 in reversed(upload.result["files"]):
        try:
            number, address = peppol.seller(files.read(sha256))
        except RedaError:
            continue
        if number[-10:] == creditor.organisation_number[-10:]:
            addresses.note(creditor.id, addresses.PEPPOL, name, address, now=now)
            return


def problems_of(upload: Upload) -> list[Problem]:
    """The rows that an imported upload left out."""
    return [Problem.from_json(one) for one in upload.result.get("problems", [])]


def _add_invoice(
    upload: Upload, one: source.Invoice, documents: list[list[str]], now: datetime
) -> bool | Problem:
    """Add an invoice; False when we have the same already, a Problem when we have another."""
    known = db.session.scalar(
        select(Invoice).where(
            Invoice.creditor_id == upload.creditor_id, Invoice.number == one.number
        )
    )
    if known is not None:
        if (known.balance_ore, known.due_on, known.currency) == (
            one.balance_ore,
            one.due_on,
            one.currency,
        ):
            return False
        return _is_another(one)
    # A Peppol file is the invoice itself, and its place among the files is its line.
    document = documents[one.source_line - 1] if documents else (None, None)
    db.session.add(
        Invoice(
            creditor_id=upload.creditor_id,
            debtor_id=_keep_debtor(upload.creditor_id, one),
            upload_id=upload.id,
            number=one.number,
            issued_on=one.issued_on,
            due_on=one.due_on,
            amount_ore=one.amount_ore,
            balance_ore=one.balance_ore,
            currency=one.currency,
            description=one.description,
            payment_reference=one.payment_reference,
            reminder_fee_charged=one.reminder_fee_charged,
            type=one.type,
            document_filename=document[0],
            document_sha256=document[1],
            decision="waiting",
            created_at=now,
        )
    )
    db.session.flush()
    return True


def _keep_debtor(creditor_id: int, one: source.Invoice) -> int:
    number = one.identity_number
    values = {
        "customer_class": one.customer_class,
        "size_class": one.size_class,
        "kind": one.customer_kind,
        "name": one.customer_name,
        "identity_number": number,
        "identity_number_hash": lookup_hash(number) if number else None,
        "address_line": one.address_line,
        "postcode": one.postcode,
        "town": one.town,
        "country": one.country,
        "email": one.email,
        "phone": one.phone,
        "language": one.language,
    }
    # What a later file leaves empty does not erase what an earlier one told.
    told = {key: value for key, value in values.items() if value not in (None, "")}
    debtor_id: int = db.session.scalars(
        insert(Debtor)
        .values(creditor_id=creditor_id, customer_number=one.customer_number, **values)
        .on_conflict_do_update(
            index_elements=[Debtor.creditor_id, Debtor.customer_number], set_=told
        )
        .returning(Debtor.id)
    ).one()
    return debtor_id


def import_overdue(
    creditor_id: int,
    *,
    today: date,
    now: datetime,
    between: Callable[[], object] = lambda: None,
) -> int:
    """Decide on a creditor's waiting invoices; answers how many became cases.

    between: called after so many as one transaction should hold, such as to commit. What is too
    early or paused goes on waiting, and so does all of a company that is closed. Two runs at once
    decide on different invoices.
    """
    if standing.stopped(creditor_id) is not None:
        return 0
    opened = importing.import_waiting(creditor_id, today=today, now=now, between=between)
    if opened:
        queue.defer("advance_cases", once="advance_cases")
    return opened


def waiting_invoices(creditor_id: int, limit: int = 100) -> list[Invoice]:
    """Invoices that are not cases (yet), with their debtors, the oldest due first."""
    return list(
        db.session.scalars(
            select(Invoice)
            .where(Invoice.creditor_id == creditor_id, Invoice.decision != "imported")
            .options(joinedload(Invoice.debtor))
            .order_by(Invoice.due_on, Invoice.id)
            .limit(limit)
        )
    )


def has_invoices(creditor_id: int) -> bool:
    """Whether a creditor has given us any invoice."""
    return bool(
        db.session.scalar(select(Invoice.id).where(Invoice.creditor_id == creditor_id).limit(1))
    )


def not_imported(creditor_id: int) -> dict[str, int]:
    """How many invoices are not cases, by the code of their reason; "" when none is decided."""
    rows = db.session.execute(
        select(Invoice.reason, func.count())
        .where(Invoice.creditor_id == creditor_id, Invoice.decision != "imported")
        .group_by(Invoice.reason)
    )
    return {reason or "": int(count) for reason, count in rows}

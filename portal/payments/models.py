"""Money on its way in, and money that came."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText
from portal.database.files import FILES_AT, NAMES_FILES, NO_FILE


def _cleared(table: str) -> tuple[Index, Index]:
    """For `clearing`: what bank and books have on different days, and what has a sum."""
    return (
        Index(
            f"ix_{table}_between", "cleared_on", postgresql_where=text("cleared_from < cleared_on")
        ),
        Index(
            f"ix_{table}_cleared", "amount_ore", "currency",
            postgresql_where=text("cleared_on is not null"),
        ),
    )  # fmt: skip


class SwishRequest(Base):
    """A payment request at Swish or the payment provider, for one case or for several.

    id: 32 upper-case hex digits, ours. amount_ore: the sum of its parts, which say for which cases.
    way: swish, card or account. status: created, paid, declined, error or cancelled.
    token: opens Swish, or the address of the provider's page.
    callback_identifier: comes back as a header of Swish's callback, which nobody else can know.
    """

    __tablename__ = "swish_requests"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint("way in ('swish', 'card', 'account')", name="way"),
        Index(
            "ix_swish_requests_payment_reference", "payment_reference",
            postgresql_where=text("payment_reference is not null"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(server_default="swish")
    amount_ore: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    token: Mapped[str | None] = mapped_column(EncryptedText)
    callback_identifier: Mapped[str] = mapped_column(EncryptedText)
    payment_reference: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SwishPart(Base):
    """What of a payment request is one case's."""

    __tablename__ = "swish_parts"
    __table_args__ = (CheckConstraint("amount_ore > 0", name="amount"),)

    request_id: Mapped[str] = mapped_column(ForeignKey("swish_requests.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    amount_ore: Mapped[int]


class Payment(Base):
    """Money that a debtor paid, booked once by its channel's own reference.

    payer: how the channel names who paid; never shown to the creditor. It never changes; that it
    was booked back, the books tell (`booking.take_back`).
    """

    __tablename__ = "payments"
    __table_args__ = (CheckConstraint("amount_ore > 0", name="amount"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    channel: Mapped[str]
    channel_reference: Mapped[str] = mapped_column(unique=True)
    amount_ore: Mapped[int]
    currency: Mapped[str]
    value_on: Mapped[date]
    received_at: Mapped[datetime]
    payer: Mapped[str | None] = mapped_column(EncryptedText)
    fees_ore: Mapped[int]
    interest_ore: Mapped[int]
    principal_ore: Mapped[int]
    overpaid_ore: Mapped[int]
    receipt_number: Mapped[str] = mapped_column(unique=True)


class BankFile(Base):
    """A file that a bank has sent: taken whole, or refused whole.

    kind: bgmax, camt.054 or camt.053; "" when it could not be told. bank_id: the bank's own name of
    it. accounts: those of ours that it is about. way: how it came: page, folder or command. by: who
    brought it. totals: of each currency what came in and what went, as `taking.Total` in JSON.
    repeated: how many of its payments had come in another file. problem: why it was refused.
    is_summed: whether what a statement tells is kept by day; see `clearing`.
    """

    __tablename__ = "bank_files"
    __table_args__ = (
        CheckConstraint("status in ('taken', 'refused')", name="status"),
        CheckConstraint("(status = 'refused') = (problem is not null)", name="problem"),
        # Two that come at the same instant: one of them is taken.
        Index(
            "uq_bank_files_sha256", "sha256", unique=True,
            postgresql_where=text("status = 'taken'"),
        ),
        Index(
            "uq_bank_files_bank_id", "kind", "bank_id", text("(accounts[1])"), unique=True,
            postgresql_where=text("status = 'taken'"),
        ),
        Index("ix_bank_files_not_summed", "id", postgresql_where=text("not is_summed")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    sha256: Mapped[str]
    size: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    bank_id: Mapped[str]
    accounts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_at: Mapped[datetime | None]
    way: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    status: Mapped[str]
    totals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    repeated: Mapped[int]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    is_summed: Mapped[bool] = mapped_column(server_default=false())


class BankPayment(Base):
    """A payment in a bank's file, as the bank tells it; see `bank_files.record.Received`.

    amount_ore: signed. reference_numbers, reference_ores: the references and their shares, a share
    that is not told being null. payer_hash: `lookup_hash` of the payer's account, to find the same
    payer by. state: new, until it is matched; waiting for a person; settled, when all of it is
    given to cases or goes back; taken back by the bank; aside, when it is money that we sent, or
    brings what is booked already; repeated, when another file had it already; statement, when it is
    there only to be held against the books. reverses_id: the payment that this one takes back.
    end_to_end_id: as who ordered it named it, or "". payer_account_kind: when the file tells it.
    cleared_from, cleared_on, cleared_as, cleared_batch_id: see `clearing`; the batch of what is a
    debit of orders.
    """

    __tablename__ = "bank_payments"
    __table_args__ = (
        CheckConstraint(
            "kind in ('payment', 'deduction', 'debit', 'reversal', 'returned')", name="kind"
        ),
        CheckConstraint(
            "case when kind in ('payment', 'returned') then amount_ore > 0 else amount_ore < 0 end",
            name="amount",
        ),
        CheckConstraint(
            "cardinality(reference_numbers) = cardinality(reference_ores)", name="references"
        ),
        CheckConstraint(
            "payer_account_kind in ('bankgiro', 'plusgiro')", name="payer_account_kind"
        ),
        Index("ix_bank_payments_new", "id", postgresql_where=text("state = 'new'")),
        Index("ix_bank_payments_account", "account", "value_on"),
        Index(
            "ix_bank_payments_waiting", "value_on", "id", postgresql_where=text("state = 'waiting'")
        ),
        Index(
            "ix_bank_payments_end_to_end_id", "end_to_end_id",
            postgresql_where=text("end_to_end_id <> ''"),
        ),
        Index(
            "ix_bank_payments_payer", "payer_hash",
            postgresql_where=text("payer_hash is not null"),
        ),
        Index(
            "ix_bank_payments_reverses_id", "reverses_id", unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
        Index("ix_bank_payments_day", "currency", "value_on"),
        Index(
            "ix_bank_payments_open", "currency", "value_on",
            postgresql_where=text(
                "cleared_on is null and state not in ('repeated', 'statement')"
            ),
        ),
        Index(
            "ix_bank_payments_between", "currency", "cleared_on", "cleared_from",
            postgresql_where=text("cleared_from < cleared_on"),
        ),
        Index(
            "ix_bank_payments_statement", "value_on", "account", "deposit", "position",
            postgresql_where=text("state = 'statement'"),
        ),
        Index(
            "ix_bank_payments_debits", "value_on", "amount_ore",
            postgresql_where=text("kind = 'debit'"),
        ),
        Index(
            "ix_bank_payments_cleared_batch", "cleared_batch_id",
            postgresql_where=text("cleared_batch_id is not null"),
        ),
        Index(
            "ix_bank_payments_statement_debits", "currency",
            postgresql_where=text("state = 'statement' and kind = 'debit' and cleared_on is null"),
        ),
        Index(
            "ix_bank_payments_repeated", "currency", "value_on",
            postgresql_include=["amount_ore"], postgresql_where=text("state = 'repeated'"),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_files.id"), index=True)
    line: Mapped[int | None]
    place: Mapped[str | None]
    account: Mapped[str]
    kind: Mapped[str]
    amount_ore: Mapped[int]
    currency: Mapped[str]
    value_on: Mapped[date]
    reference_numbers: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reference_ores: Mapped[list[int | None]] = mapped_column(ARRAY(BigInteger))
    text: Mapped[str]
    payer_account: Mapped[str | None] = mapped_column(EncryptedText)
    payer_account_kind: Mapped[str | None]
    payer_hash: Mapped[bytes | None]
    payer_name: Mapped[str]
    payer_address: Mapped[str]
    payer_number: Mapped[str | None] = mapped_column(EncryptedText)
    serial: Mapped[str]
    deposit: Mapped[str]
    position: Mapped[int]
    end_to_end_id: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("bank_payments.id"))
    cleared_from: Mapped[date | None]
    cleared_on: Mapped[date | None]
    cleared_as: Mapped[str | None]
    cleared_batch_id: Mapped[int | None]


class ToldTwice(Base):
    """A deposit that a bank's file of another kind had told of, so that it is not taken again.

    amount_ore: signed; payments: how many it has. status: open, until a person has looked; same,
    when it is; other, when it is other money, and was taken.
    """

    __tablename__ = "told_twice"
    __table_args__ = (
        CheckConstraint("status in ('open', 'same', 'other')", name="status"),
        UniqueConstraint("file_id", "account", "deposit", "value_on"),
        Index("ix_told_twice_open", "id", postgresql_where=text("status = 'open'")),
        Index("ix_told_twice_other_file_id", "other_file_id"),
    )

    id: Mapped[PrimaryKey]
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_files.id"))
    deposit: Mapped[str]
    other_file_id: Mapped[int] = mapped_column(ForeignKey("bank_files.id"))
    other_deposit: Mapped[str]
    account: Mapped[str]
    value_on: Mapped[date]
    currency: Mapped[str]
    amount_ore: Mapped[int]
    payments: Mapped[int]
    status: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class BankBalance(Base):
    """What an account held at the end of two days, as a bank's statement says it.

    See `bank_files.record.Statement`.
    """

    __tablename__ = "bank_balances"
    __table_args__ = (Index("ix_bank_balances_closed_on", "closed_on"),)

    id: Mapped[PrimaryKey]
    file_id: Mapped[int] = mapped_column(ForeignKey("bank_files.id"), index=True)
    account: Mapped[str]
    currency: Mapped[str]
    opened_on: Mapped[date]
    opening_ore: Mapped[int]
    closed_on: Mapped[date]
    closing_ore: Mapped[int]


class BankTransfer(Base):
    """A payment in a bank's file that brings what is booked already, or our own money.

    way: of those in `ways.WAYS`, whose money comes as a sum; or own, when we have paid in.
    state: of the bank's payment before. is_cleared: as such; see `clearing`.
    """

    __tablename__ = "bank_transfers"
    __table_args__ = (
        CheckConstraint("way in ('swish', 'card', 'account', 'own')", name="way"),
        Index("ix_bank_transfers_open", "payment_id", postgresql_where=text("not is_cleared")),
    )

    payment_id: Mapped[int] = mapped_column(
        ForeignKey("bank_payments.id"), primary_key=True, autoincrement=False
    )
    way: Mapped[str]
    state: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    is_cleared: Mapped[bool] = mapped_column(server_default=text("false"))


class UndoneTransfer(Base):
    """What a bank's payment was noted to bring, as `BankTransfer`, and who took that back.

    is_cleared: it is kept so until the next night.
    """

    __tablename__ = "undone_transfers"
    __table_args__ = (
        Index("ix_undone_transfers_cleared", "payment_id", postgresql_where=text("is_cleared")),
    )

    id: Mapped[PrimaryKey]
    payment_id: Mapped[int] = mapped_column(ForeignKey("bank_payments.id"), index=True)
    way: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    undone_by: Mapped[str]
    undone_at: Mapped[datetime]
    is_cleared: Mapped[bool] = mapped_column(server_default=text("false"))


class Chargeback(Base):
    """What a bank or the payment provider takes back of a payment by Swish, card or account.

    status: taken, when it is booked back; returned, when the money has come again and is booked
    once more; unclear, when the provider takes back more than is left of the payment, and a person
    has to look; same, when that turned out to be told of already. parts: what was taken of each
    case, as `chargebacks.Part` in JSON. provider_key: the provider's own name of it.
    bank_payment_id: where a bank's file tells of it; returned_payment_id: where one tells that it
    came again. by: who told of it first; reason: theirs.
    """

    __tablename__ = "chargebacks"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint("status in ('taken', 'returned', 'unclear', 'same')", name="status"),
        CheckConstraint("(status = 'returned') = (returned_on is not null)", name="returned"),
        Index("ix_chargebacks_unclear", "id", postgresql_where=text("status = 'unclear'")),
    )

    id: Mapped[PrimaryKey]
    request_id: Mapped[str] = mapped_column(ForeignKey("swish_requests.id"), index=True)
    amount_ore: Mapped[int]
    taken_on: Mapped[date]
    status: Mapped[str]
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    provider_key: Mapped[str | None] = mapped_column(unique=True)
    bank_payment_id: Mapped[int | None] = mapped_column(ForeignKey("bank_payments.id"), unique=True)
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    returned_on: Mapped[date | None]
    returned_by: Mapped[str | None]
    returned_at: Mapped[datetime | None]
    returned_payment_id: Mapped[int | None] = mapped_column(
        ForeignKey("bank_payments.id"), unique=True
    )


class BankShare(Base):
    """What of a bank's payment a case was given. key: the `channel_reference` of its `Payment`.

    how: ocr, words or person. by: who gave it. undone_by, undone_at: when it was taken back.
    """

    __tablename__ = "bank_shares"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint("(undone_at is null) = (undone_by is null)", name="undone"),
    )

    id: Mapped[PrimaryKey]
    payment_id: Mapped[int] = mapped_column(ForeignKey("bank_payments.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    amount_ore: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    how: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]


class Refund(Base):
    """Money that goes back to who paid it, tried once; when it fails, it is another that goes on.

    key: ours, by which Swish, the payment provider and the bank know it. Of what: share_id, of
    money by bank that a case was given and that was more than it owed; booked_id, its receipt, or
    that of a payment at once; else of what no case was given of payment_id. creditor_id, case_id:
    where it is booked. why: overpaid, closed, not ours, wrong creditor or currency. way: how it
    goes back: as one of `ways.WAYS`, or by bank to payer_account. account_kind: bankgiro, plusgiro
    or iban. account_reason: why it is not the account that the bank told. status: to confirm by a
    person; to approve by another one; waiting to be sent; released, when it is sent; settled, when
    it is paid; rejected, when it is not, for `reason`; failed, when another one was tried instead;
    withdrawn. callback_identifier: as of a request. asked_at: when it was last asked how it went.
    cleared_ore: what the bank has of it; see `clearing`.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint(
            "why in ('overpaid', 'closed', 'not ours', 'wrong creditor', 'currency')", name="why"
        ),
        CheckConstraint("way in ('swish', 'card', 'account', 'bank')", name="way"),
        CheckConstraint("account_kind in ('bankgiro', 'plusgiro', 'iban')", name="kind"),
        CheckConstraint(
            "status in ('to confirm', 'to approve', 'waiting', 'released', 'settled', 'rejected',"
            " 'failed', 'withdrawn')",
            name="status",
        ),
        CheckConstraint(
            "way <> 'bank' or status in ('to confirm', 'failed', 'withdrawn')"
            " or (payer_account is not null and account_kind is not null)",
            name="account",
        ),
        CheckConstraint("booked_id is not null or payment_id is not null", name="of"),
        CheckConstraint(
            "(booked_id is null) = (case_id is null)"
            " and (case_id is null) = (creditor_id is null)",
            name="booked",
        ),
        # What was paid too much goes back once.
        Index(
            "uq_refunds_booked_id", "booked_id", unique=True,
            postgresql_where=text("status not in ('failed', 'withdrawn')"),
        ),
        Index(
            "ix_refunds_open", "id",
            postgresql_where=text("status not in ('settled', 'failed', 'withdrawn')"),
        ),
        Index(
            "ix_refunds_not_cleared", "currency",
            postgresql_where=text(
                "released_on is not null and way = 'bank' and cleared_on is null"
            ),
        ),
        *_cleared("refunds"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("bank_payments.id"), index=True)
    share_id: Mapped[int | None] = mapped_column(ForeignKey("bank_shares.id"))
    booked_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    creditor_id: Mapped[int | None] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    amount_ore: Mapped[int]
    currency: Mapped[str]
    why: Mapped[str]
    way: Mapped[str] = mapped_column(server_default="bank")
    payer_name: Mapped[str]
    payer_account: Mapped[str | None] = mapped_column(EncryptedText)
    account_kind: Mapped[str | None]
    account_reason: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("payout_batches.id"), index=True)
    callback_identifier: Mapped[str | None] = mapped_column(EncryptedText)
    is_taken: Mapped[bool] = mapped_column(server_default=text("false"))
    sent_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    released_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    cleared_from: Mapped[date | None]
    cleared_on: Mapped[date | None]
    cleared_ore: Mapped[int | None]


class PayoutSchedule(Base):
    """When a company is paid out to, if it has chosen.

    every: day or week. weekday: 1 Monday to 5 Friday, for a week. lowest_ore: what is less waits.
    """

    __tablename__ = "payout_schedules"
    __table_args__ = (
        CheckConstraint("every in ('day', 'week')", name="every"),
        CheckConstraint("weekday between 1 and 5", name="weekday"),
        CheckConstraint("lowest_ore >= 0", name="lowest"),
    )

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    every: Mapped[str]
    weekday: Mapped[int]
    lowest_ore: Mapped[int]


class PayoutBatch(Base):
    """Payouts that two operators approve together, and that become one file to the bank.

    key: also the file's message id. text: what both sign, in simpleMarkdownV1. rows: the payouts as
    they are signed for. status: waiting, released or withdrawn. file_sha256: of the file, once it
    is released; empty when nothing of it is paid.
    """

    __tablename__ = "payout_batches"
    __table_args__ = (
        CheckConstraint("status in ('waiting', 'released', 'withdrawn')", name="status"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    text: Mapped[str]
    rows: Mapped[list[list[Any]]] = mapped_column(JSONB)
    status: Mapped[str]
    ended_at: Mapped[datetime | None]
    file_sha256: Mapped[str | None]
    execute_on: Mapped[date | None]
    written_at: Mapped[datetime | None]


class PayoutSignature(Base):
    """An operator's approval of a batch with BankID; nobody approves one twice."""

    __tablename__ = "payout_signatures"
    __table_args__ = (UniqueConstraint("batch_id", "person_id"),)

    id: Mapped[PrimaryKey]
    batch_id: Mapped[int] = mapped_column(ForeignKey("payout_batches.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    signed_at: Mapped[datetime]
    evidence: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        info={
            NAMES_FILES: "true",
            FILES_AT: '$.keyvalue() ? (@.key like_regex "^(xml|ocsp)_sha256$").value',
        },
    )


class OwnShareOrder(Base):
    """What of our own share is taken out to our own account.

    on: the accounting day whose end the sum is of. shares: öre by company, which sum to amount_ore.
    account: a bankgiro's digits or an IBAN. status: as of a payout.
    """

    __tablename__ = "own_share_orders"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint("status in ('proposed', 'released', 'settled', 'rejected')", name="status"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("payout_batches.id"), index=True)
    on: Mapped[date]
    currency: Mapped[str]
    amount_ore: Mapped[int]
    shares: Mapped[list[list[int]]] = mapped_column(JSONB)
    account: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str]
    released_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    cleared_from: Mapped[date | None]
    cleared_on: Mapped[date | None]


class ReconciledDay(Base):
    """What the nightly reconciliation found of a day in one currency; see `reconciling`."""

    __tablename__ = "reconciled_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    bank_ore: Mapped[int]
    books_ore: Mapped[int]
    explained_ore: Mapped[int]
    unexplained: Mapped[int]


class ReconciledSum(Base):
    """What moved money on a day, summed up; see `clearing`.

    side: bank, of what is cleared, and way, of what of that is money of a way; books and cases, of
    entries that are summed up; statement, of banks' files that are. what: of `reconciling.MOVES`,
    empty of statements and ways. name: the account at the bank, or the way. came_ore: of those
    above zero. number: how many.
    """

    __tablename__ = "reconciled_sums"
    __table_args__ = (
        CheckConstraint("side in ('bank', 'books', 'cases', 'statement', 'way')", name="side"),
    )

    side: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    ore: Mapped[int]
    came_ore: Mapped[int]
    number: Mapped[int]


class LeftOver(Base):
    """What a page looks at again, found when all was read.

    kind: entry, that nothing at the bank belongs to (`clearing`); case, status or refund: a case
    whose payments or status do not agree with the books, or on which money is to go back
    (`uneven`).
    """

    __tablename__ = "reconciled_left"
    __table_args__ = (
        CheckConstraint("kind in ('entry', 'case', 'status', 'refund')", name="kind"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class BooksRead(Base):
    """When every case was last held against the books, one row; see `uneven`."""

    __tablename__ = "books_read"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class ClosedPeriod(Base):
    """A period that an operator has closed, or waits to have closed by another one.

    text: what the other one signs, in simpleMarkdownV1. reasons: what is not explained, and why it
    may stand. figures: the reconciliation as it was; figures_sha256: of them, as `closing.digest`
    writes them; report_sha256: of the PDF. withdrawn_by: who left it open; None when it ended by
    itself. A closed one is never changed; the database sees to it.
    """

    __tablename__ = "closed_periods"
    __table_args__ = (
        CheckConstraint("status in ('waiting', 'closed', 'withdrawn')", name="status"),
        CheckConstraint("first_on <= last_on", name="days"),
        CheckConstraint(
            "(status = 'closed') = (approved_by_id is not null)"
            " and approved_by_id is distinct from made_by_id"
            " and (status = 'closed') = (evidence is not null)",
            name="approved",
        ),
        Index(
            "uq_closed_periods_last_on", "last_on", unique=True,
            postgresql_where=text("status = 'closed'"),
        ),
        Index(
            "uq_closed_periods_waiting", text("(status = 'waiting')"), unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    status: Mapped[str]
    made_by: Mapped[str]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    text: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    figures_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    report_sha256: Mapped[str]
    ended_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    approved_by: Mapped[str | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    signed_at: Mapped[datetime | None]
    evidence: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        info={
            NAMES_FILES: "true",
            FILES_AT: '$.keyvalue() ? (@.key like_regex "^(xml|ocsp)_sha256$").value',
        },
    )


class Payout(Base):
    """What is to be paid, or was paid, to one company in one currency.

    collected_ore: of what was collected; set_off_ore: fees that it bears, taken off. amount_ore:
    what is left, and the sum of its lines. account_*: that it is paid to; account_number as people
    write it. is_chosen: an operator has chosen the account. status: proposed; held; released, when
    it is ordered at the bank; settled, when the bank has paid; rejected, when it has not, for
    `reason`; offset, when all was set off and nothing is paid.
    """

    __tablename__ = "payouts"
    __table_args__ = (
        CheckConstraint(
            "status in ('proposed', 'held', 'released', 'settled', 'rejected', 'offset')",
            name="status",
        ),
        CheckConstraint(
            "amount_ore = collected_ore - set_off_ore and amount_ore >= 0", name="amount"
        ),
        CheckConstraint("(amount_ore = 0) = (status = 'offset')", name="offset"),
        # One proposal at a time: what comes meanwhile is added to it.
        Index(
            "uq_payouts_open", "creditor_id", "currency", unique=True,
            postgresql_where=text("status in ('proposed', 'held') and batch_id is null"),
        ),
        Index("ix_payouts_creditor_id", "creditor_id", "id"),
        Index(
            "ix_payouts_not_cleared", "currency",
            postgresql_where=text(
                "released_on is not null and amount_ore > 0 and cleared_on is null"
            ),
        ),
        *_cleared("payouts"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    currency: Mapped[str]
    collected_ore: Mapped[int]
    set_off_ore: Mapped[int]
    amount_ore: Mapped[int]
    account_key: Mapped[str | None]
    account_kind: Mapped[str | None]
    account_number: Mapped[str | None]
    account_holder: Mapped[str | None]
    is_chosen: Mapped[bool]
    status: Mapped[str]
    note: Mapped[str]
    reason: Mapped[str]
    proposed_at: Mapped[datetime]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("payout_batches.id"), index=True)
    released_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    cleared_from: Mapped[date | None]
    cleared_on: Mapped[date | None]


class PayoutLine(Base):
    """A line of the ledger that a payout pays or sets off; each is in one payout for ever.

    account: owed_to_creditor, or owed_by_creditor for a fee that is set off. amount_ore: what it
    adds to the payout.
    """

    __tablename__ = "payout_lines"
    __table_args__ = (
        Index("ix_payout_lines_case_id", "case_id", postgresql_where=text("case_id is not null")),
    )

    line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payout_id: Mapped[int] = mapped_column(ForeignKey("payouts.id"), index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int | None]
    kind: Mapped[str]
    account: Mapped[str]
    booked_on: Mapped[date]
    amount_ore: Mapped[int]


class CommissionPrice(Base):
    """What is charged of money that comes for a case under surveillance, from a day on.

    creditor_id: whose agreed price it is; None: the service's own. basis_points: hundredths of a
    per cent, without tax; None: the company pays the service's own price again.
    """

    __tablename__ = "commission_prices"
    __table_args__ = (
        CheckConstraint("basis_points between 0 and 10000", name="basis_points"),
        CheckConstraint("creditor_id is not null or basis_points is not null", name="known"),
        Index("ix_commission_prices_creditor_id", "creditor_id", "from_on"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int | None] = mapped_column(ForeignKey("creditors.id"))
    from_on: Mapped[date]
    basis_points: Mapped[int | None]
    note: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class Commission(Base):
    """Commission on a payment, or what takes some of it back; in öre, below zero when it does.

    key: of its own entry in the ledger. payment_key: of the payment's. base_ore: principal and
    interest that the payment covered, or covers less by now. is_direct: it was paid to the
    creditor. takes_back_id: the one that is lowered, maybe several times.
    """

    __tablename__ = "commissions"
    __table_args__ = (
        Index("ix_commissions_creditor_id", "creditor_id", "value_on"),
        CheckConstraint("(ore > 0) = (takes_back_id is null)", name="sign"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    payment_key: Mapped[str] = mapped_column(index=True)
    is_direct: Mapped[bool]
    value_on: Mapped[date]
    currency: Mapped[str]
    base_ore: Mapped[int]
    price_id: Mapped[int] = mapped_column(ForeignKey("commission_prices.id"), index=True)
    basis_points: Mapped[int]
    ore: Mapped[int]
    vat_per_cent: Mapped[int]
    vat_ore: Mapped[int]
    booked_at: Mapped[datetime]
    takes_back_id: Mapped[int | None] = mapped_column(ForeignKey("commissions.id"), index=True)


class ServiceStatement(Base):
    """What a company was charged in a month: the service's invoice, which never changes.

    number: of the service's one series, 1, 2, 3 … without gaps. first_on, last_on: its days, of
    which the last ends a month. fees_ore: fees that debtors have paid and the service keeps, for
    information. content: seller and buyer as they were, and `in_kronor`: the tax in kronor and its
    rate of exchange, where it is in another currency. signatures_through: the number of the last
    signature that is charged.
    """

    __tablename__ = "service_statements"
    __table_args__ = (
        UniqueConstraint("creditor_id", "currency", "last_on"),
        CheckConstraint("total_ore = net_ore + vat_ore", name="total"),
        CheckConstraint("number > 0", name="number"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    currency: Mapped[str]
    first_on: Mapped[date]
    last_on: Mapped[date]
    made_at: Mapped[datetime]
    net_ore: Mapped[int]
    vat_ore: Mapped[int]
    total_ore: Mapped[int]
    fees_ore: Mapped[int]
    signatures_through: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ExchangeRate(Base):
    """Kronor for one of a currency on a day, which a monthly statement waits for or is made with.

    rate: None until an operator has told it, with its source.
    """

    __tablename__ = "exchange_rates"
    __table_args__ = (
        CheckConstraint("rate > 0", name="rate"),
        CheckConstraint("num_nulls(rate, source, told_by, told_at) in (0, 4)", name="told"),
    )

    currency: Mapped[str] = mapped_column(primary_key=True)
    on_day: Mapped[date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal | None] = mapped_column(Numeric(12, 6))
    source: Mapped[str | None]
    wanted_at: Mapped[datetime]
    told_by: Mapped[str | None]
    told_at: Mapped[datetime | None]


class StatementPayment(Base):
    """A payment by bank that a company has made for a monthly statement.

    key: in the books. amount_ore: all of the payment; covers_ore: what of it was left to pay of the
    statement; the company is owed the rest. undone: it is booked back.
    """

    __tablename__ = "statement_payments"
    __table_args__ = (
        CheckConstraint("amount_ore > 0 and covers_ore between 0 and amount_ore", name="amount"),
        CheckConstraint("(undone_at is null) = (undone_by is null)", name="undone"),
        # A payment is of one statement.
        Index(
            "uq_statement_payments_payment_id", "payment_id", unique=True,
            postgresql_where=text("undone_at is null"),
        ),
        Index("ix_statement_payments_statement_key", "statement_key"),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    statement_key: Mapped[str] = mapped_column(ForeignKey("service_statements.key"))
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    payment_id: Mapped[int] = mapped_column(ForeignKey("bank_payments.id"))
    amount_ore: Mapped[int]
    covers_ore: Mapped[int]
    currency: Mapped[str]
    value_on: Mapped[date]
    by: Mapped[str]
    at: Mapped[datetime]
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime | None]


class ServiceStatementLine(Base):
    """A line of the ledger that charges a company, on one statement for ever.

    line_id: the line's. section: commission, fees or signatures. kind: of the entry. net_ore,
    vat_ore: what of the amount is without tax, and tax. base_ore, basis_points: what commission is
    reckoned of. quantity: how many signatures. of_number: the statement that has what is taken
    back.
    """

    __tablename__ = "service_statement_lines"
    __table_args__ = (
        CheckConstraint("section in ('commission', 'fees', 'signatures')", name="section"),
        CheckConstraint("amount_ore = net_ore + vat_ore", name="amount"),
        Index("ix_service_statement_lines_statement_key", "statement_key", "section", "line_id"),
    )

    line_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    statement_key: Mapped[str] = mapped_column(
        ForeignKey("service_statements.key", deferrable=True, initially="DEFERRED")
    )
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    section: Mapped[str]
    kind: Mapped[str]
    case_id: Mapped[int | None]
    on_day: Mapped[date]
    is_direct: Mapped[bool]
    base_ore: Mapped[int | None]
    basis_points: Mapped[int | None]
    quantity: Mapped[int | None]
    net_ore: Mapped[int]
    vat_per_cent: Mapped[int]
    vat_ore: Mapped[int]
    amount_ore: Mapped[int]
    of_number: Mapped[int | None]

"""Documents to sign by anybody who is invited: envelopes, their files, signers and evidence.

Revision: 0038
After: 0037
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_FUNCTION = """
create function reda_envelopes() returns bigint[] stable language sql as
$$ select case when current_setting('reda.scope', true) = 'envelope'
          then current_setting('reda.ids')::bigint[] else '{}' end $$;
"""
_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_SIGNERS = "{} = any((select reda_envelopes())::bigint[])"
# What is about a debtor's case is seen by that debtor, once it was sent.
_CASE = "case_id = any((select reda_cases())::bigint[]) and status <> 'draft'"
# The wall of envelopes holds inside it.
_OF_CASE = "envelope_id in (select e.id from envelopes e where e.case_id is not null)"
_PARTS = ("envelope_files", "envelope_signers", "envelope_signatures", "envelope_events")
_ONLY_ADDED_TO = ("envelope_signatures", "envelope_events")


def _part(*columns: sa.schema.SchemaItem, name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("envelope_id", sa.BigInteger(), sa.ForeignKey("envelopes.id"), nullable=False),
        *columns,
    )


def _text(name: str, default: str | None = None, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable, server_default=default)


def _envelopes() -> None:
    op.create_table(
        "envelopes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        _text("company"),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), index=True),
        _text("kind"),
        _text("title"),
        _text("message"),
        _text("language"),
        _text("folder"),
        _text("status"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("in_order", sa.Boolean(), nullable=False),
        sa.Column("remind_days", sa.BigInteger(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        _text("sender_name"),
        _text("sender_email", nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        _text("manifest_sha256", nullable=True),
        sa.Column("sealed_at", _MOMENT),
        sa.Column("renew_on", sa.Date(), index=True),
        sa.Column("keep_until_on", sa.Date()),
        _text("hold_reason", nullable=True),
        sa.CheckConstraint(
            "status in ('draft', 'open', 'completed', 'declined', 'withdrawn', 'expired')",
            name=op.f("ck_envelopes_status"),
        ),
        sa.CheckConstraint(
            "status = 'draft' or manifest_sha256 is not null", name=op.f("ck_envelopes_frozen")
        ),
    )
    op.create_index("ix_envelopes_creditor", "envelopes", ["creditor_id", "id"])
    op.create_index(
        "ix_envelopes_open", "envelopes", ["last_on"],
        postgresql_where=sa.text("status = 'open'"),
    )  # fmt: skip


def _files() -> None:
    _part(
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        _text("role"),
        _text("name"),
        _text("media_type"),
        _text("sha256"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger()),
        _text("original_sha256", nullable=True),
        _text("original_name", nullable=True),
        sa.Column("has_signatures", sa.Boolean(), nullable=False),
        _text("sealed_sha256", nullable=True),
        sa.UniqueConstraint("envelope_id", "position"),
        sa.CheckConstraint(
            "role in ('document', 'attachment')", name=op.f("ck_envelope_files_role")
        ),
        sa.CheckConstraint(
            "(role = 'document') = (pages is not null)", name=op.f("ck_envelope_files_pages")
        ),
        name="envelope_files",
    )


def _signers() -> None:
    _part(
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("step", sa.BigInteger(), nullable=False),
        _text("role"),
        _text("name"),
        _text("email", nullable=True),
        _text("phone", nullable=True),
        sa.Column("identity_number", sa.LargeBinary()),
        sa.Column("identity_hash", sa.LargeBinary()),
        _text("for_company"),
        _text("language"),
        sa.Column("may_hand_over", sa.Boolean(), nullable=False),
        _text("status"),
        sa.Column("token_hash", sa.LargeBinary(), unique=True),
        sa.Column("link", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, _MOMENT)
            for name in ("invited_at", "reminded_at", "opened_at", "identified_at", "ended_at")
        ),
        _text("reason"),
        sa.Column("handed_to_id", sa.BigInteger(), sa.ForeignKey("envelope_signers.id")),
        sa.CheckConstraint(
            "role in ('signs', 'approves', 'copy')", name=op.f("ck_envelope_signers_role")
        ),
        sa.CheckConstraint(
            "status in ('waiting', 'invited', 'signed', 'declined', 'handed_over', 'told')",
            name=op.f("ck_envelope_signers_status"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(email, phone) > 0", name=op.f("ck_envelope_signers_address")
        ),
        name="envelope_signers",
    )
    op.create_index("ix_envelope_signers_envelope", "envelope_signers", ["envelope_id"])
    op.create_index("ix_envelope_signers_identity", "envelope_signers", ["identity_hash"])


def _evidence() -> None:
    _part(
        sa.Column(
            "signer_id", sa.BigInteger(), sa.ForeignKey("envelope_signers.id"), nullable=False,
            unique=True,
        ),
        _text("order_ref"),
        _text("name"),
        sa.Column("identity_number", sa.LargeBinary(), nullable=False),
        _text("xml_sha256"),
        _text("ocsp_sha256"),
        _text("started_ip"),
        _text("device_ip", nullable=True),
        _text("device"),
        sa.Column("signed_at", _MOMENT, nullable=False),
        sa.Column("verified_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("envelope_id", "order_ref"),
        name="envelope_signatures",
    )  # fmt: skip
    _part(
        sa.Column("number", sa.BigInteger(), nullable=False),
        _text("name"),
        sa.Column("occurred_at", _MOMENT, nullable=False),
        _text("actor"),
        _text("signer_key", nullable=True),
        sa.Column("data", JSONB(), nullable=False),
        _text("previous_sha256"),
        _text("sha256"),
        sa.UniqueConstraint("envelope_id", "number"),
        name="envelope_events",
    )


def upgrade() -> None:
    op.execute(_FUNCTION)
    _envelopes()
    _files()
    _signers()
    _evidence()
    for table in ("envelopes", *_PARTS):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
    own = _SIGNERS.format("id")
    op.execute(
        f"create policy wall on envelopes to reda_app using ({_COMPANYS} or {own} or {_CASE})"
    )
    own = _SIGNERS.format("envelope_id")
    for table in _PARTS:
        op.execute(
            f"create policy wall on {table} to reda_app using ({_COMPANYS} or {own} or {_OF_CASE})"
        )
    for table in _ONLY_ADDED_TO:
        op.execute(f"revoke update, delete on {table} from reda_app")
        op.execute(
            f"create trigger only_added_to before update or delete on {table}"
            " for each row execute function reda_refuse_change()"
        )
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    for table in (*reversed(_PARTS), "envelopes"):
        op.drop_table(table)
    op.execute("drop function reda_envelopes()")

"""What signatures cost a company: each that counts, with its number and its price.

Revision: 0043
After: 0042
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_BEFORE = """
insert into signature_uses
    (creditor_id, number, signer_key, envelope_key, kind, counted_on, price_ore)
select creditor_id, number, signer_key, envelope_key, kind,
       (verified_at at time zone 'Europe/Stockholm')::date,
       case when number > 5 then 1500 else 0 end
from (select s.creditor_id, row_number() over (partition by s.creditor_id order by s.id) as number,
             signer.key as signer_key, e.key as envelope_key, e.kind, s.verified_at
      from envelope_signatures s
      join envelopes e on e.id = s.envelope_id
      join envelope_signers signer on signer.id = s.signer_id
      where e.kind = 'document') counted
"""


def upgrade() -> None:
    op.create_table(
        "signature_uses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("signer_key", sa.String(), nullable=False, unique=True),
        sa.Column("envelope_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("price_ore", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("creditor_id", "number"),
    )
    op.execute(_BEFORE)
    op.execute("grant select, insert on signature_uses to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.execute("alter table signature_uses enable row level security")
    op.execute(
        "create policy wall on signature_uses to reda_app using ((select reda_is_service())"
        " or creditor_id = any((select reda_creditors())::bigint[]))"
    )
    op.execute(
        "create trigger only_added_to before update or delete on signature_uses"
        " for each row execute function reda_refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("signature_uses")

"""What is decided for a debtor is decided by the creditor's rules: a case's visitor reads them.

Of the rules only those that hold for the customer of the case, and whether the company stands
still. What a visitor was shown and then did is kept as for the company's people.

Revision: 0029
After: 0028
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_OF_THE_CUSTOMER = """
(creditor_id, scope, scope_key) in (
    select c.creditor_id, r.scope, r.key
    from cases c join debtors d on d.id = c.debtor_id,
    lateral (values ('company', ''), ('class', coalesce(d.customer_class, '')),
             ('customer', d.customer_number)) r (scope, key)
    where c.id = any((select reda_cases())::bigint[])
)"""
_OF_THE_COMPANY = (
    "creditor_id in (select creditor_id from cases where id = any((select reda_cases())::bigint[]))"
)


def upgrade() -> None:
    # Policies are tried in the order of their names: the company's own, which is cheap, first.
    op.execute(
        f"create policy wall_of_cases on rules for select to reda_app using ({_OF_THE_CUSTOMER})"
    )
    op.execute(
        "create policy wall_of_cases on company_holds for select to reda_app"
        f" using ({_OF_THE_COMPANY})"
    )
    op.execute("drop policy wall on case_deeds")
    op.execute(
        "create policy wall on case_deeds to reda_app"
        f" using ({_COMPANYS} or case_id = any((select reda_cases())::bigint[]))"
    )


def downgrade() -> None:
    op.execute("drop policy wall_of_cases on rules")
    op.execute("drop policy wall_of_cases on company_holds")
    op.execute("drop policy wall on case_deeds")
    op.execute(f"create policy wall on case_deeds to reda_app using ({_COMPANYS})")

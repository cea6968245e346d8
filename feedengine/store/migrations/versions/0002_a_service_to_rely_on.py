"""a service to rely on: leases, retries, undo, retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from feedengine.model.sqltypes import CanonicalInstant, CanonicalText

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FEW = (
    ("ix_feed_run_unfiled", "status", sa.text("filed_at IS NULL")),
    ("ix_feed_run_undoes", "undoes", sa.text("undoes IS NOT NULL")),
)


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("feed_run", sa.Column("retry_of", _INTEGER, nullable=True))
    op.add_column("feed_run", sa.Column("retry_code", CanonicalText(), nullable=True))
    op.add_column("feed_run", sa.Column("undoes", _INTEGER, nullable=True))
    op.add_column("feed_run", sa.Column("pruned_at", CanonicalInstant(), nullable=True))
    for name, column, where in _FEW:
        op.create_index(name, "feed_run", [column], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "stack_lease",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("holder", CanonicalText(), nullable=False),
        sa.Column("fence", _INTEGER, nullable=False),
        sa.Column("taken_at", CanonicalInstant(), nullable=False),
        sa.Column("expires_at", CanonicalInstant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

"""parcels of plays, and what has left by which way out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from feedengine.model.sqltypes import CanonicalInstant, CanonicalText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("status IN ('prepared', 'sending', 'in-doubt', 'conflict')")
_AGAIN = sa.text("origin IS NOT NULL")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "parcel",
        sa.Column("id", _INTEGER, nullable=False),
        sa.Column("way", CanonicalText(), nullable=False),
        sa.Column("series", CanonicalText(), nullable=False),
        sa.Column("number", _INTEGER, nullable=True),
        sa.Column("key", CanonicalText(), nullable=False),
        sa.Column("status", CanonicalText(), nullable=False),
        sa.Column("plays", _INTEGER, nullable=False),
        sa.Column("digest", CanonicalText(), nullable=False),
        sa.Column("size", _INTEGER, nullable=False),
        sa.Column("content", CanonicalText(), nullable=False),
        sa.Column("begins", _INTEGER, nullable=False),
        sa.Column("oldest_at", CanonicalInstant(), nullable=True),
        sa.Column("measured_at", CanonicalInstant(), nullable=True),
        sa.Column("recorded_at", CanonicalInstant(), nullable=False),
        sa.Column("attempts", _INTEGER, nullable=False),
        sa.Column("attempted_at", CanonicalInstant(), nullable=True),
        sa.Column("delivered_at", CanonicalInstant(), nullable=True),
        sa.Column("message", CanonicalText(), nullable=True),
        sa.Column("rest_of", _INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_parcel_number", "parcel", ["way", "series", "number"], unique=True)
    op.create_index("ix_parcel_key", "parcel", ["key"])
    op.create_index(
        "ix_parcel_open", "parcel", ["status"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.create_table(
        "parcel_plays",
        sa.Column("parcel_id", _INTEGER, sa.ForeignKey("parcel.id"), nullable=False),
        sa.Column("part", _INTEGER, nullable=False),
        sa.Column("origin", _INTEGER, nullable=True),
        sa.Column("plays", _INTEGER, nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", "part"),
    )
    op.create_index(
        "ix_parcel_plays_origin",
        "parcel_plays",
        ["origin"],
        sqlite_where=_AGAIN,
        postgresql_where=_AGAIN,
    )
    op.create_table(
        "play_refusal",
        sa.Column("parcel_id", _INTEGER, sa.ForeignKey("parcel.id"), nullable=False),
        sa.Column("at_row", _INTEGER, nullable=False),
        sa.Column("play_id", CanonicalText(), nullable=False),
        sa.Column("code", CanonicalText(), nullable=False),
        sa.Column("reason", CanonicalText(), nullable=False),
        sa.Column("at", CanonicalInstant(), nullable=False),
        sa.PrimaryKeyConstraint("parcel_id", "at_row"),
    )

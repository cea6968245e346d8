"""links of a track from their index alone."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAME = "ix_release_track_track"


def upgrade() -> None:
    """Go to this revision."""
    op.drop_index(_NAME, "release_track")
    op.create_index(_NAME, "release_track", ["track_id", "linked_seq", "position"])

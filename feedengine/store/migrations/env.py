"""Alembic runs this; the connection comes from `feedengine.store.upgrade`."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from feedengine.model import ledger, parcels, tables

DECLARED = (tables, ledger, parcels)
"""Imported so that their tables are known to the metadata."""

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

"""The history of the tables (alembic). Views follow `feedengine.store.views` at every upgrade."""

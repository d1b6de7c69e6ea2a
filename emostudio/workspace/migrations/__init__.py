"""Alembic migrations of ``workspace.db``, loaded only when a schema is not current."""

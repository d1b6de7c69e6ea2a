"""Run by Alembic: migrates over the connection, and inside the transaction, it was handed."""

from __future__ import annotations

from alembic import context

from emostudio.workspace.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()

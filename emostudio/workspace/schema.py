"""Tables of ``workspace.db``: keys for sorting and finding, the rest as JSON documents."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table

HEAD_REVISION = "0001"
"""Newest migration in ``migrations/versions``; a test compares the two."""

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", JSON, nullable=False),
    Index("runs_by_created", "created"),
)

MODELS = Table(
    "models",
    METADATA,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("document", JSON, nullable=False),
)

MEASUREMENTS = Table(
    "measurements",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("model", ForeignKey("models.name", ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("measured", Float, nullable=False),
    Column("document", JSON, nullable=False),
    Index("measurements_by_model", "model", "measured"),
)

DATASETS = Table(
    "datasets",
    METADATA,
    Column("name", String, primary_key=True),
    Column("created", Float, nullable=False),
    Column("document", JSON, nullable=False),
)

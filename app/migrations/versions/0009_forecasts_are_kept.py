"""Forecasts are kept under their ids, so that they can be shown again."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_forecasts",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_item", sa.String(), nullable=True),
        sa.Column("num_series", sa.Integer(), nullable=False),
        sa.Column("num_values", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_kept_forecasts"),
        sa.UniqueConstraint("id", name="uq_kept_forecasts_id"),
    )
    op.create_index("ix_kept_forecasts_made_at", "kept_forecasts", ["made_at"])


def downgrade() -> None:
    op.drop_table("kept_forecasts")

"""Forecasts of datasets are kept until their observations come, and what they were worth as sums by day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered_forecasts",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("model_name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("last_observed", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("num_values", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_remembered_forecasts"),
        sa.UniqueConstraint(
            "dataset_id", "item_id", "model_name", "number", "last_observed", name="uq_remembered_forecasts_made"
        ),
    )
    op.create_table(
        "realised_sums",
        sa.Column("model_name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("num_scored", sa.Integer(), nullable=False),
        sa.Column("num_covered", sa.Integer(), nullable=False),
        sa.Column("sum_absolute_error", sa.Double(), nullable=False),
        sa.Column("sum_absolute_observed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("model_name", "number", "day", "kind", "level", name="pk_realised_sums"),
    )


def downgrade() -> None:
    op.drop_table("realised_sums")
    op.drop_table("remembered_forecasts")

"""A job is a training or a backtest; how far it is, is kept as a share; a backtest keeps its report."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("kind", sa.String(), server_default="train", nullable=False))
    op.add_column("jobs", sa.Column("report", sa.Text(), nullable=True))
    op.add_column("job_events", sa.Column("kind", sa.String(), server_default="state", nullable=False))
    op.execute("UPDATE job_events SET kind = 'epoch' WHERE train_loss IS NOT NULL")
    for table in ("jobs", "job_events"):
        op.add_column(table, sa.Column("progress", sa.Double(), server_default="0", nullable=False))
        op.execute(f"UPDATE {table} SET progress = epoch * 1.0 / num_epochs WHERE num_epochs > 0")


def downgrade() -> None:
    for table in ("job_events", "jobs"):
        op.drop_column(table, "progress")
        op.drop_column(table, "kind")
    op.drop_column("jobs", "report")

"""Datasets that grow: the revisions of their content, and which of them a job and a version used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("datasets") as datasets:
        datasets.add_column(sa.Column("revision", sa.Integer(), nullable=True))
        datasets.add_column(sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE datasets SET revision = 1, updated_at = created_at")
    with op.batch_alter_table("datasets") as datasets:
        datasets.alter_column("revision", nullable=False, existing_type=sa.Integer())
        datasets.alter_column("updated_at", nullable=False, existing_type=sa.DateTime(timezone=True))
    op.create_index("ix_datasets_digest", "datasets", ["digest"])
    op.create_table(
        "dataset_revisions",
        sa.Column("dataset_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("num_series", sa.Integer(), nullable=False),
        sa.Column("num_observations", sa.Integer(), nullable=False),
        sa.Column("is_stored", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name="fk_dataset_revisions_dataset_id"),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_dataset_revisions"),
    )
    op.create_index("ix_dataset_revisions_digest", "dataset_revisions", ["digest"])
    op.execute(
        "INSERT INTO dataset_revisions "
        "(dataset_id, number, digest, num_series, num_observations, is_stored, created_at) "
        "SELECT id, 1, digest, num_series, num_observations, TRUE, created_at FROM datasets"
    )
    op.add_column("jobs", sa.Column("dataset_digest", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("notices", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("versions", sa.Column("dataset_digest", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("versions", "dataset_digest")
    op.drop_column("jobs", "notices")
    op.drop_column("jobs", "dataset_digest")
    op.drop_table("dataset_revisions")
    op.drop_index("ix_datasets_digest", "datasets")
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_column("updated_at")
        datasets.drop_column("revision")

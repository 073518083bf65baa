"""A version remembers what it is a copy of, if it was imported."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("versions", sa.Column("origin", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("versions", "origin")

"""What the database holds: one class a table."""

from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(sa.types.TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, on every database."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC; SQLite gives it back without a zone."""
        return (
            value if value is None else (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))
        )


class Base(DeclarativeBase):
    """Base of every table."""

    type_annotation_map = {  # noqa: RUF012
        datetime: Instant(),
        dict[str, Any]: sa.JSON(none_as_null=True),
        list[dict[str, Any]]: sa.JSON(none_as_null=True),
    }
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class DatasetRow(Base):
    """A panel kept for training, as it is now; its observations are a file."""

    __tablename__ = "datasets"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    revision: Mapped[int]
    digest: Mapped[str] = mapped_column(index=True)
    num_series: Mapped[int]
    num_observations: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DatasetRevisionRow(Base):
    """What a dataset held after so many appends; only whether its file is still kept is ever updated."""

    __tablename__ = "dataset_revisions"
    dataset_id: Mapped[str] = mapped_column(sa.ForeignKey("datasets.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(index=True)
    num_series: Mapped[int]
    num_observations: Mapped[int]
    is_stored: Mapped[bool]
    created_at: Mapped[datetime]


class ModelRow(Base):
    """A registered name."""

    __tablename__ = "models"
    name: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class VersionRow(Base):
    """A checkpoint under a name and a number; never updated, but for when it was deleted."""

    __tablename__ = "versions"
    model_name: Mapped[str] = mapped_column(sa.ForeignKey("models.name"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    job_id: Mapped[str | None] = mapped_column(unique=True)
    dataset_id: Mapped[str | None]
    dataset_digest: Mapped[str | None]
    config: Mapped[dict[str, Any]]
    manifest: Mapped[dict[str, Any]]
    # Text, because scores of a constant series are infinite and JSON columns cannot hold that.
    report: Mapped[str | None] = mapped_column(sa.Text)
    # What it is a copy of, if it was imported.
    origin: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class AliasRow(Base):
    """One move of an alias; the highest revision is where it points. Never updated."""

    __tablename__ = "alias_moves"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    alias: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    actor: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["model_name", "number"], ["versions.model_name", "versions.number"], name="fk_alias_moves_version"
        ),
    )


class JobRow(Base):
    """A job as its user sees it: a training that registers a version, or a backtest of one."""

    __tablename__ = "jobs"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(server_default="train")
    state: Mapped[str] = mapped_column(index=True)
    model_name: Mapped[str]
    dataset_id: Mapped[str] = mapped_column(index=True)
    dataset_digest: Mapped[str | None]
    options: Mapped[dict[str, Any]]
    policy: Mapped[str]
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)
    request_digest: Mapped[str]
    cancel_requested: Mapped[bool]
    num_resumptions: Mapped[int] = mapped_column(server_default="0")
    epoch: Mapped[int]
    num_epochs: Mapped[int | None]
    progress: Mapped[float] = mapped_column(server_default="0")
    eta_seconds: Mapped[float | None]
    attempts: Mapped[int]
    stalled_attempts: Mapped[int]
    error: Mapped[dict[str, Any] | None]
    notices: Mapped[list[dict[str, Any]] | None]
    version: Mapped[int | None]
    decision: Mapped[str | None]
    # Text, for the sake of infinite scores, as in a version.
    report: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class EpochRow(Base):
    """The losses of one epoch of a job."""

    __tablename__ = "job_epochs"
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    train_loss: Mapped[float]
    validation_loss: Mapped[float]


class JobEventRow(Base):
    """One thing that happened to a job; never updated."""

    __tablename__ = "job_events"
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(server_default="state")
    state: Mapped[str]
    epoch: Mapped[int]
    num_epochs: Mapped[int | None]
    progress: Mapped[float] = mapped_column(server_default="0")
    eta_seconds: Mapped[float | None]
    train_loss: Mapped[float | None]
    validation_loss: Mapped[float | None]
    version: Mapped[int | None]
    detail: Mapped[str | None]


class WorkerRow(Base):
    """A worker, and when it last said that it lives."""

    __tablename__ = "workers"
    id: Mapped[str] = mapped_column(primary_key=True)
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class ApiKeyRow(Base):
    """An API key, without the key: only its digest. Never deleted, so that a service once closed stays closed."""

    __tablename__ = "api_keys"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    scopes: Mapped[str]
    digest: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditRow(Base):
    """Who changed what; a trigger refuses to update or delete it."""

    __tablename__ = "audit_log"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    request_id: Mapped[str | None]
    address: Mapped[str | None]


class RememberedRow(Base):
    """A forecast of a series of a dataset, until its observations have come."""

    __tablename__ = "remembered_forecasts"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[str]
    item_id: Mapped[str]
    model_name: Mapped[str]
    number: Mapped[int]
    last_observed: Mapped[int] = mapped_column(sa.BigInteger)
    made_at: Mapped[datetime]
    num_values: Mapped[int]
    content: Mapped[bytes]
    __table_args__ = (
        sa.UniqueConstraint(
            "dataset_id", "item_id", "model_name", "number", "last_observed", name="uq_remembered_forecasts_made"
        ),
    )


class KeptForecastRow(Base):
    """A forecast as it was answered, until it is too old or too many have come after it; never updated."""

    __tablename__ = "kept_forecasts"
    sequence: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
    model_name: Mapped[str]
    number: Mapped[int]
    first_item: Mapped[str | None]
    num_series: Mapped[int]
    num_values: Mapped[int]
    content: Mapped[bytes]


class RealisedRow(Base):
    """What forecasts of a version were worth, as observations of one day told: sums that only grow."""

    __tablename__ = "realised_sums"
    model_name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float] = mapped_column(primary_key=True)
    num_scored: Mapped[int]
    num_covered: Mapped[int]
    sum_absolute_error: Mapped[float]
    sum_absolute_observed: Mapped[float]

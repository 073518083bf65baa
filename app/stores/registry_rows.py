"""The rows of names, versions and aliases: found, locked, and read as the values that the service knows."""

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import AliasChanged, ModelNotFound, VersionNotFound
from app.stores.database import now
from app.stores.tables import AliasRow, ModelRow, VersionRow
from app.stores.versions import AliasState, Origin, RegisteredModel, Version
from model import BacktestReport, Manifest, TrainingConfig


def model_row(session: Session, name: str, *, lock: bool = False) -> ModelRow:
    """The row of a model; locked, no one else changes what belongs to it meanwhile.

    Raises:
        ModelNotFound
    """
    row = session.get(ModelRow, name, with_for_update=lock or None)
    if row is None:
        raise ModelNotFound(name, session.scalars(sa.select(ModelRow.name).order_by(ModelRow.name)).all())
    return row


def lock_model(session: Session, name: str) -> None:
    """Locks a model, which is made if it is new."""
    try:
        with session.begin_nested():
            if session.get(ModelRow, name) is None:
                session.add(ModelRow(name=name, created_at=now()))
    except IntegrityError:
        session.expire_all()
    model_row(session, name, lock=True)


def numbers(session: Session, name: str) -> Sequence[int]:
    """The numbers of the versions that a model has now."""
    query = sa.select(VersionRow.number).where(VersionRow.model_name == name, VersionRow.deleted_at.is_(None))
    return session.scalars(query).all()


def last_number(name: str) -> sa.Select[int]:
    """The highest number a model ever gave, to a version that may be deleted now."""
    return sa.select(sa.func.max(VersionRow.number)).where(VersionRow.model_name == name)


def same_version(session: Session, name: str, job_id: str | None, origin: Origin | None) -> VersionRow | None:
    """The version that a repetition has registered already."""
    if job_id is not None:
        return session.scalar(sa.select(VersionRow).where(VersionRow.job_id == job_id))
    return None if origin is None else session.scalars(with_digest(name, origin.digest)).first()


def with_digest(name: str, digest: str) -> sa.Select[VersionRow]:
    """The versions of a model that are of a digest, the first of them first."""
    same = (VersionRow.model_name == name, VersionRow.digest == digest, VersionRow.deleted_at.is_(None))
    return sa.select(VersionRow).where(*same).order_by(VersionRow.number)


def version_row(session: Session, name: str, number: int) -> VersionRow:
    """The row of a version.

    Raises:
        ModelNotFound, VersionNotFound
    """
    model_row(session, name)
    existing = sorted(numbers(session, name), reverse=True)
    row = session.get(VersionRow, (name, number)) if number in existing else None
    if row is None:
        raise VersionNotFound(name, number, existing)
    return row


def move_alias(
    session: Session, key: tuple[str, str], last: AliasRow | None, number: int, actor: str, expected: int | None
) -> AliasState:
    """Points an alias, the model's and its own name, at a version, unless it points there.

    Raises:
        AliasChanged: It is at another revision than expected.
    """
    name, alias = key
    revision = 0 if last is None else last.revision
    if expected not in (None, revision):
        raise AliasChanged(name, alias, expected, revision)
    if last is not None and last.number == number:
        return to_state(last)
    move = AliasRow(model_name=name, alias=alias, revision=revision + 1, number=number, actor=actor, created_at=now())
    session.add(move)
    return to_state(move)


def moves_of(session: Session, name: str, alias: str) -> Sequence[AliasRow]:
    """Every move of an alias, newest first."""
    query = sa.select(AliasRow).where(AliasRow.model_name == name, AliasRow.alias == alias)
    return session.scalars(query.order_by(AliasRow.revision.desc())).all()


def pointers_of(session: Session, name: str) -> dict[str, AliasRow]:
    """The last move of each alias, by alias; one whose version is deleted points nowhere."""
    version = (VersionRow.model_name == AliasRow.model_name) & (VersionRow.number == AliasRow.number)
    query = sa.select(AliasRow).join(VersionRow, version).where(VersionRow.deleted_at.is_(None))
    query = query.where(AliasRow.model_name == name).order_by(AliasRow.revision)
    return {row.alias: row for row in session.scalars(query)}


def to_model(session: Session, row: ModelRow) -> RegisteredModel:
    """What the service knows of a model."""
    pointers = pointers_of(session, row.name)
    aliases = tuple(to_state(pointers[alias]) for alias in sorted(pointers))
    return RegisteredModel(row.name, row.created_at, max(numbers(session, row.name), default=None), aliases)


def to_state(row: AliasRow) -> AliasState:
    """What the service knows of a move."""
    return AliasState(row.model_name, row.alias, row.number, row.revision, row.actor, row.created_at)


def to_version(row: VersionRow, pointers: dict[str, AliasRow]) -> Version:
    """What the service knows of a version, with the aliases among the pointers that point at it."""
    return Version(
        name=row.model_name,
        number=row.number,
        digest=row.digest,
        created_at=row.created_at,
        job_id=row.job_id,
        dataset_id=row.dataset_id,
        dataset_digest=row.dataset_digest,
        config=TrainingConfig.from_json(row.config),
        manifest=Manifest.from_json(row.manifest),
        report=None if row.report is None else BacktestReport.from_json(json.loads(row.report)),
        origin=None if row.origin is None else Origin(**row.origin),
        aliases=tuple(sorted(alias for alias, move in pointers.items() if move.number == row.number)),
    )

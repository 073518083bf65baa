"""Names, versions, aliases and their history."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from app.errors import AliasNotFound, AliasWithoutPast, VersionInUse, VersionNotFound
from app.stores.artifacts import ArtifactStore
from app.stores.database import Database, now
from app.stores.references import ModelReference, PinnedVersion, References, check_name
from app.stores.registry_rows import (
    last_number,
    lock_model,
    model_row,
    move_alias,
    moves_of,
    numbers,
    pointers_of,
    same_version,
    to_model,
    to_state,
    to_version,
    version_row,
    with_digest,
)
from app.stores.tables import ModelRow, VersionRow
from app.stores.versions import AliasState, Origin, RegisteredModel, Version
from model import BacktestReport, Checkpoint


class Registry:
    """Registered models, their versions and aliases."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts
        self._references = References(database)

    def register(
        self,
        name: str,
        checkpoint: Checkpoint,
        *,
        job_id: str | None = None,
        dataset_id: str | None = None,
        dataset_digest: str | None = None,
        report: BacktestReport | None = None,
        origin: Origin | None = None,
        save: Callable[[Path], None] | None = None,
    ) -> Version:
        """Stores a checkpoint as the next version of a name.

        A job registers once, however often it is repeated; a copy once, as long as a version of the name is the same.

        Args:
            name: The model that the version will belong to.
            checkpoint: The version's.
            job_id: The job that made it.
            dataset_id: The dataset that it was trained on.
            dataset_digest: Of the revision of it.
            report: How it did.
            origin: What it is a copy of.
            save: Writes the checkpoint's folder; `checkpoint.save`, if left out.

        Raises:
            NameInvalid
        """
        check_name(name)
        save = checkpoint.save if save is None else save
        # The files first: a crash in between leaves files that nothing names, never a version without files.
        self._artifacts.add(_key(checkpoint.manifest.digest), save)
        with self._database.writing() as session:
            lock_model(session, name)
            row = same_version(session, name, job_id, origin)
            if row is None:
                row = VersionRow(
                    model_name=name,
                    number=1 + (session.scalar(last_number(name)) or 0),
                    digest=checkpoint.manifest.digest,
                    job_id=job_id,
                    dataset_id=dataset_id,
                    dataset_digest=dataset_digest,
                    config=checkpoint.config.to_json(),
                    manifest=asdict(checkpoint.manifest),
                    report=None if report is None else json.dumps(asdict(report)),
                    origin=None if origin is None else asdict(origin),
                    created_at=now(),
                )
                session.add(row)
                session.flush()
                # Once more: another version with the same files may have been deleted in between.
                self._artifacts.add(_key(checkpoint.manifest.digest), save)
            return to_version(row, pointers_of(session, row.model_name))

    def with_digest(self, name: str, digest: str) -> Version | None:
        """The first version of a name that is of a digest, if there is one."""
        with self._database.reading() as session:
            row = session.scalars(with_digest(name, digest)).first()
            return None if row is None else to_version(row, pointers_of(session, name))

    def pin(self, reference: str) -> PinnedVersion:
        """What `name`, `name@alias` or `name/3` means now: little, and quickly.

        Raises:
            NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        """
        # Only a refusal needs to know what there is instead.
        return self._references.find(reference) or self._pin_slowly(ModelReference.parse(reference))

    def resolve(self, reference: str) -> Version:
        """The version that `name`, `name@alias` or `name/3` means now, with all that is known of it.

        Raises:
            NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        """
        pinned = self.pin(reference)
        return self.version(pinned.name, pinned.number)

    def models(self) -> tuple[RegisteredModel, ...]:
        """Every registered model, by name."""
        with self._database.reading() as session:
            return tuple(to_model(session, row) for row in session.scalars(sa.select(ModelRow).order_by(ModelRow.name)))

    def model(self, name: str) -> RegisteredModel:
        """One registered model.

        Raises:
            ModelNotFound
        """
        with self._database.reading() as session:
            return to_model(session, model_row(session, name))

    def versions(self, name: str) -> tuple[Version, ...]:
        """The versions of a model, newest first.

        Raises:
            ModelNotFound
        """
        query = sa.select(VersionRow).where(VersionRow.model_name == name, VersionRow.deleted_at.is_(None))
        query = query.order_by(VersionRow.number.desc())
        with self._database.reading() as session:
            model_row(session, name)
            pointers = pointers_of(session, name)
            return tuple(to_version(row, pointers) for row in session.scalars(query))

    def version(self, name: str, number: int) -> Version:
        """One version.

        Raises:
            ModelNotFound, VersionNotFound
        """
        with self._database.reading() as session:
            return to_version(version_row(session, name, number), pointers_of(session, name))

    def point_alias(self, name: str, alias: str, number: int, *, actor: str, expected: int | None = None) -> AliasState:
        """Points an alias at a version and adds the move to its history; pointing where it points already is no move.

        Args:
            name: The model.
            alias: The alias; made if it is new.
            number: The version.
            actor: Who asks for it, kept in the history.
            expected: The revision that the caller saw, 0 for "not there yet"; None does not check.

        Raises:
            NameInvalid, ModelNotFound, VersionNotFound
            AliasChanged: The alias is at another revision than expected.
        """
        check_name(alias)
        with self._database.writing() as session:
            model_row(session, name, lock=True)
            version_row(session, name, number)
            last = next(iter(moves_of(session, name, alias)), None)
            return move_alias(session, (name, alias), last, number, actor, expected)

    def roll_back(self, name: str, alias: str, *, actor: str, expected: int | None = None) -> AliasState:
        """Points an alias at the version it pointed at before: one more move of its history.

        Twice in a row returns to the start. A version that was deleted since then is passed over.

        Args:
            name: The model.
            alias: The alias.
            actor: Who asks for it, kept in the history.
            expected: The revision that the caller saw; None does not check.

        Raises:
            ModelNotFound, AliasNotFound
            AliasChanged: The alias is at another revision than expected.
            AliasWithoutPast: It never pointed at another version that is still there.
        """
        with self._database.writing() as session:
            model_row(session, name, lock=True)
            moves = moves_of(session, name, alias)
            if not moves:
                raise AliasNotFound(name, alias, sorted(pointers_of(session, name)))
            existing = set(numbers(session, name)) - {moves[0].number}
            before = next((one.number for one in moves if one.number in existing), None)
            if before is None:
                raise AliasWithoutPast(name, alias, moves[0].number)
            return move_alias(session, (name, alias), moves[0], before, actor, expected)

    def delete(self, name: str, number: int) -> None:
        """Deletes a version that no alias points at; its number is never given again, and the files go with it.

        Raises:
            ModelNotFound, VersionNotFound
            VersionInUse: An alias points at it.
        """
        with self._database.writing() as session:
            model_row(session, name, lock=True)
            row = version_row(session, name, number)
            pointing = sorted(alias for alias, move in pointers_of(session, name).items() if move.number == number)
            if pointing:
                raise VersionInUse(name, number, pointing)
            row.deleted_at = now()
            digest = row.digest
        # Only now, so that a crash leaves files that nothing names, never a version without files.
        self._remove_unnamed(digest)

    def delete_model(self, name: str) -> tuple[int, ...]:
        """Deletes every version of a model, those that aliases point at too; its name and history stay taken.

        Returns:
            The numbers deleted.

        Raises:
            ModelNotFound
            VersionNotFound: None of its versions is left.
        """
        with self._database.writing() as session:
            model_row(session, name, lock=True)
            rows = [version_row(session, name, number) for number in numbers(session, name)]
            if not rows:
                raise VersionNotFound(name, 1, ())
            for row in rows:
                row.deleted_at = now()
            digests = {row.digest for row in rows}
        for digest in digests:
            self._remove_unnamed(digest)
        return tuple(row.number for row in rows)

    def alias(self, name: str, alias: str) -> AliasState:
        """Where an alias points.

        Raises:
            ModelNotFound, AliasNotFound
        """
        return self.history(name, alias)[0]

    def history(self, name: str, alias: str) -> tuple[AliasState, ...]:
        """Every move of an alias, newest first.

        Raises:
            ModelNotFound, AliasNotFound
        """
        with self._database.reading() as session:
            model_row(session, name)
            moves = moves_of(session, name, alias)
            if not moves:
                raise AliasNotFound(name, alias, sorted(pointers_of(session, name)))
            return tuple(to_state(row) for row in moves)

    def _remove_unnamed(self, digest: str) -> None:
        with self._database.writing() as session:
            named = sa.select(VersionRow.number).where(VersionRow.digest == digest, VersionRow.deleted_at.is_(None))
            if session.scalar(named.limit(1)) is None:
                self._artifacts.remove(_key(digest))

    def _pin_slowly(self, wanted: ModelReference) -> PinnedVersion:
        number = self.alias(wanted.name, wanted.alias).number if wanted.alias else wanted.number or 0
        version = self.version(wanted.name, number)
        return PinnedVersion(version.name, wanted.alias, version.number, version.digest)

    def checkpoint_path(self, version: Version | PinnedVersion) -> Path:
        """The folder of a version's checkpoint."""
        return self._artifacts.path(_key(version.digest))


def _key(digest: str) -> str:
    return f"checkpoints/{digest}"

"""Names, versions, aliases and their history."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from app.artifacts import ArtifactStore
from app.database import Database
from model import BacktestReport, Checkpoint, Manifest, TrainingConfig

PRODUCTION: Final = "production"
"""The alias that a plain name means."""


@dataclass(frozen=True)
class ModelReference:
    """What `name`, `name@alias` or `name/3` means: a name and either an alias or a number."""

    name: str
    alias: str | None
    number: int | None

    @classmethod
    def parse(cls, text: str) -> "ModelReference":
        """Reads one of the three forms.

        Raises:
            NameInvalid: The name or the alias cannot be one.
        """
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.number}"


@dataclass(frozen=True, eq=False)
class Version:
    """A registered checkpoint; it never changes, only `aliases` tells what points at it now.

    Attributes:
        name: The model it belongs to.
        number: 1, 2, … in order of registration.
        digest: Of its checkpoint.
        created_at: When it was registered.
        job_id: The job that made it, if one did.
        dataset_id: The dataset it was trained on, if it is one.
        config: Of its training.
        manifest: Where its checkpoint comes from.
        report: Its backtest beside the baselines; None where the series were too short to hold something back.
        aliases: The aliases that point at it, sorted.
    """

    name: str
    number: int
    digest: str
    created_at: datetime
    job_id: str | None
    dataset_id: str | None
    config: TrainingConfig
    manifest: Manifest
    report: BacktestReport | None
    aliases: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True)
class RegisteredModel:
    """A name with at least one version.

    Attributes:
        name: Its name.
        created_at: When its first version was registered.
        latest: The number of its newest version.
        aliases: Where each alias points, sorted by alias.
    """

    name: str
    created_at: datetime
    latest: int
    aliases: tuple["AliasState", ...]


@dataclass(frozen=True)
class AliasState:
    """Where an alias points since its last move, which is also one entry of its history.

    Attributes:
        name: The model.
        alias: The alias.
        number: The version it points at.
        revision: 1 for the first move, one more each; what `point_alias` can expect.
        actor: Who moved it.
        created_at: When.
    """

    name: str
    alias: str
    number: int
    revision: int
    actor: str
    created_at: datetime


def check_name(name: str) -> str:
    """The name itself, if a model or an alias can have it.

    Raises:
        NameInvalid
    """
    raise NotImplementedError


class Registry:
    """Registered models, their versions and aliases."""

    def __init__(self, database: Database, artifacts: ArtifactStore) -> None:
        self._database = database
        self._artifacts = artifacts

    def register(
        self,
        name: str,
        checkpoint: Checkpoint,
        *,
        job_id: str | None = None,
        dataset_id: str | None = None,
        report: BacktestReport | None = None,
    ) -> Version:
        """Stores a checkpoint as the next version of a name; a job registers once, however often it is repeated.

        Raises:
            NameInvalid
        """
        raise NotImplementedError

    def resolve(self, reference: "str | ModelReference") -> Version:
        """The version that `name`, `name@alias` or `name/3` means now.

        Raises:
            NameInvalid, ModelNotFound, AliasNotFound, VersionNotFound
        """
        raise NotImplementedError

    def models(self) -> tuple[RegisteredModel, ...]:
        """Every registered model, by name."""
        raise NotImplementedError

    def model(self, name: str) -> RegisteredModel:
        """One registered model.

        Raises:
            ModelNotFound
        """
        raise NotImplementedError

    def versions(self, name: str) -> tuple[Version, ...]:
        """The versions of a model, newest first.

        Raises:
            ModelNotFound
        """
        raise NotImplementedError

    def version(self, name: str, number: int) -> Version:
        """One version.

        Raises:
            ModelNotFound, VersionNotFound
        """
        raise NotImplementedError

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
        raise NotImplementedError

    def alias(self, name: str, alias: str) -> AliasState:
        """Where an alias points.

        Raises:
            ModelNotFound, AliasNotFound
        """
        raise NotImplementedError

    def history(self, name: str, alias: str) -> tuple[AliasState, ...]:
        """Every move of an alias, newest first.

        Raises:
            ModelNotFound, AliasNotFound
        """
        raise NotImplementedError

    def checkpoint_path(self, version: Version) -> Path:
        """The folder of a version's checkpoint."""
        raise NotImplementedError
